//! What happens to sessions, for the logs: under the target `buttress_jwt::sessions`, with names that stay.
//!
//! The id of a session opens nothing, and leads to its subject for those who may look. Nothing else that is
//! written here is about a person.

use tracing::{Level, debug, error, event, info};

use super::{Refusal, SessionEvent};

const TARGET: &str = "buttress_jwt::sessions";

pub(super) fn write(event: &SessionEvent<'_>) {
    match *event {
        SessionEvent::Started { session, .. } => {
            debug!(target: TARGET, session = %session.id, "a session began");
        }
        SessionEvent::Rotated { session, .. } => {
            debug!(target: TARGET, session = %session.id, "a session was continued");
        }
        SessionEvent::Kept { session, since, .. } => {
            let since_ms = since.as_millis();
            debug!(
                target: TARGET, session = %session.id, since_ms,
                "a session was continued with the same refresh token"
            );
        }
        SessionEvent::CaughtUp { session, .. } => {
            error!(target: TARGET, session = %session.id, "the store had lost the rotation of a session");
        }
        SessionEvent::Reissued {
            session,
            cause,
            since,
            ..
        } => {
            let since_ms = since.as_millis();
            debug!(
                target: TARGET, session = %session.id, cause = %cause, since_ms,
                "a refresh token was given out again"
            );
        }
        SessionEvent::Refused {
            session, refusal, ..
        } => {
            let session = session.map(|session| tracing::field::display(session.id));
            // `tracing` wants the level to be constant.
            macro_rules! refused {
                ($level:expr) => {
                    event!(
                        target: TARGET, $level, session, refusal = refusal.as_str(), reason = %refusal,
                        "a refresh token was refused"
                    )
                };
            }
            match refusal {
                Refusal::Forged | Refusal::Ahead { .. } => refused!(Level::ERROR),
                Refusal::Reused { .. } => refused!(Level::WARN),
                _ => refused!(Level::DEBUG),
            }
        }
        SessionEvent::Ended { again: true, .. } => {}
        SessionEvent::Ended {
            session, reason, ..
        } => {
            info!(target: TARGET, session = %session.id, reason = %reason, "a session ended");
        }
    }
}

/// A listener panicked. What it said is with the panic hook.
pub(super) fn write_panic(event: &SessionEvent<'_>) {
    let session = match *event {
        SessionEvent::Started { session, .. }
        | SessionEvent::Rotated { session, .. }
        | SessionEvent::Kept { session, .. }
        | SessionEvent::CaughtUp { session, .. }
        | SessionEvent::Reissued { session, .. }
        | SessionEvent::Ended { session, .. } => Some(session),
        SessionEvent::Refused { session, .. } => session,
    };
    let session = session.map(|session| tracing::field::display(session.id));
    error!(target: TARGET, session, "a listener of sessions panicked");
}
