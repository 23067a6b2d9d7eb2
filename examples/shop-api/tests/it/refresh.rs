//! Refresh tokens: continued by racers and retries, ended by reuse and by time.

use std::{collections::HashSet, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{sync::Barrier, task::JoinSet};

use crate::{
    people::{
        REFRESH, SESSIONS, access_token, claims, is_30_days, me, refresh, refresh_token, sign_in,
        sign_up_and_in,
    },
    server::{Answer, Server, closed_shop, place, places},
};

const ADA: &str = "ada@shop.example";
const DAY: Duration = Duration::from_secs(24 * 3600);
const SECOND: Duration = Duration::from_secs(1);

async fn refresh_with_key(shop: &Server, pair: &Value, key: &str) -> Answer {
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", key),
    ];
    let body = json!({ "refreshToken": refresh_token(pair) }).to_string();
    shop.send("POST", REFRESH, &headers, body).await
}

#[track_caller]
fn assert_refused(answer: &Answer, code: &str) {
    answer.problem(401, code, REFRESH);
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
}

#[tokio::test]
async fn a_refresh_gives_another_pair_of_the_same_session() {
    let shop = closed_shop().await;
    let first = sign_up_and_in(&shop, ADA).await;
    let answer = refresh(&shop, &first).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let second = answer.json();
    assert_ne!(refresh_token(&first), refresh_token(&second));
    assert_ne!(access_token(&first), access_token(&second));
    assert_eq!(
        (&second["tokenType"], &second["expiresIn"]),
        (&json!("Bearer"), &json!(900))
    );
    assert!(is_30_days(&second["refreshExpiresIn"]), "{second}");
    let (first, second_claims) = (claims(&first).1, claims(&second).1);
    assert_eq!(first["sid"], second_claims["sid"]);
    assert_ne!(first["jti"], second_claims["jti"]);
    assert_eq!(me(&shop, &second).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_tabs_that_refresh_at_once_all_get_the_same_successor() {
    const TABS: usize = 64;
    let shop = Arc::new(closed_shop().await);
    let pair = Arc::new(sign_up_and_in(&shop, ADA).await);
    let start = Arc::new(Barrier::new(TABS));
    let mut tabs = JoinSet::new();
    for _ in 0..TABS {
        let (shop, pair, start) = (shop.clone(), pair.clone(), start.clone());
        tabs.spawn(async move {
            // Opens the connections, which would else put the tabs into a row.
            shop.get("/livez").await;
            start.wait().await;
            refresh(&shop, &pair).await
        });
    }
    let mut successors = HashSet::new();
    let mut last = Value::Null;
    for answer in tabs.join_all().await {
        assert_eq!(answer.status, 200);
        last = answer.json();
        assert_eq!(me(&shop, &last).await.status, 200);
        successors.insert(refresh_token(&last).to_owned());
    }
    assert_eq!(successors.len(), 1);
    assert_eq!(refresh(&shop, &last).await.status, 200);
}

#[tokio::test]
async fn the_token_that_was_just_replaced_does_for_10_seconds_and_no_longer() {
    let shop = closed_shop().await;
    let first = sign_up_and_in(&shop, ADA).await;
    let second = refresh(&shop, &first).await.json();
    shop.advance(5 * SECOND);
    let again = refresh(&shop, &first).await.json();
    assert_eq!(refresh_token(&again), refresh_token(&second));
    assert_eq!(me(&shop, &again).await.status, 200);

    // Six seconds later it is 11 since the rotation: the use has prolonged nothing.
    shop.advance(6 * SECOND);
    assert_refused(&refresh(&shop, &first).await, "REFRESH_TOKEN_REUSED");
    // All that the session had is worth nothing, at once.
    for pair in [&first, &second, &again] {
        me(&shop, pair)
            .await
            .problem(401, "INVALID_TOKEN", "/v1/users/me");
        assert_eq!(refresh(&shop, pair).await.status, 401);
    }
    // Another login is another session.
    let other = sign_in(&shop, ADA).await;
    assert_eq!(me(&shop, &other).await.status, 200);
    let token = access_token(&other);
    let list = shop.send_as(token, "GET", SESSIONS).await.json();
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_older_token_than_that_is_reuse_at_once() {
    let shop = closed_shop().await;
    let first = sign_up_and_in(&shop, ADA).await;
    let second = refresh(&shop, &first).await.json();
    let third = refresh(&shop, &second).await.json();
    assert_refused(&refresh(&shop, &first).await, "REFRESH_TOKEN_REUSED");
    assert_refused(&refresh(&shop, &third).await, "REFRESH_TOKEN_REUSED");
    assert_eq!(me(&shop, &third).await.status, 401);
}

#[tokio::test]
async fn a_retry_with_the_same_key_gets_the_same_however_late() {
    let shop = closed_shop().await;
    let first = sign_up_and_in(&shop, ADA).await;
    let key = "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"";
    let second = refresh_with_key(&shop, &first, key).await.json();
    shop.advance(3600 * SECOND);
    // The bare form is the same key.
    let late = refresh_with_key(&shop, &first, key.trim_matches('"')).await;
    assert_eq!(late.status, 200);
    assert_eq!(refresh_token(&late.json()), refresh_token(&second));
    let other = "\"0190e2c8-7b1e-7c3d-9d55-0a4f6a5c1b22\"";
    let theft = refresh_with_key(&shop, &first, other).await;
    assert_refused(&theft, "REFRESH_TOKEN_REUSED");

    // One that could be guessed proves nothing.
    let short = sign_in(&shop, ADA).await;
    assert_eq!(refresh_with_key(&shop, &short, "short").await.status, 200);
    shop.advance(60 * SECOND);
    let guessed = refresh_with_key(&shop, &short, "short").await;
    assert_refused(&guessed, "REFRESH_TOKEN_REUSED");
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_and_changes_nothing() {
    let shop = closed_shop().await;
    let pair = sign_up_and_in(&shop, ADA).await;
    for bad in ["", "\"\"", "\"open", "a b", "a,b", &"x".repeat(256)] {
        let answer = refresh_with_key(&shop, &pair, bad).await;
        let problem = answer.problem(400, "INVALID_IDEMPOTENCY_KEY", REFRESH);
        assert_eq!(problem["errors"][0]["header"], "Idempotency-Key");
    }
    shop.advance(60 * SECOND);
    assert_eq!(refresh(&shop, &pair).await.status, 200);
}

#[tokio::test]
async fn what_is_no_refresh_token_is_invalid() {
    let shop = closed_shop().await;
    let pair = sign_up_and_in(&shop, ADA).await;
    let other = closed_shop().await;
    let real = refresh_token(&pair);
    let forged = format!(
        "{}{}",
        &real[..real.len() - 1],
        if real.ends_with('A') { "E" } else { "A" }
    );
    let long = "x".repeat(100_000);
    for junk in ["", "junk", "rt1.", &forged, access_token(&pair), &long] {
        let answer = shop.post(REFRESH, &json!({ "refreshToken": junk })).await;
        assert_refused(&answer, "REFRESH_TOKEN_INVALID");
        assert!(junk.is_empty() || !answer.text().contains(junk));
    }
    // The same keys and another database: it is ours, and past its end for all that is known.
    assert_refused(&refresh(&other, &pair).await, "REFRESH_TOKEN_EXPIRED");
    for (body, expected) in [
        (json!({}), vec![place("/refreshToken", "MISSING")]),
        (
            json!({ "refreshToken": 7 }),
            vec![place("/refreshToken", "TYPE")],
        ),
        (
            json!({ "refreshToken": "a\0" }),
            vec![place("/refreshToken", "NUL_CHARACTER")],
        ),
        (
            json!({ "refresh_token": "x" }),
            vec![
                place("/refreshToken", "MISSING"),
                place("/refresh_token", "UNKNOWN"),
            ],
        ),
    ] {
        let answer = shop.post(REFRESH, &body).await;
        let problem = answer.problem(422, "VALIDATION_ERROR", REFRESH);
        assert_eq!(places(&problem), expected);
    }
    assert_eq!(refresh(&shop, &pair).await.status, 200);
}

#[tokio::test]
async fn a_session_ends_30_days_after_its_last_use() {
    let shop = closed_shop().await;
    let first = sign_up_and_in(&shop, ADA).await;
    shop.advance(DAY * 30 - SECOND * 60);
    let second = refresh(&shop, &first).await;
    assert_eq!(second.status, 200);
    shop.advance(DAY * 30);
    assert_refused(
        &refresh(&shop, &second.json()).await,
        "REFRESH_TOKEN_EXPIRED",
    );
}

#[tokio::test]
async fn a_session_ends_90_days_after_its_login_however_much_it_is_used() {
    let shop = closed_shop().await;
    let mut pair = sign_up_and_in(&shop, ADA).await;
    for _ in 0..3 {
        shop.advance(DAY * 29);
        pair = refresh(&shop, &pair).await.json();
    }
    // 87 days on, the end is nearer than 30 days.
    let left = pair["refreshExpiresIn"].as_u64().expect("is a number");
    assert!(left.abs_diff(3 * 24 * 3600) <= 60, "{left}");
    shop.advance(DAY * 3 - SECOND * 60);
    let last = refresh(&shop, &pair).await;
    assert_eq!(last.status, 200);
    // No access token outlives it.
    assert!(
        last.json()["expiresIn"]
            .as_u64()
            .is_some_and(|left| left <= 60)
    );
    shop.advance(SECOND * 120);
    assert_refused(&refresh(&shop, &last.json()).await, "REFRESH_TOKEN_EXPIRED");
}

#[tokio::test]
async fn a_new_role_is_in_the_next_token() {
    use shop_api::domain::Role;
    let shop = closed_shop().await;
    let pair = sign_up_and_in(&shop, ADA).await;
    let id = me(&shop, &pair).await.json()["id"]
        .as_str()
        .expect("has one")
        .parse();
    let tag = me(&shop, &pair).await.etag().to_owned();
    shop.store
        .grant_role(id.expect("a UUID"), Role::Admin)
        .await
        .expect("writes");
    assert_ne!(me(&shop, &pair).await.etag(), tag);
    assert_eq!(
        shop.send_as(access_token(&pair), "GET", "/v1/users")
            .await
            .status,
        403
    );
    let next = refresh(&shop, &pair).await.json();
    let claims = claims(&next).1;
    assert_eq!(claims["roles"], json!(["user", "admin"]));
    assert_eq!(claims["scope"], "profile products:write users:read");
    assert_eq!(
        shop.send_as(access_token(&next), "GET", "/v1/users")
            .await
            .status,
        200
    );
}
