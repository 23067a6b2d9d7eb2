//! Random bytes.

use aws_lc_rs::rand;

use crate::{Error, ErrorKind};

/// Bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| {
        Error::new(
            ErrorKind::Crypto,
            "the system gave no random bytes: nothing that must not be guessed can be made now",
        )
    })?;
    Ok(bytes)
}
