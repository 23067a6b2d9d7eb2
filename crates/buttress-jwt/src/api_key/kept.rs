//! The rules of API keys, as every store keeps them: values and a time in, a verdict out.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ApiKey, ApiKeyRefusal, KeyRotated, KeyRotation, WhichKeys};
use crate::{Digest, refresh::later};

/// An API key as a store keeps it: with what a key that is presented is judged by.
///
/// No field opens anything: a digest does not lead back to the key. A store may keep it in columns of its own or as
/// serde writes it.
#[derive(Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeptKey {
    /// The key, as far as it may be shown.
    pub key: ApiKey,
    /// SHA-256 of the key without its checksum.
    pub current: Digest,
    /// The same of the key from before the last rotation, if that was with an overlap.
    pub previous: Option<Digest>,
    /// The store's time when this was read.
    pub read_at: DateTime<Utc>,
}

impl KeptKey {
    /// A key as a store reads it at this time of its own: with SHA-256 of the key without its checksum, and no other
    /// from before a rotation. What is otherwise is put into the fields.
    #[must_use]
    pub fn new(key: ApiKey, current: Digest, read_at: DateTime<Utc>) -> Self {
        Self {
            key,
            current,
            previous: None,
            read_at,
        }
    }

    /// Rotates the key at this time of the store's, if that may be.
    ///
    /// An overlap that was promised is not cut short, but for a rotation that has none itself: after a leak, everything
    /// from before is dead at once.
    pub fn rotate(&mut self, rotation: &KeyRotation, now: DateTime<Utc>) -> KeyRotated {
        let which = WhichKeys::OneOf {
            subject: rotation.subject.clone(),
            environment: rotation.environment,
            id: rotation.id,
        };
        if !which.includes(&self.key) || !self.key.is_live(now) {
            return KeyRotated::Unknown;
        }
        let overlaps = !rotation.overlap.is_zero();
        if overlaps && self.key.overlaps_until.is_some_and(|until| now < until) {
            return KeyRotated::Overlapping(self.key.clone());
        }
        let until = later(now, rotation.overlap);
        let until = self.key.expires_at.map_or(until, |end| until.min(end));
        self.previous = overlaps.then_some(self.current);
        self.key.overlaps_until = overlaps.then_some(until);
        self.key.rotated_at = Some(now);
        self.current = rotation.digest;
        KeyRotated::Done(self.key.clone())
    }

    /// Judges what was presented by what was found. Until when it is accepted, if it is and there is an end.
    ///
    /// Whether there is nothing, another secret, or the right one takes the same time.
    pub(super) fn judge(
        found: Option<&Self>,
        presented: &Digest,
    ) -> Result<Option<DateTime<Utc>>, ApiKeyRefusal> {
        let is_current = same(presented, found.map(|kept| &kept.current));
        let is_previous = same(presented, found.and_then(|kept| kept.previous.as_ref()));
        let kept = found.ok_or(ApiKeyRefusal::Unknown)?;
        let (key, now) = (&kept.key, kept.read_at);
        let overlap = key
            .overlaps_until
            .filter(|until| is_previous && now < *until);
        if !is_current && overlap.is_none() {
            return Err(ApiKeyRefusal::WrongSecret);
        }
        if !key.is_live(now) {
            return Err(ApiKeyRefusal::Expired);
        }
        Ok(if is_current { key.expires_at } else { overlap })
    }
}

/// In the time that it takes to compare two digests, whether or not there is one.
fn same(presented: &Digest, kept: Option<&Digest>) -> bool {
    let is_there = kept.is_some();
    let nothing = Digest::from([0; 32]);
    presented.matches(kept.unwrap_or(&nothing)) & is_there
}

/// Takes the same time whatever the digests are.
impl PartialEq for KeptKey {
    fn eq(&self, other: &Self) -> bool {
        // Each field, also those that come to be.
        let Self {
            key,
            current,
            previous,
            read_at,
        } = self;
        let is_previous = Digest::both_match(previous.as_ref(), other.previous.as_ref());
        current.matches(&other.current) & is_previous
            && *key == other.key
            && *read_at == other.read_at
    }
}

impl Eq for KeptKey {}

