//! The header of a token (RFC 7515, section 4): what is believed of it, and what refuses the token.

use std::borrow::Cow;

use jsonwebtoken::Algorithm;

use super::{base64url, compact::MAX_HEADER, json::Object};
use crate::{TokenError, TokenErrorKind, key};

/// How many bytes a `kid` may have. It is compared with names of keys and put to no other use.
pub(crate) const MAX_KEY_ID: usize = 128;

/// What counts of a header. Members that only say where a key could be found (`jku`, `jwk`, `x5u`, `x5c`) are
/// not among it: whoever wrote the token wrote them too.
#[derive(Debug)]
pub(crate) struct Header<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: Option<Cow<'a, str>>,
}

/// Room for the JSON of the largest header.
pub(crate) type HeaderBuffer = [u8; MAX_HEADER / 4 * 3];

impl<'a> Header<'a> {
    pub(crate) fn read(segment: &str, buffer: &'a mut HeaderBuffer) -> Result<Self, TokenError> {
        let json = base64url::decode_into(segment, buffer)
            .ok_or(malformed("the header is not base64url"))?;
        let object = Object::read(json).ok_or(malformed(
            "the header is not one JSON object with unique names",
        ))?;
        let mut typ = None;
        let mut alg = None;
        let mut key_id = None;
        for (name, value) in object.members() {
            match &**name {
                "typ" => typ = Some(value.as_str().ok_or(malformed("`typ` is not a string"))?),
                "alg" => alg = Some(value.as_str().ok_or(malformed("`alg` is not a string"))?),
                "kid" => key_id = Some(value.as_str().ok_or(malformed("`kid` is not a string"))?),
                // No extension is understood here, so no list of those that have to be is fulfilled, and one
                // that is empty or of another type is not allowed at all (RFC 7515, section 4.1.11).
                "crit" => return Err(unsupported("`crit` names what is not understood")),
                // RFC 7797, section 7: not with JWTs.
                "b64" => return Err(unsupported("`b64` changes what is signed")),
                "zip" => return Err(unsupported("`zip` is not for signed tokens")),
                "enc" => return Err(unsupported("`enc` is not for signed tokens")),
                _ => {}
            }
        }
        match typ {
            Some(typ) if is_access_token(&typ) => {}
            Some(_) => {
                return Err(TokenError::new(
                    TokenErrorKind::WrongType,
                    "`typ` is not at+jwt",
                ));
            }
            None => {
                return Err(TokenError::new(
                    TokenErrorKind::WrongType,
                    "`typ` is missing",
                ));
            }
        }
        let alg = alg.ok_or(malformed("`alg` is missing"))?;
        let algorithm = key::from_name(&alg).ok_or(TokenError::new(
            TokenErrorKind::WrongAlgorithm,
            "`alg` is none that is accepted",
        ))?;
        if key_id.as_ref().is_some_and(|id| id.len() > MAX_KEY_ID) {
            return Err(TokenError::new(
                TokenErrorKind::TooLarge,
                "`kid` has more than 128 bytes",
            ));
        }
        Ok(Self { algorithm, key_id })
    }
}

/// Whether a `typ` says access token (RFC 9068, section 4). It is a media type, so case does not matter, and
/// `application/` may be left out where no other slash follows (RFC 7515, section 4.1.9).
fn is_access_token(typ: &str) -> bool {
    let short = match typ.split_at_checked(12) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
        _ => typ,
    };
    short.eq_ignore_ascii_case("at+jwt")
}

fn malformed(reason: &'static str) -> TokenError {
    TokenError::new(TokenErrorKind::Malformed, reason)
}

