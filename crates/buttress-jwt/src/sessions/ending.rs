//! How sessions end, and who is told of it.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

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
            let ended = endings.ended.iter().map(|session| (session, false));
            let earlier = endings.earlier.iter().map(|session| (session, true));
            inner.tell_ends(ended.chain(earlier));
            endings.ended.retain(|session| {
                session
                    .ended
                    .is_some_and(|ended| ended.reason != EndReason::Expired)
            });
            Ok(endings.ended)
        })
        .await
    }

    /// Tells which sessions have ended, and whether they had before. One that has not is passed over.
    ///
    /// Those who remember sessions come first, for all of them: whatever becomes of the listeners, their access
    /// tokens are refused.
    pub(super) fn tell_ends<'a>(
        &self,
        sessions: impl Iterator<Item = (&'a Session, bool)> + Clone,
    ) {
        for (session, _) in sessions.clone() {
            if session.ended.is_some() {
                self.watchers.ended(session.id);
            }
        }
        for (session, again) in sessions {
            if let Some(ended) = session.ended {
                self.tell(&SessionEvent::Ended {
                    session,
                    reason: ended.reason,
                    denied_until: later(ended.at, self.denial_time()),
                    again,
                });
            }
        }
    }

    /// Tells all who listen, also when one of them panics: the others may have tokens to refuse.
    pub(super) fn tell(&self, event: &SessionEvent<'_>) {
        log::write(event);
        for listener in &self.events {
            let told = panic::catch_unwind(AssertUnwindSafe(|| listener.on_event(event)));
            if told.is_err() {
                log::write_panic(event);
            }
        }
    }
}
