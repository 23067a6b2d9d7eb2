//! Access tokens and API keys on one service, whichever layer is the outer one.

use std::sync::Arc;

use ::axum::{Router, routing::get};
use buttress_jwt::{
    Algorithm, ApiKey, ApiKeyLayer, ApiKeys, BearerLayer, Claims, Principal, Require, RequireLayer,
};
use buttress_testkit::http::{self, Answer};

use super::{guess, issue, keys};
use crate::support::{claims, peer};

/// Says what it was called by.
async fn who(request: ::axum::extract::Request) -> &'static str {
    let extensions = request.extensions();
    let by = match (
        extensions.get::<Arc<Claims>>(),
        extensions.get::<Arc<ApiKey>>(),
    ) {
        (Some(_), None) => "token",
        (None, Some(_)) => "key",
        (None, None) => "nothing",
        (Some(_), Some(_)) => "both",
    };
    let principal = Principal::in_extensions(extensions);
    assert_eq!(principal.is_some(), by != "nothing");
    assert_eq!(
        principal.is_some_and(|who| who.api_key().is_some()),
        by == "key"
    );
    by
}

fn bearer() -> BearerLayer {
    BearerLayer::new(peer(Algorithm::HS256).verifier())
        .with_cookie("at")
        .unwrap()
}

