//! `application/problem+xml`, judged by a parser that is not ours.

use buttress_problem::{Format, JsonPointer, Problem, Violation};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, VARY},
};
use proptest::prelude::*;
use roxmltree::{Document, Node};
use serde_json::{Value, json};

const NAMESPACE: &str = "urn:ietf:rfc:7807";

fn text_of(xml: &Bytes) -> &str {
    std::str::from_utf8(xml).unwrap()
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Node<'a, 'i> {
    let mut found = node.children().filter(|child| child.has_tag_name(name));
    let first = found.next().unwrap_or_else(|| panic!("no element {name}"));
    assert!(found.next().is_none(), "{name} is there twice");
    first
}

/// What RFC 9457's RELAX NG schema demands of every document, read out of it by hand: the standard
/// members at most once and before all others, with texts of their types; elements that hold
/// elements or text and not both; only the one namespace.
fn assert_follows_the_schema(xml: &Bytes) {
    let document = Document::parse(text_of(xml)).unwrap();
    let root = document.root_element();
    assert!(root.has_tag_name((NAMESPACE, "problem")));
    for node in root.descendants() {
        if node.is_element() {
            assert_eq!(node.tag_name().namespace(), Some(NAMESPACE));
            assert_eq!(node.attributes().count(), 0);
            let texts = node.children().filter(Node::is_text).count();
            assert!(texts == 0 || texts == node.children().count());
        }
    }
    let standard = ["type", "title", "detail", "status", "instance"];
    let names: Vec<_> = root
        .children()
        .map(|child| child.tag_name().name())
        .collect();
    let head = names.iter().take_while(|name| standard.contains(name));
    let mut seen: Vec<_> = head.collect();
    assert!(
        !names[seen.len()..]
            .iter()
            .any(|name| standard.contains(name))
    );
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), count);
    let status = child(root, "status").text().unwrap();
    assert!(status.parse::<u16>().unwrap() > 0);
}

#[test]
fn a_client_that_prefers_xml_gets_it() {
    let many = vec!["text/plain"; Format::MAX_RANGES - 1].join(",");
    let too_many = format!("{many},text/html,application/problem+xml");
    let just_enough = format!("{many},application/problem+xml");
    for (lines, expected) in [
        (&["application/problem+xml"][..], Format::Xml),
        (
            &["APPLICATION/Problem+XML ; Charset=\"utf-8\""],
            Format::Xml,
        ),
        (&["application/problem+xml, */*;q=0.9"], Format::Xml),
        (
            &["application/problem+xml;q=0.002,application/json;q=0.001"],
            Format::Xml,
        ),
        (
            &["application/json;q=0", "application/problem+xml;q=0.1"],
            Format::Xml,
        ),
        (
            &["*/*, application/problem+json;q=0.3, application/json;Q=0.3"],
            Format::Xml,
        ),
        (&["application/*+xml"], Format::Xml),
        (
            &["application/*+json;q=0.1, application/*;q=0.2"],
            Format::Json,
        ),
        (
            &["application/*+json;q=0.1, application/json;q=0.1, application/*;q=0.2"],
            Format::Xml,
        ),
        (
            &["application/problem+xml;q=broken, application/problem+xml;q=0.5"],
            Format::Xml,
        ),
        (&["application/xml"], Format::Xml),
        (&["text/xml;q=0.1, text/html"], Format::Xml),
        (&["application/xml;q=0"], Format::Json),
        (&["application/xml, */*;q=0.1"], Format::Json),
        (&[&just_enough], Format::Xml),
        (&[&too_many], Format::Json),
    ] {
        let headers: HeaderMap = lines
            .iter()
            .map(|line| (ACCEPT, HeaderValue::from_str(line).unwrap()))
            .collect();
        assert_eq!(Format::negotiate(&headers), expected, "{lines:?}");
    }
}

