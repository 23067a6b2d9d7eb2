//! Who may write.

use axum::{extract::FromRequestParts, http::request::Parts};

use super::{AppState, error::AdminRequired};

/// Proof that the caller may write. There is no other way to one than through the request, so a
/// handler that takes it cannot be called by anybody else.
///
/// Until there is authentication, it is the operator who decides, for all callers at once.
#[derive(Debug)]
pub(super) struct Admin(());

impl FromRequestParts<AppState> for Admin {
    type Rejection = AdminRequired;

    async fn from_request_parts(_: &mut Parts, state: &AppState) -> Result<Self, AdminRequired> {
        if state.insecure_admin {
            Ok(Self(()))
        } else {
            Err(AdminRequired)
        }
    }
}
