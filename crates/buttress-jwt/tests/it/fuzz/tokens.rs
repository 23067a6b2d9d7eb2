//! Tokens.

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use buttress_jwt::{Algorithm, TokenErrorKind};
use proptest::{
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, TestRunner},
};
use serde_json::Value;

use super::{Change, Read, apply, changes, read};
use crate::{
    properties::is_valid,
    support::{encode, peer, verify},
};

/// Good headers of the key, however they are written. `KID` is its name.
const HEADERS: [&str; 5] = [
    r#"{"typ":"at+jwt","alg":"HS256","kid":"KID"}"#,
    r#"{"alg":"HS256","typ":"application/at+jwt"}"#,
    r#" { "typ" : "AT+JWT" , "alg" : "HS256" , "kid" : "KID" , "jku" : "https://evil.example.com" } "#,
    r#"{"\u0074yp":"at\u002bjwt","alg":"\u0048S256","kid":"KID","x5c":[]}"#,
    r#"{"typ":"at+jwt","alg":"HS256","kid":"KID","x":{"y":[{"z":null}]},"jwk":{"kty":"oct","k":"AA"}}"#,
];

/// Good claims at the time of the tests.
const CLAIMS: [&str; 5] = [
    r#"{"iss":"https://api.example.com","sub":"confidential","aud":"shop","exp":1700000900,"iat":1700000000,"jti":"t-1"}"#,
    r#"{"jti":"t","iat":1700000000.5,"exp":17000009e2,"aud":["other","shop"],"sub":"confidential","iss":"https:\/\/api.example.com","nbf":1699999999}"#,
    r#"{"iss":"https://api.example.com","sub":"confidential","aud":"shop","exp":1700000900,"iat":1700000000,"jti":"t-1","client_id":"c","sid":"s","scope":"a b","roles":["r"]}"#,
    r#" {"\u0069ss":"https://api.example.com","sub":"confidential","aud":"shop","exp":1700000900,"iat":1700000000,"jti":"\ud83d\ude00","x":{"iss":"y","exp":1}} "#,
    r#"{"iss":"https://api.example.com","sub":"confidential","aud":["shop"],"exp":1700000900,"iat":0,"jti":"t-1","tenant":[[[["deep"]]]],"n":null}"#,
];

const WORDS: &[&str] = &[
    "\"exp\":1,",
    "\"exp\":1700000900,",
    "\"\\u0065xp\":1,",
    "\"nbf\":1800000000,",
    "\"nbf\":null,",
    "\"aud\":\"evil\",",
    "\"aud\":[\"evil\"],",
    "\"iss\":\"evil\",",
    "\"cnf\":{\"jkt\":\"a\"},",
    "\"\\u0063nf\":{},",
    "\"x\":1,",
    "\"roles\":[\"admin\"],",
    "\"scope\":\"a  b\",",
    "\"scope\":\"c\",",
    "\"sid\":\"\",",
    "\"alg\":\"none\",",
    "\"alg\":\"RS256\",",
    "\"crit\":[\"exp\"],",
    "\"crit\":[],",
    "\"b64\":false,",
    "\"zip\":\"DEF\",",
    "\"enc\":\"A256GCM\",",
    "\"kid\":\"other\",",
    "\"typ\":\"JWT\",",
    "null",
    "true",
    "-1",
    "0",
    "1e3",
    "0.5",
    "-0",
    "1e999",
    "99999999999999999999",
    "\"\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\u{feff}",
    "[]",
    "{}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
    "{\"a\":",
    "}",
    ",",
    ":",
    "\"",
    "\\",
    " ",
    "\n",
    "/**/",
];

/// Whether the token is good, found out as simply as possible. `None` when it cannot be said.
fn is_good(token: &str) -> Option<bool> {
    let peer = peer(Algorithm::HS256);
    let segments: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = segments[..] else {
        return Some(false);
    };
    let decode = |segment: &str| URL_SAFE_NO_PAD.decode(segment).ok();
    let (Some(head), Some(body), Some(_)) = (decode(header), decode(payload), decode(signature))
    else {
        return Some(false);
    };
    if token.len() > 8192 || header.len() > 2048 {
        return Some(false);
    }
    let (head, body) = match (read(&head), read(&body)) {
        (Read::Nothing, _) | (_, Read::Nothing) => return Some(false),
        (Read::Object(head), Read::Object(body)) => (head, body),
        _ => return None,
    };
    let text = |name: &str| head.get(name).and_then(Value::as_str);
    let typ = text("typ").map(str::to_ascii_lowercase);
    let is_of_the_key = match head.get("kid") {
        None => true,
        Some(kid) => kid.as_str() == Some(peer.key.key_id()),
    };
    let has_a_good_header = matches!(typ.as_deref(), Some("at+jwt" | "application/at+jwt"))
        && text("alg") == Some("HS256")
        && is_of_the_key
        && ["crit", "b64", "zip", "enc"]
            .iter()
            .all(|name| !head.contains_key(*name));
    let is_signed = token == peer.sign(&format!("{header}.{payload}"));
    let is_free = !body.contains_key("cnf");
    Some(has_a_good_header && is_signed && is_free && is_valid(&Value::Object(body)))
}

