//! How a session is continued.

use std::{iter, sync::Arc};

use super::{
    Inner, OnRollback, RefreshError, Refusal, ReissueCause, SessionEvent, TokenPair,
    minting::Minted,
};
use crate::{
    Digest, EndReason, Error, ErrorKind, Judged, Proposal, Session, Verdict, Which,
    refresh::{RefreshToken, successor},
    secret::random,
};

impl Inner {
    pub(super) async fn refresh(
        self: Arc<Self>,
        token: RefreshToken,
        attempt: Option<Digest>,
    ) -> Result<TokenPair, RefreshError> {
        // The last generation has no successor. The store says that it has expired.
        let generation = token.generation.saturating_add(1);
        let salt = random()?;
        let proposed = successor(&token.secret, &salt, token.session, generation)?;
        let proposal = Proposal {
            session: token.session,
            generation: token.generation,
            presented: token.secret.digest(),
            successor: proposed.digest(),
            salt,
            attempt,
            grace: self.grace,
            reissue_limit: self.reissue_limit,
            min_age: self.min_rotation_age,
            accept_ahead: self.rollback == OnRollback::AcceptOneAhead,
        };
        let Some(judged) = self.rotate(proposal).await? else {
            return Err(RefreshError::Refused(Refusal::Unknown));
        };
        let Judged { verdict, session } = judged;
        let token = match verdict {
            Verdict::Rotated | Verdict::CaughtUp => token.followed_by(proposed),
            Verdict::Reissued { salt, .. } => {
                let secret = successor(&token.secret, &salt, token.session, generation)?;
                token.followed_by(secret)
            }
            Verdict::Kept { .. } => token,
            refused => return Err(RefreshError::Refused(refusal(refused))),
        };

        match self.mint(session.clone()).await? {
            Minted::Token(access_token) => Ok(TokenPair {
                access_token,
                refresh_token: self.keys.seal(&token),
                session,
            }),
            Minted::Over => Err(self.refuse(Some(&session), Refusal::Expired)),
            Minted::Denied => {
                self.end(Which::One(session.id), EndReason::Denied).await?;
                Err(self.refuse(Some(&session), Refusal::Denied))
            }
        }
    }

    /// Lets the store judge, and tells what came of it.
    async fn rotate(self: &Arc<Self>, proposal: Proposal) -> Result<Option<Judged>, Error> {
        let inner = Arc::clone(self);
        self.ask(async move {
            let judged = inner.store.rotate(&proposal).await?;
            match &judged {
                Some(judged) => inner.tell_verdict(judged),
                None => {
                    inner.refuse(None, Refusal::Unknown);
                }
            }
            Ok(judged)
        })
        .await
    }

    fn tell_verdict(&self, judged: &Judged) {
        let session = &judged.session;
        match judged.verdict {
            Verdict::Rotated => self.tell(&SessionEvent::Rotated { session }),
            Verdict::Reissued {
                since,
                same_attempt,
                ..
            } => self.tell(&SessionEvent::Reissued {
                session,
                cause: ReissueCause::new(since, same_attempt),
                since,
            }),
            Verdict::Kept { since } => self.tell(&SessionEvent::Kept { session, since }),
            Verdict::CaughtUp => self.tell(&SessionEvent::CaughtUp { session }),
            refused => {
                self.refuse(Some(session), refusal(refused));
                // Whoever ended it may have had no answer, and not have told it.
                let again = matches!(refused, Verdict::Ended(_));
                self.tell_ends(iter::once((session, again)));
            }
        }
    }

    pub(super) fn refuse(&self, session: Option<&Session>, refusal: Refusal) -> RefreshError {
        self.tell(&SessionEvent::Refused { session, refusal });
        RefreshError::Refused(refusal)
    }

    /// The claims are asked for when the store has committed, so they must not take for ever: until then the
    /// session may have ended, and the token says otherwise.
    pub(super) async fn mint(&self, session: Session) -> Result<Minted, Error> {
        tokio::time::timeout(self.claims_timeout, (self.mint)(session))
            .await
            .unwrap_or_else(|_| {
                Err(Error::new(
                    ErrorKind::Claims,
                    "the claims of a session were not given in time",
                ))
            })
    }
}

/// What a verdict means that gives no token.
fn refusal(verdict: Verdict) -> Refusal {
    match verdict {
        Verdict::Ended(ended) => Refusal::Ended(ended.reason),
        Verdict::Forged => Refusal::Forged,
        Verdict::Reused { generations, since } => Refusal::Reused { generations, since },
        Verdict::Ahead { generations } => Refusal::Ahead { generations },
        // The others give tokens.
        Verdict::Expired
        | Verdict::Rotated
        | Verdict::Reissued { .. }
        | Verdict::Kept { .. }
        | Verdict::CaughtUp => Refusal::Expired,
    }
}
