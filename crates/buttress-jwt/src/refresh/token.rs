//! The refresh token: opaque to clients, authentic by itself, unguessable.
//!
//! `rt1.` and the base64url of
//!
//! | bytes | |
//! |---|---|
//! | 1 | which key the MAC is made with |
//! | 16 | the session |
//! | 4 | the generation: how often the session had been rotated, big-endian |
//! | 32 | the secret |
//! | 16 | HMAC-SHA256 of all before it, `rt1.` included, cut |
//!
//! The MAC keeps junk from the store, and it makes the oldest token of a session as authentic as the newest,
//! without a list of them. The length is one number, and a multiple of three, so that the text of a token has
//! no second spelling.

use std::{fmt, sync::Arc};

use aws_lc_rs::{constant_time, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Secret, SessionId};
use crate::{Error, ErrorKind};

const PREFIX: &str = "rt1.";
const SIGNED: usize = 1 + 16 + 4 + Secret::LENGTH;
const MAC: usize = 16;
const RAW: usize = SIGNED + MAC;
const LENGTH: usize = PREFIX.len() + RAW / 3 * 4;

/// The shortest secret that a MAC is made with: as long as what it makes.
const MIN_SECRET: usize = 32;

/// The keys that make refresh tokens authentic: the first makes them, all recognise them.
///
/// To replace a key, let every process know the new one first
/// ([`with_recognised`](Self::with_recognised)), then make it the first, then, when the sessions of the old
/// one have ended or been refreshed, leave the old one out. A number is never given to another secret. While
/// some processes make tokens with the one and some with the other, racers may get texts that differ; they are
/// the same token to the store.
///
/// These are no signing keys of access tokens, and they alone let nobody in: the store knows a hash of every
/// secret that is still good. But who has one, and the id of a session, can end it with a token that seems old.
///
/// ```
/// use buttress_jwt::RefreshKeys;
///
/// # let (secret, old_secret) = ([1_u8; 32], [2_u8; 32]);
/// let keys = RefreshKeys::new(2, secret)?.with_recognised(1, old_secret)?;
/// # Ok::<_, buttress_jwt::Error>(())
/// ```
#[derive(Clone)]
pub struct RefreshKeys(Arc<[(u8, hmac::Key)]>);

impl RefreshKeys {
    /// The key that makes tokens from now on: a number that is in every token, and at least 32 random bytes.
    ///
    /// # Errors
    ///
    /// When the secret is shorter.
    pub fn new(number: u8, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        Ok(Self([(number, hmac_key(secret.as_ref())?)].into()))
    }

    /// A further key whose tokens are recognised.
    ///
    /// # Errors
    ///
    /// When the secret is shorter than 32 bytes, or the number is that of a key which is here already.
    pub fn with_recognised(self, number: u8, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        if self.0.iter().any(|(taken, _)| *taken == number) {
            return Err(Error::new(
                ErrorKind::DuplicateKey,
                format!("two refresh keys have the number {number}"),
            ));
        }
        let further = (number, hmac_key(secret.as_ref())?);
        Ok(Self(self.0.iter().cloned().chain([further]).collect()))
    }

    /// The text of the token.
    pub(crate) fn seal(&self, token: &RefreshToken) -> String {
        // There is a first key: `new` put it there, and nothing removes any.
        let (number, key) = &self.0[0];
        let mut raw = [0; RAW];
        raw[0] = *number;
        raw[1..17].copy_from_slice(&token.session.into_bytes());
        raw[17..21].copy_from_slice(&token.generation.to_be_bytes());
        raw[21..SIGNED].copy_from_slice(token.secret.expose());
        let mac = Mac::new(key, &raw[..SIGNED]);
        raw[SIGNED..].copy_from_slice(&mac.0);

        let mut text = String::with_capacity(LENGTH);
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(raw, &mut text);
        text
    }

    /// What the text says, if one of these keys made it.
    pub(crate) fn open(&self, text: &str) -> Option<RefreshToken> {
        if text.len() != LENGTH {
            return None;
        }
        let text = text.strip_prefix(PREFIX)?;
        let mut raw = [0; RAW];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut raw).ok()?;
        if length != RAW {
            return None;
        }

        let (signed, tag) = raw.split_at(SIGNED);
        let known = self.0.iter().find(|(number, _)| *number == raw[0]);
        // A number that is not known takes as long as a MAC that is wrong.
        let (_, key) = known.unwrap_or(&self.0[0]);
        let authentic = Mac::new(key, signed).is(tag);
        if !authentic || known.is_none() {
            return None;
        }
        Some(RefreshToken {
            session: SessionId::from_bytes(raw[1..17].try_into().ok()?),
            generation: u32::from_be_bytes(raw[17..21].try_into().ok()?),
            secret: Secret::new(raw[21..SIGNED].try_into().ok()?),
        })
    }
}

impl fmt::Debug for RefreshKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = self.0.iter().map(|(number, _)| number);
        f.debug_tuple("RefreshKeys")
            .field(&numbers.collect::<Vec<_>>())
            .finish()
    }
}

/// What a refresh token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    pub(crate) session: SessionId,
    /// How often the session had been rotated when this was made.
    pub(crate) generation: u32,
    pub(crate) secret: Secret,
}

impl RefreshToken {
    /// The next token of the session, with this secret.
    pub(crate) fn followed_by(&self, secret: Secret) -> Self {
        Self {
            session: self.session,
            generation: self.generation.saturating_add(1),
            secret,
        }
    }
}

