//! For axum 0.8: problems as responses, and extractors that refuse with problems.
//!
//! [`Json`], [`Query`] and [`Path`] stand in for the extractors of the same name: change the
//! import, and a handler gets the same values. What differs is the answer when a request does not
//! fit: a problem with a pointer to the place, in words that neither repeat the input nor name
//! Rust types. Rejections of other extractors become problems in `ProblemLayer`.
//!
//! ```
//! use axum::{Router, routing::post};
//! use buttress_problem::{Problem, axum::{Json, Path}};
//! use http::StatusCode;
//!
//! #[derive(serde::Deserialize)]
//! struct Review {
//!     stars: u8,
//! }
//!
//! async fn review(Path(product): Path<u64>, Json(review): Json<Review>) -> Result<Json<u8>, Problem> {
//!     match product {
//!         7 => Ok(Json(review.stars)),
//!         _ => Err(Problem::new(StatusCode::NOT_FOUND)),
//!     }
//! }
//!
//! let router: Router = Router::new().route("/products/{id}/reviews", post(review));
//! ```
//!
//! With the features `validator` and `garde`, `Valid<Json<T>>` and `Garde<Json<T>>` validate what
//! was read, and answer with everything that is wrong with it at once.

#[cfg(any(feature = "garde", feature = "validator"))]
mod extracted;
#[cfg(feature = "garde")]
mod garde;
mod json;
mod kinds;
mod path;
mod query;
#[cfg(feature = "validator")]
mod valid;

use axum_core::response::{IntoResponse, Response};

#[cfg(any(feature = "garde", feature = "validator"))]
pub use extracted::Extracted;
#[cfg(feature = "garde")]
pub use garde::Garde;
pub use json::Json;
pub use path::Path;
pub use query::Query;
#[cfg(feature = "validator")]
pub use valid::Valid;

use crate::Problem;

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.into()
    }
}
