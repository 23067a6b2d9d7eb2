//! One attempt to get the keys: the documents, and what is demanded of them.

use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{
    HeaderValue, Request, Response, StatusCode, Uri,
    header::{ACCEPT, ETAG, IF_NONE_MATCH, USER_AGENT},
};

use super::{
    address::{self, Allowed, Place},
    fetch::Fetch,
    freshness::lifetime,
};
use crate::{KeySet, schedule::delta};

/// Where documents come from.
pub(super) struct Origin {
    pub(super) place: Place,
    pub(super) allowed: Allowed,
    pub(super) fetch: Arc<dyn Fetch>,
}

/// What an earlier attempt has found out.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Where the metadata says that the keys are, and until when that is believed.
    pub(super) place: Option<(Uri, DateTime<Utc>)>,
    /// The version of the document that is here, and where it is from.
    pub(super) version: Option<(Uri, HeaderValue)>,
}

/// The outcome of an attempt that did not fail.
pub(super) struct Got {
    /// `None` when they are still the same.
    pub(super) keys: Option<KeySet>,
    pub(super) lifetime: Duration,
    pub(super) known: Known,
}

/// Why keys could not be got. Nothing that the other side has written is in it, but for what a client says of an error.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    reason: Cow<'static, str>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Failure {
    pub(super) fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason: reason.into(),
            source: None,
        }
    }

    fn with_source(mut self, source: impl Into<Arc<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(super) fn source(&self) -> Option<Arc<dyn StdError + Send + Sync>> {
        self.source.clone()
    }
}

/// With its causes, on one line.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        let mut source = self.source.as_deref().map(|error| error as &dyn StdError);
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl Origin {
    /// The keys, or that they are still those which are known.
    pub(super) async fn get(&self, known: Known, now: DateTime<Utc>) -> Result<Got, Failure> {
        let (uri, believed_until) = self.find(known.place, now).await?;
        let place = believed_until.map(|until| (uri.clone(), until));
        let version = known.version.filter(|(from, _)| *from == uri);
        let tag = version.as_ref().map(|(_, tag)| tag);
        let response = self.document(&uri, tag).await?;
        let lifetime = lifetime(response.headers());
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(Got {
                keys: None,
                lifetime,
                known: Known { place, version },
            });
        }
        let keys = KeySet::from_json(response.body()).map_err(|error| {
            Failure::new("the answer is no set of keys that can be used")
                .with_source(Arc::new(error) as Arc<dyn StdError + Send + Sync>)
        })?;
        let version = response.headers().get(ETAG).map(|tag| (uri, tag.clone()));
        Ok(Got {
            keys: Some(keys),
            lifetime,
            known: Known { place, version },
        })
    }

    /// Where the keys are, and until when that is so if it is the metadata that says it.
    async fn find(
        &self,
        known: Option<(Uri, DateTime<Utc>)>,
        now: DateTime<Utc>,
    ) -> Result<(Uri, Option<DateTime<Utc>>), Failure> {
        let (address, issuer) = match &self.place {
            Place::Jwks(uri) => return Ok((uri.clone(), None)),
            Place::Metadata { address, issuer } => (address, issuer),
        };
        if let Some((uri, until)) = known
            && now < until
        {
            return Ok((uri, Some(until)));
        }
        let response = self.document(address, None).await?;
        let uri =
            address::in_metadata(response.body(), issuer, self.allowed).map_err(Failure::new)?;
        let until = now
            .checked_add_signed(delta(lifetime(response.headers())))
            .unwrap_or(DateTime::<Utc>::MAX_UTC);
        Ok((uri, Some(until)))
    }

    /// An answer of status 200, or 304 if a version was named.
    async fn document(
        &self,
        uri: &Uri,
        version: Option<&HeaderValue>,
    ) -> Result<Response<Bytes>, Failure> {
        let mut request = Request::new(());
        *request.uri_mut() = uri.clone();
        let headers = request.headers_mut();
        headers.insert(
            ACCEPT,
            HeaderValue::from_static("application/jwk-set+json, application/json"),
        );
        headers.insert(USER_AGENT, HeaderValue::from_static("buttress-jwt"));
        if let Some(version) = version {
            headers.insert(IF_NONE_MATCH, version.clone());
        }
        let response = self
            .fetch
            .fetch(request, KeySet::MAX_SIZE)
            .await
            .map_err(|error| Failure::new("there is no answer").with_source(error))?;
        match response.status() {
            StatusCode::OK if response.body().len() > KeySet::MAX_SIZE => {
                Err(Failure::new("the answer has more than 256 KiB"))
            }
            StatusCode::OK => Ok(response),
            StatusCode::NOT_MODIFIED if version.is_some() => Ok(response),
            status if status.is_redirection() && status != StatusCode::NOT_MODIFIED => {
                Err(Failure::new(format!(
                    "the answer is a redirect ({}), which is not followed",
                    status.as_u16()
                )))
            }
            status => Err(Failure::new(format!(
                "the answer has status {}",
                status.as_u16()
            ))),
        }
    }
}
