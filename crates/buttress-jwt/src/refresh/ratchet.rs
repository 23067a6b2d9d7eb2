//! The successor of a token follows from the token and a salt that only the store has.
//!
//! Whoever rotates chooses the salt, and the store keeps it with the hash of the successor. Whoever comes with
//! the same token a moment later derives the same successor, though nothing is at rest that could be sent as
//! a token: the hash cannot be inverted, and the salt alone is no key. Even a stolen parent together with the
//! store's contents gives no token, because its MAC needs the key that the store does not have.

use aws_lc_rs::hkdf::{self, KeyType};

use super::{
    Salt, SessionId,
    secret::{Secret, crypto},
};
use crate::{Digest, Error};

/// Keeps these derivations apart from those of others and of later versions.
const CONTEXT: &[u8] = b"buttress refresh successor 1";

/// The secret of the given generation, from the secret of the one before it.
pub(crate) fn successor(
    parent: &Secret,
    salt: &Salt,
    session: SessionId,
    generation: u32,
) -> Result<Secret, Error> {
    let session = session.into_bytes();
    let generation = generation.to_be_bytes();
    let info = [CONTEXT, &session, &generation];
    let mut secret = [0; Secret::LENGTH];
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(parent.expose())
        .expand(&info, SecretLength)
        .and_then(|okm| okm.fill(&mut secret))
        .map_err(crypto)?;
    Ok(Secret::new(secret))
}

/// What is kept of the client's name for one attempt to refresh the token of this generation: useless for any
/// other, and for any other session.
pub(crate) fn attempt_digest(session: SessionId, generation: u32, attempt: &str) -> Digest {
    let (session, generation) = (session.into_bytes(), generation.to_be_bytes());
    Digest::of(&[&session, &generation, attempt.as_bytes()])
}

struct SecretLength;

impl KeyType for SecretLength {
    fn len(&self) -> usize {
        Secret::LENGTH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> SessionId {
        SessionId::from_bytes([byte; 16])
    }

    #[test]
    fn the_successor_is_the_same_for_all_who_have_the_same() {
        let parent = Secret::new([1; 32]);
        let derive = |salt: u8, session: u8, generation| {
            let secret = successor(&parent, &[salt; 32], id(session), generation).unwrap();
            *secret.expose()
        };
        let one = derive(2, 3, 4);
        assert_eq!(one, derive(2, 3, 4));
        for other in [derive(9, 3, 4), derive(2, 9, 4), derive(2, 3, 9)] {
            assert_ne!(one, other);
        }
        let stranger = successor(&Secret::new([9; 32]), &[2; 32], id(3), 4).unwrap();
        assert_ne!(&one, stranger.expose());
    }

    /// HKDF of RFC 5869 with SHA-256, computed apart from this code: a change of the derivation would end
    /// every session that is being rotated during a deployment.
    #[test]
    fn the_derivation_stays_as_it_is() {
        let secret = successor(&Secret::new([1; 32]), &[2; 32], id(3), 4).unwrap();
        let hex: String = secret
            .expose()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            hex,
            "50dedc4b67488b46c42e5c03e64c362d3d9de11fe48437d9dfd72a01c32364b1"
        );
    }

    #[test]
    fn attempts_of_different_tokens_cannot_be_compared() {
        let one = attempt_digest(id(1), 7, "a");
        assert!(one.matches(&attempt_digest(id(1), 7, "a")));
        for other in [
            attempt_digest(id(1), 7, "b"),
            attempt_digest(id(1), 8, "a"),
            attempt_digest(id(2), 7, "a"),
        ] {
            assert!(!one.matches(&other));
        }
    }
}
