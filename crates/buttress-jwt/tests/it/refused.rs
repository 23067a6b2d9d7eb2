//! What is refused, and for which reason: the attacks that are known, one after the other.

use std::time::Duration;

use TokenErrorKind::{
    BadSignature, Expired, InvalidClaim, Malformed, MissingClaim, NotYetValid, TooLarge,
    UnknownKey, UnsupportedHeader, WrongAlgorithm, WrongAudience, WrongIssuer, WrongType,
};
use buttress_jwt::{
    Algorithm, ErrorKind, Grant, Issuer, KeyRing, SigningKey, TokenErrorKind, Verifier,
};
use serde_json::{Value, json};

use crate::support::{
    AUDIENCE, Hands, ISSUER, NOW, PEERS, Peer, SECRET, claims, claims_with, claims_without, encode,
    peer, refused, verify,
};

fn hs256() -> &'static Peer {
    peer(Algorithm::HS256)
}

#[track_caller]
fn refuses_claims(claims: &Value, kind: TokenErrorKind) {
    let peer = hs256();
    assert_eq!(
        refused(&peer.verifier(), &peer.token(claims)),
        kind,
        "{claims}"
    );
}

#[track_caller]
fn refuses_header(header: &str, kind: TokenErrorKind) {
    let peer = hs256();
    let token = peer.forge(header, &claims().to_string());
    assert_eq!(refused(&peer.verifier(), &token), kind, "{header}");
}

/// That the table below means something.
#[test]
fn the_token_that_the_others_are_made_from_is_accepted() {
    for peer in PEERS.iter() {
        verify(&peer.verifier(), &peer.token(&claims())).unwrap();
    }
}

#[test]
fn t01_issuer_and_audience_are_there_and_of_their_types() {
    for name in ["iss", "aud", "sub", "exp", "iat", "jti"] {
        refuses_claims(&claims_without(name), MissingClaim);
        for value in [
            json!(null),
            json!(true),
            json!({"x": 1}),
            json!([1]),
            json!([[]]),
            json!(""),
        ] {
            refuses_claims(&claims_with(name, value), InvalidClaim);
        }
    }
    for value in [
        json!(123),
        json!([1, "shop"]),
        json!(["shop", 1]),
        json!({"shop": 1}),
        json!([["shop"]]),
        json!([]),
    ] {
        refuses_claims(&claims_with("aud", value), InvalidClaim);
    }
    refuses_claims(&claims_with("aud", json!("other")), WrongAudience);
    refuses_claims(
        &claims_with("aud", json!(["other", "Shop", "shop "])),
        WrongAudience,
    );
    refuses_claims(&claims_with("iss", json!(123)), InvalidClaim);
    for issuer in [
        "https://evil.example",
        "https://api.example.com/",
        "https://API.example.com",
        "https://api.example.co",
    ] {
        refuses_claims(&claims_with("iss", json!(issuer)), WrongIssuer);
    }
}

#[test]
fn t02_an_issuer_is_one() {
    refuses_claims(
        &claims_with("iss", json!([ISSUER, "https://evil.example"])),
        InvalidClaim,
    );
    refuses_claims(&claims_with("iss", json!([ISSUER])), InvalidClaim);
}

