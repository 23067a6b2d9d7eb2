//! JSON of the wrong shape: no word of the input (B6.15).

use axum::{Router, routing::any};
use buttress_problem::axum::Json;
use serde::{Deserialize, Deserializer};

use super::{json_shape::refused, post, send};

const SECRET: &str = "Hunter2-Swordfish";

#[derive(Deserialize)]
#[expect(dead_code, reason = "read to be refused")]
struct Login {
    pin: Option<u16>,
    password: Option<Password>,
    role: Option<Role>,
    quoted: Option<Quoted>,
    spoofed: Option<Spoofed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    Admin,
    User,
}

/// Its error says the rule.
struct Password;

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?;
        Err(serde::de::Error::custom("must have at least 12 characters"))
    }
}

/// Its error quotes the input, in another case.
struct Quoted;

impl<'de> Deserialize<'de> for Quoted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?.to_uppercase();
        let message = format!("{text} is no good at line 3 column 4");
        Err(serde::de::Error::custom(message))
    }
}

/// Its error is the input.
struct Spoofed;

impl<'de> Deserialize<'de> for Spoofed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Err(serde::de::Error::custom(text))
    }
}

#[tokio::test]
async fn values_are_never_repeated() {
    for (member, detail, code) in [
        ("pin", "must be an integer from 0 to 65535", "TYPE"),
        ("role", "must be `admin` or `user`", "VALUE"),
        ("password", "must have at least 12 characters", "VALUE"),
        ("quoted", "is not valid", "VALUE"),
        ("spoofed", "is not valid", "VALUE"),
    ] {
        let body = format!(r#"{{"{member}": "{SECRET}"}}"#);
        let answer = refused::<Login>(&body).await;
        let pointer = format!("/{member}");
        assert_eq!(answer.errors(), [(&*pointer, detail, code)]);
        assert!(
            !answer.text.to_lowercase().contains("hunter2"),
            "{}",
            answer.text
        );
    }
    for text in [
        format!("missing field `{SECRET}`"),
        format!("duplicate field `{SECRET}`"),
        format!("unknown field `{SECRET}`, expected `{SECRET}`"),
        format!("invalid type: x, expected {SECRET}"),
        format!("invalid length 3, expected {SECRET}"),
    ] {
        let body = format!(r#"{{"spoofed": "{text}"}}"#);
        let answer = refused::<Login>(&body).await;
        assert_eq!(answer.errors(), [("/spoofed", "is not valid", "VALUE")]);
    }
}

/// The text of the type is there, but without the place in the text that `serde_json` adds.
#[tokio::test]
async fn neither_type_names_nor_positions_are_told() {
    for body in [
        r#""x""#,
        "[]",
        "{}",
        r#"{"pin": {}}"#,
        r#"{"role": 1}"#,
        r#"{"role": []}"#,
    ] {
        let router = Router::new().route("/", any(async |_: Json<(Login, Role)>| ()));
        let answer = send(router, post(format!("[{body}]"))).await;
        answer.is_problem(422, "VALIDATION_ERROR");
        for word in ["Login", "Role", "struct", "enum", "line", "column", "u16"] {
            assert!(!answer.text.contains(word), "{body}: {}", answer.text);
        }
    }
}

/// Its error displays the number that was read.
#[derive(Deserialize)]
#[serde(try_from = "f64")]
struct Budget;

impl TryFrom<f64> for Budget {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        Err(format!("{number} is more than there is"))
    }
}

#[tokio::test]
async fn a_number_is_not_repeated_in_another_form() {
    for body in ["41117", "41117.0", "4.1117e4", "411170e-1", "-41117"] {
        let answer = refused::<Budget>(body).await;
        assert_eq!(answer.errors(), [("", "is not valid", "VALUE")], "{body}");
    }
}

/// Says what it expects in words of the input.
struct Parrot;

impl<'de> Deserialize<'de> for Parrot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expected: &str = &format!("a text better than {text}");
        let unexpected = serde::de::Unexpected::Str("…");
        Err(serde::de::Error::invalid_value(unexpected, &expected))
    }
}

#[tokio::test]
async fn what_is_expected_is_not_told_in_words_of_the_input() {
    for text in [SECRET, "short", "ab cd"] {
        let answer = refused::<Parrot>(&format!("{text:?}")).await;
        assert_eq!(answer.errors(), [("", "is not allowed", "VALUE")], "{text}");
    }
}

#[tokio::test]
async fn an_error_of_endless_text_is_not_told() {
    #[derive(Deserialize)]
    #[serde(try_from = "Vec<String>")]
    struct Names;

    impl TryFrom<Vec<String>> for Names {
        type Error = String;

        fn try_from(names: Vec<String>) -> Result<Self, String> {
            Err(".".repeat(1000 * names.len()))
        }
    }

    let answer = refused::<Names>(r#"["a"]"#).await;
    assert_eq!(answer.errors(), [("", "is not valid", "VALUE")]);
}
