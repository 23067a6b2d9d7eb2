//! Is the process alive, and can it serve?

use std::time::Duration;

use axum::extract::State;
use buttress_problem::axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    AppState,
    error::NotReady,
    openapi::{Anything, Problems},
};

/// How long the database may take to answer. An orchestrator asks every few seconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// That all is well.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// Always `ok`; what is not well is a problem.
    #[schema(example = "ok")]
    status: &'static str,
}

const OK: Json<Health> = Json(Health { status: "ok" });

/// Whether the process runs; it depends on nothing else
#[utoipa::path(
    get,
    path = "/livez",
    tag = "operations",
    responses((status = 200, description = "It is well.", body = Health), Problems<(Anything,)>),
)]
pub(super) async fn livez() -> Json<Health> {
    OK
}

/// Whether requests can be served: the database is asked, for one second at most
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    responses((status = 200, description = "It is well.", body = Health), Problems<(NotReady,)>),
)]
pub(super) async fn readyz(State(state): State<AppState>) -> Result<Json<Health>, NotReady> {
    match tokio::time::timeout(PATIENCE, state.store.ping()).await {
        Ok(Ok(())) => Ok(OK),
        Ok(Err(error)) => Err(NotReady::Database(error)),
        Err(_) => Err(NotReady::TimedOut(PATIENCE)),
    }
}
