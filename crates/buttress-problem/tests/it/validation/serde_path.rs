//! Errors of serde without a framework.

use std::collections::BTreeMap;

use buttress_problem::Violation;
use serde::Deserialize;

use super::entries;

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "read to be refused")]
struct Item {
    count: u8,
}

fn refused(body: &str, about: &str) -> Violation {
    let deserializer = &mut serde_json::Deserializer::from_str(body);
    let items: Result<BTreeMap<String, Vec<Item>>, _> =
        serde_path_to_error::deserialize(deserializer);
    Violation::from_serde_path(&items.unwrap_err(), about.as_bytes())
}

#[test]
fn an_error_of_serde_has_the_same_shape() {
    let body = r#"{"a/b": [{"count": 1}, {"count": "hunter2"}]}"#;
    let violation = refused(body, body);
    let expected = ("/a~1b/1/count", "must be an integer from 0 to 255", "TYPE");
    assert_eq!(entries(&[violation]), [expected]);
}

/// Only the text of a type's own error needs the body.
#[test]
fn the_body_may_be_lost() {
    let body = r#"{"a": [{"count": "hunter2"}]}"#;
    assert_eq!(refused(body, ""), refused(body, body));
    assert_eq!(refused(body, "[]"), refused(body, body));

    let uuid: Result<uuid::Uuid, _> =
        serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str("\"x\""));
    let error = uuid.unwrap_err();
    assert_eq!(
        Violation::from_serde_path(&error, b"").detail(),
        "is not valid"
    );
}
