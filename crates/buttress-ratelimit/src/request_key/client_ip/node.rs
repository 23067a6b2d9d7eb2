//! One address, as proxies write it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// More than the longest address with brackets, a port, quotes and a backslash before each character of it has.
pub(super) const MAX_NODE: usize = 128;

/// An address in the form that `X-Forwarded-For` has in the wild: as [`node`], and IPv6 without brackets, and either one in
/// quotes.
pub(super) fn entry(text: &[u8]) -> Option<IpAddr> {
    let text = text.trim_ascii();
    let text = match text {
        [b'"', quoted @ .., b'"'] => quoted,
        plain => plain,
    };
    let bare = |text: &[u8]| str::from_utf8(text).ok()?.parse::<Ipv6Addr>().ok();
    let bare = bare(text).map(|address| address.to_canonical());
    bare.or_else(|| node(text))
}

/// An address in the form of RFC 7239, section 6: IPv4, or IPv6 in brackets, and either one with a port.
pub(super) fn node(text: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(text).ok()?;
    let (address, port) = match text.strip_prefix('[') {
        Some(text) => {
            let (address, port) = text.split_once(']')?;
            (address.parse::<Ipv6Addr>().ok()?.to_canonical(), port)
        }
        None => {
            let (address, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            (address.parse::<Ipv4Addr>().ok()?.into(), port)
        }
    };
    (port.is_empty() || is_port(port)).then_some(address)
}

fn is_port(text: &str) -> bool {
    let obfuscated = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    match text.as_bytes() {
        [b':', b'_', name @ ..] => !name.is_empty() && name.iter().copied().all(obfuscated),
        [b':', digits @ ..] => {
            (1..=5).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_every_form_and_nothing_else_is() {
        let v4 = Some(IpAddr::from([192, 0, 2, 1]));
        let v6: Option<IpAddr> = "2001:db8::1".parse().ok();
        for (text, as_node, as_entry) in [
            ("192.0.2.1", v4, v4),
            ("192.0.2.1:65535", v4, v4),
            ("192.0.2.1:_web-1", v4, v4),
            ("[::ffff:192.0.2.1]:80", v4, v4),
            ("::ffff:192.0.2.1", None, v4),
            ("\"192.0.2.1:80\"", None, v4),
            (" \t192.0.2.1 ", None, v4),
            ("[2001:db8::1]", v6, v6),
            ("[2001:db8::1]:443", v6, v6),
            ("\"[2001:db8::1]:443\"", None, v6),
            ("2001:db8::1", None, v6),
        ] {
            assert_eq!(node(text.as_bytes()), as_node, "{text}");
            assert_eq!(entry(text.as_bytes()), as_entry, "{text}");
        }
        for text in [
            "",
            " ",
            "unknown",
            "_hidden",
            "192.0.2",
            "192.0.2.256",
            "192.0.2.01",
            "192.0.2.1:",
            "192.0.2.1:x",
            "192.0.2.1:123456",
            "192.0.2.1:_",
            "192.0.2.1:80:80",
            "192.0.2.1 80",
            "192.0.2.1, 192.0.2.2",
            "[192.0.2.1]",
            "[2001:db8::1",
            "2001:db8::1]",
            "[2001:db8::1]443",
            "[2001:db8::1]:",
            "[fe80::1%eth0]",
            "fe80::1%1",
            "\"",
            "\"\"",
            "\"192.0.2.1",
            "192.0.2.1\"",
            "\"\"192.0.2.1\"\"",
            "0x7f000001",
            "2130706433",
            "١٩٢.0.2.1",
            "localhost",
        ] {
            assert_eq!(node(text.as_bytes()), None, "{text}");
            assert_eq!(entry(text.as_bytes()), None, "{text}");
        }
        assert_eq!(entry(b"192.0.2.1\xff"), None);
    }
}
