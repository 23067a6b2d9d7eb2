//! `Forwarded`, RFC 7239: elements with commas between them, and in each one pairs with semicolons between them.

use std::net::IpAddr;

use super::node;

/// How long an element may be: names of hosts are in them too.
const MAX_ELEMENT: usize = 1024;

type Split<'a> = (Option<&'a [u8]>, &'a [u8]);

/// What comes before the last comma that is not in quotes, and what comes after it. `None` when that is too long, or a
/// quote in it is not closed.
///
/// It is read from its end, so that nothing that was there before can change what the last proxy has added: a quote that a client
/// opens and does not close is not looked at.
pub(super) fn split_last(line: &[u8]) -> Option<Split<'_>> {
    let mut quoted = false;
    for (at, byte) in line.iter().enumerate().rev().take(MAX_ELEMENT + 1) {
        match byte {
            b'"' if !(quoted && is_escaped(&line[..at])) => quoted = !quoted,
            b',' if !quoted => return Some((Some(&line[..at]), &line[at + 1..])),
            _ => {}
        }
    }
    (!quoted && line.len() <= MAX_ELEMENT).then_some((None, line))
}

/// Whether what comes after this is escaped: by an odd number of backslashes.
fn is_escaped(before: &[u8]) -> bool {
    let backslashes = before.iter().rev().take(MAX_ELEMENT);
    backslashes.take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The address of an element's one parameter `for`, if it can be read.
pub(super) fn address(element: &[u8]) -> Option<IpAddr> {
    let mut found = None;
    let mut rest = element.trim_ascii();
    while !rest.is_empty() {
        // A pair may be left out.
        if let Some(after) = rest.strip_prefix(b";") {
            rest = after.trim_ascii_start();
            continue;
        }
        let equals = rest.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (&rest[..equals], &rest[equals + 1..]);
        let mut text = Text::default();
        rest = text.read(value)?.trim_ascii_start();
        if !(rest.is_empty() || rest.starts_with(b";")) || !name.iter().all(is_token) {
            return None;
        }
        if name.eq_ignore_ascii_case(b"for") && found.replace(text.node()?).is_some() {
            return None;
        }
    }
    found
}

fn is_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}

/// A value without its quotes and backslashes, as far as it can be an address.
struct Text {
    bytes: [u8; node::MAX_NODE],
    length: usize,
}

impl Default for Text {
    fn default() -> Self {
        Self {
            bytes: [0; node::MAX_NODE],
            length: 0,
        }
    }
}

impl Text {
    /// Reads a value, and answers what comes after it.
    fn read<'a>(&mut self, value: &'a [u8]) -> Option<&'a [u8]> {
        let Some(mut rest) = value.strip_prefix(b"\"") else {
            let end = value.iter().position(|byte| *byte == b';');
            let (plain, rest) = value.split_at(end.unwrap_or(value.len()));
            let plain = plain.trim_ascii_end();
            plain.iter().for_each(|byte| self.push(*byte));
            return (!plain.contains(&b'"')).then_some(rest);
        };
        loop {
            let (byte, after) = match rest {
                [b'"', after @ ..] => return Some(after),
                [b'\\', byte, after @ ..] | [byte, after @ ..] => (byte, after),
                [] => return None,
            };
            self.push(*byte);
            rest = after;
        }
    }

    /// What is too long for its place is no address, whatever it begins with.
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
        }
        self.length += 1;
    }

    fn node(&self) -> Option<IpAddr> {
        node::node(self.bytes.get(..self.length)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_told_apart_from_the_end() {
        for (line, rest, last) in [
            ("for=a", None, "for=a"),
            ("for=a,for=b", Some("for=a"), "for=b"),
            ("for=a,", Some("for=a"), ""),
            (
                r#"for="a,b",for="c,d""#,
                Some(r#"for="a,b""#),
                r#"for="c,d""#,
            ),
            (r#"x,h="a\",b";for=c"#, Some("x"), r#"h="a\",b";for=c"#),
            (r#"x,h="a\\";for=c"#, Some("x"), r#"h="a\\";for=c"#),
            (r#"for="6.6.6.6, for=b"#, Some(r#"for="6.6.6.6"#), " for=b"),
            (
                r#"for="6.6.6.6\", for=b"#,
                Some(r#"for="6.6.6.6\""#),
                " for=b",
            ),
        ] {
            let split = split_last(line.as_bytes()).expect(line);
            assert_eq!(split, (rest.map(str::as_bytes), last.as_bytes()), "{line}");
        }
        for line in [r#"for="a"#, r#"a,b""#, r#"a,\""#] {
            assert_eq!(split_last(line.as_bytes()), None, "{line}");
        }
        let long = |length| "x".repeat(length);
        assert!(split_last(long(MAX_ELEMENT).as_bytes()).is_some());
        assert!(split_last(long(MAX_ELEMENT + 1).as_bytes()).is_none());
        let line = format!("a,{}", long(MAX_ELEMENT));
        assert!(split_last(line.as_bytes()).is_some());
        let line = format!("a,{}", long(MAX_ELEMENT + 1));
        assert!(split_last(line.as_bytes()).is_none());
    }

    #[test]
    fn the_address_of_an_element_is_read_in_every_form() {
        let v4 = IpAddr::from([192, 0, 2, 1]);
        let v6: IpAddr = "2001:db8::1".parse().expect("an address");
        for (element, expected) in [
            ("for=192.0.2.1", v4),
            (" FOR=192.0.2.1 ", v4),
            ("proto=https;For=\"192.0.2.1:80\"; by=203.0.113.1", v4),
            (";;for=192.0.2.1;", v4),
            ("for=192.0.2.1:80", v4),
            (r#"for="\1\9\2.0.2.1""#, v4),
            (r#"host="a;for=6.6.6.6";for=192.0.2.1"#, v4),
            (r#"host="\";for=6.6.6.6";for=192.0.2.1"#, v4),
            ("host=example.com:8080;for=192.0.2.1", v4),
            (r#"for="[::ffff:192.0.2.1]""#, v4),
            (r#"for="[2001:db8::1]:4711""#, v6),
            (r#"for="[2001:db8::1]:_port""#, v6),
            ("for=[2001:db8::1]", v6),
        ] {
            assert_eq!(address(element.as_bytes()), Some(expected), "{element}");
        }
        for element in [
            "",
            ";",
            "for",
            "for=",
            "for=\"\"",
            "for=unknown",
            "for=_hidden",
            "for=\"_hidden\"",
            "for=2001:db8::1",
            "for=192.0.2.1;for=192.0.2.1",
            "for=192.0.2.1;FOR=6.6.6.6",
            "for=unknown;for=192.0.2.1",
            "proto=https",
            "for =192.0.2.1",
            "for= 192.0.2.1",
            "for=\"192.0.2.1\"x",
            "for=\"192.0.2.1",
            "for=192.0.2.1\"",
            "for=192.0.2.1;host=\"a",
            "for=192.0.2.1;host",
            "x y=1;for=192.0.2.1",
            "for=\"192.0.2.1\\",
        ] {
            assert_eq!(address(element.as_bytes()), None, "{element}");
        }
        let padded = format!("for=192.0.2.1{}", "\0".repeat(node::MAX_NODE));
        assert_eq!(address(padded.as_bytes()), None);
    }
}