/// Both agree, and no reason for a refusal repeats what it refuses.
fn check(token: &str) -> Result<bool, TestCaseError> {
    let verifier = peer(Algorithm::HS256).verifier();
    let result = verify(&verifier, token);
    if let Some(good) = is_good(token) {
        prop_assert_eq!(result.is_ok(), good, "{} {:?}", token, result);
    }
    let typed = verifier.verify::<Value>(token);
    match (result, typed) {
        // Numbers that no type holds may stand in what nobody reads.
        (Ok(_), Err(error)) => prop_assert_eq!(error.kind(), TokenErrorKind::InvalidCustomClaims),
        (Err(_), Ok(_)) => prop_assert!(false, "{} is accepted with more to read", token),
        (Ok(claims), Ok(typed)) => {
            prop_assert_eq!(claims.subject, typed.subject);
            prop_assert_eq!(claims.expires_at, typed.expires_at);
        }
        (Err(error), _) => {
            let said = format!("{error} {error:?}");
            prop_assert!(
                !said.contains("confidential") && !said.contains("evil"),
                "{}",
                said
            );
            return Ok(false);
        }
    }
    Ok(true)
}

fn texts(of: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    (select(of), changes(WORDS)).prop_map(|(text, changes): (&str, Vec<Change>)| {
        let kid = peer(Algorithm::HS256).key.key_id();
        let mut text = text.replace("KID", kid).into_bytes();
        apply(&mut text, &changes);
        text
    })
}

/// Runs the strategy, and holds that it makes good tokens and bad ones: otherwise it would prove nothing.
fn run<S: Strategy>(cases: u32, strategy: &S, token: impl Fn(S::Value) -> String) {
    let good = AtomicUsize::new(0);
    let result = TestRunner::new(Config::with_cases(cases)).run(strategy, |value| {
        let is_good = check(&token(value))?;
        good.fetch_add(usize::from(is_good), Ordering::Relaxed);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let (good, cases) = (good.into_inner(), cases as usize);
    assert!(
        (cases / 50..cases * 49 / 50).contains(&good),
        "{good} of {cases}"
    );
}

/// Whoever has the key may still make junk. It is signed as it is, so that it gets as far as it can.
#[test]
fn signed_tokens_are_read_as_by_the_book() {
    run(
        6000,
        &(texts(&HEADERS), texts(&CLAIMS)),
        |(header, claims)| {
            let message = format!("{}.{}", encode(&header), encode(&claims));
            peer(Algorithm::HS256).sign(&message)
        },
    );
}

/// Whoever has a token changes it.
#[test]
fn tokens_that_were_changed_are_read_as_by_the_book() {
    const PIECES: &[&str] = &[
        ".", "..", "=", "==", "+", "/", "-", "_", "A", "AA", "e30", ".e30.", " ", "\n", "\0",
        "%2e", "ey", "ü",
    ];
    let strategy = (
        select(&HEADERS[..]),
        select(&CLAIMS[..]),
        prop::collection::vec((any::<Index>(), 0..3_usize, select(PIECES)), 0..3),
    );
    run(4000, &strategy, |(header, claims, changes)| {
        let peer = peer(Algorithm::HS256);
        let header = header.replace("KID", peer.key.key_id());
        let mut token = peer.forge(&header, claims);
        for (at, gone, piece) in changes {
            let mut at = at.index(token.len() + 1);
            while !token.is_char_boundary(at) {
                at -= 1;
            }
            let mut end = (at + gone).min(token.len());
            while !token.is_char_boundary(end) {
                end += 1;
            }
            token.replace_range(at..end, piece);
        }
        token
    });
}

/// Nothing that has the form of a token, and is none, is taken for one, in whatever bytes.
#[test]
fn every_prefix_and_every_flipped_bit_is_refused() {
    let peer = peer(Algorithm::HS256);
    let verifier = peer.verifier();
    for (header, claims) in HEADERS.iter().zip(CLAIMS) {
        let token = peer.forge(&header.replace("KID", peer.key.key_id()), claims);
        assert!(verify(&verifier, &token).is_ok(), "{header} {claims}");
        for end in 0..token.len() {
            assert!(verify(&verifier, &token[..end]).is_err(), "{end}");
        }
        for at in 0..token.len() {
            for bit in 0..7 {
                let mut bytes = token.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let other = String::from_utf8(bytes).unwrap();
                assert!(verify(&verifier, &other).is_err(), "{at} {bit}");
            }
        }
    }
}
