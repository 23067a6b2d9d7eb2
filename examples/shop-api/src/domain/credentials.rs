//! What people sign in with.

use std::fmt;

use super::rule::{BrokenRule, checked_text, without_nul};

/// An e-mail address, as its owner writes it.
///
/// Two that differ in nothing but the case of ASCII letters are the same address: see
/// [`key`](Self::key). `Debug` does not show it, since it is personal.
#[derive(Clone, PartialEq, Eq)]
pub struct Email(String);

/// A password: one that somebody chooses, or one that somebody presents. `Debug` does not show it.
///
/// It is taken as it comes: neither trimmed nor cut nor normalised.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// The hash of a password, as a PHC string, which names its algorithm, cost and salt. `Debug` does
/// not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl Email {
    /// The longest address that mail is sent to, in bytes (RFC 5321, sections 4.5.3.1.3 and 4.1.2).
    pub const MAX_BYTES: usize = 254;

    /// Takes `text` as an address, if it has the form of one. Whether mail arrives there is not
    /// asked.
    ///
    /// # Errors
    ///
    /// The rule that it breaks.
    pub fn new(text: String) -> Result<Self, BrokenRule> {
        let text = without_nul(text)?;
        if text.len() > Self::MAX_BYTES {
            let detail = format!("must have at most {} bytes in UTF-8", Self::MAX_BYTES);
            return Err(BrokenRule::new("TOO_LONG", detail));
        }
        if !has_the_form(&text) {
            let detail = "must be an e-mail address, like ada@shop.example";
            return Err(BrokenRule::new("EMAIL", detail));
        }
        Ok(Self(text))
    }

    /// The address as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What no two users share: the address with its ASCII letters in lower case. Other letters
    /// stay, since which of them are one letter depends on whom one asks.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl Password {
    /// The shortest that may be chosen, in characters.
    pub const MIN_CHARS: usize = 8;
    /// The longest that may be chosen, in characters.
    pub const MAX_CHARS: usize = 128;

    /// Takes `text` as a password that somebody chooses.
    ///
    /// # Errors
    ///
    /// The rule that it breaks.
    pub fn new(text: String) -> Result<Self, BrokenRule> {
        checked_text(text, Self::MIN_CHARS, Self::MAX_CHARS).map(Self)
    }

    /// Takes `text` as a password that somebody presents. One that nobody can have chosen is wrong,
    /// and nothing else.
    ///
    /// # Errors
    ///
    /// When it has U+0000, which no text may have.
    pub fn presented(text: String) -> Result<Self, BrokenRule> {
        without_nul(text).map(Self)
    }

    /// The bytes that are hashed.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl PasswordHash {
    /// A hash by its PHC string. Whether it is one turns out when a password is compared with it.
    pub fn new(phc: String) -> Self {
        Self(phc)
    }

    /// The PHC string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One `@`, a name without spaces, quotes and brackets before it, and a host name behind it.
fn has_the_form(text: &str) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else {
        return false;
    };
    let in_name = |c: char| !c.is_whitespace() && !c.is_control() && !r#""(),:;<>@[\]"#.contains(c);
    let in_host = |c: char| c.is_alphanumeric() || c == '-';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(in_host)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 64
        && name
            .split('.')
            .all(|part| !part.is_empty() && part.chars().all(in_name))
        && host.split('.').all(is_label)
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(..)")
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T: fmt::Debug>(result: Result<T, BrokenRule>) -> &'static str {
        result.expect_err("a broken rule").code
    }

    #[test]
    fn an_address_has_a_name_an_at_and_a_host() {
        for good in [
            "ada@shop.example",
            "Ada.Lovelace+shop@Mail.Shop.Example",
            "o'brien_1@x-1.example",
            "root@localhost",
            "ädä@bücher.example",
            "a@127.0.0.1",
        ] {
            assert_eq!(Email::new(good.to_owned()).expect(good).as_str(), good);
        }
        for bad in [
            "",
            "ada",
            "ada@",
            "@shop.example",
            "a@b@shop.example",
            "ada @shop.example",
            " ada@shop.example",
            "ada@shop.example\n",
            "ada@shop..example",
            "ada@.example",
            "ada@shop.example.",
            "ada.@shop.example",
            ".ada@shop.example",
            "a..b@shop.example",
            "ada@-shop.example",
            "ada@shop_example",
            "Ada <ada@shop.example>",
            "\"ada\"@shop.example",
        ] {
            assert_eq!(code(Email::new(bad.to_owned())), "EMAIL", "{bad:?}");
        }
        assert_eq!(
            code(Email::new(format!("{}@shop.example", "a".repeat(65)))),
            "EMAIL"
        );
        let host = ["a".repeat(60), "b".repeat(60), "c".repeat(60)].join(".");
        let longest = |name: usize| Email::new(format!("{}@{host}.d", "a".repeat(name)));
        assert!(longest(64).is_ok());
        let host = format!("{host}.{}", "d".repeat(6));
        assert_eq!(
            code(Email::new(format!("{}@{host}", "a".repeat(65)))),
            "TOO_LONG"
        );
        assert_eq!(
            code(Email::new("a\0@shop.example".to_owned())),
            "NUL_CHARACTER"
        );
    }

    #[test]
    fn only_the_case_of_ascii_letters_does_not_count() {
        let key = |text: &str| Email::new(text.to_owned()).expect(text).key();
        assert_eq!(key("Ada@Shop.EXAMPLE"), key("ada@shop.example"));
        assert_ne!(key("Ä@shop.example"), key("ä@shop.example"));
        assert_ne!(key("a.da@shop.example"), key("ada@shop.example"));
    }

    #[test]
    fn a_password_has_8_to_128_characters_not_bytes() {
        for good in [8, 128] {
            assert!(Password::new("ü".repeat(good)).is_ok());
        }
        assert_eq!(code(Password::new("ü".repeat(7))), "TOO_SHORT");
        assert_eq!(code(Password::new("ü".repeat(129))), "TOO_LONG");
        assert_eq!(code(Password::new("\0".repeat(8))), "NUL_CHARACTER");
        assert!(Password::presented(String::new()).is_ok());
        assert!(Password::presented("x".repeat(1000)).is_ok());
        assert_eq!(code(Password::presented("\0".to_owned())), "NUL_CHARACTER");
    }

    #[test]
    fn debug_shows_none_of_it() {
        let email = Email::new("ada@shop.example".to_owned()).expect("an address");
        let password = Password::new("correct horse".to_owned()).expect("a password");
        let hash = PasswordHash::new("$argon2id$v=19$".to_owned());
        let shown = format!("{email:?} {password:?} {hash:?}");
        assert_eq!(shown, "Email(..) Password(..) PasswordHash(..)");
    }
}
