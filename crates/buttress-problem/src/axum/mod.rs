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

mod json;
mod path;
mod query;

use axum_core::response::{IntoResponse, Response};

pub use json::Json;
pub use path::Path;
pub use query::Query;

use crate::Problem;

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.into()
    }
}
