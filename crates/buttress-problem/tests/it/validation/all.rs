//! All that is wrong with a body, at once.

use std::{cell::Cell, collections::BTreeMap};

use buttress_problem::{Location, Problem, read_json};
use serde::{Deserialize, de::DeserializeOwned};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "read to be refused")]
struct Order {
    customer_name: String,
    id: uuid::Uuid,
    count: u8,
    paid: bool,
    items: Vec<Item>,
    address: Address,
    #[serde(default)]
    prices: BTreeMap<String, f64>,
    payment: Option<Payment>,
    corner: Option<(i8, i8)>,
    letters: Option<[char; 2]>,
    big: Option<u128>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "read to be refused")]
struct Item {
    sku: String,
    count: std::num::NonZeroU8,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(dead_code, reason = "read to be refused")]
struct Address {
    zip_code: u32,
    street: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Payment {
    Cash,
    Card,
}

/// The entries as (pointer, code).
fn refused<T: DeserializeOwned + std::fmt::Debug>(body: &str) -> (Problem, Vec<(String, String)>) {
    let problem = read_json::<T>(body.as_bytes()).unwrap_err();
    assert_eq!(problem.status(), 422, "{problem:?}");
    let entries = problem.violations().iter().map(|violation| {
        let Location::Pointer(pointer) = violation.location() else {
            panic!("not in the body: {violation:?}");
        };
        let code = violation.code().unwrap();
        (pointer.to_string(), code.to_owned())
    });
    let entries = entries.collect();
    (problem, entries)
}

#[track_caller]
fn check(body: &str, expected: &[(&str, &str)]) {
    let (_, entries) = refused::<Order>(body);
    let entries: Vec<_> = entries.iter().map(|(at, code)| (&**at, &**code)).collect();
    assert_eq!(entries, expected, "{body}");
}

#[test]
fn every_mistake_is_told() {
    check(
        r#"{
            "customerName": 7, "id": "no", "count": 300, "paid": "yes",
            "items": [{"sku": 1, "count": 0}, 5, {}, {"sku": "a", "count": 1}],
            "address": {"zip-code": "x"},
            "prices": {"EUR": "much", "USD": 1, "a/b": []},
            "payment": "gold", "corner": [1, "a"], "letters": ["ab", "c"], "colour": 1
        }"#,
        &[
            ("/address/street", "MISSING"),
            ("/address/zip-code", "TYPE"),
            ("/colour", "UNKNOWN"),
            ("/corner/1", "TYPE"),
            ("/count", "VALUE"),
            ("/customerName", "TYPE"),
            ("/id", "VALUE"),
            ("/items/0/count", "VALUE"),
            ("/items/0/sku", "TYPE"),
            ("/items/1", "TYPE"),
            ("/items/2/count", "MISSING"),
            ("/items/2/sku", "MISSING"),
            ("/letters/0", "VALUE"),
            ("/paid", "TYPE"),
            ("/payment", "VALUE"),
            ("/prices/EUR", "TYPE"),
            ("/prices/a~1b", "TYPE"),
        ],
    );
}

/// What a placeholder lacks is not what the body lacks.
#[test]
fn nothing_is_told_about_placeholders() {
    check(
        "{}",
        &[
            ("/address", "MISSING"),
            ("/count", "MISSING"),
            ("/customerName", "MISSING"),
            ("/id", "MISSING"),
            ("/items", "MISSING"),
            ("/paid", "MISSING"),
        ],
    );
    check("7", &[("", "TYPE")]);
    check("[]", &[("", "LENGTH")]);
    check(
        r#"{"customerName": "x", "id": "no", "count": 1, "paid": true, "items": [], "address": 7}"#,
        &[("/address", "TYPE"), ("/id", "VALUE")],
    );
}

#[test]
fn elements_are_ordered_by_number() {
    let body = format!("[{}]", ["\"x\""; 12].join(","));
    let (_, entries) = refused::<Vec<u8>>(&body);
    let pointers: Vec<_> = entries.into_iter().map(|(at, _)| at).collect();
    let expected: Vec<_> = (0..12).map(|index| format!("/{index}")).collect();
    assert_eq!(pointers, expected);
}

