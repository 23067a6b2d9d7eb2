//! Signatures of Ed25519 that a lax verifier takes. They are made with the private key, since nobody else could make
//! them fit: what is held here is that a token has one signature, and that all who verify agree on it.

use aws_lc_rs::digest::{SHA512, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use buttress_jwt::{KeyRing, SigningKey, TokenErrorKind, Verifier};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

use crate::support::{AUDIENCE, Hands, ISSUER, NOW, claims, encode, peer, refused, verify};

const SEED: [u8; 32] = *b"a seed with thirty-two bytes....";

/// The order of the base point, 2^252 + 27742317777372353535851937790883648493 (RFC 8032, section 5.1).
const ORDER: Scalar = Scalar([
    0x5812_631a_5cf5_d3ed,
    0x14de_f9de_a2f7_9cd6,
    0,
    0x1000_0000_0000_0000,
]);

/// y of the points whose order divides 8: 0 (order 4), 1 (the neutral point), -1 (order 2), and those of order 8.
const SMALL_ORDER: [&str; 5] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
];

/// 0 and 1 once more, as p and p + 1.
const UNREDUCED: [&str; 2] = [
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

#[test]
fn a_signature_has_one_s() {
    let signer = Signer::new();
    let (r, s) = signer.sign();
    signer.accepts(&r, &s);
    let mut other = s;
    for times in 1.. {
        let (sum, overflows) = other.plus(&ORDER);
        if overflows {
            assert!(times > 14, "{times}");
            break;
        }
        other = sum;
        signer.refuses(&r, &other);
    }
    for other in [ORDER, Scalar([0; 4]), Scalar([u64::MAX; 4])] {
        signer.refuses(&r, &other);
    }
}

/// With the neutral point as R, S = k * a satisfies the equation; with another point of small order it satisfies the
/// one that is multiplied by 8, which some verifiers use.
#[test]
fn r_is_no_point_of_small_order_and_written_in_one_way() {
    let signer = Signer::new();
    for y in SMALL_ORDER.iter().chain(&UNREDUCED) {
        for sign in [0, 0x80] {
            let mut r = point(y);
            r[31] |= sign;
            let s = signer.challenge(&r).times(&signer.secret);
            signer.refuses(&r, &s);
        }
    }
}

/// The arithmetic of this file, by a signature that was made elsewhere.
#[test]
fn the_others_would_fit() {
    let signer = Signer::new();
    let (r, s) = signer.sign();
    let nonce = Scalar::of_digest(&[&signer.prefix, signer.message.as_bytes()]);
    let made = nonce.plus_modulo(&signer.challenge(&r).times(&signer.secret));
    assert_eq!(made.0, s.0);
}

struct Signer {
    secret: Scalar,
    prefix: [u8; 32],
    public: [u8; 32],
    encoding: EncodingKey,
    verifier: Verifier,
    message: String,
}

impl Signer {
    fn new() -> Self {
        // That jsonwebtoken has a backend.
        peer(Algorithm::EdDSA);
        let der = [
            &[
                0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
            ],
            &SEED[..],
        ]
        .concat();
        let body = STANDARD.encode(der);
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        let key = SigningKey::from_pem(&pem).unwrap();
        let jwks: Value = serde_json::from_str(&KeyRing::new(key.clone()).unwrap().jwks()).unwrap();
        let public = decode(jwks["keys"][0]["x"].as_str().unwrap());

        let expanded = digest(&SHA512, &SEED);
        let (scalar, prefix) = expanded.as_ref().split_at(32);
        let mut scalar: [u8; 32] = scalar.try_into().unwrap();
        scalar[0] &= 0xf8;
        scalar[31] = scalar[31] & 0x7f | 0x40;
        let header = json!({"typ": "at+jwt", "alg": "EdDSA", "kid": key.key_id()}).to_string();
        Self {
            secret: Scalar::reduced(&scalar),
            prefix: prefix.try_into().unwrap(),
            public: public.try_into().unwrap(),
            encoding: EncodingKey::from_ed_pem(pem.as_bytes()).unwrap(),
            verifier: Verifier::new(ISSUER, AUDIENCE, &key).with_clock(Hands::at(NOW).clock()),
            message: format!(
                "{}.{}",
                encode(header.as_bytes()),
                encode(claims().to_string().as_bytes())
            ),
        }
    }

    fn sign(&self) -> ([u8; 32], Scalar) {
        let signature =
            crypto::sign(self.message.as_bytes(), &self.encoding, Algorithm::EdDSA).unwrap();
        let signature = decode(&signature);
        let (r, s) = signature.split_at(32);
        (r.try_into().unwrap(), Scalar::read(s.try_into().unwrap()))
    }

    /// k of RFC 8032, section 5.1.7.
    fn challenge(&self, r: &[u8; 32]) -> Scalar {
        Scalar::of_digest(&[r, &self.public, self.message.as_bytes()])
    }

    fn token(&self, r: &[u8; 32], s: &Scalar) -> String {
        let signature = [*r, s.bytes()].concat();
        format!("{}.{}", self.message, encode(&signature))
    }

    #[track_caller]
    fn accepts(&self, r: &[u8; 32], s: &Scalar) {
        verify(&self.verifier, &self.token(r, s)).unwrap();
    }

    #[track_caller]
    fn refuses(&self, r: &[u8; 32], s: &Scalar) {
        let kind = refused(&self.verifier, &self.token(r, s));
        assert_eq!(kind, TokenErrorKind::BadSignature, "{r:x?} {s:x?}");
    }
}

/// A number of 256 bits, the lowest first.
#[derive(Clone, Copy, Debug)]
struct Scalar([u64; 4]);

impl Scalar {
    fn read(bytes: [u8; 32]) -> Self {
        let mut parts = bytes.chunks_exact(8);
        Self([(); 4].map(|()| u64::from_le_bytes(parts.next().unwrap().try_into().unwrap())))
    }

    fn bytes(self) -> [u8; 32] {
        self.0.map(u64::to_le_bytes).concat().try_into().unwrap()
    }

    fn plus(&self, other: &Self) -> (Self, bool) {
        let mut carry = false;
        let mut sum = *self;
        for (a, b) in sum.0.iter_mut().zip(other.0) {
            let (part, first) = a.overflowing_add(b);
            let (part, second) = part.overflowing_add(u64::from(carry));
            (*a, carry) = (part, first || second);
        }
        (sum, carry)
    }

    fn less_order(&self) -> Option<Self> {
        let mut borrow = false;
        let mut difference = *self;
        for (a, b) in difference.0.iter_mut().zip(ORDER.0) {
            let (part, first) = a.overflowing_sub(b);
            let (part, second) = part.overflowing_sub(u64::from(borrow));
            (*a, borrow) = (part, first || second);
        }
        (!borrow).then_some(difference)
    }

    /// Of two that are below the order.
    fn plus_modulo(&self, other: &Self) -> Self {
        let (sum, _) = self.plus(other);
        sum.less_order().unwrap_or(sum)
    }

    /// This many times the other one, which is below the order: bit by bit, from the highest.
    fn multiple(factor: &[u8], of: &Self) -> Self {
        let bits = factor
            .iter()
            .rev()
            .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
        bits.fold(Self([0; 4]), |sum, bit| {
            let twice = sum.plus_modulo(&sum);
            if bit == 1 {
                twice.plus_modulo(of)
            } else {
                twice
            }
        })
    }

    fn reduced(number: &[u8]) -> Self {
        Self::multiple(number, &Self([1, 0, 0, 0]))
    }

    fn times(&self, other: &Self) -> Self {
        Self::multiple(&self.bytes(), other)
    }

    fn of_digest(parts: &[&[u8]]) -> Self {
        Self::reduced(digest(&SHA512, &parts.concat()).as_ref())
    }
}

fn point(hex: &str) -> [u8; 32] {
    let byte = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
    std::array::from_fn(byte)
}

fn decode(text: &str) -> Vec<u8> {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    URL_SAFE_NO_PAD.decode(text).unwrap()
}
