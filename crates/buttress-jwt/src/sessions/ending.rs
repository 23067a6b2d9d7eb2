//! How sessions end, and who is told of it.

use std::sync::Arc;

use super::{Inner, SessionEvent, log};
use crate::{EndReason, Ending, Error, Session, Which, refresh::later};

impl Inner {
    /// Ends sessions, and returns those that were live.
    pub(super) async fn end(
        self: &Arc<Self>,
        which: Which,
        reason: EndReason,
    ) -> Result<Vec<Session>, Error> {
        let inner = Arc::clone(self);
        self.ask(async move {
            let ending = Ending {
                which,
                reason,
                again: inner.denial_time(),
            };
            let mut endings = inner.store.end(&ending).await?;
            for session in &endings.ended {
                inner.tell_end(session, false);
            }
            for session in &endings.earlier {
                inner.tell_end(session, true);
            }
            endings.ended.retain(|session| {
                session
                    .ended
                    .is_some_and(|ended| ended.reason != EndReason::Expired)
            });
            Ok(endings.ended)
        })
        .await
    }

    /// Tells that a session has ended, if it has.
    pub(super) fn tell_end(&self, session: &Session, again: bool) {
        if let Some(ended) = session.ended {
            self.watchers.ended(session.id);
            self.tell(&SessionEvent::Ended {
                session,
                reason: ended.reason,
                denied_until: later(ended.at, self.denial_time()),
                again,
            });
        }
    }

    pub(super) fn tell(&self, event: &SessionEvent<'_>) {
        log::write(event);
        for listener in &self.events {
            listener.on_event(event);
        }
    }
}