impl fmt::Debug for KeptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptKey")
            .field("key", &self.key)
            .field("read_at", &self.read_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{ApiKeyId, Environment, KeyIssuance};

    const CURRENT: [u8; 32] = [1; 32];
    const NEXT: [u8; 32] = [2; 32];

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn kept(lifetime: Option<u64>) -> KeptKey {
        KeyIssuance {
            id: ApiKeyId::new("user-1").unwrap(),
            subject: "user-1".into(),
            environment: Environment::Live,
            label: None,
            scopes: Vec::new(),
            roles: Vec::new(),
            lifetime: lifetime.map(Duration::from_secs),
            digest: CURRENT.into(),
        }
        .kept(at(0))
    }

    fn rotation(kept: &KeptKey, overlap: u64) -> KeyRotation {
        KeyRotation {
            id: kept.key.id,
            subject: "user-1".into(),
            environment: Environment::Live,
            digest: NEXT.into(),
            overlap: Duration::from_secs(overlap),
        }
    }

    fn judge(
        kept: &KeptKey,
        digest: [u8; 32],
        seconds: i64,
    ) -> Result<Option<DateTime<Utc>>, ApiKeyRefusal> {
        let mut kept = kept.clone();
        kept.read_at = at(seconds);
        KeptKey::judge(Some(&kept), &digest.into())
    }

    #[test]
    fn a_key_is_accepted_until_it_expires() {
        assert_eq!(judge(&kept(None), CURRENT, 1_000_000_000), Ok(None));
        let kept = kept(Some(10));
        assert_eq!(judge(&kept, CURRENT, 9), Ok(Some(at(10))));
        assert_eq!(judge(&kept, CURRENT, 10), Err(ApiKeyRefusal::Expired));
        assert_eq!(judge(&kept, NEXT, 9), Err(ApiKeyRefusal::WrongSecret));
        assert_eq!(judge(&kept, NEXT, 10), Err(ApiKeyRefusal::WrongSecret));
        assert_eq!(
            KeptKey::judge(None, &CURRENT.into()),
            Err(ApiKeyRefusal::Unknown)
        );
        assert_eq!(
            KeptKey::judge(None, &[0; 32].into()),
            Err(ApiKeyRefusal::Unknown)
        );
        assert_eq!(judge(&kept, [0; 32], 0), Err(ApiKeyRefusal::WrongSecret));
    }

    #[test]
    fn both_are_accepted_during_the_overlap() {
        let mut kept = kept(None);
        let rotation = rotation(&kept, 10);
        let KeyRotated::Done(key) = kept.rotate(&rotation, at(5)) else {
            panic!("it can be rotated");
        };
        assert_eq!(key.overlaps_until, Some(at(15)));
        assert_eq!(key.rotated_at, Some(at(5)));
        assert_eq!(judge(&kept, NEXT, 14), Ok(None));
        assert_eq!(judge(&kept, CURRENT, 14), Ok(Some(at(15))));
        assert_eq!(judge(&kept, CURRENT, 15), Err(ApiKeyRefusal::WrongSecret));
        assert_eq!(judge(&kept, NEXT, 15), Ok(None));
    }

    #[test]
    fn an_overlap_is_not_cut_short_but_by_none() {
        let mut kept = kept(None);
        let again = rotation(&kept, 10);
        kept.rotate(&again, at(0));
        let before = kept.clone();
        assert_eq!(
            kept.rotate(&again, at(9)),
            KeyRotated::Overlapping(before.key.clone())
        );
        assert!(kept == before);
        assert!(matches!(
            kept.clone().rotate(&again, at(10)),
            KeyRotated::Done(_)
        ));

        let at_once = KeyRotation {
            digest: [3; 32].into(),
            ..rotation(&kept, 0)
        };
        assert!(matches!(kept.rotate(&at_once, at(9)), KeyRotated::Done(_)));
        assert_eq!(kept.key.overlaps_until, None);
        for dead in [CURRENT, NEXT] {
            assert_eq!(judge(&kept, dead, 9), Err(ApiKeyRefusal::WrongSecret));
        }
        assert_eq!(judge(&kept, [3; 32], 9), Ok(None));
    }

    #[test]
    fn an_overlap_ends_with_the_key() {
        let mut kept = kept(Some(10));
        let long = rotation(&kept, 100);
        kept.rotate(&long, at(5));
        assert_eq!(kept.key.overlaps_until, Some(at(10)));
        assert_eq!(judge(&kept, CURRENT, 9), Ok(Some(at(10))));
        for digest in [CURRENT, NEXT] {
            assert!(judge(&kept, digest, 10).is_err());
        }
        assert_eq!(kept.rotate(&long, at(10)), KeyRotated::Unknown);
    }

    #[test]
    fn only_the_owner_rotates() {
        let kept = kept(None);
        for rotation in [
            KeyRotation {
                subject: "user-2".into(),
                ..rotation(&kept, 0)
            },
            KeyRotation {
                environment: Environment::Test,
                ..rotation(&kept, 0)
            },
            KeyRotation {
                id: ApiKeyId::new("user-1").unwrap(),
                ..rotation(&kept, 0)
            },
        ] {
            assert_eq!(kept.clone().rotate(&rotation, at(0)), KeyRotated::Unknown);
        }
    }
}
