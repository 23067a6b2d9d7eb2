//! The keys of another service.

mod address;
mod builder;
#[cfg(feature = "remote-https")]
mod client;
mod document;
mod fetch;
mod freshness;
mod shared;
#[cfg(not(feature = "remote-https"))]
mod without;

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};

#[cfg(feature = "remote-https")]
pub use self::client::HttpsFetch;
#[cfg(feature = "remote-https")]
use self::client::default_fetch;
#[cfg(not(feature = "remote-https"))]
use self::without::default_fetch;
use self::{builder::From as Given, shared::Shared};
pub use self::{builder::RemoteKeysBuilder, fetch::Fetch};
use crate::{
    Error, KeySource, TokenError, VerifyingKey,
    key_source::{Keys, News},
    token::Header,
};

/// The keys that another service publishes as a JWKS document, got over HTTPS and kept up to date.
///
/// The client is `HttpsFetch`, with the feature `remote-https`, or [another one](Fetch).
///
/// ```no_run
/// use buttress_jwt::{RemoteKeys, Verifier};
///
/// # #[cfg(feature = "remote-https")]
/// # async fn example() -> Result<(), buttress_jwt::Error> {
/// let keys = RemoteKeys::new("https://login.example.com/.well-known/jwks.json")?;
/// keys.ready().await?;
/// let verifier = Verifier::new("https://login.example.com", "shop", keys);
/// # let _ = verifier;
/// # Ok(())
/// # }
/// ```
///
/// 1. **When they are asked for.** By [`ready`](Self::ready), or for the first token. Then when three quarters to 85 % of
///    their time are over: `Cache-Control: max-age` of the answer, but a minute at least and a day at most, and ten
///    minutes if it says nothing. The `ETag` is sent along, and 304 keeps the keys. Tokens go on being verified meanwhile.
/// 2. **A token that calls for an unknown key** has them asked for at once, if nobody did for such a token in the last 30
///    seconds. One request is made for all who wait, and it goes on if they go away. A token that would be refused
///    with any key (its form, its algorithm, its claims) is refused without asking.
/// 3. **If they cannot be had**, those of before are used for up to an hour beyond their time, and asked for every 30
///    seconds while there are tokens. After a pause of a minute, the next token waits for an attempt of its own. After
///    the hour, as in the beginning, there are none: [`TokenErrorKind::KeysUnavailable`](crate::TokenErrorKind::KeysUnavailable),
///    which is 503 in [`BearerLayer`](crate::BearerLayer) and says nothing of the token. An unknown key while asking
///    fails is the same: it may be a new one.
/// 4. **What is taken.** An answer of 200, without redirects, of at most 256 KiB, in 5 seconds, that is a
///    [`KeySet`](crate::KeySet) with at most 100 keys. A key in it that cannot be used is left out. A document without
///    one that can be is a failure, and the keys of before stay. Symmetric keys are never taken. The type that the answer
///    names is not looked at: many services say something else than `application/jwk-set+json`.
///
/// Nothing runs while no tokens come: there is no task to start or to stop, in whatever runtime the tokens are verified.
/// The price is that the first token after a pause that was longer than the time of the keys waits for them, as a
/// key that was taken back in the pause must not be used. A request for keys that has begun ends by itself, at the
/// latest when its timeout is over.
///
/// [`Verifier::verify`](crate::Verifier::verify) does not wait: it works with the keys that are there, and has others
/// asked for. [`Verifier::verify_async`](crate::Verifier::verify_async) and `BearerLayer` wait once. All of them belong
/// inside a Tokio runtime with its I/O and time enabled.
///
/// The address is part of the configuration and is trusted: where its name leads is not looked at. Let nobody else choose
/// it. Clones share the keys; one `RemoteKeys` per issuer is enough for a process.
#[derive(Clone)]
pub struct RemoteKeys {
    shared: Arc<Shared>,
}

impl RemoteKeys {
    /// The keys at this address, which is https, got by `HttpsFetch`: with the feature `remote-https`.
    ///
    /// # Errors
    ///
    /// As [`RemoteKeysBuilder::build`].
    #[cfg(feature = "remote-https")]
    pub fn new(url: impl Into<String>) -> Result<Self, Error> {
        Self::builder(url).build()
    }

    /// The keys at this address, with other settings than usual.
    pub fn builder(url: impl Into<String>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::new(Given::Jwks, url)
    }

    /// The keys of this issuer, whose address is the `jwks_uri` of its metadata at `/.well-known/openid-configuration`
    /// (OpenID Connect Discovery 1.0).
    ///
    /// The metadata must name this very issuer, byte by byte, and is asked for again when its time is over. The address of
    /// the keys is https (or [http on this machine](RemoteKeysBuilder::with_insecure_loopback_http), if the issuer is there
    /// as well), and may be on another host, as it is with large providers: whoever writes the metadata
    /// could as well serve other keys from the same one.
    pub fn of_openid_issuer(issuer: impl Into<String>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::new(Given::OpenId, issuer)
    }

    /// The same from `/.well-known/oauth-authorization-server` (RFC 8414), which stands before the path of the issuer.
    pub fn of_oauth_issuer(issuer: impl Into<String>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::new(Given::OAuth, issuer)
    }

    fn of(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Waits until there are keys. A service that waits for this before it listens has no tokens that wait.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::KeysUnavailable`](crate::ErrorKind::KeysUnavailable) with the reason. Whether to go on is for the
    /// caller to say: the keys are asked for again for the first token, but not within the cool-down.
    pub async fn ready(&self) -> Result<(), Error> {
        self.shared.ready().await
    }
}

impl Keys for RemoteKeys {
    fn find(&self, header: &Header<'_>, _now: DateTime<Utc>) -> Result<VerifyingKey, TokenError> {
        self.shared.find(header)
    }

    fn has(&self, key: &VerifyingKey, _now: DateTime<Utc>) -> bool {
        self.shared.has(key)
    }

    fn can_have_news(&self) -> bool {
        true
    }

    fn news(&self, header: &Header<'_>) -> Option<News> {
        self.shared.news(header)
    }
}

impl From<RemoteKeys> for KeySource {
    fn from(keys: RemoteKeys) -> Self {
        Self::new(keys)
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let snapshot = self.shared.snapshot();
        let keys: Option<Vec<_>> = snapshot.as_deref().map(|keys| keys.key_ids().collect());
        f.debug_struct("RemoteKeys")
            .field("address", &self.shared.address)
            .field("keys", &keys)
            .finish_non_exhaustive()
    }
}
