//! As much DER as it takes to see what kind of key a document holds.
//!
//! The cryptographic library reads the keys themselves.

/// What the algorithm identifier of a document says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyType {
    Rsa,
    P256,
    P384,
    Ed25519,
    /// Another one: its name, where it is one that is met.
    Other(&'static str),
}

/// The type of the private key in a PKCS#8 document (RFC 5208, section 5).
pub(super) fn pkcs8(document: &[u8]) -> Option<KeyType> {
    let (mut fields, rest) = element(document, SEQUENCE)?;
    if !rest.is_empty() {
        return None;
    }
    (_, fields) = element(fields, INTEGER)?;
    let (identifier, _) = element(fields, SEQUENCE)?;
    key_type(identifier)
}

/// The type of the public key in a SubjectPublicKeyInfo, and the key (RFC 5280, section 4.1).
pub(super) fn spki(document: &[u8]) -> Option<(KeyType, &[u8])> {
    let (fields, rest) = element(document, SEQUENCE)?;
    let (identifier, fields) = element(fields, SEQUENCE)?;
    let (bits, end) = element(fields, BIT_STRING)?;
    match (rest, end, bits.split_first()) {
        // The first byte counts the bits that are not used in the last one.
        ([], [], Some((0, key))) => Some((key_type(identifier)?, key)),
        _ => None,
    }
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

fn key_type(identifier: &[u8]) -> Option<KeyType> {
    let (algorithm, parameters) = element(identifier, OBJECT_IDENTIFIER)?;
    Some(match algorithm {
        // 1.2.840.113549.1.1.1 rsaEncryption
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01] => KeyType::Rsa,
        // 1.2.840.113549.1.1.10 id-RSASSA-PSS
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a] => {
            KeyType::Other("RSA restricted to PSS")
        }
        // 1.3.101.112 id-Ed25519
        [0x2b, 0x65, 0x70] => KeyType::Ed25519,
        [0x2b, 0x65, 0x71] => KeyType::Other("Ed448"),
        [0x2b, 0x65, 0x6e] => KeyType::Other("X25519"),
        // 1.2.840.10045.2.1 id-ecPublicKey
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01] => {
            match element(parameters, OBJECT_IDENTIFIER)?.0 {
                [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07] => KeyType::P256,
                [0x2b, 0x81, 0x04, 0x00, 0x22] => KeyType::P384,
                [0x2b, 0x81, 0x04, 0x00, 0x23] => KeyType::Other("P-521"),
                [0x2b, 0x81, 0x04, 0x00, 0x0a] => KeyType::Other("secp256k1"),
                _ => KeyType::Other("of another curve"),
            }
        }
        _ => KeyType::Other("of another type"),
    })
}

/// The content of the first element, which has to be of this type, and what stands after it.
fn element(text: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[first, length], mut rest) = text.split_first_chunk()?;
    if first != tag {
        return None;
    }
    let mut size = usize::from(length);
    if length >= 0x80 {
        // Four bytes of length are more than any key has.
        let count = usize::from(length & 0x7f);
        if !(1..=4).contains(&count) {
            return None;
        }
        let (digits, after) = rest.split_at_checked(count)?;
        size = digits
            .iter()
            .fold(0, |size, digit| size << 8 | usize::from(*digit));
        rest = after;
    }
    rest.split_at_checked(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 8410, section 10.3, in hexadecimal.
    const ED25519: &[u8] = &[
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20, 0xd4, 0xee, 0x72, 0xdb, 0xf9, 0x13, 0x58, 0x4a, 0xd5, 0xb6, 0xd8, 0xf1, 0xf7, 0x69,
        0xf8, 0xad, 0x3a, 0xfe, 0x7c, 0x28, 0xcb, 0xf1, 0xd4, 0xfb, 0xe0, 0x97, 0xa8, 0x8f, 0x44,
        0x75, 0x58, 0x42,
    ];

    #[test]
    fn the_type_of_a_private_key_is_seen() {
        assert_eq!(pkcs8(ED25519), Some(KeyType::Ed25519));
        let mut other = ED25519.to_vec();
        other[11] = 0x71;
        assert_eq!(pkcs8(&other), Some(KeyType::Other("Ed448")));
    }

    #[test]
    fn no_part_of_a_document_is_one() {
        for end in 0..ED25519.len() {
            assert_eq!(pkcs8(&ED25519[..end]), None, "{end}");
        }
        assert_eq!(pkcs8(&[ED25519, &[0]].concat()), None);
        assert_eq!(spki(ED25519), None);
        assert_eq!(element(&[0x30, 0x80, 0, 0], SEQUENCE), None);
        assert_eq!(element(&[0x30, 0x85, 0, 0, 0, 0, 0], SEQUENCE), None);
        assert_eq!(
            element(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], SEQUENCE),
            None
        );
    }
}
