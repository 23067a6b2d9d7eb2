//! What the header may say, and what it is not asked for.

use buttress_jwt::TokenErrorKind::{
    Malformed, UnsupportedHeader, WrongAlgorithm, WrongAudience, WrongType,
};
use serde_json::json;

use super::{hs256, refuses_claims, refuses_header};
use crate::support::{claims, claims_with, encode, refused, verify};

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
