//! What an API key looks like: `prefix_environment_id_secret_checksum`.
//!
//! Everything in it is a letter, a digit or an underscore, so that a double click selects all of it. The checksum is
//! the CRC-32 of what stands before it: what was cut off, mistyped or made up is told from a key without asking the
//! store, and a scanner for secrets finds no false ones.

use zeroize::Zeroizing;

use super::{ApiKeyId, ApiKeyRefusal, ApiKeySecret, Environment};
use crate::{Digest, Error, ErrorKind, secret::random};

/// 43 of 62 characters have 256 bits.
const SECRET: usize = 43;
/// 6 of 62 characters have more than 32 bits.
const CHECKSUM: usize = 6;
const MAX_PREFIX: usize = 16;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The keys of one service, in one environment.
#[derive(Clone, Debug)]
pub(crate) struct Format {
    /// With the underscore.
    prefix: Box<str>,
    environment: Environment,
}

/// A key whose form is right.
pub(super) struct Presented {
    pub(super) id: ApiKeyId,
    pub(super) digest: Digest,
}

impl Format {
    pub(super) fn new(prefix: &str, environment: Environment) -> Result<Self, Error> {
        let mut bytes = prefix.bytes();
        let is_prefix = prefix.len() <= MAX_PREFIX
            && bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
            && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        // As the JSON object does that a signed token begins with.
        if !is_prefix || prefix.starts_with("ey") || prefix.starts_with("ew") {
            return Err(Error::new(
                ErrorKind::InvalidConfiguration,
                "the prefix of API keys is 1 to 16 small letters and digits, begins with a letter, and not as tokens \
                 do, with ey or ew",
            ));
        }
        Ok(Self {
            prefix: format!("{prefix}_").into(),
            environment,
        })
    }

    pub(super) fn environment(&self) -> Environment {
        self.environment
    }

    /// Whether it means to be a key of this service, in whatever environment and however broken.
    pub(crate) fn is_ours(&self, text: &[u8]) -> bool {
        text.starts_with(self.prefix.as_bytes())
    }

    /// A key of this id with a new secret, and its digest.
    pub(super) fn generate(&self, id: ApiKeyId) -> Result<(ApiKeySecret, Digest), Error> {
        let secret = Zeroizing::new(random_text::<SECRET>()?);
        Ok(self.write(id, &secret))
    }

    fn write(&self, id: ApiKeyId, secret: &[u8; SECRET]) -> (ApiKeySecret, Digest) {
        let (prefix, environment) = (&self.prefix, self.environment.as_str());
        // Room for all of it, or a part would stay behind where it was moved from.
        let length = prefix.len() + environment.len() + 1 + ApiKeyId::LEN + 1 + SECRET;
        let mut text = String::with_capacity(length + 1 + CHECKSUM);
        text.push_str(prefix);
        text.push_str(environment);
        text.push('_');
        text.push_str(id.as_str());
        text.push('_');
        text.extend(secret.iter().copied().map(char::from));
        let digest = digest_of(&text);
        let checksum = checksum(&text);
        text.push('_');
        text.extend(checksum.map(char::from));
        (ApiKeySecret::new(text), digest)
    }

    /// What stands in the key. The secret is not among it: its digest will do.
    pub(super) fn read(&self, text: &str) -> Result<Presented, ApiKeyRefusal> {
        let (environment, presented) = self.parts(text).ok_or(ApiKeyRefusal::Malformed)?;
        if environment == self.environment {
            Ok(presented)
        } else {
            Err(ApiKeyRefusal::WrongEnvironment)
        }
    }

