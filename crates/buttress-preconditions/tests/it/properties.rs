//! Properties that hold for whatever a client sends.

use buttress_preconditions::{Current, Decision, ETag, IfMatch, Preconditions, Require, evaluate};
use http::{HeaderMap, HeaderValue, Method, header};
use proptest::{collection::vec, option, prelude::*, sample::select};

use crate::reference::{self, Fields, State, header_map};

const TAGS: [&str; 8] = [
    "\"a\"",
    "W/\"a\"",
    "\"b\"",
    "\"\"",
    "\"a,b\"",
    "\"W/\"",
    "\"-1\"",
    "\"7;gzip\"",
];

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(&TAGS).prop_map(str::to_owned),
        1 => select(vec!["*", "W/", "\"", "a", " ", "\t", "w/\"a\"", "\"a b\"", "ü"]).prop_map(str::to_owned),
    ]
}

/// Mostly lists, some of which are broken.
fn line() -> impl Strategy<Value = String> {
    (vec(
        (piece(), select(vec![",", ", ", " , ", ",,", " ", ""])),
        0..4,
    ))
    .prop_map(|parts| {
        parts
            .into_iter()
            .flat_map(|(piece, gap)| [piece, gap.to_owned()])
            .collect()
    })
}

fn date() -> impl Strategy<Value = String> {
    prop_oneof![
        (0_u64..4).prop_map(|second| format!("Thu, 01 Jan 1970 00:00:0{second} GMT")),
        (0_u64..4).prop_map(|second| format!("Thursday, 01-Jan-70 00:00:0{second} GMT")),
        (0_u64..4).prop_map(|second| format!("Thu Jan  1 00:00:0{second} 1970")),
        Just("Thu, 01 Jan 1970".to_owned()),
        line(),
    ]
}

fn field() -> impl Strategy<Value = (&'static str, String)> {
    prop_oneof![
        line().prop_map(|value| ("if-match", value)),
        line().prop_map(|value| ("if-none-match", value)),
        date().prop_map(|value| ("if-unmodified-since", value)),
        date().prop_map(|value| ("if-modified-since", value)),
        prop_oneof![date(), select(&TAGS).prop_map(str::to_owned)]
            .prop_map(|value| ("if-range", value)),
        Just(("range", "bytes=0-3".to_owned())),
    ]
}

fn state() -> impl Strategy<Value = State> {
    let tag = option::of(select(&TAGS).prop_map(str::to_owned));
    (any::<bool>(), tag, option::of(0_u64..4), any::<bool>()).prop_map(
        |(exists, etag, last_modified, dates_are_strong)| State {
            exists,
            etag: etag.filter(|_| exists),
            last_modified: last_modified.filter(|_| exists),
            dates_are_strong,
        },
    )
}

fn method() -> impl Strategy<Value = Method> {
    let names = [
        "GET", "HEAD", "PUT", "PATCH", "DELETE", "POST", "OPTIONS", "MERGE",
    ];
    select(
        names
            .map(|name| Method::from_bytes(name.as_bytes()).unwrap())
            .to_vec(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn the_reference_decides_the_same(
        method in method(),
        fields in vec(field(), 0..5),
        state in state(),
    ) {
        let fields: Fields = fields;
        let headers = header_map(&fields);
        let expected = reference::evaluate(&method, &fields, &state);
        let (decision, kept) = state.show(|current| {
            let kept = Preconditions::new(method.clone(), &headers).evaluate(current);
            (evaluate(&method, &headers, current), kept)
        });
        prop_assert_eq!(decision, expected);
        // What is kept of a request decides as the request did.
        prop_assert_eq!(kept, expected);
    }

    #[test]
    fn a_change_that_may_proceed_under_a_requirement_names_the_state(
        fields in vec(field(), 0..5),
        state in state(),
    ) {
        let fields: Fields = fields;
        let headers = header_map(&fields);
        let decision = state.show(|current| {
            Require::changes().evaluate(&Method::PATCH, &headers, current)
        });
        if decision.may_proceed() {
            let none = headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes().trim_ascii() == b"*");
            prop_assert!(headers.contains_key(header::IF_MATCH) || (none && !state.exists));
        }
    }

    #[test]
    fn if_match_alone_decides_as_the_extractor(value in line(), state in state()) {
        let fields: Fields = vec![("if-match", value)];
        let headers = header_map(&fields);
        let decision = state.show(|current| evaluate(&Method::PUT, &headers, current));
        let matches = IfMatch::from_headers(&headers)
            .map(|if_match| state.show(|current| if_match.matches(current)));
        match decision {
            Decision::Malformed(_) => prop_assert!(matches.is_err()),
            decision => prop_assert_eq!(matches, Ok(decision.may_proceed())),
        }
    }

    #[test]
    fn any_bytes_are_a_tag_or_an_error(bytes in vec(any::<u8>(), 0..40)) {
        let Ok(value) = HeaderValue::from_bytes(&bytes) else { return Ok(()) };
        if let Ok(tag) = ETag::parse(&value) {
            prop_assert_eq!(&ETag::parse(&tag.to_header_value()).unwrap(), &tag);
            prop_assert!(tag.weak_eq(&tag));
            prop_assert_eq!(tag.strong_eq(&tag), !tag.is_weak());
        }
        // Nothing that a client can send makes the evaluation panic.
        let mut headers = HeaderMap::new();
        for name in [header::IF_MATCH, header::IF_NONE_MATCH, header::IF_RANGE,
            header::IF_MODIFIED_SINCE, header::IF_UNMODIFIED_SINCE, header::RANGE] {
            headers.append(name, value.clone());
        }
        let tag = ETag::from_version(7);
        let current = Current::of(&tag).with_last_modified(std::time::SystemTime::UNIX_EPOCH);
        let _ = evaluate(&Method::GET, &headers, current);
    }

    #[test]
    fn every_opaque_text_comes_back(opaque in vec(prop_oneof![Just(0x21_u8), 0x23_u8..=0x7e, 0x80_u8..], 0..20)) {
        let tag = ETag::new(&opaque).unwrap();
        prop_assert_eq!(tag.opaque(), &opaque[..]);
        prop_assert_eq!(&ETag::parse(&tag.to_header_value()).unwrap(), &tag);
        let weak = tag.clone().into_weak();
        prop_assert_eq!(weak.opaque(), &opaque[..]);
        prop_assert!(weak.is_weak() && !tag.is_weak());
        prop_assert_eq!(&ETag::parse(&weak.to_header_value()).unwrap(), &weak);
    }

    #[test]
    fn versions_and_their_tags_are_one_to_one(version in any::<i64>(), other in any::<i64>()) {
        prop_assert_eq!(ETag::from_version(version).version(), Some(version));
        prop_assert_eq!(ETag::from_version(version) == ETag::from_version(other), version == other);
    }
}