fn unsupported(reason: &'static str) -> TokenError {
    TokenError::new(TokenErrorKind::UnsupportedHeader, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<(Algorithm, Option<String>), TokenErrorKind> {
        read_segment(&base64url::encode(json.as_bytes()))
    }

    fn read_segment(segment: &str) -> Result<(Algorithm, Option<String>), TokenErrorKind> {
        let mut buffer = [0; _];
        let header = Header::read(segment, &mut buffer).map_err(|error| error.kind())?;
        Ok((header.algorithm, header.key_id.map(Cow::into_owned)))
    }

    #[test]
    fn names_of_the_type_are_media_types() {
        for typ in [
            "at+jwt",
            "AT+JWT",
            "application/at+jwt",
            "Application/At+Jwt",
        ] {
            assert!(is_access_token(typ), "{typ}");
        }
        for typ in [
            "",
            "JWT",
            "jwt",
            "at+jwt ",
            " at+jwt",
            "text/at+jwt",
            "application/application/at+jwt",
            "rt+jwt",
            "dpop+jwt",
            "logout+jwt",
            "id+jwt",
            "secevent+jwt",
            "application/jwt",
            "at+jwts",
            "application/",
            "applicatioä/at+jwt",
        ] {
            assert!(!is_access_token(typ), "{typ}");
        }
    }

    #[test]
    fn what_counts_is_read() {
        let header = read(
            r#"{"alg":"ES256","typ":"at+jwt","kid":"k","jku":"https://evil.example","x":[1]}"#,
        )
        .expect("a header");
        assert_eq!(header, (Algorithm::ES256, Some("k".to_owned())));
        let header = read(r#"{"alg":"EdDSA","typ":"at+jwt"}"#).expect("a header");
        assert_eq!(header, (Algorithm::EdDSA, None));
    }

    #[test]
    fn extensions_that_have_to_be_understood_are_refused() {
        for member in [
            r#""crit":["x"],"x":1"#,
            r#""crit":[]"#,
            r#""crit":"x""#,
            r#""crit":["exp"]"#,
            r#""crit":["absent"]"#,
            r#""crit":null"#,
            r#""b64":false,"crit":["b64"]"#,
            r#""b64":false"#,
            r#""b64":true"#,
            r#""zip":"DEF""#,
            r#""enc":"A256GCM""#,
            r#""\u0063rit":["x"]"#,
        ] {
            let json = format!(r#"{{"alg":"ES256","typ":"at+jwt",{member}}}"#);
            assert_eq!(
                read(&json).err(),
                Some(TokenErrorKind::UnsupportedHeader),
                "{json}"
            );
        }
    }

    #[test]
    fn the_rest_is_refused_for_its_own_reason() {
        use TokenErrorKind::{Malformed, TooLarge, WrongAlgorithm, WrongType};
        let long = format!(
            r#"{{"alg":"ES256","typ":"at+jwt","kid":"{}"}}"#,
            "k".repeat(129)
        );
        for (json, kind) in [
            (r#"{"typ":"at+jwt"}"#, Malformed),
            (r#"{"alg":null,"typ":"at+jwt"}"#, Malformed),
            (r#"{"alg":["ES256"],"typ":"at+jwt"}"#, Malformed),
            (r#"{"alg":"ES256","typ":1}"#, Malformed),
            (r#"{"alg":"ES256","typ":"at+jwt","kid":1}"#, Malformed),
            (r#"{"alg":"ES256","alg":"HS256","typ":"at+jwt"}"#, Malformed),
            (
                r#"{"alg":"ES256","\u0061lg":"HS256","typ":"at+jwt"}"#,
                Malformed,
            ),
            (r#"["alg"]"#, Malformed),
            (r#"{"alg":"ES256"}"#, WrongType),
            (r#"{"alg":"ES256","typ":"JWT"}"#, WrongType),
            (r#"{"alg":"none","typ":"at+jwt"}"#, WrongAlgorithm),
            (r#"{"alg":"None","typ":"at+jwt"}"#, WrongAlgorithm),
            (r#"{"alg":"nOnE","typ":"at+jwt"}"#, WrongAlgorithm),
            (r#"{"alg":"none ","typ":"at+jwt"}"#, WrongAlgorithm),
            (r#"{"alg":"none\u0000","typ":"at+jwt"}"#, WrongAlgorithm),
            (r#"{"alg":"","typ":"at+jwt"}"#, WrongAlgorithm),
            (r#"{"alg":"es256","typ":"at+jwt"}"#, WrongAlgorithm),
            (&long, TooLarge),
        ] {
            assert_eq!(read(json).err(), Some(kind), "{json}");
        }
        assert_eq!(read_segment("=").err(), Some(Malformed));
        assert_eq!(read_segment(&"A".repeat(MAX_HEADER)).err(), Some(Malformed));
    }
}