    fn parts(&self, text: &str) -> Option<(Environment, Presented)> {
        let rest = text.strip_prefix(&*self.prefix)?;
        // No environment has a longer name than `live`.
        if rest.len() > "live_".len() + ApiKeyId::LEN + 1 + SECRET + 1 + CHECKSUM {
            return None;
        }
        let mut parts = rest.split('_');
        let [environment, id, secret, sum] = [(); 4].map(|()| parts.next());
        if parts.next().is_some() {
            return None;
        }
        let (environment, id) = (Environment::from_name(environment?)?, id?.parse().ok()?);
        let is_secret = |secret: &str| {
            secret.len() == SECRET && secret.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        secret.filter(|secret| is_secret(secret))?;
        let sum = sum.filter(|sum| sum.len() == CHECKSUM)?;
        let (summed, _) = text.split_at_checked(text.len() - 1 - CHECKSUM)?;
        (checksum(summed) == *sum.as_bytes()).then(|| {
            let digest = digest_of(summed);
            (environment, Presented { id, digest })
        })
    }
}

/// SHA-256 of the key without its checksum, which is what is kept. The digest is bound to the prefix, the environment
/// and the id: none of them can be exchanged.
///
/// A slow hash, as passwords need it, would protect nothing: nobody can try 2²⁵⁶ secrets.
fn digest_of(text: &str) -> Digest {
    Digest::of(&[text.as_bytes()])
}

fn checksum(text: &str) -> [u8; CHECKSUM] {
    base62(crc32fast::hash(text.as_bytes()))
}

/// The number with as many digits as the largest one has.
pub(super) fn base62(mut number: u32) -> [u8; CHECKSUM] {
    let mut text = [0; CHECKSUM];
    for digit in text.iter_mut().rev() {
        *digit = ALPHABET[(number % 62) as usize];
        number /= 62;
    }
    text
}

/// Letters and digits, each as likely as the others.
pub(super) fn random_text<const N: usize>() -> Result<[u8; N], Error> {
    let mut text = [0; N];
    let mut at = 0;
    while at < N {
        let bytes = Zeroizing::new(random::<64>()?);
        // Of 256 bytes 4 times 62 fall on the characters evenly; the others are thrown away.
        for byte in bytes.iter().filter(|byte| **byte < 248).take(N - at) {
            text[at] = ALPHABET[usize::from(byte % 62)];
            at += 1;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn format(environment: Environment) -> Format {
        Format::new("shop", environment).unwrap()
    }

    const ID: &str = "0123456789ABCDEFGHIJKL";
    const SECRET_TEXT: &[u8; SECRET] = b"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

    /// Whoever changes this breaks every key there is. The checksum is zlib's, the digest is hashlib's.
    #[test]
    fn the_form_stays_as_it_is() {
        let (secret, digest) = format(Environment::Live).write(ID.parse().unwrap(), SECRET_TEXT);
        let text = secret.reveal();
        assert_eq!(
            text,
            "shop_live_0123456789ABCDEFGHIJKL_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG_1xdkSF"
        );
        let hex: String = digest
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            hex,
            "ff77cb5313bd374b8fa6dac1328a901aadc6b98caeb72b02acca9b56619031e4"
        );
        let presented = format(Environment::Live).read(&text).unwrap();
        assert_eq!(presented.id.as_str(), ID);
        assert!(presented.digest.matches(&digest));
    }

    #[test]
    fn the_digest_is_that_of_the_id_and_the_environment() {
        let (id, other) = (
            ID.parse().unwrap(),
            "1123456789ABCDEFGHIJKL".parse().unwrap(),
        );
        let digests = [
            format(Environment::Live).write(id, SECRET_TEXT).1,
            format(Environment::Test).write(id, SECRET_TEXT).1,
            format(Environment::Live).write(other, SECRET_TEXT).1,
            Format::new("shop2", Environment::Live)
                .unwrap()
                .write(id, SECRET_TEXT)
                .1,
        ];
        let digests = digests.map(|digest| *digest.as_bytes());
        assert_eq!(HashSet::from(digests).len(), digests.len());
    }

    #[test]
    fn a_key_of_another_environment_is_told_apart() {
        let (secret, _) = format(Environment::Test).write(ID.parse().unwrap(), SECRET_TEXT);
        let refusal = format(Environment::Live).read(&secret.reveal()).err();
        assert_eq!(refusal, Some(ApiKeyRefusal::WrongEnvironment));
    }

    #[test]
    fn numbers_have_a_fixed_width() {
        assert_eq!(&base62(0), b"000000");
        assert_eq!(&base62(61), b"00000z");
        assert_eq!(&base62(62), b"000010");
        assert_eq!(&base62(u32::MAX), b"4gfFC3");
    }

    #[test]
    fn every_character_is_as_likely() {
        let text = random_text::<62_000>().unwrap();
        for character in ALPHABET {
            let count = text.iter().filter(|byte| *byte == character).count();
            // 1000 are expected, with a deviation of 31.
            assert!((700..1300).contains(&count), "{count} of {character}");
        }
    }

    #[test]
    fn prefixes_are_small_letters_and_digits() {
        for prefix in ["s", "shop2", "abcdefghijklmnop"] {
            Format::new(prefix, Environment::Live).unwrap();
        }
        for prefix in [
            "",
            "Shop",
            "2shop",
            "my_shop",
            "my-shop",
            "abcdefghijklmnopq",
            "eyj",
            "ew",
            "ü",
        ] {
            let error = Format::new(prefix, Environment::Live).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfiguration, "{prefix}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(id in "[0-9A-Za-z]{22}", secret in "[0-9A-Za-z]{43}", live: bool) {
            let format = format(if live { Environment::Live } else { Environment::Test });
            let id: ApiKeyId = id.parse().unwrap();
            let (text, digest) = format.write(id, secret.as_bytes().try_into().unwrap());
            let presented = format.read(&text.reveal()).unwrap();
            prop_assert_eq!(presented.id, id);
            prop_assert!(presented.digest.matches(&digest));
        }

        #[test]
        fn a_change_of_one_character_is_noticed(at in 0..83_usize, to in any::<char>()) {
            let text = format(Environment::Live).write(ID.parse().unwrap(), SECRET_TEXT).0.reveal();
            let mut changed: Vec<char> = text.chars().collect();
            prop_assert_eq!(changed.len(), 83);
            prop_assume!(changed[at] != to);
            changed[at] = to;
            let changed: String = changed.into_iter().collect();
            prop_assert_eq!(format(Environment::Live).read(&changed).err(), Some(ApiKeyRefusal::Malformed));
        }

        #[test]
        fn whatever_comes_is_read_or_refused(text in "\\PC{0,100}", beginning in "(shop_)?(live_|test_)?") {
            let _ = format(Environment::Live).read(&format!("{beginning}{text}"));
        }
    }

    #[test]
    fn every_ascii_character_at_every_place_is_noticed() {
        let format = format(Environment::Live);
        let text = format.write(ID.parse().unwrap(), SECRET_TEXT).0.reveal();
        for at in 0..text.len() {
            for byte in (0..128_u8).filter(|byte| *byte != text.as_bytes()[at]) {
                let mut changed = text.clone().into_bytes();
                changed[at] = byte;
                let changed = String::from_utf8(changed).unwrap();
                assert_eq!(
                    format.read(&changed).err(),
                    Some(ApiKeyRefusal::Malformed),
                    "{changed}"
                );
            }
            let (before, after) = text.split_at(at);
            for changed in [
                before,
                after.get(1..).unwrap_or_default(),
                &format!("{before}{}", &after[1..]),
                &format!("{before}0{after}"),
            ] {
                assert_eq!(
                    format.read(changed).err(),
                    Some(ApiKeyRefusal::Malformed),
                    "{changed}"
                );
            }
        }
        assert!(format.read(&format!("{text}0")).is_err());
    }
}