#[test]
fn t03_extensions_that_have_to_be_understood() {
    for member in [
        r#""crit":["x"],"x":1"#,
        r#""crit":[]"#,
        r#""crit":"x""#,
        r#""crit":["exp"],"exp":1"#,
        r#""crit":["absent"]"#,
        r#""crit":["alg"]"#,
        r#""b64":false,"crit":["b64"]"#,
        r#""b64":false"#,
        r#""zip":"DEF""#,
    ] {
        refuses_header(
            &format!(r#"{{"typ":"at+jwt","alg":"HS256",{member}}}"#),
            UnsupportedHeader,
        );
    }
}

#[test]
fn t04_no_algorithm_is_none() {
    for name in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "none ",
        " none",
        "none\\u0000",
        "",
        "hs256",
        "HS256 ",
        "RS256,HS256",
    ] {
        let header = format!(r#"{{"typ":"at+jwt","alg":"{name}"}}"#);
        refuses_header(&header, WrongAlgorithm);
        let message = format!(
            "{}.{}",
            encode(header.as_bytes()),
            encode(claims().to_string().as_bytes())
        );
        // Without a signature, as RFC 7515, appendix A.5 has it, and with something in its place.
        assert_eq!(
            refused(&hs256().verifier(), &format!("{message}.")),
            Malformed
        );
        assert_eq!(
            refused(&hs256().verifier(), &format!("{message}.AA")),
            WrongAlgorithm
        );
        // Before any key is looked for: the name that no key has changes nothing.
        let header = format!(r#"{{"typ":"at+jwt","alg":"{name}","kid":"nobody"}}"#);
        refuses_header(&header, WrongAlgorithm);
    }
    let a5 = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    assert_eq!(refused(&hs256().verifier(), a5), Malformed);
}

/// A public key is no secret: as one it would let everyone sign.
#[test]
fn t05_public_keys_are_no_secrets() {
    let rsa = peer(Algorithm::RS256);
    let ring = KeyRing::new(rsa.key.clone()).unwrap();
    let jwks: Value = serde_json::from_str(&ring.jwks()).unwrap();
    let jwk = jwks["keys"][0].to_string();
    // The token says HS256 and is signed with what the verifier has published.
    let header = json!({"typ": "at+jwt", "alg": "HS256", "kid": rsa.key.key_id()}).to_string();
    let message = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims().to_string().as_bytes())
    );
    let forging = jsonwebtoken::EncodingKey::from_secret(jwk.as_bytes());
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), &forging, Algorithm::HS256).unwrap();
    assert_eq!(
        refused(&rsa.verifier(), &format!("{message}.{signature}")),
        WrongAlgorithm
    );

    // And the key of the verifier cannot be configured as a secret by mistake.
    let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    let der = [
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00, 0x19, 0xbf, 0x44,
        0x09, 0x69, 0x84, 0xcd, 0xfe, 0x85, 0x41, 0xba, 0xc1, 0x67, 0xdc, 0x3b, 0x96, 0xc8, 0x50,
        0x86, 0xaa, 0x30, 0xb6, 0xb6, 0xcb, 0x0c, 0x5c, 0x38, 0xad, 0x70, 0x31, 0x66, 0xe1,
    ];
    for secret in [
        pem.as_bytes(),
        &der,
        jwk.as_bytes(),
        ring.jwks().as_bytes(),
        rsa.key.to_pem().unwrap().as_bytes(),
    ] {
        let error = SigningKey::from_secret(Algorithm::HS256, secret).unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::WrongKeyUse,
            "{}",
            secret.escape_ascii()
        );
    }
}

#[test]
fn t06_a_signature_has_one_form() {
    for peer in PEERS.iter() {
        let token = peer.token(&claims());
        let (message, signature) = token.rsplit_once('.').unwrap();
        let verifier = peer.verifier();
        let length = signature.len();
        for other in [
            "A".repeat(length),
            "A".repeat(length - 4),
            format!("{signature}AAAA"),
            "AA".to_owned(),
            signature[4..].to_owned(),
            format!("{}AAAA", &signature[4..]),
        ] {
            let kind = refused(&verifier, &format!("{message}.{other}"));
            assert!(
                matches!(kind, BadSignature | Malformed),
                "{kind:?} {:?}",
                peer.algorithm
            );
        }
        // What is signed is changed: the header, the claims.
        let (header, payload) = message.split_once('.').unwrap();
        let evil = encode(claims_with("sub", json!("admin")).to_string().as_bytes());
        assert_eq!(
            refused(&verifier, &format!("{header}.{evil}.{signature}")),
            BadSignature
        );
        let mut members = peer.header();
        members["x"] = json!(1);
        let other = encode(members.to_string().as_bytes());
        assert_eq!(
            refused(&verifier, &format!("{other}.{payload}.{signature}")),
            BadSignature
        );
    }
}