/// A type that takes no placeholder hides what is behind it, and only that.
#[test]
fn what_cannot_be_replaced_ends_the_search() {
    #[derive(Debug)]
    struct Picky;

    impl<'de> Deserialize<'de> for Picky {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            String::deserialize(deserializer)?;
            Err(serde::de::Error::custom("must be just so"))
        }
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read to be refused")]
    struct Three {
        a: u8,
        b: Picky,
        c: u8,
    }

    let (problem, entries) = refused::<Three>(r#"{"a": "x", "b": "hunter2", "c": "y"}"#);
    let expected = [("/a", "TYPE"), ("/b", "VALUE")];
    let entries: Vec<_> = entries.iter().map(|(at, code)| (&**at, &**code)).collect();
    assert_eq!(entries, expected);
    assert_eq!(problem.violations()[1].detail(), "must be just so");
}

/// What another variant would need is not what the body lacks.
#[test]
fn a_tag_that_was_replaced_decides_nothing() {
    #[derive(Debug, Deserialize)]
    #[serde(tag = "kind", rename_all = "lowercase")]
    #[expect(dead_code, reason = "read to be refused")]
    enum Shape {
        Circle { radius: u8, name: String },
        Square { side: u8, name: String },
    }

    let body =
        r#"[{"kind": "blob", "radius": "wide", "name": 7}, {"kind": "circle", "radius": "x"}]"#;
    let (_, entries) = refused::<Vec<Shape>>(body);
    let entries: Vec<_> = entries.iter().map(|(at, code)| (&**at, &**code)).collect();
    let expected = [
        ("/0/kind", "VALUE"),
        ("/0/name", "TYPE"),
        ("/1/name", "MISSING"),
        ("/1/radius", "TYPE"),
    ];
    assert_eq!(entries, expected);
}

/// The first error counts even where reading the document as a value hides it.
#[test]
fn a_member_given_twice_does_not_hide_the_rest() {
    let body = r#"{"sku": "a", "sku": "b", "count": 0}"#;
    let (_, entries) = refused::<Item>(body);
    let entries: Vec<_> = entries.iter().map(|(at, code)| (&**at, &**code)).collect();
    assert_eq!(entries, [("/count", "VALUE"), ("/sku", "DUPLICATE")]);
}

/// A rule over a whole struct may be broken by a placeholder, so it is not reported then.
#[test]
fn a_rule_about_what_holds_a_placeholder_is_not_reported() {
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "Raw")]
    struct Span;

    #[derive(Deserialize)]
    struct Raw {
        starts: u8,
        ends: u8,
    }

    impl TryFrom<Raw> for Span {
        type Error = &'static str;

        fn try_from(raw: Raw) -> Result<Self, Self::Error> {
            match raw.starts < raw.ends {
                true => Ok(Self),
                false => Err("must end after it starts"),
            }
        }
    }

    let (_, entries) = refused::<Vec<Span>>(r#"[{"starts": 5, "ends": "x"}]"#);
    assert_eq!(entries, [("/0/ends".to_owned(), "TYPE".to_owned())]);
    let (_, entries) = refused::<Vec<Span>>(r#"[{"starts": 5, "ends": 2}]"#);
    assert_eq!(entries, [("/0".to_owned(), "VALUE".to_owned())]);
}

#[test]
fn the_number_and_the_work_are_bounded() {
    let body = format!("[{}]", ["\"x\""; 300].join(","));
    let (problem, _) = refused::<Vec<u8>>(&body);
    assert_eq!(problem.violations().len(), 32);

    // 300 KiB are not read again.
    let body = format!("[{}]", ["\"x\""; 75_000].join(","));
    let (problem, _) = refused::<Vec<u8>>(&body);
    assert_eq!(problem.violations().len(), 1);
}

/// What a type does to read a value may be dear, and a small body must not buy much of it.
#[test]
fn a_type_is_not_read_without_end() {
    thread_local! {
        static READ: Cell<usize> = const { Cell::new(0) };
    }

    #[derive(Debug, Deserialize)]
    #[serde(from = "u8")]
    struct Dear;

    impl From<u8> for Dear {
        fn from(_: u8) -> Self {
            READ.set(READ.get() + 1);
            Self
        }
    }

    let body = format!("[1, [{}]]", ["\"x\""; 200].join(","));
    refused::<(Dear, Vec<u8>)>(&body);
    assert!(READ.get() <= 66, "{}", READ.get());
}

/// Numbers that only the text holds exactly are not taken for mistakes.
#[test]
fn a_number_of_128_bits_is_no_mistake() {
    let big = u128::MAX;
    let body = format!(
        r#"{{"customerName": 7, "id": "00000000-0000-0000-0000-000000000000", "count": 1,
            "paid": true, "items": [], "address": {{"zip-code": 1, "street": ""}}, "big": {big}}}"#
    );
    check(&body, &[("/customerName", "TYPE")]);
}

#[test]
fn no_value_is_repeated_by_any_entry() {
    let body = r#"{"customerName": ["hunter2"], "id": "hunter2", "count": "hunter2", "paid": "hunter2",
        "items": "hunter2", "address": "hunter2", "payment": "hunter2", "corner": "hunter2"}"#;
    let (problem, entries) = refused::<Order>(body);
    assert_eq!(entries.len(), 8, "{entries:?}");
    let text = String::from_utf8(problem.to_json().to_vec()).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
}
