//! The conditions that a request can carry, as the OpenAPI document describes them.
//!
//! The handlers take all of them at once, as [`Preconditions`](buttress_preconditions::Preconditions),
//! and ask when they know what is there. So which ones matter has to be said here.

use utoipa::{
    IntoParams,
    openapi::{
        Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{ObjectBuilder, Type},
    },
};

/// What a change of one thing must say.
pub(super) struct IfMatch;

/// What a reader of one thing may say.
pub(super) struct IfNoneMatch;

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about = "The `ETag` of what is to be changed, in its double quotes, as the last answer \
            that showed it had it. The change is made only if that is still what is there. Several \
            tags, separated by commas, mean any of them; `*` means whatever is there.";
        vec![header("If-Match", Required::True, about)]
    }
}

impl IntoParams for IfNoneMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about = "The `ETag` of what the client has, in its double quotes, or several, separated \
            by commas. If that is still what is there, the answer is 304, without a body.";
        vec![header("If-None-Match", Required::False, about)]
    }
}

fn header(name: &str, required: Required, about: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(about))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .example(Some("\"1\"".into()))
        .build()
}
