//! The public half of a key, and what is demanded of one.

use aws_lc_rs::{
    rsa,
    signature::{self, ParsedPublicKey},
};
use jsonwebtoken::Algorithm;

use super::algorithm::{self, Curve};
use crate::{Error, ErrorKind};

/// The numbers of a public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Public {
    Ed25519([u8; 32]),
    /// The point in uncompressed form: 4, x, y.
    Ec(Curve, Box<[u8]>),
    /// Modulus and exponent, big-endian and without leading zeros.
    Rsa {
        modulus: Box<[u8]>,
        exponent: Box<[u8]>,
    },
}

impl Public {
    pub(super) fn rsa(key: &rsa::PublicKey) -> Self {
        Self::Rsa {
            modulus: key.modulus().big_endian_without_leading_zero().into(),
            exponent: key.exponent().big_endian_without_leading_zero().into(),
        }
    }

    /// The algorithm that a key is for when nothing else says so.
    pub(super) fn default_algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::EdDSA,
            Self::Ec(curve, _) => curve.algorithm(),
            // Every authorization server and every resource server knows it (RFC 9068, section 2.1).
            Self::Rsa { .. } => Algorithm::RS256,
        }
    }

    /// Whether a signature may be of this key, as far as its form says. Of Ed25519, R is a point that is written in
    /// the one way that is allowed, and none of small order, which RFC 8032 leaves open: one that verifiers do not
    /// agree on is refused.
    pub(super) fn admits(&self, signature: &[u8]) -> bool {
        match (self, signature.first_chunk()) {
            (Self::Ed25519(_), Some(r)) => !is_weak(r),
            _ => true,
        }
    }

    /// The key, ready to verify signatures of this algorithm.
    pub(super) fn prepare(&self, with: Algorithm) -> Result<ParsedPublicKey, Error> {
        match self {
            Self::Ed25519(key) => {
                if with != Algorithm::EdDSA {
                    return Err(algorithm::unfit(with, "EdDSA"));
                }
                if is_weak(key) {
                    return Err(Error::new(
                        ErrorKind::WeakKey,
                        "the Ed25519 key is one of the points for which anyone can make signatures, or is not \
                         written in the one way that is allowed",
                    ));
                }
                ParsedPublicKey::new(&signature::ED25519, key).map_err(|_| no_point("Ed25519"))
            }
            Self::Ec(curve, point) => {
                if with != curve.algorithm() {
                    return Err(algorithm::unfit(with, algorithm::name(curve.algorithm())));
                }
                // The library also reads other forms of points: this one is what JWKs are made of.
                if point.len() != 1 + 2 * curve.width() || point[0] != 4 {
                    return Err(no_point(curve.name()));
                }
                ParsedPublicKey::new(curve.verification(), point)
                    .map_err(|_| no_point(curve.name()))
            }
            Self::Rsa { modulus, exponent } => {
                let Some(parameters) = algorithm::rsa_verification(with) else {
                    return Err(algorithm::unfit(
                        with,
                        "RS256, RS384, RS512, PS256, PS384 and PS512",
                    ));
                };
                check_rsa(modulus, exponent)?;
                rsa::PublicKeyComponents {
                    n: modulus,
                    e: exponent,
                }
                .to_parsed_public_key(parameters)
                .map_err(|_| {
                    Error::new(
                        ErrorKind::MalformedKey,
                        "the numbers of the RSA key do not make a key",
                    )
                })
            }
        }
    }
}

/// How many bits a modulus may have. What is larger costs the server more than it gives.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

fn check_rsa(modulus: &[u8], exponent: &[u8]) -> Result<(), Error> {
    let bits = bits(modulus);
    if !RSA_BITS.contains(&bits) {
        return Err(rsa_size(bits));
    }
    // The library refuses those of more than 33 bits.
    let one = exponent == [1];
    if one || exponent.last().is_none_or(|last| last % 2 == 0) {
        return Err(Error::new(
            ErrorKind::WeakKey,
            "the exponent of the RSA key is odd and at least 3, and best 65537",
        ));
    }
    if is_factorable(modulus) {
        return Err(Error::new(
            ErrorKind::WeakKey,
            "the RSA key was made by a library whose keys can be factored (CVE-2017-15361): make another",
        ));
    }
    Ok(())
}

/// Whether a modulus is of the form that a library for smart cards gave to its primes: modulo each small prime, it
/// is a power of 65537. By accident that is so for one in a hundred million or fewer.
fn is_factorable(modulus: &[u8]) -> bool {
    let mut primes =
        (3_u32..168).filter(|number| (2..*number).all(|divisor| number % divisor != 0));
    primes.all(|prime| {
        let rest = modulus
            .iter()
            .fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let powers = std::iter::successors(Some(1), |power| Some(power * 65537 % prime));
        powers.take(prime as usize).any(|power| power == rest)
    })
}

