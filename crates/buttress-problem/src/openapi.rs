//! Problems in OpenAPI documents, by way of utoipa.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde_json::json;
use utoipa::{
    IntoResponses, PartialSchema, ToResponse, ToSchema,
    openapi::{
        ArrayBuilder, Content, ContentBuilder, Header, ObjectBuilder, Ref, RefOr, Response,
        ResponseBuilder, Schema, SchemaFormat, Type,
        example::{Example, ExampleBuilder},
        header::HeaderBuilder,
        schema::AdditionalProperties,
    },
};

use crate::{Answers, Catalogue, JsonPointer, Problem, ProblemType, Violation, headers, status};

/// The shared component `Problem`: the members of RFC 9457, `code`, `requestId`, `traceId` and
/// `errors`; others are allowed.
///
/// `type`, `title`, `status` and `code` are required: every problem that is made here has them,
/// unless [`without_code`](Problem::without_code) takes the last one away.
impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        let reference = |description: &str| {
            let format = SchemaFormat::Custom("uri-reference".to_owned());
            string(description).format(Some(format))
        };
        let example = Self::of(ProblemType::new(http::StatusCode::NOT_FOUND, "NOT_FOUND"))
            .with_detail("order 7 does not exist");
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .title(Some("Problem"))
            .description(Some(
                "What went wrong (RFC 9457). Clients ignore members that they do not know.",
            ))
            .property(
                "type",
                reference("Identifies the kind of problem.").default(Some(json!("about:blank"))),
            )
            .property(
                "title",
                string("A summary that is the same for every problem of a kind."),
            )
            .property("status", status_schema())
            .property(
                "detail",
                string("What helps with this occurrence, for people."),
            )
            .property("instance", reference("Identifies this occurrence."))
            .property(
                "code",
                string("The kind of problem as a stable name, for programs.")
                    .examples(["NOT_FOUND"]),
            )
            .property(
                "requestId",
                string("The id of the request, to be quoted in a report."),
            )
            .property(
                "traceId",
                string("The id of the trace (W3C Trace Context).").pattern(Some("^[0-9a-f]{32}$")),
            )
            .property(
                "errors",
                ArrayBuilder::new()
                    .items(Ref::from_schema_name(Violation::name()))
                    .description(Some("Everything that is wrong with the request.")),
            )
            .required("type")
            .required("title")
            .required("status")
            .required("code")
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .examples([json!(example)])
            .into()
    }
}

impl ToSchema for Problem {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Violation::name().into_owned(), Violation::schema()));
    }
}

/// The shared component `Violation`: an entry of `errors`.
impl PartialSchema for Violation {
    fn schema() -> RefOr<Schema> {
        let example = Self::pointer(
            JsonPointer::root().join("items").join(0).join("quantity"),
            "must be at least 1",
        )
        .with_code("TOO_SMALL");
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .title(Some("Violation"))
            .description(Some(
                "One thing that is wrong with a request. It has one of `pointer`, `parameter` and \
                 `header`, which says where.",
            ))
            .property(
                "pointer",
                string("Where in the body: a JSON Pointer (RFC 6901), empty for all of it.")
                    .format(Some(SchemaFormat::Custom("json-pointer".to_owned()))),
            )
            .property(
                "parameter",
                string("The name of a parameter of the query or of the path."),
            )
            .property("header", string("The name of a header field."))
            .property("detail", string("What is wrong, for people."))
            .property(
                "code",
                string("The rule that was broken as a stable name, for programs."),
            )
            .required("detail")
            .examples([json!(example)])
            .into()
    }
}

impl ToSchema for Violation {}

/// A problem of any kind, as the component `Problem`: for ranges, as in
/// `responses((status = "5XX", response = Problem))`.
impl ToResponse<'static> for Problem {
    fn response() -> (&'static str, RefOr<Response>) {
        ("Problem", any_problem().into())
    }
}

/// A problem of any kind as the `default` response: what an operation answers when nothing else
/// is said.
impl IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        BTreeMap::from([("default".to_owned(), any_problem().into())])
    }
}

/// The OpenAPI responses of all that an operation may answer with, as one set: errors, extractors
/// and tuples of them. Named one by one, utoipa would keep the last of those that share a status.
///
/// ```
/// use buttress_problem::{Problem, Problems};
///
/// #[derive(Debug, thiserror::Error, Problem)]
/// #[error("out of stock")]
/// #[problem(status = CONFLICT, code = "OUT_OF_STOCK")]
/// struct OutOfStock;
///
/// #[derive(Debug, thiserror::Error, Problem)]
/// #[error("already paid")]
/// #[problem(status = CONFLICT, code = "ALREADY_PAID")]
/// struct AlreadyPaid;
///
/// #[utoipa::path(post, path = "/orders", responses((status = 201), Problems<(OutOfStock, AlreadyPaid)>))]
/// fn order() {}
/// ```
pub struct Problems<T>(PhantomData<fn() -> T>);

impl<T: Answers> IntoResponses for Problems<T> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        T::problems().to_responses()
    }
}

impl<T> fmt::Debug for Problems<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Problems")
    }
}

