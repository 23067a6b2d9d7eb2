//! What is an object and what is none, case by case.

use super::*;

fn read(text: &str) -> Option<Object<'_>> {
    Object::read(text.as_bytes())
}

#[test]
fn members_are_found() {
    let object = read(" {\"a\" : \"x\\ny\\u00e4\\ud83d\\ude00/\\/\", \"b\":[1, \"two\" ,{}],\r\n\t\"c\":-1.5E+3} ")
        .expect("an object");
    assert_eq!(object.members().len(), 3);
    let a = object.get("a").expect("a");
    assert_eq!(a.as_str().as_deref(), Some("x\nyä😀//"));
    assert_eq!((a.as_number(), a.as_array()), (None, None));
    let b = object.get("b").expect("b").as_array().expect("an array");
    assert_eq!(
        b.iter().map(|value| value.text()).collect::<Vec<_>>(),
        ["1", "\"two\"", "{}"]
    );
    assert_eq!(object.get("b").and_then(Value::as_strings), None);
    assert_eq!(object.get("c").and_then(Value::as_number), Some("-1.5E+3"));
    assert_eq!(object.get("d"), None);
    assert!(read("{}").expect("an object").members().is_empty());
    let array = read(r#"{"a":["x","\u0078"]}"#).expect("an object");
    assert_eq!(
        array.get("a").and_then(Value::as_strings).expect("strings"),
        ["x", "x"]
    );
}

#[test]
fn every_escape_is_undone() {
    let object =
        read(r#"{"\u0065\"\\\/\b\f\n\r\t\uD834\udd1E\uFFFF\u0000":0}"#).expect("an object");
    assert_eq!(
        object.members()[0].0,
        "e\"\\/\u{8}\u{c}\n\r\t\u{1d11e}\u{ffff}\0"
    );
}

#[test]
fn a_name_stands_once() {
    for text in [
        r#"{"exp":1,"exp":2}"#,
        r#"{"exp":1,"\u0065xp":2}"#,
        r#"{"\u0065xp":1,"a":0,"e\u0078p":2}"#,
        r#"{"/":1,"\/":2}"#,
        r#"{"":1,"":2}"#,
    ] {
        assert!(read(text).is_none(), "{text}");
    }
    assert!(read(r#"{"exp":1,"Exp":2,"exp ":3}"#).is_some());
    assert!(read(r#"{"a":{"b":1},"b":2}"#).is_some());
}

#[test]
fn many_names_are_unique_too() {
    let mut members: Vec<_> = (0..500).map(|n| format!("\"m{n}\":{n}")).collect();
    assert!(read(&format!("{{{}}}", members.join(","))).is_some());
    members.push("\"m\\u0033\":0".to_owned());
    assert!(read(&format!("{{{}}}", members.join(","))).is_none());
}

#[test]
fn only_objects_are_read() {
    for text in [
        "",
        " ",
        "[]",
        "\"a\"",
        "1",
        "null",
        "true",
        "{",
        "}",
        "{}{}",
        "{},",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\" 1}",
        "{1:1}",
        "\u{feff}{}",
        "{}\0",
        "\u{a0}{}",
        "{\"a\":tru}",
        "{\"a\":nul",
        "{\"a\":True}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{/**/}",
        "{\"a\":1}//",
    ] {
        assert!(read(text).is_none(), "{text}");
    }
}

#[test]
fn strings_are_unicode() {
    for text in [
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\ud800\ud800""#,
        r#""\ud800a""#,
        r#""\ud800\n""#,
        r#""\ud800\u0061""#,
        r#""\u12""#,
        r#""\u12g4""#,
        r#""\u+123""#,
        r#""\x41""#,
        r#""\'""#,
        "\"a\nb\"",
        "\"\u{1}\"",
        "\"",
        "\"\\\"",
        "\"\\",
    ] {
        assert!(read(&format!("{{\"a\":{text}}}")).is_none(), "{text}");
        assert!(read(&format!("{{\"a\":[{text}]}}")).is_none(), "{text}");
        assert!(read(&format!("{{{text}:1}}")).is_none(), "{text}");
    }
    assert!(Object::read(b"{\"a\":\"\xff\"}").is_none());
    assert!(Object::read(b"{\"a\":\"\xc0\x80\"}").is_none());
    assert!(Object::read(b"{\"a\":\"\xed\xa0\x80\"}").is_none());
    assert!(read("{\"a\":\"\u{7f}\u{2028}\"}").is_some());
}

#[test]
fn numbers_have_one_grammar() {
    for number in [
        "0",
        "-0",
        "10",
        "-1.0",
        "1e5",
        "1E-5",
        "0.10e+05",
        "123456789012345678901",
    ] {
        assert!(read(&format!("{{\"a\":{number}}}")).is_some(), "{number}");
    }
    for number in [
        "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "1_0", "--1", "1.e5", "-01", "1.5.5", "e5",
    ] {
        assert!(read(&format!("{{\"a\":{number}}}")).is_none(), "{number}");
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize, open: &str, close: &str| {
        format!("{{\"a\":{}{}}}", open.repeat(depth), close.repeat(depth))
    };
    assert!(read(&nested(MAX_DEPTH - 1, "[", "]")).is_some());
    assert!(read(&nested(MAX_DEPTH, "[", "]")).is_none());
    assert!(read(&nested(100_000, "[", "]")).is_none());
    assert!(read(&nested(MAX_DEPTH, "{\"a\":", "}")).is_none());
}
