//! Reports of `garde`.

use std::collections::BTreeMap;

use ::garde::Validate;
use buttress_problem::{Problem, Violation};
use serde::Deserialize;

use super::entries;

#[derive(Deserialize, Validate)]
#[serde(rename_all = "camelCase")]
#[garde(custom(in_order))]
struct Trip {
    #[garde(length(min = 2))]
    short_name: String,
    #[garde(dive)]
    all_stops: Vec<Stop>,
    #[garde(dive)]
    by_name: BTreeMap<String, Stop>,
    #[garde(range(max = 9), custom(odd))]
    days: u8,
    #[garde(required)]
    pet: Option<String>,
    #[serde(rename = "sku")]
    #[garde(ascii)]
    article_number: String,
}

#[derive(Clone, Deserialize, Validate)]
#[serde(rename_all = "kebab-case")]
struct Stop {
    #[garde(length(equal = 5))]
    zip_code: String,
}

fn odd(days: &u8, _: &()) -> ::garde::Result {
    match days % 2 {
        1 => Ok(()),
        _ => Err(::garde::Error::new("must be odd")),
    }
}

fn in_order(_: &Trip, _: &()) -> ::garde::Result {
    Err(::garde::Error::new("is not in order"))
}

fn trip() -> Trip {
    let stop = |zip_code: &str| Stop {
        zip_code: zip_code.to_owned(),
    };
    let mut all_stops = vec![stop("12345"); 11];
    all_stops[2] = stop("hunter2");
    all_stops[10] = stop("1");
    Trip {
        short_name: "a".to_owned(),
        all_stops,
        by_name: BTreeMap::from([("a.b/c".to_owned(), stop(""))]),
        days: 10,
        pet: None,
        article_number: "größe".to_owned(),
    }
}

#[test]
fn everything_is_told_once_in_order() {
    let report = trip().validate().unwrap_err();
    let violations = Violation::from_garde(&report);
    let named: Vec<_> = violations
        .iter()
        .cloned()
        .map(Violation::named_as::<Trip>)
        .collect();
    let expected = [
        ("", "is not in order", "INVALID"),
        (
            "/all_stops/2/zip_code",
            "length is greater than 5",
            "LENGTH",
        ),
        ("/all_stops/10/zip_code", "length is lower than 5", "LENGTH"),
        ("/article_number", "not ascii", "ASCII"),
        (
            "/by_name/a.b~1c/zip_code",
            "length is lower than 5",
            "LENGTH",
        ),
        ("/days", "must be odd", "INVALID"),
        ("/days", "greater than 9", "RANGE"),
        ("/pet", "not set", "REQUIRED"),
        ("/short_name", "length is lower than 2", "LENGTH"),
    ];
    assert_eq!(entries(&violations), expected);
    let pointers: Vec<_> = entries(&named).into_iter().map(|(at, ..)| at).collect();
    assert_eq!(
        pointers,
        [
            "",
            "/allStops/2/zip-code",
            "/allStops/10/zip-code",
            // Nothing ties this name to `sku`.
            "/article_number",
            "/byName/a.b~1c/zip-code",
            "/days",
            "/days",
            "/pet",
            "/shortName",
        ]
    );
    let problem = Problem::from(report);
    assert_eq!(problem.status(), 422);
    assert_eq!(problem.code(), Some("VALIDATION_ERROR"));
    assert_eq!(problem.violations(), violations);
}

/// If `garde` rewords a message, its code must not silently become another.
#[test]
fn the_rules_of_garde_are_known_by_their_messages() {
    #[derive(Validate)]
    struct All {
        #[garde(length(max = 1))]
        length: &'static str,
        #[garde(range(min = 5))]
        range: u8,
        #[garde(ascii)]
        ascii: &'static str,
        #[garde(alphanumeric)]
        alphanumeric: &'static str,
        #[garde(ip)]
        ip: &'static str,
        #[garde(ipv4)]
        ip4: &'static str,
        #[garde(contains("x"))]
        contains: &'static str,
        #[garde(prefix("x"))]
        prefix: &'static str,
        #[garde(suffix("x"))]
        suffix: &'static str,
        #[garde(matches(prefix))]
        matches: &'static str,
        #[garde(required)]
        required: Option<u8>,
    }

    let all = All {
        length: "ab",
        range: 1,
        ascii: "é",
        alphanumeric: "-",
        ip: "no",
        ip4: "no",
        contains: "no",
        prefix: "no",
        suffix: "no",
        matches: "yes",
        required: None,
    };
    let violations = Violation::from_garde(&all.validate().unwrap_err());
    let codes: Vec<_> = entries(&violations)
        .into_iter()
        .map(|(at, _, code)| (at, code))
        .collect();
    assert_eq!(
        codes,
        [
            ("/alphanumeric", "ALPHANUMERIC"),
            ("/ascii", "ASCII"),
            ("/contains", "CONTAINS"),
            ("/ip", "IP"),
            ("/ip4", "IP"),
            ("/length", "LENGTH"),
            ("/matches", "MUST_MATCH"),
            ("/prefix", "PREFIX"),
            ("/range", "RANGE"),
            ("/required", "REQUIRED"),
            ("/suffix", "SUFFIX"),
        ]
    );
}
