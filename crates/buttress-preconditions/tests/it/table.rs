//! RFC 9110, section 13, as data.

use std::fmt::Write;

use buttress_preconditions::{
    Condition::{IfMatch, IfNoneMatch, IfUnmodifiedSince},
    Decision::{self, Failed, Malformed, NotModified, Required},
    Require, evaluate,
};
use http::Method;

use crate::reference::{self, Fields, State, header_map};

const OLDER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const NEWER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
const SAME_SECONDS: u64 = 784_111_777;

const PROCEED: Decision = Decision::Proceed {
    ignore_range: false,
};
const WHOLE: Decision = Decision::Proceed { ignore_range: true };

fn state(exists: bool, etag: Option<&str>, last_modified: Option<u64>, strong: bool) -> State {
    State {
        exists,
        etag: etag.map(str::to_owned),
        last_modified,
        dates_are_strong: strong,
    }
}

/// `"b"`, modified at [`SAME`].
fn here() -> State {
    state(true, Some("\"b\""), Some(SAME_SECONDS), false)
}

fn missing() -> State {
    state(false, None, None, false)
}

fn method(name: &str) -> Method {
    Method::from_bytes(name.as_bytes()).unwrap()
}

fn decide(name: &str, fields: &[(&'static str, &str)], state: &State) -> Decision {
    let fields: Fields = fields
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    let expected = reference::evaluate(&method(name), &fields, state);
    let decision = state.show(|current| evaluate(&method(name), &header_map(&fields), current));
    assert_eq!(decision, expected, "{name} {fields:?} {state:?}");
    decision
}

const M: &str = "if-match";
const NM: &str = "if-none-match";
const US: &str = "if-unmodified-since";
const MS: &str = "if-modified-since";
const R: &str = "if-range";
const RANGE: (&str, &str) = ("range", "bytes=0-3");

#[test]
fn if_match_compares_strongly() {
    for (value, expected) in [
        ("\"b\"", PROCEED),
        ("\"a\", \"b\"", PROCEED),
        ("*", PROCEED),
        ("\"a\"", Failed(IfMatch)),
        ("\"a\", W/\"b\"", Failed(IfMatch)),
        ("\"B\"", Failed(IfMatch)),
        ("\"*\"", Failed(IfMatch)),
        ("", Failed(IfMatch)),
        (",,", Failed(IfMatch)),
        ("b", Malformed(IfMatch)),
        ("\"a\", b", Malformed(IfMatch)),
        ("\"b\", *", Malformed(IfMatch)),
    ] {
        for name in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "POST", "MERGE"] {
            assert_eq!(
                decide(name, &[(M, value)], &here()),
                expected,
                "{name} {value}"
            );
        }
        let weak = state(true, Some("W/\"b\""), None, false);
        let never = if expected == PROCEED && value != "*" {
            Failed(IfMatch)
        } else {
            expected
        };
        assert_eq!(decide("PUT", &[(M, value)], &weak), never, "{value}");
    }
}

#[test]
fn nothing_matches_what_is_not_there() {
    assert_eq!(decide("PUT", &[(M, "*")], &missing()), Failed(IfMatch));
    assert_eq!(decide("PUT", &[(M, "\"b\"")], &missing()), Failed(IfMatch));
    assert_eq!(decide("PUT", &[(NM, "*")], &missing()), PROCEED);
    assert_eq!(decide("PUT", &[(NM, "\"b\"")], &missing()), PROCEED);
    let untagged = state(true, None, None, false);
    assert_eq!(decide("PUT", &[(M, "*")], &untagged), PROCEED);
    assert_eq!(decide("PUT", &[(M, "\"b\"")], &untagged), Failed(IfMatch));
    assert_eq!(decide("PUT", &[(NM, "*")], &untagged), Failed(IfNoneMatch));
    assert_eq!(decide("GET", &[(NM, "*")], &untagged), NotModified);
}

#[test]
fn lists_may_be_spread_over_lines() {
    assert_eq!(
        decide("PUT", &[(M, "\"a\""), (M, "\"b\"")], &here()),
        PROCEED
    );
    assert_eq!(
        decide("PUT", &[(M, "\"b\""), (M, "b")], &here()),
        Malformed(IfMatch)
    );
    assert_eq!(
        decide("PUT", &[(M, "*"), (M, "\"b\"")], &here()),
        Malformed(IfMatch)
    );
    assert_eq!(
        decide("GET", &[(NM, "\"a\""), (NM, "W/\"b\"")], &here()),
        NotModified
    );
    // A quote that one line opens is not closed by the next.
    assert_eq!(
        decide("PUT", &[(M, "\"b"), (M, "\"")], &here()),
        Malformed(IfMatch)
    );
}

#[test]
fn tags_may_have_commas_and_other_odd_characters() {
    for tag in [
        "\"a,b\"",
        "\"\"",
        "\"W/\"",
        "\"*\"",
        "\"\\\"",
        "\"!#[]^{|}~\"",
    ] {
        let odd = state(true, Some(tag), None, false);
        assert_eq!(decide("PUT", &[(M, tag)], &odd), PROCEED, "{tag}");
        assert_eq!(
            decide("PUT", &[(M, "\"x\", \"y,z\"")], &odd),
            Failed(IfMatch),
            "{tag}"
        );
    }
}

#[test]
fn if_none_match_compares_weakly_and_tells_reading_from_changing() {
    for (value, for_get, for_put) in [
        ("\"b\"", NotModified, Failed(IfNoneMatch)),
        ("W/\"b\"", NotModified, Failed(IfNoneMatch)),
        ("\"a\",W/\"b\"", NotModified, Failed(IfNoneMatch)),
        ("*", NotModified, Failed(IfNoneMatch)),
        ("\"a\"", PROCEED, PROCEED),
        ("", PROCEED, PROCEED),
        ("b", PROCEED, Malformed(IfNoneMatch)),
        ("\"b\", *", PROCEED, Malformed(IfNoneMatch)),
    ] {
        assert_eq!(decide("GET", &[(NM, value)], &here()), for_get, "{value}");
        assert_eq!(decide("HEAD", &[(NM, value)], &here()), for_get, "{value}");
        for name in ["PUT", "PATCH", "DELETE", "POST", "MERGE"] {
            assert_eq!(
                decide(name, &[(NM, value)], &here()),
                for_put,
                "{name} {value}"
            );
        }
    }
}

#[test]
fn dates_compare_to_the_second() {
    for (since, unmodified, modified) in [
        (OLDER, Failed(IfUnmodifiedSince), PROCEED),
        (SAME, PROCEED, NotModified),
        (NEWER, PROCEED, NotModified),
    ] {
        for name in ["GET", "HEAD"] {
            assert_eq!(decide(name, &[(US, since)], &here()), unmodified, "{since}");
            assert_eq!(decide(name, &[(MS, since)], &here()), modified, "{since}");
        }
        assert_eq!(
            decide("PUT", &[(US, since)], &here()),
            unmodified,
            "{since}"
        );
        // Only for GET and HEAD (section 13.1.3).
        assert_eq!(decide("PUT", &[(MS, since)], &here()), PROCEED, "{since}");
    }
}

#[test]
fn dates_that_say_nothing_are_ignored() {
    for value in ["", "yesterday", "784111700", "1994-11-06T08:49:30Z"] {
        assert_eq!(decide("PUT", &[(US, value)], &here()), PROCEED, "{value}");
        assert_eq!(decide("GET", &[(MS, value)], &here()), PROCEED, "{value}");
    }
    assert_eq!(decide("PUT", &[(US, OLDER), (US, OLDER)], &here()), PROCEED);
    assert_eq!(decide("GET", &[(MS, NEWER), (MS, NEWER)], &here()), PROCEED);
    let undated = state(true, Some("\"b\""), None, false);
    assert_eq!(decide("PUT", &[(US, OLDER)], &undated), PROCEED);
    assert_eq!(decide("GET", &[(MS, NEWER)], &undated), PROCEED);
    assert_eq!(decide("PUT", &[(US, OLDER)], &missing()), PROCEED);
}

#[test]
fn tags_go_before_dates() {
    // If-Match, true or false, makes If-Unmodified-Since not count (section 13.1.4).
    assert_eq!(
        decide("PUT", &[(M, "\"b\""), (US, OLDER)], &here()),
        PROCEED
    );
    assert_eq!(
        decide("PUT", &[(M, "\"a\""), (US, NEWER)], &here()),
        Failed(IfMatch)
    );
    // If-None-Match makes If-Modified-Since not count (section 13.1.3), malformed or not.
    assert_eq!(
        decide("GET", &[(NM, "\"a\""), (MS, NEWER)], &here()),
        PROCEED
    );
    assert_eq!(
        decide("GET", &[(NM, "\"b\""), (MS, OLDER)], &here()),
        NotModified
    );
    assert_eq!(decide("GET", &[(NM, "b"), (MS, NEWER)], &here()), PROCEED);
}

#[test]
fn what_forbids_goes_before_what_saves() {
    assert_eq!(
        decide("GET", &[(M, "\"a\""), (NM, "\"b\"")], &here()),
        Failed(IfMatch)
    );
    assert_eq!(
        decide("GET", &[(M, "\"b\""), (NM, "\"b\"")], &here()),
        NotModified
    );
    assert_eq!(
        decide("GET", &[(US, OLDER), (MS, NEWER)], &here()),
        Failed(IfUnmodifiedSince)
    );
    assert_eq!(
        decide("GET", &[(US, SAME), (MS, SAME)], &here()),
        NotModified
    );
    assert_eq!(
        decide("PUT", &[(M, "\"b\""), (NM, "\"b\"")], &here()),
        Failed(IfNoneMatch)
    );
    assert_eq!(
        decide("PUT", &[(M, "\"b\""), (NM, "\"a\"")], &here()),
        PROCEED
    );
}

#[test]
fn if_range_decides_about_the_range_alone() {
    for (value, expected) in [
        ("\"b\"", PROCEED),
        ("W/\"b\"", WHOLE),
        ("\"a\"", WHOLE),
        ("\"a\", \"b\"", WHOLE),
        ("b", WHOLE),
        ("", WHOLE),
        (SAME, WHOLE),
    ] {
        assert_eq!(
            decide("GET", &[RANGE, (R, value)], &here()),
            expected,
            "{value}"
        );
        // Without Range, and for other methods, there is nothing to decide.
        assert_eq!(decide("GET", &[(R, value)], &here()), PROCEED, "{value}");
        assert_eq!(
            decide("HEAD", &[RANGE, (R, value)], &here()),
            PROCEED,
            "{value}"
        );
        assert_eq!(
            decide("PUT", &[RANGE, (R, value)], &here()),
            PROCEED,
            "{value}"
        );
    }
    assert_eq!(decide("GET", &[RANGE], &here()), PROCEED);
    assert_eq!(
        decide("GET", &[RANGE, (R, "\"b\""), (R, "\"b\"")], &here()),
        WHOLE
    );

    // A date is exact, and strong only when the server knows that it is.
    let strong = state(true, Some("\"b\""), Some(SAME_SECONDS), true);
    for (value, expected) in [(OLDER, WHOLE), (SAME, PROCEED), (NEWER, WHOLE)] {
        assert_eq!(
            decide("GET", &[RANGE, (R, value)], &strong),
            expected,
            "{value}"
        );
    }
    let weak = state(true, Some("W/\"b\""), None, false);
    assert_eq!(decide("GET", &[RANGE, (R, "W/\"b\"")], &weak), WHOLE);
    assert_eq!(decide("GET", &[RANGE, (R, "\"b\"")], &missing()), WHOLE);

    // It is the last step.
    let fields = [RANGE, (R, "\"a\""), (NM, "\"b\"")];
    assert_eq!(decide("GET", &fields, &here()), NotModified);
    let fields = [RANGE, (R, "\"b\""), (M, "\"a\"")];
    assert_eq!(decide("GET", &fields, &here()), Failed(IfMatch));
}

#[test]
fn other_methods_have_no_preconditions() {
    let fields = [
        (M, "\"a\""),
        (NM, "*"),
        (US, OLDER),
        (MS, NEWER),
        RANGE,
        (R, "\"a\""),
    ];
    for name in ["CONNECT", "OPTIONS", "TRACE"] {
        assert_eq!(decide(name, &fields, &here()), PROCEED, "{name}");
        let all = Require::methods([method(name)]);
        let decision =
            here().show(|current| all.evaluate(&method(name), &http::HeaderMap::new(), current));
        assert_eq!(decision, PROCEED, "{name}");
    }
}

#[test]
fn what_is_required_is_a_tag_or_that_there_is_nothing() {
    let decide = |require: &Require, name: &str, fields: &[(&'static str, &str)], state: &State| {
        let fields: Fields = fields
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        state.show(|current| require.evaluate(&method(name), &header_map(&fields), current))
    };
    let changes = Require::changes();
    for name in ["PUT", "PATCH", "DELETE"] {
        for fields in [
            &[] as &[_],
            &[(US, NEWER)],
            &[(NM, "\"a\"")],
            &[(NM, "")],
            &[(MS, OLDER)],
            &[RANGE],
        ] {
            assert_eq!(
                decide(&changes, name, fields, &here()),
                Required,
                "{name} {fields:?}"
            );
        }
        assert_eq!(decide(&changes, name, &[(M, "\"b\"")], &here()), PROCEED);
        assert_eq!(decide(&changes, name, &[(M, "*")], &here()), PROCEED);
        assert_eq!(decide(&changes, name, &[(M, "")], &here()), Failed(IfMatch));
        assert_eq!(
            decide(&changes, name, &[(M, "b")], &here()),
            Malformed(IfMatch)
        );
        assert_eq!(
            decide(&changes, name, &[(NM, "b")], &here()),
            Malformed(IfNoneMatch)
        );
        assert_eq!(
            decide(&changes, name, &[(NM, "*")], &here()),
            Failed(IfNoneMatch)
        );
        assert_eq!(decide(&changes, name, &[(NM, "*")], &missing()), PROCEED);
        assert_eq!(decide(&Require::never(), name, &[], &here()), PROCEED);
        assert_eq!(decide(&Require::all_unsafe(), name, &[], &here()), Required);
    }
    for name in ["POST", "MERGE"] {
        assert_eq!(decide(&changes, name, &[], &here()), PROCEED);
        assert_eq!(decide(&Require::all_unsafe(), name, &[], &here()), Required);
        assert_eq!(
            decide(&Require::methods([method(name)]), name, &[], &here()),
            Required
        );
    }
    for name in ["GET", "HEAD"] {
        for require in [&changes, &Require::all_unsafe()] {
            assert_eq!(decide(require, name, &[], &here()), PROCEED);
        }
    }
    assert_eq!(Require::default(), Require::never());
}

/// All combinations of what each field can be, for every method and state.
#[test]
fn every_combination_is_decided_as_by_the_reference() {
    let tags = [
        None,
        Some("\"a\""),
        Some("\"x\", \"b\""),
        Some("W/\"b\""),
        Some("*"),
        Some("b"),
        Some(""),
    ];
    let dates = [None, Some(OLDER), Some(SAME), Some("soon")];
    let ranges = [None, Some("\"b\""), Some("W/\"b\""), Some(SAME)];
    let states = [
        missing(),
        here(),
        state(true, Some("\"b\""), None, false),
        state(true, Some("W/\"b\""), Some(SAME_SECONDS), true),
        state(true, None, Some(SAME_SECONDS), true),
        state(true, None, None, false),
    ];
    let methods = ["GET", "HEAD", "PUT"].map(method);
    let mut seen = [0_u32; 5];
    let mut wrong = String::new();
    for if_match in tags {
        for if_none_match in tags {
            for unmodified in dates {
                for modified in dates {
                    for range in ranges {
                        let mut fields: Fields = vec![("range", "bytes=0-3".to_owned())];
                        let values = [if_match, if_none_match, unmodified, modified, range];
                        for (name, value) in [M, NM, US, MS, R].into_iter().zip(values) {
                            fields.extend(value.map(|value| (name, value.to_owned())));
                        }
                        let headers = header_map(&fields);
                        for state in &states {
                            for method in &methods {
                                let expected = reference::evaluate(method, &fields, state);
                                let decision =
                                    state.show(|current| evaluate(method, &headers, current));
                                let kind = match decision {
                                    PROCEED => 0,
                                    WHOLE => 1,
                                    NotModified => 2,
                                    Failed(_) => 3,
                                    _ => 4,
                                };
                                seen[kind] += 1;
                                if decision != expected {
                                    writeln!(wrong, "{method} {fields:?} {state:?}: {decision:?} for {expected:?}").unwrap();
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", &wrong[..wrong.len().min(2000)]);
    assert_eq!(seen.iter().sum::<u32>(), 7 * 7 * 4 * 4 * 4 * 6 * 3);
    assert!(seen.iter().all(|count| *count > 1000), "{seen:?}");
}