/// Both orders, with the inner layer as it is given, and that being the one of the realm `inner`.
fn both(keys: &ApiKeys, optional: bool) -> [(&'static str, Router); 2] {
    let app = || {
        let who = get(who).layer(RequireLayer::new(Require::authenticated()));
        Router::new().route("/", get(self::who)).route("/who", who)
    };
    let (mut token, mut key) = (bearer(), ApiKeyLayer::new(keys.clone()));
    if optional {
        (token, key) = (token.optional(), key.optional());
    }
    [
        (
            "key outside",
            app().layer(token.with_realm("inner")).layer(
                ApiKeyLayer::new(keys.clone())
                    .with_realm("outer")
                    .optional(),
            ),
        ),
        (
            "token outside",
            app().layer(key.with_realm("inner")).layer(
                bearer()
                    .with_realm("outer")
                    .with_api_keys(keys.clone())
                    .optional(),
            ),
        ),
    ]
}

fn authorization(text: &str) -> http::Request {
    http::get("/").header("authorization", format!("Bearer {text}"))
}

fn header(text: &str) -> http::Request {
    http::get("/").header("x-api-key", text)
}

fn challenge(answer: &Answer) -> &str {
    answer.header("www-authenticate").unwrap()
}

#[tokio::test]
async fn a_request_has_a_token_or_a_key() {
    let (keys, ..) = keys();
    let (_, key) = issue(&keys).await;
    let token = peer(Algorithm::HS256).token(&claims());
    let cookie = http::get("/").header("cookie", format!("at={token}"));
    for optional in [false, true] {
        // The second time from the memory of keys.
        for (order, app) in both(&keys, optional)
            .into_iter()
            .chain(both(&keys, optional))
        {
            for (request, by) in [
                (authorization(&token), "token"),
                (cookie.clone(), "token"),
                (authorization(&key), "key"),
                (header(&key), "key"),
            ] {
                let answer = request.call(app.clone()).await;
                assert_eq!(answer.expect_status(200).text(), by, "{order}, {optional}");
            }
        }
    }
}

#[tokio::test]
async fn who_has_neither_is_challenged_by_the_inner_layer() {
    let (keys, ..) = keys();
    for (order, app) in both(&keys, false) {
        let answer = http::get("/").call(app).await.expect_status(401);
        assert_eq!(challenge(&answer), "Bearer realm=\"inner\"", "{order}");
        assert_eq!(answer.json()["code"], "AUTHENTICATION_REQUIRED");
    }
    for (order, app) in both(&keys, true) {
        let answer = http::get("/").call(app.clone()).await;
        assert_eq!(answer.expect_status(200).text(), "nothing", "{order}");
        let answer = http::get("/who").call(app).await.expect_status(401);
        assert_eq!(challenge(&answer), "Bearer realm=\"outer\"", "{order}");
        assert_eq!(answer.json()["code"], "AUTHENTICATION_REQUIRED");
    }
}

/// One of the two has said what the place is called.
#[tokio::test]
async fn a_layer_without_a_realm_does_not_hide_that_of_the_other() {
    let (keys, ..) = keys();
    let app = || {
        let who = get(who).layer(RequireLayer::new(Require::authenticated()));
        Router::new().route("/", who)
    };
    let token = || bearer().optional();
    let key = || ApiKeyLayer::new(keys.clone()).optional();
    for app in [
        app().layer(token().with_realm("shop")).layer(key()),
        app().layer(token()).layer(key().with_realm("shop")),
        app().layer(key().with_realm("shop")).layer(token()),
        app().layer(key()).layer(token().with_realm("shop")),
    ] {
        let answer = http::get("/").call(app).await.expect_status(401);
        assert_eq!(challenge(&answer), "Bearer realm=\"shop\"");
    }
}

#[tokio::test]
async fn what_is_not_accepted_passes_neither() {
    let (keys, ..) = keys();
    let (_, key) = issue(&keys).await;
    let broken = &key[..key.len() - 1];
    for optional in [false, true] {
        for (order, app) in both(&keys, optional) {
            for request in [
                authorization(broken),
                authorization(&guess(&key)),
                header(broken),
                header("junk"),
                authorization("junk"),
                authorization("other_live_x"),
                authorization("a.b.c"),
                http::get("/").header("cookie", "at=junk"),
                http::get("/").header("cookie", format!("at={key}")),
            ] {
                let shown = format!("{order}, {optional}, {request:?}");
                let answer = request.call(app.clone()).await;
                // With both layers optional, a bearer token that is no key is still no good token.
                assert_eq!(answer.status(), 401, "{shown}");
                assert_eq!(answer.json()["code"], "INVALID_TOKEN", "{shown}");
                assert!(
                    challenge(&answer).contains("error=\"invalid_token\""),
                    "{shown}"
                );
            }
        }
    }
}

#[tokio::test]
async fn both_are_one_too_many() {
    let (keys, ..) = keys();
    let (_, key) = issue(&keys).await;
    let token = peer(Algorithm::HS256).token(&claims());
    let cookie = format!("at={token}");
    for optional in [false, true] {
        for (order, app) in both(&keys, optional) {
            for request in [
                authorization(&token).header("x-api-key", key.as_str()),
                authorization(&key).header("x-api-key", key.as_str()),
                authorization(&key).header("cookie", cookie.as_str()),
                header(&key).header("cookie", cookie.as_str()),
                authorization(&token).header("cookie", cookie.as_str()),
            ] {
                let shown = format!("{order}, {optional}, {request:?}");
                let answer = request.call(app.clone()).await;
                assert_eq!(answer.status(), 400, "{shown}");
                assert_eq!(answer.json()["code"], "INVALID_REQUEST", "{shown}");
                assert!(
                    challenge(&answer).contains("error=\"invalid_request\""),
                    "{shown}"
                );
            }
        }
    }
}

/// Leaving keys alone is not letting them pass.
#[tokio::test]
async fn keys_that_nobody_judges_do_not_pass() {
    let (keys, ..) = keys();
    let (_, key) = issue(&keys).await;
    let app = Router::new()
        .route("/", get(who))
        .layer(bearer().with_api_keys(keys.clone()));
    let answer = authorization(&key).call(app).await.expect_status(401);
    assert_eq!(answer.json()["code"], "AUTHENTICATION_REQUIRED");
    let app = Router::new()
        .route("/", get(who))
        .layer(bearer().optional());
    let answer = authorization(&key).call(app).await.expect_status(401);
    assert_eq!(answer.json()["code"], "INVALID_TOKEN");
}