fn hmac_key(secret: &[u8]) -> Result<hmac::Key, Error> {
    if secret.len() < MIN_SECRET {
        return Err(Error::new(
            ErrorKind::WeakKey,
            format!("the secret of a refresh key has at least {MIN_SECRET} bytes"),
        ));
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, secret))
}

/// What makes a token authentic. It has no `==`, which would tell by its time how much of it somebody has guessed.
struct Mac([u8; MAC]);

impl Mac {
    fn new(key: &hmac::Key, signed: &[u8]) -> Self {
        let mut context = hmac::Context::with_key(key);
        context.update(PREFIX.as_bytes());
        context.update(signed);
        let mut mac = [0; MAC];
        mac.copy_from_slice(&context.sign().as_ref()[..MAC]);
        Self(mac)
    }

    /// Takes the same time whatever the tag.
    fn is(&self, tag: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.0, tag).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys() -> RefreshKeys {
        RefreshKeys::new(7, [1; 32]).unwrap()
    }

    fn token() -> RefreshToken {
        RefreshToken {
            session: SessionId::from_bytes([2; 16]),
            generation: 0x0102_0304,
            secret: Secret::new([3; 32]),
        }
    }

    #[test]
    fn tokens_are_read_as_they_are_made() {
        let text = keys().seal(&token());
        assert_eq!(text.len(), LENGTH);
        assert!(text.starts_with("rt1."));
        assert_eq!(keys().open(&text), Some(token()));
    }

    /// The MAC computed apart from this code: tokens outlive deployments.
    #[test]
    fn the_form_stays_as_it_is() {
        assert_eq!(
            keys().seal(&token()),
            "rt1.BwICAgICAgICAgICAgICAgIBAgMEAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwPI0mIAdtzLZOeqhGzrP-o_"
        );
    }

    #[test]
    fn macs_are_not_compared_by_eq() {
        use crate::test::{Otherwise as _, Probe};

        const { assert!(!Probe::<Mac>::HAS_EQ) };
    }

    #[test]
    fn the_first_key_makes_and_all_recognise() {
        let old = RefreshKeys::new(1, [1; 32]).unwrap();
        let both = RefreshKeys::new(2, [2; 32])
            .unwrap()
            .with_recognised(1, [1; 32])
            .unwrap();
        let new = RefreshKeys::new(2, [2; 32]).unwrap();

        assert_eq!(both.open(&old.seal(&token())), Some(token()));
        assert_eq!(new.open(&both.seal(&token())), Some(token()));
        assert_eq!(old.open(&both.seal(&token())), None);
        assert_eq!(new.open(&old.seal(&token())), None);
    }

    #[test]
    fn weak_keys_and_numbers_given_twice_are_refused() {
        let error = RefreshKeys::new(1, [1; 31]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WeakKey);
        let error = keys().with_recognised(8, [1; 31]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WeakKey);
        let error = keys().with_recognised(7, [2; 32]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DuplicateKey);
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = format!("{:?} {:?}", token(), keys());
        assert!(shown.contains("Secret(..)"), "{shown}");
        assert!(shown.contains("RefreshKeys([7])"), "{shown}");
        assert!(!shown.contains("3, 3"), "{shown}");
    }

    #[test]
    fn every_other_spelling_is_refused() {
        let text = keys().seal(&token());
        let body = &text[PREFIX.len()..];
        for other in [
            String::new(),
            "rt1.".to_owned(),
            body.to_owned(),
            format!("rt2.{body}"),
            format!("RT1.{body}"),
            format!(" {text}"),
            format!("{text} "),
            format!("{text}="),
            format!("{text}AAAA"),
            text[..LENGTH - 1].to_owned(),
            text[..LENGTH - 4].to_owned(),
            format!("{}=", &text[..LENGTH - 1]),
            format!("{}\n", &text[..LENGTH - 1]),
            format!("{}\0", &text[..LENGTH - 1]),
            format!("{}+", &text[..LENGTH - 1]),
            format!("{}/", &text[..LENGTH - 1]),
            format!("{}é", &text[..LENGTH - 2]),
            "A".repeat(LENGTH),
            "é".repeat(LENGTH / 2),
            "A".repeat(1 << 20),
        ] {
            assert_eq!(keys().open(&other), None, "{other:.120}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_opens(session: [u8; 16], generation: u32, secret: [u8; 32]) {
            let token = RefreshToken {
                session: SessionId::from_bytes(session),
                generation,
                secret: Secret::new(secret),
            };
            prop_assert_eq!(keys().open(&keys().seal(&token)), Some(token));
        }

        #[test]
        fn one_bit_makes_it_another(bit in 0..RAW * 8) {
            let text = keys().seal(&token());
            let mut raw = URL_SAFE_NO_PAD.decode(&text[PREFIX.len()..]).unwrap();
            raw[bit / 8] ^= 1 << (bit % 8);
            let other = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(raw));
            prop_assert_eq!(keys().open(&other), None);
        }

        #[test]
        fn one_character_makes_it_another(at in 0..LENGTH, character: char) {
            let text = keys().seal(&token());
            let mut other: Vec<char> = text.chars().collect();
            other[at] = character;
            let other: String = other.into_iter().collect();
            prop_assume!(other != text);
            prop_assert_eq!(keys().open(&other), None);
        }

        #[test]
        fn junk_is_refused(text in "(rt1\\.)?.{0,200}") {
            prop_assert_eq!(keys().open(&text), None);
        }
    }
}
