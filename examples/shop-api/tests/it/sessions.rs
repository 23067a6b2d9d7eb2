//! Sessions: listed, ended one by one and all at once, and what stops working then.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    people::{
        LOGIN, LOGOUT, PASSWORD, SESSIONS, access_token, claims, log_out, me, refresh, sign_in,
        sign_up, sign_up_and_in,
    },
    server::{Server, closed_shop, place, places},
};

const ADA: &str = "ada@shop.example";

async fn sign_in_on(shop: &Server, device: &str) -> Value {
    let body = json!({ "email": ADA, "password": PASSWORD, "device": device });
    shop.post(LOGIN, &body).await.json()
}

async fn list(shop: &Server, pair: &Value) -> Vec<Value> {
    let answer = shop.send_as(access_token(pair), "GET", SESSIONS).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()["data"].as_array().expect("is a list").clone()
}

/// Neither of its tokens does anything any more.
async fn assert_ended(shop: &Server, pair: &Value) {
    let path = "/v1/users/me";
    me(shop, pair).await.problem(401, "INVALID_TOKEN", path);
    let answer = refresh(shop, pair).await;
    answer.problem(401, "REFRESH_TOKEN_INVALID", "/v1/auth/refresh");
}

fn path_of(pair: &Value) -> String {
    let session = &claims(pair).1["sid"];
    format!("{SESSIONS}/{}", session.as_str().expect("has one"))
}

#[tokio::test]
async fn one_sees_ones_sessions_and_which_it_is() {
    let shop = closed_shop().await;
    sign_up(&shop, ADA).await;
    let telephone = sign_in_on(&shop, "Telephone").await;
    let nameless = sign_in(&shop, ADA).await;
    sign_up_and_in(&shop, "bob@shop.example").await;
    shop.advance(std::time::Duration::from_secs(60));
    let telephone = refresh(&shop, &telephone).await.json();

    let sessions = list(&shop, &telephone).await;
    // The last used first.
    let devices: Vec<_> = sessions.iter().map(|it| it["device"].clone()).collect();
    assert_eq!(devices, [json!("Telephone"), json!(null)]);
    let members: Vec<_> = sessions[0].as_object().expect("is one").keys().collect();
    assert_eq!(
        members,
        [
            "createdAt",
            "current",
            "device",
            "expiresAt",
            "id",
            "lastUsedAt"
        ]
    );
    assert_eq!(sessions[0]["id"], claims(&telephone).1["sid"]);
    assert_eq!(sessions[1]["id"], claims(&nameless).1["sid"]);
    let current: Vec<_> = sessions.iter().map(|it| it["current"].clone()).collect();
    assert_eq!(current, [json!(true), json!(false)]);
    let time = |name: &str| {
        let time = sessions[0][name].as_str().expect(name);
        chrono::DateTime::parse_from_rfc3339(time).expect(name)
    };
    assert!((time("lastUsedAt") - time("createdAt")).num_seconds() >= 60);
    assert_eq!((time("expiresAt") - time("lastUsedAt")).num_days(), 30);
}

#[tokio::test]
async fn a_logout_ends_its_session_at_once_and_no_other() {
    let shop = closed_shop().await;
    let pair = sign_up_and_in(&shop, ADA).await;
    let other = sign_in(&shop, ADA).await;
    assert_eq!(me(&shop, &pair).await.status, 200);
    let answer = log_out(&shop, &pair).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    assert_ended(&shop, &pair).await;
    assert_eq!(me(&shop, &other).await.status, 200);
    assert_eq!(list(&shop, &other).await.len(), 1);
    // An old token of the session does as well, and what ends nothing gets the same answer.
    let next = refresh(&shop, &other).await.json();
    for pair in [&pair, &other, &other] {
        assert_eq!(log_out(&shop, pair).await.status, 204);
    }
    assert_ended(&shop, &next).await;
    for junk in ["", "junk", "rt1.AAAA"] {
        let answer = shop.post(LOGOUT, &json!({ "refreshToken": junk })).await;
        assert_eq!(answer.status, 204);
    }
}

