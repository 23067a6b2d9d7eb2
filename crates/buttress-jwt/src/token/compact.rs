//! The compact form of a signed token: three segments of base64url (RFC 7515, section 7.1).

use crate::{TokenError, TokenErrorKind};

/// How many bytes a token may have. It travels in a header field, where servers cap at this size too.
pub(crate) const MAX_TOKEN: usize = 8 * 1024;

/// How many bytes the first segment may have.
pub(crate) const MAX_HEADER: usize = 2 * 1024;

/// How many bytes the last segment may have: a signature by the largest key.
const MAX_SIGNATURE: usize = 1366;

/// The segments, none of them decoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compact<'a> {
    pub(crate) header: &'a str,
    pub(crate) payload: &'a str,
    pub(crate) signature: &'a str,
    /// What is signed: the header, a dot and the payload.
    pub(crate) message: &'a str,
}

impl<'a> Compact<'a> {
    /// Splits a token. Nothing is decoded, so what is too large costs next to nothing.
    pub(crate) fn split(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::new(
                TokenErrorKind::TooLarge,
                "the token has more than 8192 bytes",
            ));
        }
        // An encrypted token has five segments. It is none that a signature vouches for.
        let three = "the token does not have three segments";
        let malformed = |reason| TokenError::new(TokenErrorKind::Malformed, reason);
        let (message, signature) = token.rsplit_once('.').ok_or(malformed(three))?;
        let (header, payload) = message.split_once('.').ok_or(malformed(three))?;
        if payload.contains('.') {
            return Err(malformed(three));
        }
        if header.len() > MAX_HEADER {
            return Err(TokenError::new(
                TokenErrorKind::TooLarge,
                "the header has more than 2048 bytes",
            ));
        }
        if signature.len() > MAX_SIGNATURE {
            return Err(TokenError::new(
                TokenErrorKind::TooLarge,
                "the signature has more bytes than one of the largest key",
            ));
        }
        if header.is_empty() || payload.is_empty() || signature.is_empty() {
            return Err(malformed("a segment of the token is empty"));
        }
        Ok(Self {
            header,
            payload,
            signature,
            message,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(token: &str) -> Option<TokenErrorKind> {
        Compact::split(token).err().map(|error| error.kind())
    }

    #[test]
    fn a_token_has_three_segments() {
        let compact = Compact::split("a.b.c").expect("three");
        let Compact {
            header,
            payload,
            signature,
            message,
        } = compact;
        assert_eq!(
            (header, payload, signature, message),
            ("a", "b", "c", "a.b")
        );
        for other in [
            "",
            "a",
            "a.b",
            "a.b.c.d",
            "a.b.c.d.e",
            "..",
            "a..c",
            ".b.c",
            "a.b.",
            "a.b.c.",
        ] {
            assert_eq!(kind(other), Some(TokenErrorKind::Malformed), "{other:?}");
        }
    }

    #[test]
    fn sizes_are_capped() {
        let token = |header: usize, total: usize| {
            let header = "h".repeat(header);
            let payload = "p".repeat(total - header.len() - 4);
            format!("{header}.{payload}.ss")
        };
        assert_eq!(kind(&token(MAX_HEADER, MAX_TOKEN)), None);
        assert_eq!(
            kind(&token(MAX_HEADER, MAX_TOKEN + 1)),
            Some(TokenErrorKind::TooLarge)
        );
        assert_eq!(
            kind(&token(MAX_HEADER + 1, MAX_TOKEN)),
            Some(TokenErrorKind::TooLarge)
        );
        assert_eq!(
            kind(&"x".repeat(MAX_TOKEN + 1)),
            Some(TokenErrorKind::TooLarge)
        );
        let signature = "s".repeat(MAX_SIGNATURE);
        assert_eq!(kind(&format!("a.b.{signature}")), None);
        assert_eq!(
            kind(&format!("a.b.{signature}s")),
            Some(TokenErrorKind::TooLarge)
        );
    }
}
