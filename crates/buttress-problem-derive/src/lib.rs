#![doc = include_str!("../README.md")]

mod attributes;
mod bounds;
mod errors;
mod expand;
mod fields;
mod frameworks;
mod headers;
mod keys;
mod kinds;
mod model;
mod naming;
mod status;
mod uri;

use proc_macro::TokenStream;

/// Makes an error know which problem (RFC 9457) it is.
///
/// The error type itself comes from `thiserror`, or is written by hand: the derive needs that it is a
/// `std::error::Error`, and adds what a client may see of it.
///
/// ```
/// use buttress_problem::{Problem, ToProblem};
///
/// #[derive(Debug, thiserror::Error, Problem)]
/// #[problem(base = "https://errors.example.com/")]
/// enum OrderError {
///     /// No order has this number. It may have been deleted.
///     #[error("order {id} does not exist")]
///     #[problem(status = NOT_FOUND, type = "order-not-found")]
///     NotFound {
///         #[problem(extension)]
///         id: u64,
///     },
///     #[error("too many orders at once")]
///     #[problem(status = 429)]
///     TooMany {
///         #[problem(header = "retry-after")]
///         seconds: u32,
///     },
///     #[error("the disk: {0}")]
///     #[problem(status = INTERNAL_SERVER_ERROR)]
///     Disk(#[from] std::io::Error),
/// }
///
/// let problem = OrderError::NotFound { id: 7 }.to_problem();
/// assert_eq!(
///     String::from_utf8(problem.to_json().to_vec())?,
///     concat!(
///         r#"{"type":"https://errors.example.com/order-not-found","title":"Not found","#,
///         r#""status":404,"detail":"order 7 does not exist","code":"ORDER_NOT_FOUND","id":7}"#,
///     )
/// );
///
/// let problem = OrderError::TooMany { seconds: 30 }.to_problem();
/// assert_eq!(problem.headers()["retry-after"], "30");
///
/// // What went wrong on the server is for the log, not for the client.
/// let problem = Problem::from(OrderError::Disk(std::io::Error::other("disk 3 is full")));
/// assert_eq!(problem.detail(), None);
///
/// let codes: Vec<_> = OrderError::catalogue().iter().map(|kind| kind.code()).collect();
/// assert_eq!(codes, ["ORDER_NOT_FOUND", "TOO_MANY_REQUESTS", "INTERNAL_SERVER_ERROR"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What is generated
///
/// - `impl ToProblem`: `to_problem(&self)`, and `catalogue()` with each kind of problem once.
/// - `impl From<…> for Problem`, so that `?` converts. It keeps the error as the problem's source when
///   the status is 500 or more; for that an error with such a status, or with a transparent field, must
///   be `Send + Sync + 'static`. One without may borrow.
/// - Under `axum`, `actix` or `utoipa` the impl for that framework.
///
/// Everything in the attributes is checked while the macro runs, and all that is wrong is reported at
/// once. The generated code allows no lint and triggers none, and does not depend on what is in scope.
///
/// # On the enum or the struct
///
/// | key | means | default |
/// |---|---|---|
/// | `base = "https://…/"` | the absolute URI that each `type` is resolved against, by RFC 3986: without the slash at the end, the last segment is replaced | none: a `type` stays as it is |
/// | `axum` | implement `IntoResponse` of axum 0.8; feature `axum` | |
/// | `actix` | implement `ResponseError` of actix-web 4; feature `actix` | |
/// | `utoipa` | implement `IntoResponses` of utoipa 6; feature `utoipa` | |
/// | `crate = buttress::problem` | where `buttress_problem` is, when it is re-exported or renamed | `::buttress_problem` |
///
/// # On each variant, or on the struct
///
/// | key | means | default |
/// |---|---|---|
/// | `status = NOT_FOUND` or `status = 404` | a constant of `http::StatusCode`, or a number, from 400 to 599; a constant that is newer than this crate goes by its number | required, unless `transparent` |
/// | `type = "…"` | a URI reference; an IRI is percent-encoded | `about:blank` |
/// | `title = "…"` | the same for every problem of this type | the status' phrase for `about:blank`; otherwise the variant's name: `OrderNotFound` is "Order not found" |
/// | `code = "…"` | the stable machine name: upper-case letters, digits and `_` | made of the end of the `type`: `order-not-found` is `ORDER_NOT_FOUND`; for `about:blank` the status' own, such as `NOT_FOUND` |
/// | `detail = "…"` | a fixed text in place of what the error displays | what the error displays for a 4xx, nothing for a 5xx |
/// | `private` | a 4xx that sends no detail | |
/// | `public` | a 5xx that sends what the error displays as the detail | |
/// | `header(RETRY_AFTER = "30", …)` | a header of the response: a constant of `http::header`, or a string; may be repeated, also with the same name | |
/// | `description = "…"` | what the kind means, for the documentation | the doc comment |
/// | `transparent` | be the problem that the one field is; it implements `ToProblem`, perhaps in a `Box` or an `Arc`, and its catalogue is included. No other key can stand beside it | |
///
/// Variants can share a kind of problem; its description is then that of each in turn. Two variants
/// with the same code and another status, type or title are an error.
///
/// A transparent field can hold the error itself, as `Box<Self>`. Two errors that hold each other
/// have a catalogue without end.
///
/// # On a field
///
/// | key | means |
/// |---|---|
/// | `extension` | an extension member with the field's name in camel case: `order_id` is `orderId` |
/// | `extension = "name"` | an extension member of this name; a field of a tuple needs it |
/// | `header = "retry-after"` | a header whose value is what the field displays; `None` of a field that is spelled `Option<…>` leaves it out |
/// | `violations` | entries of `errors`: anything that is `Clone` and an iterator of `Violation`s, such as a `Vec` |
///
/// The value of an extension is serialised by reference. One that is `null`, such as `None`, is left
/// out. An ASCII letter begins a name, and letters, digits and `_` follow; `type`, `status`, `title`,
/// `detail`, `instance`, `code`, `errors`, `requestId` and `traceId` mean something already.
///
/// A header or an extension whose value turns out to be impossible at run time is left out and logged
/// at error level: it does not cost the client the rest of the answer.
///
/// # Type parameters
///
/// Each field that is sent and whose type names a parameter brings the bound that it needs
/// (`Serialize`, `Display`, …), and the type as a whole must be an `Error`. Parameters that are not sent
/// need nothing.
#[proc_macro_derive(Problem, attributes(problem))]
pub fn derive_problem(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    match model::Model::new(input) {
        Ok(model) => expand::expand(&model).into(),
        Err(error) => error.into_compile_error().into(),
    }
}
