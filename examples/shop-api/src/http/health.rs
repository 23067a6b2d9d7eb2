//! Is the process alive, and can it serve?

use std::time::Duration;

use axum::extract::State;
use buttress_problem::{Problems, axum::Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::{AppState, error::NotReady, openapi::Anything};
use crate::store::StoreError;

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
    responses((status = 200, description = "It is well.", body = Health), Problems<Anything>),
)]
pub(super) async fn livez() -> Json<Health> {
    OK
}

/// Whether requests can be served: the database is asked, for one second at most
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    responses((status = 200, description = "It is well.", body = Health), Problems<(NotReady, Anything)>),
)]
pub(super) async fn readyz(State(state): State<AppState>) -> Result<Json<Health>, NotReady> {
    in_time(state.store.ping()).await?;
    Ok(OK)
}

async fn in_time(ping: impl Future<Output = Result<(), StoreError>>) -> Result<(), NotReady> {
    match tokio::time::timeout(PATIENCE, ping).await {
        Ok(answer) => answer.map_err(NotReady::Database),
        Err(_) => Err(NotReady::TimedOut(PATIENCE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_database_that_does_not_answer_is_given_up_on() {
        assert!(in_time(async { Ok(()) }).await.is_ok());
        let silence = in_time(std::future::pending()).await;
        assert!(
            matches!(silence, Err(NotReady::TimedOut(PATIENCE))),
            "{silence:?}"
        );
    }
}
