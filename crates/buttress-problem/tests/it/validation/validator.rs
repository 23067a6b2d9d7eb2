//! Reports of `validator`.

use ::validator::{Validate, ValidationError, ValidationErrors};
use buttress_problem::{Problem, Violation};
use serde::{Deserialize, Serialize};

use super::entries;

#[derive(Deserialize, Validate)]
#[serde(rename_all = "camelCase")]
struct Trip {
    #[validate(length(min = 2, max = 5))]
    short_name: String,
    #[validate(range(min = 1.0, exclusive_max = 10.0))]
    day_count: f64,
    #[validate(length(equal = 2), contains(pattern = "x"))]
    two_rules: String,
    #[validate(nested, length(max = 12))]
    all_stops: Vec<Stop>,
    #[validate(nested)]
    home: Option<Stop>,
    #[validate(required)]
    pet: Option<String>,
    #[validate(must_match(other = "password"))]
    password_again: String,
    password: String,
    #[validate(custom(function = "loud", code = "notLoud"))]
    shout: String,
}

#[derive(Clone, Deserialize, Serialize, Validate)]
struct Stop {
    #[serde(rename = "zipCode")]
    #[validate(length(equal = 5, message = "must have five digits"))]
    zip_code: String,
    #[validate(email)]
    mail: String,
}

fn loud(text: &str) -> Result<(), ValidationError> {
    Err(ValidationError::new("x").with_message(format!("{text} is not loud").into()))
}

fn stop(zip_code: &str, mail: &str) -> Stop {
    Stop {
        zip_code: zip_code.to_owned(),
        mail: mail.to_owned(),
    }
}

fn trip() -> Trip {
    let fine = || stop("12345", "a@example.com");
    let mut all_stops = vec![fine(); 11];
    all_stops[2] = stop("1", "hunter2");
    all_stops[10] = stop("2", "b@example.com");
    Trip {
        short_name: "hunter2".to_owned(),
        day_count: 10.0,
        two_rules: "hunter2".to_owned(),
        all_stops,
        home: Some(stop("12345", "hunter2")),
        pet: None,
        password_again: "hunter2".to_owned(),
        password: "swordfish".to_owned(),
        shout: "hunter2".to_owned(),
    }
}

#[test]
fn everything_is_told_once_in_order_and_without_values() {
    let errors = trip().validate().unwrap_err();
    let violations = Violation::from_validator(&errors);
    let five = "must have five digits";
    let mail = "must be an e-mail address";
    assert_eq!(
        entries(&violations),
        [
            ("/all_stops/2/mail", mail, "EMAIL"),
            ("/all_stops/2/zip_code", five, "LENGTH"),
            ("/all_stops/10/zip_code", five, "LENGTH"),
            ("/day_count", "must be at least 1 and less than 10", "RANGE"),
            ("/home/mail", mail, "EMAIL"),
            (
                "/password_again",
                "must be the same as the other",
                "MUST_MATCH"
            ),
            ("/pet", "is required", "REQUIRED"),
            ("/short_name", "must have a length from 2 to 5", "LENGTH"),
            ("/shout", "is not valid", "NOT_LOUD"),
            ("/two_rules", "must have a length of 2", "LENGTH"),
            ("/two_rules", "must contain `x`", "CONTAINS"),
        ]
    );
    let text = String::from_utf8(Problem::from(errors).to_json().to_vec()).unwrap();
    for secret in ["hunter2", "swordfish"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn json_names_take_the_place_of_rust_names() {
    let errors = trip().validate().unwrap_err();
    let violations: Vec<_> = Violation::from_validator(&errors)
        .into_iter()
        .map(Violation::named_as::<Trip>)
        .collect();
    let pointers: Vec<_> = entries(&violations)
        .into_iter()
        .map(|(at, ..)| at)
        .collect();
    assert_eq!(
        pointers,
        [
            "/allStops/2/mail",
            "/allStops/2/zipCode",
            "/allStops/10/zipCode",
            "/dayCount",
            "/home/mail",
            "/passwordAgain",
            "/pet",
            "/shortName",
            "/shout",
            "/twoRules",
            "/twoRules",
        ]
    );
}

#[derive(Serialize, Validate)]
#[validate(schema(function = "in_order"))]
struct Span {
    starts: u8,
    ends: u8,
}

fn in_order(span: &Span) -> Result<(), ValidationError> {
    if span.starts <= span.ends {
        return Ok(());
    }
    Err(ValidationError::new("in_order").with_message("must end after it starts".into()))
}

#[test]
fn a_rule_about_a_struct_points_at_the_object() {
    #[derive(Validate)]
    struct Calendar {
        #[validate(nested)]
        spans: Vec<Span>,
    }

    let wrong = || Span { starts: 2, ends: 1 };
    let violations = Violation::from_validator(&wrong().validate().unwrap_err());
    let detail = "must end after it starts";
    assert_eq!(entries(&violations), [("", detail, "IN_ORDER")]);

    let spans = vec![Span { starts: 1, ends: 2 }, wrong()];
    let calendar = Calendar { spans };
    let violations = Violation::from_validator(&calendar.validate().unwrap_err());
    assert_eq!(entries(&violations), [("/spans/1", detail, "IN_ORDER")]);
}

#[test]
fn a_list_at_the_root_is_told_by_index() {
    let stops = vec![stop("12345", "a@example.com"), stop("1", "a@example.com")];
    let violations = Violation::from_validator(&stops.validate().unwrap_err());
    let expected = ("/1/zip_code", "must have five digits", "LENGTH");
    assert_eq!(entries(&violations), [expected]);
}

#[test]
fn the_number_of_entries_is_capped() {
    let stops = vec![stop("1", "a@example.com"); 250];
    let problem = Problem::from(stops.validate().unwrap_err());
    assert_eq!(problem.violations().len(), Problem::MAX_VIOLATIONS);
    assert_eq!(problem.extension("omittedErrors"), Some(150));
    assert_eq!(entries(problem.violations())[99].0, "/99/zip_code");
}

#[test]
fn a_message_that_quotes_another_field_is_replaced() {
    for param in ["value", "other"] {
        let mut error = ValidationError::new("must_match").with_message("is not hunter2".into());
        error.add_param(param.into(), &"hunter2");
        let mut errors = ValidationErrors::new();
        errors.add("again", error);
        let violations = Violation::from_validator(&errors);
        assert!(
            !violations[0].detail().contains("hunter2"),
            "{violations:?}"
        );
    }
}
