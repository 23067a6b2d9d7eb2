//! Project Wycheproof, its files on signatures and MACs: each key takes what is valid and nothing else.
//!
//! A JWS adds nothing to a signature but its spelling, so whatever holds here holds for tokens: `r` or `s` that are
//! zero or too large, encodings that are too long or too short, padding that is nearly right, `S` beyond the order.

use jsonwebtoken::Algorithm;
use wycheproof::{TestResult, ecdsa, eddsa, mac, rsa_pkcs1_verify, rsa_pss_verify};

use super::{SigningKey, VerifyingKey};

/// How many cases were taken and how many were refused. A file that is empty would prove nothing.
#[derive(Default)]
struct Cases {
    taken: usize,
    refused: usize,
}

impl Cases {
    fn check(&mut self, of: &str, case: usize, expected: TestResult, taken: bool) {
        match expected {
            TestResult::Valid => assert!(taken, "{of} {case}: it is valid"),
            TestResult::Invalid => assert!(!taken, "{of} {case}: it is not valid"),
            // What is merely acceptable is old, and refused for it.
            TestResult::Acceptable => assert!(!taken, "{of} {case}: it is no more than acceptable"),
        }
        let count = if taken {
            &mut self.taken
        } else {
            &mut self.refused
        };
        *count += 1;
    }
}

fn key(pem: &str, algorithm: Algorithm) -> VerifyingKey {
    let key = VerifyingKey::from_pem(pem).and_then(|key| key.with_algorithm(algorithm));
    key.expect("a key")
}

/// The files have modules with types of their own, which have the same fields.
macro_rules! verify {
    ($module:ident, $algorithm:expr, $($name:ident),+) => {{
        let mut cases = Cases::default();
        $({
            let name = $module::TestName::$name;
            let file = $module::TestSet::load(name).expect("a file");
            for group in file.test_groups {
                let key = key(&group.pem, $algorithm);
                for test in group.tests {
                    let taken = key.verifies(&test.msg, &test.sig);
                    cases.check(stringify!($name), test.tc_id, test.result, taken);
                }
            }
        })+
        cases
    }};
}

#[test]
fn ed25519() {
    let cases = verify!(eddsa, Algorithm::EdDSA, Ed25519);
    assert_eq!((cases.taken, cases.refused), (88, 63));
}

#[test]
fn ecdsa_of_fixed_width() {
    let p256 = verify!(ecdsa, Algorithm::ES256, EcdsaSecp256r1Sha256P1363);
    let p384 = verify!(ecdsa, Algorithm::ES384, EcdsaSecp384r1Sha384P1363);
    assert_eq!((p256.taken, p256.refused), (173, 89));
    assert_eq!((p384.taken, p384.refused), (193, 87));
}

#[test]
fn rsa_by_pkcs_1() {
    let sha256 = verify!(
        rsa_pkcs1_verify,
        Algorithm::RS256,
        Rsa2048Sha256,
        Rsa3072Sha256,
        Rsa4096Sha256,
        Rsa8192Sha256
    );
    let sha384 = verify!(
        rsa_pkcs1_verify,
        Algorithm::RS384,
        Rsa2048Sha384,
        Rsa3072Sha384,
        Rsa4096Sha384,
        Rsa8192Sha384
    );
    let sha512 = verify!(
        rsa_pkcs1_verify,
        Algorithm::RS512,
        Rsa2048Sha512,
        Rsa3072Sha512,
        Rsa4096Sha512,
        Rsa8192Sha512
    );
    assert_eq!(
        [sha256, sha384, sha512].map(|cases| (cases.taken, cases.refused)),
        [(31, 1003), (28, 1007), (30, 1007)]
    );
}

/// The salt is as long as the digest (RFC 7518, section 3.5).
#[test]
fn rsa_by_pss() {
    let sha256 = verify!(
        rsa_pss_verify,
        Algorithm::PS256,
        RsaPss2048Sha256Mgf1SaltLen32,
        RsaPss3072Sha256Mgf1SaltLen32,
        RsaPss4096Sha256Mgf1SaltLen32
    );
    let sha384 = verify!(
        rsa_pss_verify,
        Algorithm::PS384,
        RsaPss2048Sha384Mgf1SaltLen48,
        RsaPss4096Sha384Mgf1SaltLen48
    );
    let sha512 = verify!(
        rsa_pss_verify,
        Algorithm::PS512,
        RsaPss4096Sha512Mgf1SaltLen64
    );
    assert_eq!(
        [sha256, sha384, sha512].map(|cases| (cases.taken, cases.refused)),
        [(189, 135), (190, 92), (132, 47)]
    );
}

/// Another salt, or another hash within, is another algorithm.
#[test]
fn rsa_by_other_kinds_of_pss() {
    for (name, algorithm) in [
        (
            rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen0,
            Algorithm::PS256,
        ),
        (
            rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1Sha1_20,
            Algorithm::PS256,
        ),
        (
            rsa_pss_verify::TestName::RsaPss4096Sha512Mgf1SaltLen32,
            Algorithm::PS512,
        ),
    ] {
        let file = rsa_pss_verify::TestSet::load(name).expect("a file");
        let mut refused = 0;
        for group in file.test_groups {
            let key = key(&group.pem, algorithm);
            for test in group
                .tests
                .iter()
                .filter(|test| test.result == TestResult::Valid)
            {
                let taken = key.verifies(&test.msg, &test.sig);
                assert!(!taken, "{name:?} {}", test.tc_id);
                refused += 1;
            }
        }
        assert!(refused > 30, "{name:?} {refused}");
    }
}

/// Keys as long as the digest at least, and no tag that was cut off.
#[test]
fn hmac() {
    let cases = [
        (mac::TestName::HmacSha256, Algorithm::HS256, 256),
        (mac::TestName::HmacSha384, Algorithm::HS384, 384),
        (mac::TestName::HmacSha512, Algorithm::HS512, 512),
    ]
    .map(|(name, algorithm, bits)| {
        let mut cases = Cases::default();
        let mut weak = 0;
        for group in mac::TestSet::load(name).expect("a file").test_groups {
            for test in group.tests {
                let key = SigningKey::from_secret(algorithm, &*test.key);
                assert_eq!(
                    key.is_ok(),
                    group.key_size >= bits,
                    "{name:?} {}",
                    test.tc_id
                );
                let Ok(key) = key else {
                    weak += 1;
                    continue;
                };
                let taken = key.verifying_key().verifies(&test.msg, &test.tag);
                let expected = match group.tag_size == bits {
                    true => test.result,
                    false => TestResult::Invalid,
                };
                cases.check("HMAC", test.tc_id, expected, taken);
            }
        }
        (cases.taken, cases.refused, weak)
    });
    assert_eq!(cases, [(30, 138, 6); 3]);
}
