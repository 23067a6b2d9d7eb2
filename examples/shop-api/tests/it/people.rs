//! People who sign up and in.

use serde_json::{Value, json};

use crate::server::{Answer, Server};

pub(crate) const PASSWORD: &str = "correct horse";

pub(crate) const REGISTER: &str = "/v1/auth/register";
pub(crate) const LOGIN: &str = "/v1/auth/login";
pub(crate) const REFRESH: &str = "/v1/auth/refresh";
pub(crate) const LOGOUT: &str = "/v1/auth/logout";
pub(crate) const SESSIONS: &str = "/v1/auth/sessions";

/// A body that registration takes.
pub(crate) fn account(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD, "name": "Ada" })
}

pub(crate) async fn sign_up(shop: &Server, email: &str) -> Value {
    let answer = shop.post(REGISTER, &account(email)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

pub(crate) async fn sign_in(shop: &Server, email: &str) -> Value {
    let body = json!({ "email": email, "password": PASSWORD });
    let answer = shop.post(LOGIN, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.status);
    answer.json()
}

pub(crate) async fn sign_up_and_in(shop: &Server, email: &str) -> Value {
    sign_up(shop, email).await;
    sign_in(shop, email).await
}

pub(crate) async fn refresh(shop: &Server, pair: &Value) -> Answer {
    shop.post(REFRESH, &json!({ "refreshToken": refresh_token(pair) }))
        .await
}

pub(crate) async fn log_out(shop: &Server, pair: &Value) -> Answer {
    shop.post(LOGOUT, &json!({ "refreshToken": refresh_token(pair) }))
        .await
}

/// Who the access token of the pair speaks for.
pub(crate) async fn me(shop: &Server, pair: &Value) -> Answer {
    shop.send_as(access_token(pair), "GET", "/v1/users/me")
        .await
}

#[track_caller]
pub(crate) fn access_token(pair: &Value) -> &str {
    pair["accessToken"].as_str().expect("has one")
}

#[track_caller]
pub(crate) fn refresh_token(pair: &Value) -> &str {
    pair["refreshToken"].as_str().expect("has one")
}

/// What stands in a JWT, of which nothing is verified.
#[track_caller]
pub(crate) fn claims(pair: &Value) -> (Value, Value) {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut parts = access_token(pair).split('.').map(|part| {
        let part = URL_SAFE_NO_PAD.decode(part).expect("is base64url");
        serde_json::from_slice(&part).unwrap_or_default()
    });
    let mut next = || parts.next().expect("has three parts");
    (next(), next())
}

/// In seconds, of which a slow machine may have lost a few.
pub(crate) fn is_30_days(seconds: &Value) -> bool {
    const DAYS: u64 = 30 * 24 * 3600;
    seconds
        .as_u64()
        .is_some_and(|seconds| (DAYS - 10..=DAYS).contains(&seconds))
}