#[test]
fn t09_time_is_exact_at_its_edges() {
    let peer = hs256();
    let hands = Hands::at(NOW);
    let verifier = |leeway| {
        let verifier = peer.verifier().with_clock(hands.clock());
        verifier.with_leeway(Duration::from_secs(leeway)).unwrap()
    };
    let token = peer.token(&claims_with("nbf", json!(NOW + 10)));
    for leeway in [0, 30, 300] {
        let verifier = verifier(leeway);
        let leeway = i64::try_from(leeway).unwrap();
        for (millis, kind) in [
            ((NOW + 10 - leeway) * 1000 - 1, Some(NotYetValid)),
            ((NOW + 10 - leeway) * 1000, None),
            ((NOW + 900 + leeway) * 1000 - 1, None),
            ((NOW + 900 + leeway) * 1000, Some(Expired)),
            ((NOW + 900 + leeway) * 1000 + 1, Some(Expired)),
        ] {
            hands.set_millis(millis);
            assert_eq!(
                verify(&verifier, &token).err().map(|error| error.kind()),
                kind,
                "{leeway} {millis}"
            );
        }
    }
    let default = peer.verifier().with_clock(hands.clock());
    hands.set(NOW + 929);
    assert!(verify(&default, &token).is_ok());
    hands.set(NOW + 930);
    assert_eq!(refused(&default, &token), Expired);
    // The clock steps back by two minutes in between: the token is valid again, as if nothing had happened.
    hands.set(NOW + 810);
    assert!(verify(&default, &token).is_ok());
    // Issued in the future: five minutes are for clocks that do not agree.
    let plain = peer.token(&claims());
    hands.set(NOW - 300);
    assert!(verify(&default, &plain).is_ok());
    hands.set_millis((NOW - 300) * 1000 - 1);
    assert_eq!(refused(&default, &plain), NotYetValid);

    let error = peer
        .verifier()
        .with_leeway(Duration::from_secs(301))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
    assert!(error.to_string().contains("five minutes"));
}

#[test]
fn clocks_beyond_the_calendar_accept_nothing() {
    let peer = hs256();
    let token = peer.token(&claims());
    let far = peer.verifier().with_clock(buttress_jwt::Clock::new(|| {
        std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(u64::MAX >> 2)
    }));
    assert_eq!(refused(&far, &token), Expired);
    let early = peer.verifier().with_clock(buttress_jwt::Clock::new(|| {
        std::time::SystemTime::UNIX_EPOCH - Duration::from_secs(1 << 40)
    }));
    assert_eq!(refused(&early, &token), NotYetValid);
}

