//! Sets of keys.

use std::sync::{
    LazyLock,
    atomic::{AtomicUsize, Ordering},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use buttress_jwt::{Algorithm, KeyRing, KeySet, SigningKey, Verifier, VerifyingKey};
use proptest::{
    collection::vec,
    prelude::*,
    sample::Index,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use super::{Change, Members, Read, apply, changes, read};
use crate::support::{AUDIENCE, Hands, ISSUER, NOW, PEERS, claims, verify};

/// Keys as they stand in documents: the good ones first.
static KEYS: LazyLock<(Vec<Value>, Vec<Value>)> = LazyLock::new(|| {
    let good: Vec<Value> = PEERS
        .iter()
        .filter_map(|peer| {
            let ring = KeyRing::new(peer.key.clone()).unwrap();
            let jwks: Value = serde_json::from_str(&ring.jwks()).unwrap();
            jwks["keys"].get(0).cloned()
        })
        .collect();
    let mut other = vec![
        json!({"kty": "OKP", "crv": "X25519", "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08", "kid": "x25519"}),
        json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "kid": "ml-dsa"}),
        json!({"kty": "oct", "k": "confidential-AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ", "kid": "secret"}),
        json!({"kty": "RSA", "n": "w", "e": "AQAB", "kid": "small"}),
        json!(null),
    ];
    for key in &good {
        let mut private = key.clone();
        private["d"] = json!("confidential");
        other.push(private);
        let mut encryption = key.clone();
        encryption["use"] = json!("enc");
        encryption["kid"] = json!("enc");
        other.push(encryption);
    }
    (good, other)
});

const WORDS: &[&str] = &[
    "\"d\":\"AA\",",
    "\"k\":\"AA\",",
    "\"p\":1,",
    "\"\\u0064\":\"AA\",",
    "\"use\":\"enc\",",
    "\"use\":\"sig\",",
    "\"use\":1,",
    "\"key_ops\":[\"verify\"],",
    "\"key_ops\":[\"sign\",\"verify\"],",
    "\"key_ops\":[\"encrypt\"],",
    "\"key_ops\":[],",
    "\"alg\":\"HS256\",",
    "\"alg\":\"none\",",
    "\"kid\":\"other\",",
    "\"kid\":\"\",",
    "\"kid\":1,",
    "\"kty\":\"oct\",",
    "\"crv\":\"P-384\",",
    "\"x\":\"AA\",",
    "\"x\":1,",
    "{\"keys\":[]}",
    "{},",
    "null,",
    "[],",
    "1,",
    "\"a\",",
    "1e999",
    "\"\\ud800\"",
    "\u{feff}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "A",
    "=",
    "}",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    " ",
];

/// An algorithm that a key which says this of itself may be used with, as far as a glance can tell.
fn may_be_used(key: &serde_json::Map<String, Value>, with: Algorithm) -> bool {
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    let bytes = |name: &str| {
        URL_SAFE_NO_PAD
            .decode(text(name).unwrap_or("?"))
            .unwrap_or_default()
    };
    let fits = match (text("kty"), text("crv"), with) {
        (Some("OKP"), Some("Ed25519"), Algorithm::EdDSA) => bytes("x").len() == 32,
        (Some("EC"), Some("P-256"), Algorithm::ES256) => {
            bytes("x").len() == 32 && bytes("y").len() == 32
        }
        (Some("EC"), Some("P-384"), Algorithm::ES384) => {
            bytes("x").len() == 48 && bytes("y").len() == 48
        }
        (
            Some("RSA"),
            _,
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512,
        ) => (256..=1024).contains(&bytes("n").len()) && !bytes("e").is_empty(),
        _ => false,
    };
    let says = match key.get("alg") {
        None => true,
        Some(alg) => {
            *alg == json!(format!("{with:?}")) || (*alg == "Ed25519" && with == Algorithm::EdDSA)
        }
    };
    let operations = match key.get("key_ops") {
        None => true,
        Some(operations) => operations.as_array().is_some_and(|operations| {
            operations.contains(&json!("verify"))
                && operations
                    .iter()
                    .all(|one| *one == "verify" || *one == "sign")
        }),
    };
    fits && says
        && operations
        && key.get("use").is_none_or(|used| *used == "sig")
        && !is_private(key)
}

fn is_private(key: &serde_json::Map<String, Value>) -> bool {
    ["d", "p", "q", "dp", "dq", "qi", "oth", "k"]
        .iter()
        .any(|name| key.contains_key(*name))
}

/// What a pair of keys has in common.
fn half(key: &serde_json::Map<String, Value>) -> [Option<&Value>; 3] {
    ["n", "x", "y"].map(|name| key.get(name))
}

/// The members of every key, if the document is one.
fn entries(document: &[u8]) -> Option<Vec<Option<serde_json::Map<String, Value>>>> {
    let Read::Object(_) = read(document) else {
        return None;
    };
    // Which of the keys have a name twice cannot be seen any more in what was read as a whole.
    #[derive(serde::Deserialize)]
    struct Document {
        keys: Vec<Entry>,
    }
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Entry {
        Object(Members),
        Other(serde::de::IgnoredAny),
    }
    let Document { keys } = serde_json::from_slice(document).ok()?;
    let unique = |Members(members): Members| {
        let count = members.len();
        let object: serde_json::Map<_, _> = members.into_iter().collect();
        (object.len() == count).then_some(object)
    };
    let entries = keys.into_iter().map(|entry| match entry {
        Entry::Object(members) => unique(members),
        Entry::Other(_) => None,
    });
    Some(entries.collect())
}

