//! Registration.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::{sync::Barrier, task::JoinSet};
use uuid::Uuid;

use crate::{
    people::{REGISTER, account, sign_in},
    server::{closed_shop, place, places},
};

#[tokio::test]
async fn who_registers_is_a_user_and_can_sign_in() {
    let shop = closed_shop().await;
    let created = shop.post(REGISTER, &account("Ada@Shop.Example")).await;
    assert_eq!(created.status, 201);
    let user = created.json();
    let members: Vec<_> = user.as_object().expect("is one").keys().collect();
    assert_eq!(
        members,
        ["createdAt", "email", "id", "name", "roles", "updatedAt"]
    );
    assert_eq!(user["email"], "Ada@Shop.Example");
    assert_eq!(user["name"], "Ada");
    assert_eq!(user["roles"], json!(["user"]));
    assert_eq!(user["createdAt"], user["updatedAt"]);
    let id: Uuid = user["id"]
        .as_str()
        .expect("has one")
        .parse()
        .expect("is one");
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(
        created.header("location"),
        Some(&*format!("/v1/users/{id}"))
    );
    assert!(!created.text().contains("argon2"));

    let pair = sign_in(&shop, "ada@shop.EXAMPLE").await;
    let token = pair["accessToken"].as_str().expect("has one");
    let location = created.header("location").expect("says where");
    let read = shop.send_as(token, "GET", location).await;
    assert_eq!((read.json(), read.etag()), (user, created.etag()));
}

#[tokio::test]
async fn an_address_is_taken_in_any_case_of_ascii_letters() {
    let shop = closed_shop().await;
    assert_eq!(
        shop.post(REGISTER, &account("ada@shop.example"))
            .await
            .status,
        201
    );
    let hashes = shop.auth.passwords.computed();
    for taken in ["ada@shop.example", "ADA@shop.example", "ada@SHOP.Example"] {
        let answer = shop.post(REGISTER, &account(taken)).await;
        answer.problem(409, "EMAIL_TAKEN", REGISTER);
    }
    // It costs nothing to be told so.
    assert_eq!(shop.auth.passwords.computed(), hashes);
    for other in ["ad.a@shop.example", "äda@shop.example", "ÄDA@shop.example"] {
        let answer = shop.post(REGISTER, &account(other)).await;
        assert_eq!(answer.status, 201, "{other}");
    }
}

#[tokio::test]
async fn everything_that_is_wrong_is_named_at_once_and_nothing_is_repeated() {
    let shop = closed_shop().await;
    let bad = json!({ "email": "s3cr3t", "password": "s3cr3t!", "name": "", "roles": ["admin"] });
    let answer = shop.post(REGISTER, &bad).await;
    let problem = answer.problem(422, "VALIDATION_ERROR", REGISTER);
    let expected = [
        place("/email", "EMAIL"),
        place("/password", "TOO_SHORT"),
        place("/name", "TOO_SHORT"),
        place("/roles", "UNKNOWN"),
    ];
    assert_eq!(places(&problem), expected);
    assert!(!answer.text().contains("s3cr3t"), "{problem}");

    let missing = shop.post(REGISTER, &json!({})).await;
    let problem = missing.problem(422, "VALIDATION_ERROR", REGISTER);
    let expected = ["/email", "/password", "/name"].map(|name| place(name, "MISSING"));
    assert_eq!(places(&problem), expected);
    for (member, value, code) in [
        ("email", json!(7), "TYPE"),
        ("email", json!(null), "TYPE"),
        ("email", json!("a\0@shop.example"), "NUL_CHARACTER"),
        (
            "email",
            json!(format!("{}@shop.example", "a".repeat(250))),
            "TOO_LONG",
        ),
        ("password", json!("ü".repeat(7)), "TOO_SHORT"),
        ("password", json!("ü".repeat(129)), "TOO_LONG"),
        ("password", json!("correct\0horse"), "NUL_CHARACTER"),
        ("password", json!(12345678), "TYPE"),
        ("name", json!("x".repeat(101)), "TOO_LONG"),
        ("name", json!("\0"), "NUL_CHARACTER"),
    ] {
        let mut body = account("ada@shop.example");
        body[member] = value;
        let answer = shop.post(REGISTER, &body).await;
        let problem = answer.problem(422, "VALIDATION_ERROR", REGISTER);
        assert_eq!(places(&problem), [place(&format!("/{member}"), code)]);
    }
    // Nobody has become anybody meanwhile.
    assert_eq!(shop.auth.passwords.computed(), 0);
}

#[tokio::test]
async fn passwords_of_8_and_of_128_characters_are_taken_whole() {
    let shop = closed_shop().await;
    for (email, password) in [
        ("short@shop.example", "ü".repeat(8)),
        ("long@shop.example", format!(" {} ", "ä".repeat(126))),
    ] {
        let body = json!({ "email": email, "password": password, "name": "Ada" });
        assert_eq!(shop.post(REGISTER, &body).await.status, 201);
        for (password, status) in [
            (password.clone(), 200),
            (password.trim().to_owned() + "x", 401),
            (password.chars().rev().skip(1).collect(), 401),
        ] {
            let body = json!({ "email": email, "password": password });
            let answer = shop.post("/v1/auth/login", &body).await;
            assert_eq!(answer.status, status, "{email}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_32_who_want_one_address_at_once_exactly_one_gets_it() {
    const MANY: usize = 32;
    let shop = Arc::new(closed_shop().await);
    let start = Arc::new(Barrier::new(MANY));
    let mut all = JoinSet::new();
    for number in 0..MANY {
        let (shop, start) = (shop.clone(), start.clone());
        all.spawn(async move {
            let email = match number % 2 {
                0 => "ada@shop.example",
                _ => "ADA@shop.example",
            };
            // Opens the connections, which would else put them into a row.
            shop.get("/livez").await;
            start.wait().await;
            shop.post(REGISTER, &account(email)).await
        });
    }
    let answers = all.join_all().await;
    let (made, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(made.len(), 1);
    for answer in refused {
        answer.problem(409, "EMAIL_TAKEN", REGISTER);
    }
    // Who was told to be in, is.
    let user: Value = made[0].json();
    let pair = sign_in(&shop, "ada@shop.example").await;
    let token = pair["accessToken"].as_str().expect("has one");
    let me = shop.send_as(token, "GET", "/v1/users/me").await;
    assert_eq!(me.json(), user);
}
