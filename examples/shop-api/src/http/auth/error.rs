//! What goes wrong when somebody signs in.

use buttress_jwt::{EndReason, Refusal};
use buttress_problem::{Problem, Violation};
use uuid::Uuid;

/// Somebody has an account with this e-mail address.
#[derive(Debug, thiserror::Error, Problem)]
#[error("there is an account with this e-mail address")]
#[problem(
    base = "https://shop.example.com/problems/",
    status = CONFLICT,
    type = "email-taken",
    title = "E-mail address taken"
)]
pub(in crate::http) struct EmailTaken;

/// There is no account with this e-mail address, or its password is another one: which of the two
/// is not said.
#[derive(Debug, thiserror::Error, Problem)]
#[error("no account has this e-mail address and this password")]
#[problem(
    base = "https://shop.example.com/problems/",
    status = UNAUTHORIZED,
    type = "invalid-credentials",
    title = "Invalid credentials",
    header(WWW_AUTHENTICATE = "Bearer")
)]
pub(in crate::http) struct InvalidCredentials;

/// The refresh token does not continue a session. Sign in again.
#[derive(Debug, thiserror::Error, Problem)]
#[problem(base = "https://shop.example.com/problems/")]
pub(in crate::http) enum RefreshRefused {
    /// It is not one of ours, or its session has been ended.
    #[error("the refresh token is not valid")]
    #[problem(
        status = UNAUTHORIZED,
        type = "refresh-token-invalid",
        title = "Refresh token invalid",
        header(WWW_AUTHENTICATE = "Bearer")
    )]
    Invalid,
    /// Its session was not used for 30 days, or began 90 days ago.
    #[error("the session of the refresh token has ended by time")]
    #[problem(
        status = UNAUTHORIZED,
        type = "refresh-token-expired",
        title = "Refresh token expired",
        header(WWW_AUTHENTICATE = "Bearer")
    )]
    Expired,
    /// A refresh token that had been replaced before was sent again, so two have it, and one of them
    /// is perhaps a thief. The session has been ended, for both.
    #[error("a refresh token of this session was used twice, so the session has been ended")]
    #[problem(
        status = UNAUTHORIZED,
        type = "refresh-token-reused",
        title = "Refresh token reused",
        header(WWW_AUTHENTICATE = "Bearer")
    )]
    Reused,
}

impl From<Refusal> for RefreshRefused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Reused { .. } | Refusal::Ended(EndReason::Reused) => Self::Reused,
            // A session that is past its end is forgotten some time, and what its tokens are told
            // must not change then.
            Refusal::Expired | Refusal::Ended(EndReason::Expired) | Refusal::Unknown => {
                Self::Expired
            }
            _ => Self::Invalid,
        }
    }
}

/// The header field `Idempotency-Key` is not one key.
#[derive(Debug, thiserror::Error, Problem)]
#[error("the header field Idempotency-Key cannot be understood")]
#[problem(status = BAD_REQUEST, code = "INVALID_IDEMPOTENCY_KEY", axum)]
pub(in crate::http) struct InvalidIdempotencyKey {
    #[problem(violations)]
    pub(super) violations: Vec<Violation>,
}

/// The caller has no live session with this id.
#[derive(Debug, thiserror::Error, Problem)]
#[error("you have no session with the id {session_id}")]
#[problem(
    base = "https://shop.example.com/problems/",
    status = NOT_FOUND,
    type = "session-not-found",
    title = "Session not found"
)]
pub(in crate::http) struct SessionNotFound {
    #[problem(extension)]
    pub(super) session_id: Uuid,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use buttress_problem::ToProblem;

    use super::*;

    #[test]
    fn a_client_learns_whether_to_worry() {
        let reused = Refusal::Reused {
            generations: 1,
            since: Duration::from_secs(11),
        };
        for (refusal, code) in [
            (Refusal::Malformed, "REFRESH_TOKEN_INVALID"),
            (Refusal::Forged, "REFRESH_TOKEN_INVALID"),
            (Refusal::Ahead { generations: 1 }, "REFRESH_TOKEN_INVALID"),
            (Refusal::Denied, "REFRESH_TOKEN_INVALID"),
            (
                Refusal::Ended(EndReason::SignedOut),
                "REFRESH_TOKEN_INVALID",
            ),
            (Refusal::Ended(EndReason::Evicted), "REFRESH_TOKEN_INVALID"),
            (Refusal::Expired, "REFRESH_TOKEN_EXPIRED"),
            (Refusal::Unknown, "REFRESH_TOKEN_EXPIRED"),
            (Refusal::Ended(EndReason::Expired), "REFRESH_TOKEN_EXPIRED"),
            (reused, "REFRESH_TOKEN_REUSED"),
            (Refusal::Ended(EndReason::Reused), "REFRESH_TOKEN_REUSED"),
        ] {
            let problem = RefreshRefused::from(refusal).to_problem();
            assert_eq!(problem.code(), Some(code), "{refusal:?}");
        }
    }
}