/// A key is used only if a glance finds nothing against it, and is used if it was not touched.
fn check(document: &[u8]) -> Result<usize, TestCaseError> {
    let read = KeySet::from_json(document);
    let Ok(set) = read else {
        let said = format!("{:?}", read.unwrap_err());
        prop_assert!(!said.contains("confidential"), "{}", said);
        return Ok(0);
    };
    let said = format!("{set:?} {:?}", set.skipped());
    prop_assert!(!said.contains("confidential"), "{}", said);
    let Some(entries) = entries(document) else {
        // serde_json has no opinion on numbers that it cannot hold; the rest it must have read.
        prop_assert!(matches!(super::read(document), Read::TooBig));
        return Ok(set.len());
    };
    prop_assert_eq!(set.len() + set.skipped().len(), entries.len());
    let skipped: Vec<_> = set.skipped().iter().map(|key| key.index()).collect();
    let used = entries
        .iter()
        .enumerate()
        .filter(|(at, _)| !skipped.contains(at));
    for ((_, entry), key) in used.zip(&set) {
        let entry = entry.as_ref();
        prop_assert!(
            entry.is_some_and(|entry| may_be_used(entry, key.algorithm())),
            "{:?} {:?}",
            key,
            entry
        );
        let entry = entry.unwrap();
        prop_assert!(entry.get("kid").is_none_or(|kid| *kid == key.key_id()));
        let namesakes = set.iter().filter(|other| other.key_id() == key.key_id());
        prop_assert_eq!(namesakes.count(), 1);
        for private in entries.iter().flatten().filter(|entry| is_private(entry)) {
            prop_assert!(private.get("kid").and_then(Value::as_str) != Some(key.key_id()));
            prop_assert!(private.get("kty") != entry.get("kty") || half(private) != half(entry));
        }
    }
    Ok(set.len())
}

/// A document of some keys, and the changes to it.
fn documents() -> impl Strategy<Value = (Vec<Value>, Vec<Change>)> {
    let (good, other) = &*KEYS;
    let key = prop_oneof![
        3 => prop::sample::select(good.clone()),
        1 => prop::sample::select(other.clone()),
    ];
    (vec(key, 1..5), changes(WORDS))
}

#[test]
fn sets_of_keys_are_read_as_by_the_book() {
    let (some, none) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let result = TestRunner::new(Config::with_cases(3000)).run(&documents(), |(keys, changes)| {
        let mut text = json!({"keys": keys, "x": {"y": [1, null]}})
            .to_string()
            .into_bytes();
        apply(&mut text, &changes);
        let count = if check(&text)? > 0 { &some } else { &none };
        count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let (some, none) = (some.into_inner(), none.into_inner());
    assert!(some > 500 && none > 500, "{some} {none}");
}

/// Whatever stands beside it, a good key under a name of its own is used.
#[test]
fn a_good_key_is_used_among_any_others() {
    let strategy = (
        any::<Index>(),
        vec((any::<Index>(), changes(WORDS)), 0..4),
        any::<Index>(),
    );
    let result = TestRunner::new(Config::with_cases(1000)).run(&strategy, |(good, others, at)| {
        let (keys, other) = &*KEYS;
        let index = good.index(keys.len());
        let peer = PEERS
            .iter()
            .filter(|peer| !format!("{:?}", peer.algorithm).starts_with("HS"))
            .nth(index);
        let peer = peer.unwrap();
        let mut entries: Vec<String> = others
            .iter()
            .filter_map(|(which, changes)| {
                let which = which.index(other.len());
                // Its own private half would be a reason.
                let is_own = half(other[which].as_object()?) == half(keys[index].as_object()?);
                let mut text = other[which].to_string().into_bytes();
                apply(&mut text, changes);
                let text = String::from_utf8(text).ok()?;
                let is_json = serde_json::from_str::<Value>(&text).is_ok();
                (is_json && !is_own).then_some(text)
            })
            .collect();
        let at = at.index(entries.len() + 1);
        entries.insert(at, keys[index].to_string());
        let document = format!("{{\"keys\":[{}]}}", entries.join(","));
        let set = KeySet::from_json(&document);
        prop_assert!(set.is_ok(), "{} {:?}", document, set);
        let verifier =
            Verifier::new(ISSUER, AUDIENCE, set.unwrap()).with_clock(Hands::at(NOW).clock());
        prop_assert!(
            verify(&verifier, &peer.token(&claims())).is_ok(),
            "{}",
            document
        );
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// The readers of one key and of PEM, on the same junk.
#[test]
fn readers_of_keys_do_not_panic_and_do_not_repeat() {
    let (good, other) = &*KEYS;
    let all: Vec<Value> = good.iter().chain(other).cloned().collect();
    let strategy = (prop::sample::select(all), changes(WORDS));
    let result = TestRunner::new(Config::with_cases(3000)).run(&strategy, |(key, changes)| {
        let mut text = key.to_string().into_bytes();
        apply(&mut text, &changes);
        let errors = [
            VerifyingKey::from_jwk(&text).err(),
            SigningKey::from_jwk(&text).err(),
            VerifyingKey::from_pem(&text).err(),
            SigningKey::from_pem(&text).err(),
        ];
        let said = format!("{errors:?}");
        prop_assert!(!said.contains("confidential"), "{}", said);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
