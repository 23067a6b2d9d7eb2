//! `/problems/`: a page for each kind of problem, which is where their types point.

use std::sync::Arc;

use axum::{
    Router,
    extract::Path,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use buttress_problem::{Catalogue, Problem};

pub(super) fn routes<S: Clone + Send + Sync + 'static>(catalogue: Catalogue) -> Router<S> {
    let catalogue = Arc::new(catalogue);
    let index = Html(catalogue.to_html());
    let page = move |Path(slug): Path<String>| async move { page(&catalogue, &slug) };
    Router::new()
        .route(
            "/problems",
            get(|| async { Redirect::permanent("/problems/") }),
        )
        .route("/problems/", get(|| async { index }))
        .route("/problems/{slug}", get(page))
}

fn page(catalogue: &Catalogue, slug: &str) -> Response {
    match catalogue.find(slug) {
        Some(kind) => Html(kind.to_html()).into_response(),
        None => Problem::new(StatusCode::NOT_FOUND)
            .with_detail("there is no such kind of problem; /problems/ lists them")
            .into_response(),
    }
}