#[tokio::test]
async fn the_form_of_a_logout_is_checked() {
    let shop = closed_shop().await;
    for (body, expected) in [
        (json!({}), place("/refreshToken", "MISSING")),
        (
            json!({ "refreshToken": null }),
            place("/refreshToken", "TYPE"),
        ),
        (
            json!({ "refreshToken": "\0" }),
            place("/refreshToken", "NUL_CHARACTER"),
        ),
    ] {
        let answer = shop.post(LOGOUT, &body).await;
        let problem = answer.problem(422, "VALIDATION_ERROR", LOGOUT);
        assert_eq!(places(&problem), [expected]);
    }
}

#[tokio::test]
async fn one_ends_ones_own_sessions_and_nobody_elses() {
    let shop = closed_shop().await;
    let here = sign_up_and_in(&shop, ADA).await;
    let there = sign_in(&shop, ADA).await;
    let bob = sign_up_and_in(&shop, "bob@shop.example").await;
    let admin = shop.token_of_new("admin@shop.example", true).await;
    let path = path_of(&there);
    for other in [access_token(&bob), &admin] {
        let answer = shop.send_as(other, "DELETE", &path).await;
        let problem = answer.problem(404, "SESSION_NOT_FOUND", &path);
        assert!(path.ends_with(problem["sessionId"].as_str().expect("names it")));
    }
    assert_eq!(me(&shop, &there).await.status, 200);

    let answer = shop.send_as(access_token(&here), "DELETE", &path).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    assert_ended(&shop, &there).await;
    assert_eq!(me(&shop, &here).await.status, 200);
    // It is not there any more, and others never were.
    for path in [path, format!("{SESSIONS}/{}", Uuid::now_v7())] {
        let answer = shop.send_as(access_token(&here), "DELETE", &path).await;
        answer.problem(404, "SESSION_NOT_FOUND", &path);
    }
    let path = format!("{SESSIONS}/1");
    let answer = shop.send_as(access_token(&here), "DELETE", &path).await;
    answer.problem(400, "INVALID_PATH", &path);
    // One's own, too.
    let answer = shop
        .send_as(access_token(&here), "DELETE", &path_of(&here))
        .await;
    assert_eq!(answer.status, 204);
    assert_ended(&shop, &here).await;
}

#[tokio::test]
async fn one_ends_all_of_ones_sessions() {
    let shop = closed_shop().await;
    let here = sign_up_and_in(&shop, ADA).await;
    let there = sign_in(&shop, ADA).await;
    let bob = sign_up_and_in(&shop, "bob@shop.example").await;
    let answer = shop.send_as(access_token(&here), "DELETE", SESSIONS).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    assert_ended(&shop, &here).await;
    assert_ended(&shop, &there).await;
    assert_eq!(me(&shop, &bob).await.status, 200);
    let again = sign_in(&shop, ADA).await;
    assert_eq!(list(&shop, &again).await.len(), 1);
}

#[tokio::test]
async fn of_51_sessions_the_least_used_ends() {
    let shop = closed_shop().await;
    let first = sign_up_and_in(&shop, ADA).await;
    let second = sign_in(&shop, ADA).await;
    let mut last = second.clone();
    for _ in 0..48 {
        last = sign_in(&shop, ADA).await;
    }
    assert_eq!(list(&shop, &last).await.len(), 50);
    assert_eq!(me(&shop, &first).await.status, 200);
    shop.advance(std::time::Duration::from_secs(1));
    refresh(&shop, &first).await;
    last = sign_in(&shop, ADA).await;
    assert_eq!(list(&shop, &last).await.len(), 50);
    assert_ended(&shop, &second).await;
    assert_eq!(me(&shop, &first).await.status, 200);
}
