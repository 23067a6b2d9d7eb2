//! The reader against serde_json.

use std::fmt;

use proptest::prelude::*;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use super::*;

/// An object as serde_json sees it, with all members, also those of one name.
#[derive(Debug)]
struct Reference(Vec<(String, serde_json::Value)>);

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Reference;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Reference, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Reference(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

fn reference(bytes: &[u8]) -> Option<Vec<(String, serde_json::Value)>> {
    let Reference(members) = serde_json::from_slice(bytes).ok()?;
    let unique = members
        .iter()
        .enumerate()
        .all(|(at, (name, _))| members[..at].iter().all(|(other, _)| other != name));
    unique.then_some(members)
}

/// Text that is nearly JSON: pieces that fit together, and some that do not.
fn nearly_json() -> impl Strategy<Value = String> {
    let name = || {
        prop::sample::select(vec![
            "\"a\"",
            "\"b\"",
            "\"\\u0061\"",
            "\"\"",
            "\"\\ud83d\\ude00\"",
            "\"\u{1f600}\"",
            "\"\\/\"",
            "\"/\"",
            "\"\\ud83d\"",
            "\"\\n\"",
            "a",
            "\"\n\"",
        ])
    };
    let leaf = prop_oneof![
        name().prop_map(str::to_owned),
        prop::sample::select(vec![
            "0", "-0", "1", "-1.5e3", "1E+2", "01", "1.", "true", "false", "null", "nul", "{}",
            "[]", "[,]", "{,}", "1.5.5", "--1", "\"\\x\"", "\u{feff}", "",
        ])
        .prop_map(str::to_owned),
    ];
    let value = leaf.prop_recursive(3, 16, 3, move |inner| {
        let space = || prop::sample::select(vec!["", "", " ", "\n\t\r"]);
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..3), space())
                .prop_map(|(values, space)| format!("[{space}{}]", values.join(","))),
            (
                prop::collection::vec((name(), inner), 0..4),
                space(),
                space()
            )
                .prop_map(|(members, before, after)| {
                    let members: Vec<_> = members
                        .into_iter()
                        .map(|(name, value)| format!("{before}{name}{after}:{value}{before}"))
                        .collect();
                    format!("{{{after}{}}}", members.join(","))
                }),
        ]
    });
    prop_oneof![4 => value, 1 => "[{}\\[\\]\",:\\\\u0-9ade.+\\- ]{0,40}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// serde_json and this reader see the same members, but for those of one name, which only serde_json
    /// lets pass.
    #[test]
    fn members_are_those_that_serde_json_sees(text in nearly_json()) {
        // Numbers that no f64 holds are the one thing that serde_json is stricter about.
        prop_assume!(!text.to_lowercase().contains('e') || !text.contains("99"));
        let ours = Object::read(text.as_bytes()).map(|object| {
            let member = |(name, value): &(Cow<'_, str>, Value<'_>)| {
                let value = serde_json::from_str(value.text()).expect("a value");
                (name.clone().into_owned(), value)
            };
            object.members().iter().map(member).collect::<Vec<_>>()
        });
        prop_assert_eq!(ours, reference(text.as_bytes()));
    }

    #[test]
    fn bytes_are_never_a_reason_to_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Some(object) = Object::read(&bytes) {
            prop_assert_eq!(Some(object.members().len()), reference(&bytes).map(|members| members.len()));
        }
    }

    #[test]
    fn what_serde_json_writes_is_read(text in ".*", name in ".*") {
        let json = serde_json::json!({ &*name: [&text, &text] }).to_string();
        let object = Object::read(json.as_bytes()).expect("an object");
        let strings = object.get(&name).and_then(Value::as_strings).expect("strings");
        prop_assert_eq!(strings, [&*text, &*text]);
    }
}
