//! When a token is accepted, to the millisecond.

use buttress_jwt::TokenErrorKind::{Expired, InvalidClaim, Malformed, NotYetValid};
use std::time::Duration;

use buttress_jwt::ErrorKind;
use serde_json::json;

use super::hs256;
use crate::support::{Hands, NOW, claims, claims_with, claims_without, refused, verify};

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
