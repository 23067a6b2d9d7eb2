//! Ids in paths.

use serde::{Deserialize, Deserializer, de::Error};
use uuid::{Uuid, fmt::Hyphenated};

/// The id in a path. Of the forms that a UUID can be written in, only the one that we write.
#[derive(Debug)]
pub(super) struct Id(pub(super) Uuid);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?.parse::<Hyphenated>();
        id.map(|id| Self(id.into_uuid()))
            .map_err(|_| D::Error::custom("must be a UUID"))
    }
}
