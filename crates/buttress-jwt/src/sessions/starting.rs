//! How a session begins.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{Inner, SessionEvent, TokenPair, minting::Minted, settings::check_time};
use crate::{
    Beginning, Begun, EndReason, Error, ErrorKind, NewSession, SessionId, Which,
    refresh::{RefreshToken, Secret},
};

const MAX_SUBJECT: usize = 255;
const MAX_LABEL: usize = 256;
const MAX_CONTEXT: usize = 4096;

impl Inner {
    pub(super) async fn start(self: Arc<Self>, new: NewSession) -> Result<TokenPair, Error> {
        let secret = Secret::random()?;
        let beginning = Beginning {
            id: SessionId::new(&new.subject)?,
            subject: new.subject,
            label: new.label,
            context: new.context,
            idle_timeout: new.idle_timeout.unwrap_or(self.idle_timeout),
            lifetime: new.lifetime.unwrap_or(self.lifetime),
            current: secret.digest(),
            limit: self.limit,
        };
        let session = self.begin(beginning).await?.session;

        let failure = match self.mint(session.clone()).await {
            Ok(Minted::Token(access_token)) => {
                let token = RefreshToken {
                    session: session.id,
                    generation: 0,
                    secret,
                };
                return Ok(TokenPair {
                    access_token,
                    refresh_token: self.keys.seal(&token),
                    session,
                });
            }
            Ok(Minted::Denied) => {
                Error::new(ErrorKind::Claims, "the claims of a session were refused")
            }
            Ok(Minted::Over) => Error::new(
                ErrorKind::InvalidConfiguration,
                "the session is over before a token of it is valid",
            ),
            Err(error) => error,
        };
        // That it could not be begun is the answer, whether or not the store can end it.
        let _ = self.end_unused(session.id).await;
        Err(failure)
    }

    async fn begin(self: &Arc<Self>, beginning: Beginning) -> Result<Begun, Error> {
        let id = beginning.id;
        let given_up = Arc::new(AtomicBool::new(false));
        let (inner, late) = (Arc::clone(self), Arc::clone(&given_up));
        let begun = self
            .ask(async move {
                let begun = inner.store.begin(&beginning).await?;
                inner.tell_ends(begun.ended.iter().map(|session| (session, false)));
                inner.tell(&SessionEvent::Started {
                    session: &begun.session,
                });
                if late.load(Ordering::SeqCst) {
                    inner.end_unused(id).await?;
                }
                Ok(begun)
            })
            .await;
        if begun.is_err() {
            // It may have begun all the same, or may do so yet: then it sees this.
            given_up.store(true, Ordering::SeqCst);
            let inner = Arc::clone(self);
            let _task = self.tasks.spawn(async move { inner.end_unused(id).await });
        }
        begun
    }

    /// Ends a session whose token nobody has: it would only stand in the list.
    async fn end_unused(self: &Arc<Self>, id: SessionId) -> Result<(), Error> {
        self.end(Which::One(id), EndReason::Denied).await.map(drop)
    }
}

pub(super) fn check(session: &NewSession) -> Result<(), Error> {
    let invalid = |message| Err(Error::new(ErrorKind::InvalidSession, message));
    if session.subject.is_empty() || session.subject.len() > MAX_SUBJECT {
        return invalid("the subject of a session has 1 to 255 bytes");
    }
    let times = [session.idle_timeout, session.lifetime];
    times.into_iter().flatten().try_for_each(check_time)?;
    let [label, context] =
        [&session.label, &session.context].map(|text| text.as_deref().unwrap_or_default());
    if label.len() > MAX_LABEL {
        return invalid("the label of a session has at most 256 bytes");
    }
    if context.len() > MAX_CONTEXT {
        return invalid("the context of a session has at most 4096 bytes");
    }
    if ![&session.subject, label, context]
        .into_iter()
        .all(can_be_kept)
    {
        return invalid("the texts of a session have no NUL");
    }
    Ok(())
}

/// Databases cannot keep a NUL.
pub(super) fn can_be_kept(text: &str) -> bool {
    !text.contains('\0')
}
