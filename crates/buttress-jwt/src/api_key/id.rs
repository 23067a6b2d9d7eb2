use std::{fmt, str::FromStr};

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use super::format;
use crate::{Error, ErrorKind};

/// The name of an API key, which stands in it. It is no secret: it opens nothing.
///
/// It is 22 letters and digits. The first 6 are the [group](Self::group) of the subject, a hash of it, so that a store
/// that spreads keys over machines can keep those of one subject together; the others are random, with 95 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApiKeyId([u8; Self::LEN]);

impl ApiKeyId {
    pub(super) const LEN: usize = 22;
    const GROUP: usize = 6;

    /// A new one.
    ///
    /// # Errors
    ///
    /// When there are no random bytes.
    pub fn new(subject: &str) -> Result<Self, Error> {
        let mut id = format::random_text::<{ Self::LEN }>()?;
        id[..Self::GROUP].copy_from_slice(Self::group_of(subject).as_bytes());
        Ok(Self(id))
    }

    /// What the ids of all keys of the subject begin with. Other subjects may share it.
    #[must_use]
    pub fn group_of(subject: &str) -> String {
        let hash = digest::digest(&digest::SHA256, subject.as_bytes());
        let mut number = [0; 4];
        number.copy_from_slice(&hash.as_ref()[..4]);
        let text = format::base62(u32::from_be_bytes(number));
        text.into_iter().map(char::from).collect()
    }

    /// What this id shares with those of all keys of its subject.
    #[must_use]
    pub fn group(&self) -> &str {
        &self.as_str()[..Self::GROUP]
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // It is ASCII, whoever made it.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for ApiKeyId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.as_bytes().try_into() {
            Ok(id) if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) => Ok(Self(id)),
            _ => Err(Error::new(
                ErrorKind::InvalidApiKey,
                "the id of an API key is 22 letters and digits",
            )),
        }
    }
}

impl TryFrom<String> for ApiKeyId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<ApiKeyId> for String {
    fn from(id: ApiKeyId) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_subject_share_their_group_and_nothing_else() {
        let one = ApiKeyId::new("user-1").unwrap();
        let other = ApiKeyId::new("user-1").unwrap();
        assert_ne!(one, other);
        assert_eq!(one.group(), other.group());
        assert_eq!(one.group(), ApiKeyId::group_of("user-1"));
        assert_ne!(one.group(), ApiKeyId::group_of("user-2"));
    }

    #[test]
    fn letters_and_digits_are_read() {
        let id = ApiKeyId::new("user-1").unwrap();
        assert_eq!(id.to_string().parse::<ApiKeyId>().unwrap(), id);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<ApiKeyId>(&json).unwrap(), id);
        for other in [
            "",
            "a",
            &"a".repeat(21),
            &"a".repeat(23),
            &"é".repeat(11),
            "aaaaaaaaaaaaaaaaaaaaa_",
        ] {
            let error = other.parse::<ApiKeyId>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidApiKey, "{other}");
            assert!(serde_json::from_value::<ApiKeyId>(other.into()).is_err());
        }
    }
}