pub(super) fn rsa_size(bits: usize) -> Error {
    Error::new(
        ErrorKind::WeakKey,
        format!("the RSA key has {bits} bits: 2048 to 8192 are allowed"),
    )
}

pub(super) fn bits(number: &[u8]) -> usize {
    let zeros = number.first().map_or(0, |first| first.leading_zeros());
    number.len() * 8 - zeros as usize
}

fn no_point(curve: &'static str) -> Error {
    Error::new(
        ErrorKind::MalformedKey,
        format!("the public key is no point on {curve}"),
    )
}

/// Whether the point is of small order, so that as a key it accepts signatures that nobody made, or is written in a
/// second way, so that one key would have two thumbprints, and one signature two forms.
fn is_weak(point: &[u8; 32]) -> bool {
    // y, little-endian; the highest bit is the sign of x.
    let mut y = *point;
    y[31] &= 0x7f;
    let reduced = !(y[0] >= 0xed && y[31] == 0x7f && y[1..31].iter().all(|byte| *byte == 0xff));
    !reduced || SMALL_ORDER.contains(&y)
}

/// The y of the points whose order divides 8: those of order 4, 1, 2 and the two pairs of order 8.
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_small_order_are_no_keys() {
        for y in SMALL_ORDER {
            for sign in [0, 0x80] {
                let mut key = y;
                key[31] |= sign;
                let error = Public::Ed25519(key)
                    .prepare(Algorithm::EdDSA)
                    .expect_err("weak");
                assert_eq!(error.kind(), ErrorKind::WeakKey);
            }
        }
        // p, which is 0, and p + 1, which is 1, and the largest that 255 bits can hold.
        for low in [0xed, 0xee, 0xff] {
            let mut key = [0xff; 32];
            key[0] = low;
            key[31] = 0x7f;
            assert!(is_weak(&key), "{low}");
        }
    }

    #[test]
    fn the_size_of_an_rsa_key_is_bounded() {
        let check = |length: usize, first: u8, exponent: &[u8]| {
            let mut modulus = vec![0xff; length];
            modulus[0] = first;
            check_rsa(&modulus, exponent).map_err(|error| error.to_string())
        };
        let f4: &[u8] = &[1, 0, 1];
        assert_eq!(check(256, 0x80, f4), Ok(()));
        assert_eq!(check(1024, 0xff, f4), Ok(()));
        assert!(
            check(256, 0x7f, f4)
                .expect_err("small")
                .contains("2047 bits")
        );
        assert!(check(1025, 1, f4).expect_err("large").contains("8193 bits"));
        assert_eq!(check(256, 0x80, &[3]), Ok(()));
        for exponent in [&[] as &[u8], &[1], &[2], &[1, 0]] {
            assert!(
                check(256, 0x80, exponent)
                    .expect_err("exponent")
                    .contains("65537")
            );
        }
    }

    /// The key of the case `rejectsKeyWithRocaVulnerability` of Project Wycheproof.
    #[test]
    fn keys_that_can_be_factored_are_refused() {
        let modulus = crate::token::base64url::decode(
            "AanFpofbj7KjD4Lf-N2hVMKR7yewSyXhhbirIMTGpfYEhZ_lnt5UoK98DnKIgArXGTu3MaW_HhFw16HGaTDUHqPrId7fe4r11CqRw09yBFuW79V8sYIwHdzCaWflUI6auImYbVfoN9_nD5n8N8SY9DwXw7mwZM9wREPXoDPgOoIWl6q_MPsp7n0zs3Z5ZaiQWOOzl1S9OhwAfSiiOwz6efnXEaxuTEtPd7BjSx7NaFka8Dx9U7YqXy2RFj1O9PjyaDGuRh7YXsX3iMUSP_wSyHQg_c_qHRtKUsNSGCT7OZg0hzm2KphtjnayKJvC64vAbROBR4Ubg6Bxg9IQVZ-QYyE",
        )
        .expect("base64url");
        let error = check_rsa(&modulus, &[1, 0, 1]).expect_err("factorable");
        assert!(error.to_string().contains("CVE-2017-15361"));
        // Its neighbours are of another form.
        for step in [2, 4, 6] {
            let mut other = modulus.clone();
            *other.last_mut().expect("a byte") += step;
            check_rsa(&other, &[1, 0, 1]).expect("another form");
        }
    }
}
