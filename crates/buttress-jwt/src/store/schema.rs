//! What the SQL stores do to have their tables.

use crate::{Error, ErrorKind};

/// The steps that are still to be taken from this version on.
pub(crate) fn pending(steps: &[&'static str], version: i64) -> Result<Vec<&'static str>, Error> {
    usize::try_from(version)
        .ok()
        .and_then(|version| steps.get(version..))
        .map(<[_]>::to_vec)
        .ok_or_else(|| {
            Error::new(
                ErrorKind::Store,
                "the tables are of a newer version than this program knows",
            )
        })
}
