//! Validation behind the extractors: everything that is wrong, at once.

use axum::{Router, routing::any};
use buttress_problem::axum::{Garde, Json, Path, Query, Valid};
use serde::Deserialize;
use validator::Validate as _;

use super::{get, post, send};

#[derive(Deserialize, validator::Validate, garde::Validate)]
#[serde(rename_all = "camelCase")]
struct SignUp {
    #[validate(length(min = 3))]
    #[garde(length(min = 3))]
    user_name: String,
    #[validate(range(min = 18))]
    #[garde(range(min = 18))]
    years_old: u8,
    #[validate(nested)]
    #[garde(dive)]
    #[serde(default)]
    pets: Vec<Pet>,
}

#[derive(Deserialize, validator::Validate, garde::Validate)]
struct Pet {
    #[serde(rename = "petName")]
    #[validate(length(max = 3))]
    #[garde(length(max = 3))]
    pet_name: String,
}

#[derive(Deserialize, validator::Validate, garde::Validate)]
#[serde(rename_all = "camelCase")]
struct Search {
    #[validate(range(max = 100))]
    #[garde(range(max = 100))]
    max_price: u16,
    #[serde(default)]
    #[validate(length(max = 1))]
    #[garde(inner(length(max = 3)))]
    tag: Vec<String>,
}

#[derive(Deserialize, validator::Validate)]
#[validate(schema(function = "tame"))]
struct Beast {
    price: u16,
}

fn tame(beast: &Beast) -> Result<(), validator::ValidationError> {
    match beast.price {
        666 => Err(validator::ValidationError::new("x").with_message("the beast is out".into())),
        _ => Ok(()),
    }
}

fn router() -> Router {
    Router::new()
        .route(
            "/",
            any(async |Valid(Json(new)): Valid<Json<SignUp>>| new.user_name),
        )
        .route(
            "/garde",
            any(async |new: Garde<Json<SignUp>>| new.user_name.clone()),
        )
        .route(
            "/search",
            any(async |_: Valid<Query<Search>>, _: String| ()),
        )
        .route("/search/garde", any(async |_: Garde<Query<Search>>| ()))
        .route("/{maxPrice}", any(async |_: Valid<Path<Search>>| ()))
}

#[tokio::test]
async fn what_is_valid_passes() {
    let body = r#"{"userName": "ann", "yearsOld": 18, "pets": [{"petName": "tom"}]}"#;
    assert_eq!(send(router(), post(body)).await.text, "ann");
    let mut request = post(body);
    *request.uri_mut() = "/garde".parse().unwrap();
    assert_eq!(send(router(), request).await.text, "ann");
    assert_eq!(
        send(router(), get("/search?maxPrice=5&tag=a")).await.status,
        200
    );
    assert_eq!(send(router(), get("/50")).await.status, 200);
}

#[tokio::test]
async fn all_mistakes_of_a_body_are_told_under_their_json_names() {
    let body =
        r#"{"userName": "a", "yearsOld": 1, "pets": [{"petName": "ok"}, {"petName": "longer"}]}"#;
    let answer = send(router(), post(body)).await;
    answer.is_problem(422, "VALIDATION_ERROR");
    assert_eq!(
        answer.errors(),
        [
            (
                "/pets/1/petName",
                "must have a length of at most 3",
                "LENGTH"
            ),
            ("/userName", "must have a length of at least 3", "LENGTH"),
            ("/yearsOld", "must be at least 18", "RANGE"),
        ]
    );

    let mut request = post(body);
    *request.uri_mut() = "/garde".parse().unwrap();
    let answer = send(router(), request).await;
    answer.is_problem(422, "VALIDATION_ERROR");
    assert_eq!(
        answer.errors(),
        [
            ("/pets/1/petName", "length is greater than 3", "LENGTH"),
            ("/userName", "length is lower than 3", "LENGTH"),
            ("/yearsOld", "lower than 18", "RANGE"),
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_before_it_is_validated() {
    let answer = send(router(), post(r#"{"userName": "a", "yearsOld": "x"}"#)).await;
    answer.is_problem(422, "VALIDATION_ERROR");
    assert_eq!(answer.errors()[0].2, "TYPE");
    let answer = send(router(), post(r#"{"userName": "a""#)).await;
    answer.is_problem(400, "MALFORMED_JSON");
}

#[tokio::test]
async fn parameters_are_told_by_name() {
    for uri in [
        "/search?maxPrice=101&tag=a&tag=b",
        "/search?tag=a&maxPrice=101&tag=b",
    ] {
        let answer = send(router(), get(uri)).await;
        answer.is_problem(400, "INVALID_QUERY");
        assert_eq!(
            answer.errors(),
            [
                ("maxPrice", "must be at most 100", "RANGE"),
                ("tag", "must have a length of at most 1", "LENGTH"),
            ]
        );
    }
    let answer = send(router(), get("/search/garde?maxPrice=101&tag=a&tag=long")).await;
    answer.is_problem(400, "INVALID_QUERY");
    assert_eq!(
        answer.errors(),
        [
            ("maxPrice", "greater than 100", "RANGE"),
            ("tag", "length is greater than 3", "LENGTH"),
        ]
    );
    let answer = send(router(), get("/101")).await;
    answer.is_problem(400, "INVALID_PATH");
    assert_eq!(
        answer.errors(),
        [("maxPrice", "must be at most 100", "RANGE")]
    );
}

#[tokio::test]
async fn a_rule_about_all_parameters_becomes_the_detail() {
    let strict = Router::new().route("/", any(async |_: Valid<Query<Beast>>| ()));
    let answer = send(strict, get("/?price=666")).await;
    answer.is_problem(400, "INVALID_QUERY");
    assert_eq!(answer.body["detail"], "the beast is out");
    assert!(answer.errors().is_empty());
}
