//! How a token is written: segments, base64url, JSON, and how much of it.

use buttress_jwt::TokenErrorKind::{BadSignature, Malformed, MissingClaim, TooLarge, UnknownKey};
use serde_json::json;

use super::{hs256, refuses_header};
use crate::support::{claims, claims_with, encode, refused, verify};

#[test]
fn t11_members_stand_once() {
    let peer = hs256();
    let text = claims().to_string();
    for member in [
        r#""sub":"admin""#,
        r#""\u0065xp":9999999999"#,
        r#""e\u0078p":9999999999"#,
        r#""iss":"https://api.example.com""#,
        r#""role":"user","role":"admin""#,
        r#""role":"user","r\u006fle":"admin""#,
    ] {
        let doubled = format!("{},{member}}}", &text[..text.len() - 1]);
        let token = peer.forge(&peer.header().to_string(), &doubled);
        assert_eq!(refused(&peer.verifier(), &token), Malformed, "{member}");
    }
    for header in [
        r#"{"typ":"at+jwt","alg":"HS256","alg":"HS256"}"#,
        r#"{"typ":"at+jwt","alg":"none","\u0061lg":"HS256"}"#,
        r#"{"typ":"at+jwt","alg":"HS256","x":1,"x":1}"#,
    ] {
        refuses_header(header, Malformed);
    }
}

#[test]
fn t12_what_is_too_large_is_not_decoded() {
    let peer = hs256();
    // Were it decoded, it would be malformed.
    assert_eq!(refused(&peer.verifier(), &"!".repeat(8193)), TooLarge);
    assert_eq!(refused(&peer.verifier(), &"!".repeat(8192)), Malformed);
    let members: Vec<_> = (0..400_000).map(|n| format!("\"m{n}\":1")).collect();
    let header = encode(format!("{{{}}}", members.join(",")).as_bytes());
    assert_eq!(
        refused(&peer.verifier(), &format!("{header}.e30.AA")),
        TooLarge
    );
    let header = encode(
        format!(
            r#"{{"typ":"at+jwt","alg":"HS256","x":"{}"}}"#,
            "x".repeat(1600)
        )
        .as_bytes(),
    );
    assert_eq!(
        refused(&peer.verifier(), &format!("{header}.e30.AA")),
        TooLarge
    );
    refuses_header(
        &format!(
            r#"{{"typ":"at+jwt","alg":"HS256","kid":"{}"}}"#,
            "k".repeat(129)
        ),
        TooLarge,
    );
    refuses_header(
        &format!(
            r#"{{"typ":"at+jwt","alg":"HS256","kid":"{}"}}"#,
            "k".repeat(128)
        ),
        UnknownKey,
    );
    // As large as it may be.
    let padding = "x".repeat(5700);
    let token = peer.token(&claims_with("padding", json!(padding)));
    assert!((7800..=8192).contains(&token.len()), "{}", token.len());
    assert!(verify(&peer.verifier(), &token).is_ok());
}

#[test]
fn t13_json_is_unicode_and_shallow() {
    let peer = hs256();
    let text = claims().to_string();
    let open = &text[..text.len() - 1];
    for json in [
        format!("{open},\"x\":{}1{}}}", "[".repeat(200), "]".repeat(200)),
        format!(
            "{open},\"x\":{}1{}}}",
            "{\"a\":".repeat(200),
            "}".repeat(200)
        ),
        format!("{open},\"x\":\"\\ud800\"}}"),
        format!("{open},\"\\udfff\":1}}"),
        format!("\u{feff}{text}"),
        format!("{text}{text}"),
        format!("{text}\0"),
        format!("[{text}]"),
        "null".to_owned(),
        "\"a\"".to_owned(),
        "1".to_owned(),
        "[]".to_owned(),
        String::new(),
        "{".to_owned(),
    ] {
        let token = peer.forge(&peer.header().to_string(), &json);
        assert_eq!(refused(&peer.verifier(), &token), Malformed, "{json}");
    }
    let mut invalid = text.clone().into_bytes();
    let at = text.find("user-1").unwrap();
    invalid[at] = 0xff;
    let header = encode(peer.header().to_string().as_bytes());
    let token = peer.sign(&format!("{header}.{}", encode(&invalid)));
    assert_eq!(refused(&peer.verifier(), &token), Malformed);
    assert!(
        verify(
            &peer.verifier(),
            &peer.token(&claims_with("x", json!([[[[{"a": [1]}]]]])))
        )
        .is_ok()
    );
}

#[test]
fn base64url_has_one_form() {
    let peer = hs256();
    let token = peer.token(&claims());
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    for other in [
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}=.{signature}"),
        format!("{header}.{payload}.{signature}="),
        format!(" {token}"),
        format!("{token} "),
        format!("{token}\n"),
        format!("{header} .{payload}.{signature}"),
        format!("{header}.{payload}.{signature}\0"),
        format!("{{}}{token}"),
        format!("\"{token}\""),
    ] {
        assert!(
            matches!(refused(&peer.verifier(), &other), Malformed | BadSignature),
            "{other}"
        );
    }
    // The last character of the signature has bits that no byte takes: another one with the same bytes is refused.
    let last = signature.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = alphabet.find(last).unwrap();
    assert_eq!(at % 4, 0);
    let twin = &alphabet[at + 1..at + 2];
    let signature = &signature[..signature.len() - 1];
    assert_eq!(
        refused(
            &peer.verifier(),
            &format!("{header}.{payload}.{signature}{twin}")
        ),
        Malformed
    );
    // And signed as such, so that only the form is wrong.
    for payload in ["e30=", "e31", "e+0", "e/0", "e 30", "e3"] {
        let kind = refused(&peer.verifier(), &peer.sign(&format!("{header}.{payload}")));
        assert_eq!(kind, Malformed, "{payload}");
    }
    assert_eq!(
        refused(&peer.verifier(), &peer.sign(&format!("{header}.e30"))),
        MissingClaim
    );
}

#[test]
fn tokens_have_three_segments() {
    let peer = hs256();
    let token = peer.token(&claims());
    for other in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "....".to_owned(),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.AA"),
        format!("{token}.AA.AA"),
        token.replace('.', ""),
    ] {
        assert_eq!(refused(&peer.verifier(), &other), Malformed, "{other}");
    }
    // Five segments are an encrypted token.
    let jwe =
        encode(br#"{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2000000000,"p2s":"AA"}"#);
    assert_eq!(
        refused(&peer.verifier(), &format!("{jwe}.AA.AA.AA.AA")),
        Malformed
    );
}
