//! Tokens that are good and not to be accepted.

mod list;

use std::{error::Error as StdError, fmt, future::Future, pin::Pin, sync::Arc};

use chrono::{DateTime, Utc};

pub use list::RevocationList;

use crate::Claims;

/// Knows which tokens are not to be accepted although they are good: [`BearerLayer`](crate::BearerLayer) asks it on
/// every request.
///
/// [`RevocationList`] answers from memory. What has to ask others answers later:
///
/// ```
/// use buttress_jwt::{Revocation, RevocationAnswer, TokenIdentity};
/// # #[derive(Clone)] struct Redis;
/// # impl Redis { async fn exists(&self, _key: &str) -> Result<bool, std::io::Error> { Ok(false) } }
///
/// struct Denied(Redis);
///
/// impl Revocation for Denied {
///     fn check(&self, token: &TokenIdentity<'_>) -> RevocationAnswer {
///         let Some(session) = token.session_id else {
///             return RevocationAnswer::now(false);
///         };
///         let (redis, key) = (self.0.clone(), format!("denied:{session}"));
///         RevocationAnswer::later(async move { redis.exists(&key).await })
///     }
/// }
/// ```
pub trait Revocation: Send + Sync {
    /// Whether this token is revoked. The token has been verified.
    fn check(&self, token: &TokenIdentity<'_>) -> RevocationAnswer;
}

impl<R: Revocation + ?Sized> Revocation for Arc<R> {
    fn check(&self, token: &TokenIdentity<'_>) -> RevocationAnswer {
        (**self).check(token)
    }
}

/// What a token can be revoked by.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TokenIdentity<'a> {
    /// `jti`.
    pub token_id: &'a str,
    /// `sid`.
    pub session_id: Option<&'a str>,
    /// `sub`.
    pub subject: &'a str,
    /// `iat`: in whole seconds, as a rule.
    pub issued_at: DateTime<Utc>,
}

impl<'a> TokenIdentity<'a> {
    pub(crate) fn of<C>(claims: &'a Claims<C>) -> Self {
        Self {
            token_id: &claims.token_id,
            session_id: claims.session_id.as_deref(),
            subject: &claims.subject,
            issued_at: claims.issued_at,
        }
    }
}

/// Whether a token is revoked, now or later.
pub struct RevocationAnswer(pub(crate) Answer);

type BoxError = Box<dyn StdError + Send + Sync>;

pub(crate) enum Answer {
    Now(bool),
    Later(Pin<Box<dyn Future<Output = Result<bool, BoxError>> + Send>>),
}

impl RevocationAnswer {
    /// It is known, without waiting.
    #[must_use]
    pub fn now(revoked: bool) -> Self {
        Self(Answer::Now(revoked))
    }

    /// It has to be asked for. What takes longer than the layer [waits](crate::BearerLayer::with_timeout) is dropped.
    #[must_use]
    pub fn later<F, E>(revoked: F) -> Self
    where
        F: Future<Output = Result<bool, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self(Answer::Later(Box::pin(async move {
            revoked.await.map_err(Into::into)
        })))
    }
}

impl fmt::Debug for RevocationAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Answer::Now(revoked) => f.debug_tuple("Now").field(revoked).finish(),
            Answer::Later(_) => f.debug_tuple("Later").finish_non_exhaustive(),
        }
    }
}
