use super::counters;
use crate::{SessionEvent, SessionEvents};

/// Counts what happens to sessions, with the recorder of the program (feature `metrics`).
///
/// | counter | label |
/// |---|---|
/// | `buttress_jwt_sessions_started_total` | |
/// | `buttress_jwt_sessions_ended_total` | `reason`: [`EndReason::as_str`](crate::EndReason::as_str) |
/// | `buttress_jwt_refreshes_rotated_total` | |
/// | `buttress_jwt_refreshes_kept_total` | |
/// | `buttress_jwt_refreshes_caught_up_total` | |
/// | `buttress_jwt_refreshes_reissued_total` | `cause`: [`ReissueCause::as_str`](crate::ReissueCause::as_str) |
/// | `buttress_jwt_refreshes_refused_total` | `reason`: [`Refusal::as_str`](crate::Refusal::as_str) |
///
/// An end is counted once, although it may be told again. A session that ends by time does so when somebody asks for it: without an event, and uncounted, if nobody does.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SessionMetrics;

impl SessionMetrics {
    /// For [`Sessions::with_events`](crate::Sessions::with_events).
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl SessionEvents for SessionMetrics {
    fn on_event(&self, event: &SessionEvent<'_>) {
        match event {
            SessionEvent::Started { .. } => counters::session_started(),
            SessionEvent::Rotated { .. } => counters::refresh_rotated(),
            SessionEvent::Kept { .. } => counters::refresh_kept(),
            SessionEvent::CaughtUp { .. } => counters::refresh_caught_up(),
            SessionEvent::Reissued { cause, .. } => counters::refresh_reissued(*cause),
            SessionEvent::Refused { refusal, .. } => counters::refresh_refused(*refusal),
            SessionEvent::Ended {
                reason,
                again: false,
                ..
            } => counters::session_ended(*reason),
            // It was counted when it ended, unless its process never learned of that.
            SessionEvent::Ended { again: true, .. } => {}
        }
    }
}
