use std::{fmt, str::FromStr};

use crate::{Error, ErrorKind};

/// A JSON Pointer (RFC 6901): where in a document a value stands, such as `/items/0/quantity`.
///
/// The plain string form of section 3 is used, not the URI fragment form: `/a b` stays `/a b`.
///
/// ```
/// use buttress_problem::JsonPointer;
///
/// let pointer = JsonPointer::root().join("prices").join("EUR/net").join(0);
/// assert_eq!(pointer.as_str(), "/prices/EUR~1net/0");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JsonPointer(String);

impl JsonPointer {
    /// The whole document: the empty pointer.
    #[must_use]
    pub const fn root() -> Self {
        Self(String::new())
    }

    /// Reads a pointer: empty, or tokens that each begin with `/`, with `~` only as `~0` or `~1`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidPointer`].
    pub fn parse(pointer: impl Into<String>) -> Result<Self, Error> {
        let pointer = pointer.into();
        let starts_well = pointer.is_empty() || pointer.starts_with('/');
        let escapes_well = pointer
            .split('~')
            .skip(1)
            .all(|rest| rest.starts_with(['0', '1']));
        if starts_well && escapes_well {
            Ok(Self(pointer))
        } else {
            Err(Error::new(
                ErrorKind::InvalidPointer,
                "not a JSON Pointer (RFC 6901): it is empty or begins with `/`, and `~` stands only \
                 in `~0` and `~1`",
            ))
        }
    }

    /// Appends a member's name or an element's index, escaped (`~` as `~0`, `/` as `~1`).
    pub fn push(&mut self, token: impl fmt::Display) {
        use fmt::Write;

        self.0.push('/');
        // Writing into a `String` cannot fail.
        let _ = write!(Escape(&mut self.0), "{token}");
    }

    /// This pointer with one token more; see [`push`](Self::push).
    #[must_use]
    pub fn join(mut self, token: impl fmt::Display) -> Self {
        self.push(token);
        self
    }

    /// The pointer as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

struct Escape<'a>(&'a mut String);

impl fmt::Write for Escape<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            match char {
                '~' => self.0.push_str("~0"),
                '/' => self.0.push_str("~1"),
                other => self.0.push(other),
            }
        }
        Ok(())
    }
}

impl fmt::Display for JsonPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for JsonPointer {
    type Err = Error;

    fn from_str(pointer: &str) -> Result<Self, Error> {
        Self::parse(pointer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_escaped_as_rfc_6901_says() {
        let cases = [
            ("a/b", "/a~1b"),
            ("m~n", "/m~0n"),
            ("", "/"),
            ("~1", "/~01"),
            ("käse und brot", "/käse und brot"),
        ];
        for (token, expected) in cases {
            assert_eq!(JsonPointer::root().join(token).as_str(), expected);
        }
    }

    #[test]
    fn parse_refuses_what_is_no_pointer() {
        for good in ["", "/", "/a~1b/~0", "//"] {
            assert_eq!(JsonPointer::parse(good).unwrap().as_str(), good);
        }
        for bad in ["a", "#/a", "/~", "/~2"] {
            let error = JsonPointer::parse(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidPointer);
        }
    }
}
