use std::{fmt, str::FromStr};

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use crate::{Error, ErrorKind, secret::random};

/// The name of a session, the `sid` of its access tokens. It is no secret: it opens nothing.
///
/// It is a UUID of version 8. Its first 48 bits are the [group](Self::group) of the subject, a hash of it, so
/// that a store that spreads keys over machines can keep the sessions of one subject together; 74 further
/// bits are random.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(Uuid);

impl SessionId {
    /// A new one.
    ///
    /// # Errors
    ///
    /// When there are no random bytes.
    pub fn new(subject: &str) -> Result<Self, Error> {
        let mut bytes: [u8; 16] = random()?;
        bytes[..6].copy_from_slice(&Self::group_of(subject));
        Ok(Self(Builder::from_custom_bytes(bytes).into_uuid()))
    }

    /// What the ids of all sessions of the subject begin with. Other subjects may share it.
    #[must_use]
    pub fn group_of(subject: &str) -> [u8; 6] {
        let hash = digest::digest(&digest::SHA256, subject.as_bytes());
        let mut group = [0; 6];
        group.copy_from_slice(&hash.as_ref()[..6]);
        group
    }

    /// What this id shares with those of all sessions of its subject.
    #[must_use]
    pub fn group(&self) -> [u8; 6] {
        let [a, b, c, d, e, f, ..] = self.into_bytes();
        [a, b, c, d, e, f]
    }

    /// The id of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Its bytes.
    #[must_use]
    pub fn into_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }
}

impl FromStr for SessionId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // A UUID has several spellings, of which only ours is one of a session.
        let mut buffer = Uuid::encode_buffer();
        match Uuid::try_parse(text) {
            Ok(id) if id.hyphenated().encode_lower(&mut buffer) == text => Ok(Self(id)),
            _ => Err(Error::new(
                ErrorKind::InvalidSession,
                "a session id is a UUID in lower case with hyphens",
            )),
        }
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_subject_share_their_group_and_nothing_else() {
        let one = SessionId::new("user-1").unwrap();
        let other = SessionId::new("user-1").unwrap();
        assert_ne!(one, other);
        assert_eq!(one.group(), other.group());
        assert_eq!(one.group(), SessionId::group_of("user-1"));
        assert_ne!(one.group(), SessionId::group_of("user-2"));
    }

    #[test]
    fn only_the_spelling_that_is_written_is_read() {
        let id = SessionId::new("user-1").unwrap();
        let text = id.to_string();
        assert_eq!(text.parse::<SessionId>().unwrap(), id);
        assert_eq!(text.as_bytes()[14], b'8', "{text}");
        for other in [
            text.to_uppercase(),
            text.replace('-', ""),
            format!("{{{text}}}"),
            format!("urn:uuid:{text}"),
            String::new(),
        ] {
            let error = other.parse::<SessionId>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidSession, "{other}");
        }
    }
}
