use std::{
    fmt,
    hash::{Hash, Hasher},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Whose bucket it is: any bytes.
///
/// Two keys are the same when they are made of the same parts in the same order; parts do not run into each other. A
/// key may hold what nobody is to see, such as an API key: it is not shown by `Debug`, and stores outside of the
/// process keep a digest of what is [secret](Self::secret) or long.
///
/// ```
/// use buttress_ratelimit::Key;
///
/// assert_eq!(Key::from("a").and("b"), Key::from("a").and("b"));
/// assert_ne!(Key::from("a").and("b"), Key::from("ab"));
/// assert_ne!(Key::from("127.0.0.1"), Key::from([127, 0, 0, 1]));
/// ```
#[derive(Clone)]
pub struct Key {
    bytes: Bytes,
    secret: bool,
}

/// Most keys are short, and are made for every request.
#[derive(Clone)]
enum Bytes {
    Few { length: u8, bytes: [u8; FEW] },
    Many(Vec<u8>),
}

const FEW: usize = 46;

impl Key {
    /// The one key of those who share one bucket.
    #[must_use]
    pub const fn global() -> Self {
        Self {
            bytes: Bytes::Few {
                length: 0,
                bytes: [0; FEW],
            },
            secret: false,
        }
    }

    /// A key made of something that only its owner knows.
    #[must_use]
    pub fn secret(secret: impl AsRef<[u8]>) -> Self {
        let mut key = Self::part(b's', secret.as_ref());
        key.secret = true;
        key
    }

    /// This key and another part.
    #[must_use]
    pub fn and(mut self, part: impl Into<Self>) -> Self {
        let part = part.into();
        self.bytes.push(part.as_bytes());
        self.secret |= part.secret;
        self
    }

    /// The key of those of whom nothing is known, and the part of who has none.
    pub(crate) fn nobody() -> Self {
        Self::part(b'0', &[])
    }

    /// Its bytes, which are the same for equal keys in every process.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Few { length, bytes } => &bytes[..usize::from(*length)],
            Bytes::Many(bytes) => bytes,
        }
    }

    /// Whether it is not to leave the process as it is.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// One part: what it is, how long it is, and its bytes. So parts can be told apart.
    fn part(kind: u8, bytes: &[u8]) -> Self {
        let mut key = Self::global();
        match u8::try_from(bytes.len()) {
            Ok(length) if length < u8::MAX => key.bytes.push(&[kind, length]),
            _ => {
                key.bytes.push(&[kind, u8::MAX]);
                key.bytes.push(&bytes.len().to_be_bytes());
            }
        }
        key.bytes.push(bytes);
        key
    }
}

impl Key {
    /// [`part`](Self::part), of so few bytes that nothing has to be looked at.
    #[inline]
    fn short<const N: usize>(kind: u8, part: [u8; N]) -> Self {
        const { assert!(N + 2 <= FEW) };
        let mut bytes = [0; FEW];
        bytes[0] = kind;
        bytes[1] = N as u8;
        bytes[2..N + 2].copy_from_slice(&part);
        let length = N as u8 + 2;
        Self {
            bytes: Bytes::Few { length, bytes },
            secret: false,
        }
    }
}

impl Bytes {
    fn push(&mut self, more: &[u8]) {
        match self {
            Self::Few { length, bytes } => {
                let begin = usize::from(*length);
                let end = begin + more.len();
                match (bytes.get_mut(begin..end), u8::try_from(end)) {
                    (Some(room), Ok(end)) => {
                        room.copy_from_slice(more);
                        *length = end;
                    }
                    _ => *self = Self::Many([&bytes[..begin], more].concat()),
                }
            }
            Self::Many(bytes) => bytes.extend_from_slice(more),
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::part(b't', text.as_bytes())
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<&String> for Key {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<&[u8]> for Key {
    fn from(bytes: &[u8]) -> Self {
        Self::part(b'b', bytes)
    }
}

impl<const N: usize> From<[u8; N]> for Key {
    fn from(bytes: [u8; N]) -> Self {
        Self::part(b'b', &bytes)
    }
}

impl From<u64> for Key {
    fn from(number: u64) -> Self {
        Self::short(b'n', number.to_be_bytes())
    }
}

impl From<i64> for Key {
    fn from(number: i64) -> Self {
        Self::short(b'i', number.to_be_bytes())
    }
}

impl From<u128> for Key {
    fn from(number: u128) -> Self {
        Self::short(b'u', number.to_be_bytes())
    }
}

/// As it is: an IPv4 address that is mapped into IPv6 is another one.
impl From<IpAddr> for Key {
    #[inline]
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => address.into(),
        }
    }
}

impl From<Ipv4Addr> for Key {
    fn from(address: Ipv4Addr) -> Self {
        Self::short(b'4', address.octets())
    }
}

impl From<Ipv6Addr> for Key {
    fn from(address: Ipv6Addr) -> Self {
        Self::short(b'6', address.octets())
    }
}

/// What is behind a key is a person, or a secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let keys = [
            Key::global(),
            Key::nobody(),
            "".into(),
            "ab".into(),
            Key::from("a").and("b"),
            Key::from("").and("ab"),
            Key::from("ab").and(""),
            Key::secret("ab"),
            b"ab".as_slice().into(),
            Key::from("x".repeat(300)),
            Key::from("x".repeat(254)).and("x".repeat(46)),
            1_u64.into(),
            1_i64.into(),
            1_u128.into(),
            IpAddr::from([0, 0, 0, 1]).into(),
            IpAddr::from(Ipv4Addr::new(0, 0, 0, 1).to_ipv6_mapped()).into(),
        ];
        for (at, key) in keys.iter().enumerate() {
            for other in &keys[..at] {
                assert_ne!(key.as_bytes(), other.as_bytes());
            }
        }
    }

    #[test]
    fn nothing_of_a_key_is_shown() {
        let shown = format!("{:?}", Key::secret("hunter2").and("paul@example.com"));
        assert!(
            !shown.contains("hunter2") && !shown.contains("paul"),
            "{shown}"
        );
        assert!(Key::from("a").and(Key::secret("b")).is_secret());
    }
}
