//! For actix-web 4, which speaks `http` 0.2: everything is converted by value.

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
};
use bytes::Bytes;
use http::{HeaderMap, Response};

use crate::Problem;

/// Lets a handler return `Result<_, Problem>`; the response is that of
/// [`http::Response::from`], every header included.
///
/// The problem's source is logged when the response is made: actix-web has no place for what
/// `ProblemLayer` would add to it.
///
/// ```
/// use actix_web::web;
/// use buttress_problem::Problem;
/// use http::StatusCode;
///
/// async fn show(id: web::Path<u32>) -> Result<String, Problem> {
///     match *id {
///         7 => Ok("a lucky one".to_owned()),
///         _ => Err(Problem::new(StatusCode::NOT_FOUND).with_detail("there is only one, 7")),
///     }
/// }
///
/// let app = actix_web::App::new().route("/{id}", web::get().to(show));
/// ```
impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        // Both crates allow the same numbers, 100 to 999.
        StatusCode::from_u16(self.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let (parts, body) = Response::<Bytes>::from(self.clone()).into_parts();
        let mut response = HttpResponse::build(self.status_code());
        for header in converted(&parts.headers) {
            response.append_header(header);
        }
        response.body(body)
    }
}

/// In order, and several of one name stay several. Both crates allow the same bytes, so none is
/// left out.
fn converted(headers: &HeaderMap) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    headers.iter().filter_map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_ref()).ok()?;
        let mut converted = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        converted.set_sensitive(value.is_sensitive());
        Some((name, converted))
    })
}
