//! From a session to its access token: the claims as they are now, and the signature.

use std::{error::Error as StdError, pin::Pin, sync::Arc};

use serde::Serialize;

use crate::{AccessToken, Error, ErrorKind, Grant, Issuer, Session};

/// Makes the access token of a session.
///
/// The type of the claims ends here: whoever keeps a [`Sessions`](super::Sessions) need not name it.
pub(super) type Mint = Arc<dyn Fn(Session) -> Minting + Send + Sync>;

type Minting = Pin<Box<dyn Future<Output = Result<Minted, Error>> + Send>>;

pub(super) enum Minted {
    Token(AccessToken),
    /// The application refuses to continue the session.
    Denied,
    /// By this machine's clock, or within the second, the session or the grant is at its end: no token would be
    /// valid.
    Over,
}

/// Tokens that name the subject and the session.
pub(super) fn bare(issuer: Issuer) -> Mint {
    Arc::new(move |session| {
        let minted = issue(&issuer, Grant::new(&session.subject), &session);
        Box::pin(async move { minted })
    })
}

/// Tokens with what the application says at this time.
pub(super) fn with_claims<C, F, Fut, E>(issuer: Issuer, claims: F) -> Mint
where
    C: Serialize,
    F: Fn(Session) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<Grant<C>>, E>> + Send + 'static,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    Arc::new(move |session| {
        let issuer = issuer.clone();
        let grant = claims(session.clone());
        Box::pin(async move {
            let grant = grant.await.map_err(|error| {
                failed("the claims of a session are not known").with_source(error)
            })?;
            match grant {
                Some(grant) if grant.subject != session.subject => Err(failed(
                    "the claims of a session are those of another subject",
                )),
                Some(grant) => issue(&issuer, grant, &session),
                None => Ok(Minted::Denied),
            }
        })
    })
}

fn issue<C: Serialize>(
    issuer: &Issuer,
    grant: Grant<C>,
    session: &Session,
) -> Result<Minted, Error> {
    let end = grant
        .not_after
        .map_or(session.ends_at, |end| end.min(session.ends_at));
    if end.timestamp() <= issuer.now().timestamp() {
        return Ok(Minted::Over);
    }
    let grant = grant.with_session(session.id.to_string()).not_after(end);
    issuer.issue(grant).map(Minted::Token)
}

fn failed(message: &'static str) -> Error {
    Error::new(ErrorKind::Claims, message)
}