#[test]
fn t10_times_are_numbers_and_neither_wrap_nor_saturate() {
    let peer = hs256();
    let with = |name: &str, number: &str| {
        let text = claims_without(name).to_string();
        peer.forge(
            &peer.header().to_string(),
            &format!(r#"{},"{name}":{number}}}"#, &text[..text.len() - 1]),
        )
    };
    for number in [
        "1e999",
        "-0.0",
        "-0",
        "-1",
        "9007199254740993",
        "1e18",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "253402300800",
        "\"1700000900\"",
        "null",
        "true",
        "[1700000900]",
        "{}",
        "1e99999999999999999999",
    ] {
        for name in ["exp", "iat", "nbf"] {
            let token = with(if name == "nbf" { "jti" } else { name }, number);
            let token = if name == "nbf" {
                let text = claims().to_string();
                peer.forge(
                    &peer.header().to_string(),
                    &format!(r#"{},"nbf":{number}}}"#, &text[..text.len() - 1]),
                )
            } else {
                token
            };
            assert_eq!(
                refused(&peer.verifier(), &token),
                InvalidClaim,
                "{name} {number}"
            );
        }
    }
    for number in [
        "NaN",
        "Infinity",
        "01700000900",
        "+1700000900",
        "1700000900.",
        "0x65",
        "1_700_000_900",
    ] {
        assert_eq!(
            refused(&peer.verifier(), &with("exp", number)),
            Malformed,
            "{number}"
        );
    }
    // Exact ones: a fraction, an exponent, the first and the last second.
    for (number, kind) in [
        ("1700000900.5", None),
        ("1.7000009e9", None),
        ("17000009000e-1", None),
        ("253402300799", None),
        ("0", Some(Expired)),
        ("0.5", Some(Expired)),
        ("1699999970.000000001", None),
        ("1699999970", Some(Expired)),
        ("1699999970.0000000001", Some(Expired)),
    ] {
        let result = verify(&peer.verifier(), &with("exp", number));
        assert_eq!(result.err().map(|error| error.kind()), kind, "{number}");
    }
}

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
fn t14_other_tokens_of_the_same_issuer() {
    for typ in [
        "JWT",
        "dpop+jwt",
        "rt+jwt",
        "refresh+jwt",
        "logout+jwt",
        "secevent+jwt",
        "id+jwt",
        "application/jwt",
        "",
    ] {
        refuses_header(&json!({"typ": typ, "alg": "HS256"}).to_string(), WrongType);
    }
    refuses_header(r#"{"alg":"HS256"}"#, WrongType);
    refuses_header(r#"{"alg":"HS256","typ":null}"#, Malformed);
    refuses_claims(&claims_with("aud", json!("backoffice")), WrongAudience);
    for typ in [
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/AT+jwt",
    ] {
        let token = hs256().forge(
            &json!({"typ": typ, "alg": "HS256"}).to_string(),
            &claims().to_string(),
        );
        assert!(verify(&hs256().verifier(), &token).is_ok(), "{typ}");
    }
}

#[test]
fn keys_are_never_taken_from_the_token() {
    let attacker = SigningKey::generate(Algorithm::EdDSA).unwrap();
    let ring = KeyRing::new(attacker.clone()).unwrap();
    let jwks: Value = serde_json::from_str(&ring.jwks()).unwrap();
    let jwk = &jwks["keys"][0];
    let peer = peer(Algorithm::EdDSA);
    let pem = attacker.to_pem().unwrap();
    let forging = jsonwebtoken::EncodingKey::from_ed_pem(pem.as_bytes()).unwrap();
    for kid in [
        json!(peer.key.key_id()),
        json!(attacker.key_id()),
        json!(null),
    ] {
        let mut header = json!({
            "typ": "at+jwt", "alg": "EdDSA", "kid": kid, "jwk": jwk, "jku": "https://evil.example/jwks.json",
            "x5u": "https://evil.example/x5u", "x5c": ["AA=="],
        });
        if kid.is_null() {
            header.as_object_mut().unwrap().remove("kid");
        }
        let message = format!(
            "{}.{}",
            encode(header.to_string().as_bytes()),
            encode(claims().to_string().as_bytes())
        );
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &forging, Algorithm::EdDSA).unwrap();
        let kind = refused(&peer.verifier(), &format!("{message}.{signature}"));
        assert!(matches!(kind, BadSignature | UnknownKey), "{kind:?}");
        // They do not get in the way of a good token either.
        if kid != json!(attacker.key_id()) {
            assert!(verify(&peer.verifier(), &peer.sign(&message)).is_ok());
        }
    }
}

#[test]
fn names_of_keys_are_only_compared() {
    for kid in [
        "../../dev/null",
        "' OR 1=1 --",
        "__proto__",
        "",
        "\u{0}",
        "*",
    ] {
        refuses_header(
            &json!({"typ": "at+jwt", "alg": "HS256", "kid": kid}).to_string(),
            UnknownKey,
        );
    }
    refuses_header(r#"{"typ":"at+jwt","alg":"HS256","kid":["a"]}"#, Malformed);
    refuses_header(r#"{"typ":"at+jwt","alg":"HS256","kid":null}"#, Malformed);
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

#[test]
fn an_empty_issuer_or_audience_is_nobody() {
    let peer = hs256();
    let clock = Hands::at(NOW).clock();
    let nobody = Verifier::new("", AUDIENCE, &peer.key).with_clock(clock.clone());
    assert_eq!(
        refused(&nobody, &peer.token(&claims_with("iss", json!("")))),
        InvalidClaim
    );
    let nobody = Verifier::new(ISSUER, "", &peer.key).with_clock(clock);
    for audience in [json!(""), json!([""]), json!(["shop", ""])] {
        assert_eq!(
            refused(&nobody, &peer.token(&claims_with("aud", audience))),
            InvalidClaim
        );
    }
}

/// What is logged about a refused token has nothing of the token in it, and what is shown of keys no secret.
#[test]
fn nothing_secret_is_shown() {
    let peer = hs256();
    let canary = "CANARY7391";
    let mut values = vec![
        peer.token(&claims_with("iss", json!(canary))),
        peer.token(&claims_with("aud", json!(canary))),
        peer.token(&claims_with("exp", json!(canary))),
        peer.token(&claims_with("scope", json!([canary]))),
        peer.forge(&json!({"typ": canary, "alg": "HS256"}).to_string(), "{}"),
        peer.forge(&json!({"typ": "at+jwt", "alg": canary}).to_string(), "{}"),
        peer.forge(
            &json!({"typ": "at+jwt", "alg": "HS256", "kid": canary}).to_string(),
            "{}",
        ),
        peer.forge(
            &json!({"typ": "at+jwt", "alg": "HS256", "crit": [canary]}).to_string(),
            "{}",
        ),
        format!("{canary}.{canary}.{canary}"),
        canary.to_owned(),
    ];
    values.push(format!("{}x", peer.token(&claims())));
    for token in values {
        let error = verify(&peer.verifier(), &token).unwrap_err();
        let shown = format!(
            "{error} {error:?} {:?}",
            std::error::Error::source(&error).map(ToString::to_string)
        );
        assert!(
            !shown.contains(canary) && !shown.contains(&encode(canary.as_bytes())),
            "{shown}"
        );
    }
    #[derive(Debug, serde::Deserialize)]
    struct Own {
        #[expect(dead_code, reason = "only read")]
        level: u8,
    }
    let error = peer
        .verifier()
        .verify::<Own>(&peer.token(&claims_with("level", json!(canary))))
        .unwrap_err();
    assert!(!format!("{error} {error:?}").contains(canary));

    for peer in PEERS.iter() {
        let ring = KeyRing::new(peer.key.clone()).unwrap();
        let issuer = Issuer::new(ISSUER, AUDIENCE, ring.clone());
        let issued = issuer.issue(Grant::new("user-1")).unwrap();
        let shown = format!(
            "{:?} {:?} {ring:?} {issuer:?} {issued:?} {:?}",
            peer.key,
            peer.key.verifying_key(),
            peer.verifier()
        );
        assert!(!shown.contains(&issued.token), "{shown}");
        let secret = std::str::from_utf8(SECRET).unwrap();
        assert!(
            !shown.contains(secret) && !shown.contains("48, 49, 50") && !shown.contains("303132"),
            "{shown}"
        );
        if let Ok(pem) = peer.key.to_pem() {
            let line = pem.lines().nth(1).unwrap();
            assert!(!shown.contains(line), "{shown}");
        }
    }
}

/// Such a token is good only beside a proof that its client has the key (RFC 7800, RFC 8705, RFC 9449), which is not
/// asked for: without it, it is anybody's.
#[test]
fn tokens_that_are_bound_to_a_key_are_refused() {
    for algorithm in [Algorithm::HS256, Algorithm::EdDSA] {
        let peer = peer(algorithm);
        for cnf in [
            json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
            json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}),
            json!({"kid": "a"}),
            json!({}),
            json!(null),
            json!("a"),
        ] {
            let token = peer.token(&claims_with("cnf", cnf.clone()));
            assert_eq!(
                refused(&peer.verifier(), &token),
                TokenErrorKind::SenderConstrained,
                "{cnf}"
            );
        }
        let mut text = claims().to_string();
        text.insert_str(1, r#""\u0063nf":{},"#);
        let token = peer.forge(&peer.header().to_string(), &text);
        assert_eq!(
            refused(&peer.verifier(), &token),
            TokenErrorKind::SenderConstrained
        );
    }
}
