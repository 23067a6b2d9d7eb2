//! The keys that tokens are made with.

use std::fmt;

use aws_lc_rs::{digest, hkdf, rand};
use base64::{Engine, alphabet, engine};
use buttress_jwt::{Algorithm, RefreshKeys, SigningKey};

use crate::store::{Store, StoreError};

/// Secrets that every instance knows, and that the keys of all purposes are derived from: the first
/// makes what is new, all recognise it. `Debug` does not show them.
#[derive(Clone)]
pub struct RootKeys {
    refresh: RefreshKeys,
}

/// The length of a root key that is made here, and the shortest that is taken.
const ROOT_KEY_BYTES: usize = 32;

const MAX_ROOT_KEY_BYTES: usize = 1024;

/// With or without `=`, and of either alphabet: both are what tools call base64.
const STANDARD: engine::GeneralPurpose = lenient(&alphabet::STANDARD);
const URL_SAFE: engine::GeneralPurpose = lenient(&alphabet::URL_SAFE);

impl RootKeys {
    /// Reads keys in base64, separated by commas.
    ///
    /// # Errors
    ///
    /// What is allowed, without the keys.
    pub fn parse(list: &str) -> Result<Self, &'static str> {
        let allowed = "base64 of 32 to 1024 random bytes, like `openssl rand -base64 32` prints, or \
            several of these, separated by commas";
        let keys = list.split(',').map(|key| {
            let key = key.trim();
            STANDARD.decode(key).or_else(|_| URL_SAFE.decode(key))
        });
        let keys: Vec<_> = keys.collect::<Result<_, _>>().map_err(|_| allowed)?;
        let length_is_good =
            |key: &Vec<u8>| (ROOT_KEY_BYTES..=MAX_ROOT_KEY_BYTES).contains(&key.len());
        if !keys.iter().all(length_is_good) {
            return Err(allowed);
        }
        Self::new(&keys).ok_or(
            "different keys; of these, two are the same, or happen to get the same number in \
             tokens: make another one",
        )
    }

    /// The keys that are derived from these: `None` when there is none, or one is too short, or two
    /// get the same number.
    pub fn new<K: AsRef<[u8]>>(keys: &[K]) -> Option<Self> {
        let (first, others) = keys.split_first()?;
        let (number, secret) = refresh_secret(first.as_ref())?;
        let mut refresh = RefreshKeys::new(number, secret).ok()?;
        for key in others {
            let (number, secret) = refresh_secret(key.as_ref())?;
            refresh = refresh.with_recognised(number, secret).ok()?;
        }
        Some(Self { refresh })
    }

    /// The key that the database keeps, which is made when there is none: all instances on it have
    /// the same.
    ///
    /// # Errors
    ///
    /// When the database fails, or the system has no random bytes.
    pub async fn kept_in(store: &Store) -> Result<Self, StoreError> {
        let mut made = [0; ROOT_KEY_BYTES];
        let unusable = |why| StoreError::Secret(why);
        rand::fill(&mut made).map_err(|_| unusable("the system has no random bytes"))?;
        let kept = store.secret("root key", &made).await?;
        Self::new(&[kept]).ok_or(unusable("it is too short"))
    }

    /// Those that refresh tokens bear the mark of.
    pub fn refresh(&self) -> RefreshKeys {
        self.refresh.clone()
    }
}

impl fmt::Debug for RootKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKeys(..)")
    }
}

/// Reads the key that access tokens are signed with: an Ed25519 private key in PEM (PKCS#8), and
/// `None` for anything else.
pub fn signing_key(pem: &[u8]) -> Option<SigningKey> {
    let key = SigningKey::from_pem(pem).ok()?;
    (key.algorithm() == Algorithm::EdDSA).then_some(key)
}

/// What the refresh tokens of this root key bear: a number, which follows from the key so that it
/// stays the same wherever the key stands in the list, and the secret of their MAC.
fn refresh_secret(root: &[u8]) -> Option<(u8, [u8; 32])> {
    if root.len() < ROOT_KEY_BYTES {
        return None;
    }
    let mut secret = [0; 32];
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"shop-api")
        .extract(root)
        .expand(&[b"refresh tokens"], hkdf::HKDF_SHA256)
        .and_then(|derived| derived.fill(&mut secret))
        .ok()?;
    let number = digest::digest(&digest::SHA256, &secret).as_ref()[0];
    Some((number, secret))
}

const fn lenient(alphabet: &alphabet::Alphabet) -> engine::GeneralPurpose {
    let padding = engine::DecodePaddingMode::Indifferent;
    let config = engine::GeneralPurposeConfig::new().with_decode_padding_mode(padding);
    engine::GeneralPurpose::new(alphabet, config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_base64_of_32_bytes_or_more_in_either_alphabet() {
        let padded = STANDARD.encode([0xfb; 32]);
        let url_safe = URL_SAFE.encode([0xff; 33]);
        assert!(padded.contains('+') && padded.ends_with('='));
        assert!(url_safe.contains('_'));
        let unpadded = padded.trim_end_matches('=');
        for good in [
            padded.clone(),
            unpadded.to_owned(),
            url_safe.clone(),
            format!("{padded},{url_safe}"),
            format!("{padded}, {url_safe}"),
        ] {
            assert!(RootKeys::parse(&good).is_ok(), "{good}");
        }
        for (bad, says) in [
            (String::new(), "base64"),
            (",".to_owned(), "base64"),
            (format!("{padded},"), "base64"),
            ("not base64!".to_owned(), "base64"),
            (STANDARD.encode([1; 31]), "32 to 1024"),
            (STANDARD.encode([1; 1025]), "32 to 1024"),
            (format!("{padded},{unpadded}"), "the same"),
        ] {
            let allowed = RootKeys::parse(&bad).expect_err("not allowed");
            assert!(allowed.contains(says), "{bad}: {allowed}");
        }
    }

    #[test]
    fn a_key_has_its_number_wherever_it_stands() {
        let numbers =
            |keys: &[[u8; 32]]| format!("{:?}", RootKeys::new(keys).expect("keys").refresh);
        let [one, two] = [[1; 32], [2; 32]];
        let alone = [numbers(&[one]), numbers(&[two])].map(|number| {
            let digits: String = number.chars().filter(char::is_ascii_digit).collect();
            digits
        });
        let [first, second] = &alone;
        assert_eq!(
            numbers(&[one, two]),
            format!("RefreshKeys([{first}, {second}])")
        );
        assert_eq!(
            numbers(&[two, one]),
            format!("RefreshKeys([{second}, {first}])")
        );
        assert!(RootKeys::new::<[u8; 32]>(&[]).is_none());
        assert!(RootKeys::new(&[[1; 31]]).is_none());
    }

    #[test]
    fn only_ed25519_signs() {
        for (algorithm, good) in [(Algorithm::EdDSA, true), (Algorithm::ES256, false)] {
            let pem = SigningKey::generate(algorithm).and_then(|key| key.to_pem());
            let pem = pem.expect("a key");
            assert_eq!(signing_key(pem.as_bytes()).is_some(), good, "{algorithm:?}");
        }
        assert!(signing_key(b"").is_none());
    }
}
