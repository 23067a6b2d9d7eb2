//! Without the feature `remote-https` there is no client but those that are given.

use std::sync::Arc;

use super::{address::Allowed, fetch::Fetch};
use crate::{Error, ErrorKind};

pub(super) fn default_fetch(_allowed: Allowed) -> Result<Arc<dyn Fetch>, Error> {
    Err(Error::new(
        ErrorKind::InvalidConfiguration,
        "there is no client to get keys with: give one by `with_fetch`, or enable the feature `remote-https`",
    ))
}