impl Catalogue {
    /// The OpenAPI responses of an operation that fails in these ways: one for each status, with
    /// an example for each kind, named by its code.
    ///
    /// The media type is `application/problem+json`, and the schema is a reference to the shared
    /// component `Problem`, which the document must define: `components(schemas(Problem))` does,
    /// together with what it refers to. The headers that RFC 9110 and RFC 6585 tie to a status
    /// are described: `WWW-Authenticate`, `Allow`, `Proxy-Authenticate`, `Upgrade` and
    /// `Retry-After`.
    ///
    /// Where several errors share a status, [extend](Extend) one catalogue with the others, or use
    /// [`Problems`]: of two maps of responses, utoipa keeps the last response for each status.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    ///
    /// use buttress_problem::{Catalogue, Problem, ProblemType};
    /// use http::StatusCode;
    /// use utoipa::{IntoResponses, OpenApi, openapi::{RefOr, Response}};
    ///
    /// struct OrderError;
    ///
    /// impl IntoResponses for OrderError {
    ///     fn responses() -> BTreeMap<String, RefOr<Response>> {
    ///         Catalogue::from_iter([
    ///             ProblemType::new(StatusCode::NOT_FOUND, "ORDER_NOT_FOUND"),
    ///             ProblemType::new(StatusCode::CONFLICT, "OUT_OF_STOCK"),
    ///         ])
    ///         .to_responses()
    ///     }
    /// }
    ///
    /// // `Problem` adds the default response.
    /// #[utoipa::path(put, path = "/orders/{id}", responses((status = 204), OrderError, Problem))]
    /// fn put_order() {}
    ///
    /// #[derive(OpenApi)]
    /// #[openapi(paths(put_order), components(schemas(Problem)))]
    /// struct Api;
    ///
    /// let document = serde_json::to_value(Api::openapi())?;
    /// let responses = &document["paths"]["/orders/{id}"]["put"]["responses"];
    /// let content = &responses["409"]["content"]["application/problem+json"];
    /// assert_eq!(content["schema"]["$ref"], "#/components/schemas/Problem");
    /// assert_eq!(content["examples"]["OUT_OF_STOCK"]["value"]["status"], 409);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn to_responses(&self) -> BTreeMap<String, RefOr<Response>> {
        let kinds: Vec<_> = self.iter().collect();
        kinds
            .chunk_by(|one, other| one.status() == other.status())
            .map(|kinds| (kinds[0].status().as_str().to_owned(), response(kinds)))
            .collect()
    }
}

fn response(kinds: &[&ProblemType]) -> RefOr<Response> {
    let examples = kinds.iter().map(|kind| {
        let same = kinds.iter().filter(|other| other.code() == kind.code());
        let name = if same.count() == 1 {
            kind.code().to_owned()
        } else {
            format!("{} {}", kind.code(), kind.type_uri())
        };
        (name, example(kind))
    });
    let content = content().examples_from_iter(examples);
    let response = ResponseBuilder::new()
        .description(description(kinds))
        .content(headers::PROBLEM_JSON_TYPE, content.build());
    described_headers(kinds[0].status().as_u16())
        .iter()
        .fold(response, |response, (name, description)| {
            response.header(*name, header(description))
        })
        .into()
}

fn any_problem() -> Response {
    ResponseBuilder::new()
        .description("A problem: what went wrong, and what helps.")
        .content(headers::PROBLEM_JSON_TYPE, content().build())
        .build()
}

fn content() -> ContentBuilder {
    ContentBuilder::from(Content::default()).schema(Some(Ref::from_schema_name(Problem::name())))
}

/// In Markdown, as OpenAPI wants it.
fn description(kinds: &[&ProblemType]) -> String {
    if let [kind] = kinds {
        return match kind.description() {
            Some(description) => format!("{}\n\n{description}", kind.title()),
            None => kind.title().to_owned(),
        };
    }
    let mut text = status::phrase(kinds[0].status()).to_owned();
    text.push('\n');
    for kind in kinds {
        text.push_str(&format!("\n- `{}`: {}", kind.code(), kind.title()));
        for line in kind.description().unwrap_or_default().lines() {
            // What belongs to an entry of a list is indented as far as its text.
            text.push_str("\n  ");
            text.push_str(line);
        }
    }
    text
}

fn example(kind: &ProblemType) -> Example {
    ExampleBuilder::new()
        .summary(kind.title())
        .value(Some(json!(Problem::of(*kind))))
        .build()
}

fn string(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
}

/// RFC 9457, appendix A.
fn status_schema() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(
            utoipa::openapi::KnownFormat::Int32,
        )))
        .description(Some("The status code of the response."))
        .minimum(Some(100))
        .maximum(Some(599))
}

fn header(description: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some(description))
        .build()
}

/// The headers that belong to a status: RFC 9110, sections 15.5.2, 15.5.6, 15.5.8, 15.5.22 and
/// 15.6.4, and RFC 6585, section 4.
fn described_headers(status: u16) -> &'static [(&'static str, &'static str)] {
    match status {
        401 => &[(
            "WWW-Authenticate",
            "The challenges that the client can answer (RFC 9110, section 11.6.1).",
        )],
        405 => &[(
            "Allow",
            "The methods that the resource supports (RFC 9110, section 10.2.1).",
        )],
        407 => &[(
            "Proxy-Authenticate",
            "The proxy's challenges (RFC 9110, section 11.7.1).",
        )],
        412 => &[(
            "ETag",
            "The tag that the resource has now, where it is known (RFC 9110, section 8.8.3).",
        )],
        426 => &[(
            "Upgrade",
            "The protocols that the server requires (RFC 9110, section 7.8).",
        )],
        429 | 503 => &[(
            "Retry-After",
            "When to try again: a number of seconds or a date (RFC 9110, section 10.2.3).",
        )],
        _ => &[],
    }
}