#[test]
fn the_response_says_that_it_is_xml() {
    let problem = Problem::new(StatusCode::PAYMENT_REQUIRED)
        .with_header(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    let xml = problem.to_xml();
    let response: Response<Bytes> = problem.into_response_as(Format::Xml);
    assert_eq!(response.status(), 402);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+xml");
    assert_eq!(response.headers()[VARY], "accept");
    assert_eq!(response.headers().len(), 2);
    assert_eq!(*response.body(), xml);

    let empty: Response<Bytes> = Problem::new(StatusCode::NO_CONTENT).into_response_as(Format::Xml);
    assert!(empty.body().is_empty());
}

/// The example of RFC 9457, appendix B.
#[test]
fn the_example_of_the_rfc() {
    let xml = Problem::builder(403)
        .type_uri("https://example.com/probs/out-of-credit")
        .title("You do not have enough credit.")
        .detail("Your current balance is 30, but that costs 50.")
        .instance("https://example.net/account/12345/msgs/abc")
        .extension("balance", 30)
        .extension(
            "accounts",
            [
                "https://example.net/account/12345",
                "https://example.net/account/67890",
            ],
        )
        .build()
        .unwrap()
        .without_code()
        .to_xml();
    assert_eq!(
        text_of(&xml),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <problem xmlns=\"urn:ietf:rfc:7807\">\
         <type>https://example.com/probs/out-of-credit</type>\
         <title>You do not have enough credit.</title>\
         <status>403</status>\
         <detail>Your current balance is 30, but that costs 50.</detail>\
         <instance>https://example.net/account/12345/msgs/abc</instance>\
         <balance>30</balance>\
         <accounts>\
         <i>https://example.net/account/12345</i>\
         <i>https://example.net/account/67890</i>\
         </accounts>\
         </problem>"
    );
    assert_follows_the_schema(&xml);
}

#[test]
fn every_kind_of_value_has_its_form() {
    for (json, expected) in [
        (r#"null"#, ""),
        (r#"true"#, "true"),
        (r#"18446744073709551616.10"#, "18446744073709551616.10"),
        (r#"1e999"#, "1e999"),
        (r#"-0"#, "-0"),
        (r#""""#, ""),
        (
            r#"" a\t<&>]]>\"'\r\n""#,
            " a\t&lt;&amp;&gt;]]&gt;\"'&#13;\n",
        ),
        (r#"[]"#, ""),
        (r#"{}"#, ""),
        (
            r#"[1,[null,[]],"x"]"#,
            "<i>1</i><i><i></i><i></i></i><i>x</i>",
        ),
        (
            r#"{"z": {"b": 1, "a": [2]}, "c": null}"#,
            "<z><b>1</b><a><i>2</i></a></z><c></c>",
        ),
        // Names that XML does not allow, at every level.
        (
            r#"{"": 1, "1a": 2, "-a": 3, "a b": 4, "x:y": 5, "a>": 6, "é": 7, "a-1._": 8}"#,
            "<é>7</é><a-1._>8</a-1._>",
        ),
        // Characters that XML 1.0 does not allow.
        (
            r#""a\u0000b\u001fc\ufffed\uffff""#,
            "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}",
        ),
        (r#""\u007f\u0085\ud83d\ude00""#, "\u{7f}\u{85}😀"),
        // Half of a surrogate pair: not a text at all.
        (r#"["\ud800", 1]"#, "<i></i><i>1</i>"),
    ] {
        let document = format!(r#"{{"status": 400, "value": {json}}}"#);
        let problem = Problem::from_json(StatusCode::BAD_REQUEST, document.as_bytes()).unwrap();
        let xml = problem.to_xml();
        let (_, rest) = text_of(&xml).split_once("<value>").unwrap();
        let (value, _) = rest.rsplit_once("</value>").unwrap();
        assert_eq!(value, expected, "{json}");
        assert_follows_the_schema(&xml);
    }
}

#[test]
fn members_of_others_with_names_that_xml_does_not_allow_are_left_out() {
    let problem = Problem::from_json(
        StatusCode::BAD_REQUEST,
        br#"{"x-y": 1, "x y": 2, "a:b": 3, "": 4, "\u0000": 5, "_": 6, "code": 7}"#,
    )
    .unwrap();
    let xml = problem.to_xml();
    let document = Document::parse(text_of(&xml)).unwrap();
    let names = document.root_element().children();
    let names: Vec<_> = names.map(|child| child.tag_name().name()).collect();
    assert_eq!(names, ["type", "status", "x-y", "_", "code"]);
}

#[test]
fn texts_are_read_back_as_they_were() {
    let text = "</title><i>&amp;\r\n]]> <!--\u{1}--> käse 🧀";
    let xml = Problem::new(StatusCode::BAD_REQUEST)
        .with_title(text)
        .with_detail(text)
        .with_code(text)
        .to_xml();
    assert_follows_the_schema(&xml);
    let document = Document::parse(text_of(&xml)).unwrap();
    for name in ["title", "detail", "code"] {
        let read = child(document.root_element(), name).text().unwrap();
        assert_eq!(read, text.replace('\u{1}', "\u{fffd}"));
    }
}

#[test]
fn errors_are_an_array() {
    let xml = Problem::validation([
        Violation::pointer(JsonPointer::root().join("a/b"), "must be < 5").with_code("TOO_BIG"),
        Violation::parameter("limit", "not a number"),
        Violation::header("if-match", "not an entity tag"),
    ])
    .to_xml();
    assert_follows_the_schema(&xml);
    assert!(text_of(&xml).ends_with(
        "<errors>\
         <i><pointer>/a~1b</pointer><detail>must be &lt; 5</detail><code>TOO_BIG</code></i>\
         <i><parameter>limit</parameter><detail>not a number</detail></i>\
         <i><header>if-match</header><detail>not an entity tag</detail></i>\
         </errors></problem>"
    ));
}

#[test]
fn a_status_above_599_has_no_element() {
    let xml = Problem::new(StatusCode::from_u16(799).unwrap()).to_xml();
    assert!(!text_of(&xml).contains("<status>"));
}

/// Any JSON, with keys and texts of any kind.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[\\x00-\\x20<>&\"'\\]\u{FFFE}\u{FFFF}]{0,8}".prop_map(Value::from),
    ];
    let key = prop_oneof![any::<String>(), "[a-zé:<>& ._-]{0,4}"];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(key.clone(), inner, 0..6)
                .prop_map(|members| json!(members)),
        ]
    })
}

/// What a value must be read back as: the text of an element, or its children with their names.
fn assert_same(value: &Value, node: Node<'_, '_>) {
    let children: Vec<_> = node.children().filter(Node::is_element).collect();
    match value {
        Value::Array(entries) => {
            assert_eq!(children.len(), entries.len());
            for (entry, child) in entries.iter().zip(children) {
                assert!(child.has_tag_name((NAMESPACE, "i")));
                assert_same(entry, child);
            }
        }
        Value::Object(members) => {
            for child in &children {
                assert_same(&members[child.tag_name().name()], *child);
            }
            let plain = |name: &&String| name.bytes().all(|byte| byte.is_ascii_lowercase());
            let expected = members.keys().filter(|name| !name.is_empty());
            assert!(children.len() >= expected.filter(plain).count());
        }
        scalar => {
            let text = match scalar {
                Value::Null => String::new(),
                Value::String(text) => text
                    .chars()
                    .map(|char| match char {
                        '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'.. => char,
                        _ => '\u{fffd}',
                    })
                    .collect(),
                other => other.to_string(),
            };
            assert_eq!(node.text().unwrap_or_default(), text);
        }
    }
}

proptest! {
    #[test]
    fn any_problem_is_well_formed_xml(
        value in any_json(),
        title in any::<String>(),
        detail in any::<String>(),
    ) {
        let problem = Problem::new(StatusCode::BAD_REQUEST)
            .with_title(title)
            .with_detail(detail)
            .with_extension("value", &value);
        let xml = problem.to_xml();
        assert_follows_the_schema(&xml);
        let document = Document::parse(text_of(&xml)).unwrap();
        assert_same(&value, child(document.root_element(), "value"));
        prop_assert_eq!(xml, problem.to_xml());
    }
}
