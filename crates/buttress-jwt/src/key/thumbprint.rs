//! The name of a key that follows from the key (RFC 7638; RFC 8037, section 2).

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::public::Public;

/// SHA-256 over the members that make the key, in the order of their names, in base64url.
pub(super) fn of(key: &Public) -> String {
    let members = members(key);
    let mut text = String::from("{");
    for (at, (name, value)) in members.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        // No name and no value has a character that JSON would escape.
        text.push('"');
        text.push_str(name);
        text.push_str("\":\"");
        text.push_str(value);
        text.push('"');
    }
    text.push('}');
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// What a JWK of the key must have, in the order of the names.
pub(super) fn members(key: &Public) -> Vec<(&'static str, String)> {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    match key {
        Public::Ed25519(x) => vec![
            ("crv", "Ed25519".to_owned()),
            ("kty", "OKP".to_owned()),
            ("x", encode(x)),
        ],
        Public::Ec(curve, point) => {
            let (x, y) = point[1..].split_at(curve.width());
            vec![
                ("crv", curve.name().to_owned()),
                ("kty", "EC".to_owned()),
                ("x", encode(x)),
                ("y", encode(y)),
            ]
        }
        Public::Rsa { modulus, exponent } => vec![
            ("e", encode(exponent)),
            ("kty", "RSA".to_owned()),
            ("n", encode(modulus)),
        ],
    }
}
