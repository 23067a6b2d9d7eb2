//! What the keys are called.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::{Error, ErrorKind, Key, Quotas};

/// The start of all names of a store: `prefix:name:{`.
#[derive(Clone, Debug)]
pub(super) struct Names {
    prefix: Arc<str>,
    name: Arc<str>,
}

/// What is longer than this is kept as a digest.
const LONG: usize = 64;

impl Names {
    pub(super) fn new(name: &str) -> Result<Self, Error> {
        if name.is_empty() || name.contains(['{', '}', ':']) {
            return Err(Error::new(
                ErrorKind::InvalidConfiguration,
                format!(
                    "{name:?} is no name for a limiter in Redis: it is not empty, and has no colon, which ends it, and no \
                     brace, which decides the slot"
                ),
            ));
        }
        Ok(Self {
            prefix: "ratelimit".into(),
            name: name.into(),
        })
    }

    pub(super) fn with_prefix(mut self, prefix: &str) -> Result<Self, Error> {
        if prefix.contains(['{', '}']) {
            return Err(Error::new(
                ErrorKind::InvalidConfiguration,
                format!("{prefix:?} is no prefix of keys: it has no braces, which decide the slot"),
            ));
        }
        self.prefix = prefix.into();
        Ok(self)
    }

    /// Of the buckets of a key, and then of those of the quotas before, if there are any. What is between the braces is
    /// never empty and the same for all, so that they are in one slot.
    pub(super) fn of(&self, key: &Key, quotas: &Quotas, ancestors: &[&Quotas]) -> Vec<Vec<u8>> {
        let all = [quotas].into_iter().chain(ancestors.iter().copied());
        all.map(|quotas| self.one(key, quotas)).collect()
    }

    pub(super) fn one(&self, key: &Key, quotas: &Quotas) -> Vec<u8> {
        let length = self.prefix.len() + self.name.len() + LONG + 24;
        let mut name = Vec::with_capacity(length);
        name.extend_from_slice(self.prefix.as_bytes());
        name.push(b':');
        name.extend_from_slice(self.name.as_bytes());
        name.extend_from_slice(b":{");
        let bytes = key.as_bytes();
        match key.is_secret() || bytes.len() > LONG {
            true => {
                name.push(b'd');
                name.extend_from_slice(&Sha256::digest(bytes));
            }
            false => {
                name.push(b'k');
                name.extend_from_slice(bytes);
            }
        }
        name.extend_from_slice(b"}:");
        for digit in (0..16).rev() {
            let digit = (quotas.tag() >> (4 * digit)) & 0xf;
            name.push(b"0123456789abcdef"[digit as usize]);
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Quota;

    fn name(key: &Key) -> Vec<u8> {
        let quotas = Quotas::new([Quota::per_second(1)]).expect("quotas");
        Names::new("login").expect("a name").one(key, &quotas)
    }

    fn has(name: &[u8], part: &[u8]) -> bool {
        name.windows(part.len()).any(|window| window == part)
    }

    #[test]
    fn names_say_what_they_are_and_hide_what_is_secret() {
        let open = name(&Key::from("paul"));
        assert!(
            open.starts_with(b"ratelimit:login:{kt\x04paul}:"),
            "{open:?}"
        );
        assert_eq!(open.len(), b"ratelimit:login:{kt\x04paul}:".len() + 16);
        assert!(!has(&name(&Key::secret("hunter2")), b"hunter2"));
        let long = name(&Key::from("x".repeat(500)));
        assert!(long.len() < 80 && !has(&long, b"xxx"));
        // No key can be made to look like the digest of another one.
        assert!(name(&Key::secret("a")).starts_with(b"ratelimit:login:{d"));
    }

    #[test]
    fn what_is_between_the_braces_is_never_empty_and_ends_where_it_ends_for_all() {
        for key in [
            Key::global(),
            Key::from("}"),
            Key::from("{}"),
            Key::from("a}b"),
        ] {
            let old = Quotas::new([Quota::per_second(1)]).expect("quotas");
            let new = Quotas::new([Quota::per_second(2)]).expect("quotas");
            let new = new.after(old, crate::Inherit::Spent, 0);
            let names = Names::new("login").expect("a name");
            let names = names.of(&key, &new, &new.ancestors());
            assert_eq!(names.len(), 2);
            let slots: Vec<_> = names
                .iter()
                .map(|name| {
                    let open = name.iter().position(|byte| *byte == b'{').expect("a brace") + 1;
                    let length = name[open..]
                        .iter()
                        .position(|byte| *byte == b'}')
                        .expect("a brace");
                    assert_ne!(length, 0);
                    &name[open..open + length]
                })
                .collect();
            assert_eq!(slots[0], slots[1]);
            assert_ne!(names[0], names[1]);
        }
    }

    #[test]
    fn what_would_decide_the_slot_is_refused_by_name() {
        for name in ["", "a:b", "{a", "a}"] {
            let error = Names::new(name).expect_err("no name");
            assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
            assert!(error.to_string().contains(&format!("{name:?}")), "{error}");
        }
        for prefix in ["{", "a}", "{a}"] {
            let names = Names::new("login").expect("a name");
            let error = names.with_prefix(prefix).expect_err("no prefix");
            assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
        }
    }
}
