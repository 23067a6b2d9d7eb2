//! The two numbers of a signature on a curve.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use buttress_jwt::Algorithm;
use buttress_jwt::TokenErrorKind::{BadSignature, TooLarge};

use super::check;
use crate::support::{claims, encode, peer};

/// JWS 378 to 401.
#[test]
fn numbers_of_es256() {
    let peer = peer(Algorithm::ES256);
    let order: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let token = peer.token(&claims());
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let (r, s) = signature.split_at(32);
    let with = |numbers: &[&[u8]]| format!("{message}.{}", encode(&numbers.concat()));
    let bad = Some(BadSignature);
    let mut cases = vec![
        ("valid", with(&[r, s]), None),
        // A signature has two forms by itself, and JOSE chooses none of them.
        ("valid", with(&[r, &less(&order, s)]), None),
        ("SignatureTooLong", with(&[&[0], r, &[0], s]), bad),
        ("TrailingZeros", with(&[r, &[0], s, &[0]]), bad),
        ("RisTooBig", with(&[&plus(r, &order), &[0], s]), bad),
        ("SisTooBig", with(&[&[0], r, &plus(s, &order)]), bad),
        ("IntegerOverflow", with(&[&[1], r, &[0], s]), bad),
        ("IntegerOverflow", with(&[&[0], r, &[1], s]), bad),
        ("BufferOverflow", with(&[&[0; 100], r, &[0; 100], s]), bad),
        (
            "BufferOverflow",
            with(&[&[0; 500], r, &[0; 500], s]),
            Some(TooLarge),
        ),
    ];
    let one = plus(&[0; 32], &{
        let mut one = [0; 32];
        one[31] = 1;
        one
    });
    let numbers = [
        [0; 32],
        one[1..].try_into().unwrap(),
        less(&order, &one[1..]),
        order,
    ];
    for r in &numbers {
        for s in &numbers {
            cases.push(("r and s of 0, 1, n - 1, n", with(&[r, s]), bad));
        }
    }
    check(&peer.verifier(), cases);
}

/// With a byte for what is carried, the highest first.
fn plus(a: &[u8], b: &[u8; 32]) -> [u8; 33] {
    let mut sum = [0; 33];
    let mut carry = 0;
    for at in (0..32).rev() {
        let part = u16::from(a[at]) + u16::from(b[at]) + carry;
        (sum[at + 1], carry) = (part.to_be_bytes()[1], part >> 8);
    }
    sum[0] = carry.to_be_bytes()[1];
    sum
}

fn less(a: &[u8; 32], b: &[u8]) -> [u8; 32] {
    let mut difference = [0; 32];
    let mut borrow = 0;
    for at in (0..32).rev() {
        let part = 256 + u16::from(a[at]) - u16::from(b[at]) - borrow;
        (difference[at], borrow) = (part.to_be_bytes()[1], 1 - (part >> 8));
    }
    difference
}
