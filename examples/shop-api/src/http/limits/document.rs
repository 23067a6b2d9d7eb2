//! Limits in the OpenAPI document.

use std::collections::BTreeMap;

use buttress_problem::Problems;
use utoipa::{
    IntoResponses,
    openapi::{
        Header, Ref, RefOr,
        header::HeaderBuilder,
        path::{Operation, PathItem, Paths},
        schema::{ObjectBuilder, Type},
    },
};

use super::RateLimited;

/// The headers that tell how things stand: their names, their types, what they say, and an example.
const HEADERS: [(&str, Type, &str, &str); 5] = [
    (
        "RateLimit-Policy",
        Type::String,
        "The quotas: of each its name, how many requests it allows at once (`q`), and in how many \
         seconds as many come again (`w`).",
        r#""100-per-1s";q=100;w=1, "5000-per-3600s";q=5000;w=3600"#,
    ),
    (
        "RateLimit",
        Type::String,
        "How the quotas stand: what is left (`r`), and in how many seconds all is there again (`t`). \
         In a refusal, those that have refused, and in how many seconds they would not any more.",
        r#""100-per-1s";r=99;t=1, "5000-per-3600s";r=4999;t=1"#,
    ),
    (
        "X-RateLimit-Limit",
        Type::Integer,
        "`q` of the quota that is nearest to its end.",
        "100",
    ),
    (
        "X-RateLimit-Remaining",
        Type::Integer,
        "What is left of it.",
        "99",
    ),
    (
        "X-RateLimit-Reset",
        Type::Integer,
        "When all of it is there again, or, in a refusal, when there is room again: in seconds since \
         1970.",
        "1768473000",
    ),
];

/// The headers, for the components of the document.
pub(in crate::http) fn headers() -> BTreeMap<String, RefOr<Header>> {
    let header = |(name, kind, about, example): (&str, Type, &str, &str)| {
        let example = match kind {
            Type::Integer => example.parse::<u64>().map_or(example.into(), Into::into),
            _ => example.into(),
        };
        let header = HeaderBuilder::new()
            .schema(Some(ObjectBuilder::new().schema_type(kind)))
            .description(Some(about))
            .example(Some(example));
        (name.to_owned(), header.build().into())
    };
    HEADERS.into_iter().map(header).collect()
}

/// Adds to each operation that it may be refused, and to what it answers else that it tells how things
/// stand. Errors do as well, and do not say so each.
pub(super) fn describe(paths: &mut Paths) {
    for operation in paths.paths.values_mut().flat_map(operations) {
        let responses = &mut operation.responses.responses;
        responses.extend(Problems::<RateLimited>::responses());
        for (status, response) in responses {
            let RefOr::T(response) = response else {
                continue;
            };
            if status.starts_with(['2', '3']) || status == "429" {
                let reference = |(name, ..): &(&str, _, _, _)| {
                    let path = format!("#/components/headers/{name}");
                    ((*name).to_owned(), RefOr::Ref(Ref::new(path)))
                };
                response.headers.extend(HEADERS.iter().map(reference));
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let methods = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.patch,
    ];
    methods.into_iter().flatten()
}
