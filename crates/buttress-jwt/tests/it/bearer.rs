//! Authentication by access token: what passes, what does not, and what is said about it.

use std::{convert::Infallible, sync::Arc};

use buttress_jwt::{
    BearerLayer, Claims, ErrorKind, Principal, Rejection, RejectionKind, Require, RequireLayer,
    TokenErrorKind,
};
use buttress_problem::ToProblem;
use buttress_testkit::{
    alloc,
    http::{self, Answer, Wire, serve},
    probe,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::json;
use tower::{Layer, Service, service_fn};

use crate::log::Log;
use crate::support::{NOW, claims, claims_with, claims_without, peer};

#[derive(Clone, Debug, Deserialize, PartialEq)]
struct Tenant {
    tenant: String,
}

fn layer() -> BearerLayer {
    BearerLayer::new(peer(Algorithm::HS256).verifier())
}

fn token() -> String {
    peer(Algorithm::HS256).token(&claims())
}

fn bearer(token: &str) -> http::Request {
    http::get("/").header("authorization", format!("Bearer {token}"))
}

/// Calls the layer around a service that says who it was called by.
async fn call(layer: &BearerLayer, request: http::Request) -> Answer {
    let who = service_fn(async |request: ::http::Request<Full<Bytes>>| {
        let claims = request.extensions().get::<Arc<Claims>>();
        let principal = Principal::in_extensions(request.extensions());
        assert_eq!(
            claims.map(|claims| &*claims.subject),
            principal.map(Principal::subject)
        );
        let subject = claims.map_or("nobody".to_owned(), |claims| claims.subject.clone());
        Ok::<_, Infallible>(::http::Response::new(Full::<Bytes>::from(subject)))
    });
    request.call(layer.layer(who)).await
}

fn refusal(answer: &Answer) -> (u16, String, Option<String>) {
    let code = answer.json()["code"].as_str().unwrap().to_owned();
    let challenge = answer.header("www-authenticate").map(str::to_owned);
    (answer.status().as_u16(), code, challenge)
}

const INVALID_TOKEN: &str = "Bearer error=\"invalid_token\", error_description=\"the access token is malformed, expired, revoked or for another service\"";

#[tokio::test]
async fn who_has_a_token_passes() {
    let answer = call(&layer(), bearer(&token())).await.expect_status(200);
    assert_eq!(answer.text(), "user-1");
    let request = http::get("/").header("authorization", format!("bEARER {}", token()));
    call(&layer(), request).await.expect_status(200);
}

#[tokio::test]
async fn who_has_none_is_challenged_without_an_error() {
    for request in [
        http::get("/"),
        http::get("/").header("authorization", "Basic YTpi"),
        http::get(&format!("/?access_token={}", token())),
        http::get("/").header("cookie", format!("at={}", token())),
    ] {
        let answer = call(&layer(), request).await.expect_status(401);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert_eq!(answer.json()["code"], "AUTHENTICATION_REQUIRED");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        let rejection = answer.extension::<Rejection>().unwrap();
        assert_eq!(rejection.kind(), RejectionKind::Unauthenticated);
    }
}

/// RFC 6750, section 2.2, which OAuth 2.1 has dropped.
#[tokio::test]
async fn a_form_is_not_looked_at() {
    let echo = service_fn(async |request: ::http::Request<Full<Bytes>>| {
        let body = request.into_body().collect().await.unwrap();
        Ok::<_, Infallible>(::http::Response::new(Full::new(body.to_bytes())))
    });
    let form = |token: &str| {
        http::post("/")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("access_token={token}"))
    };
    let app = layer().layer(echo);
    let answer = form(&token()).call(app.clone()).await.expect_status(401);
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    assert_eq!(answer.json()["code"], "AUTHENTICATION_REQUIRED");

    // It is no second token either, and it arrives as it was sent.
    let request = form("junk").header("authorization", format!("Bearer {}", token()));
    let answer = request.call(app).await.expect_status(200);
    assert_eq!(answer.text(), "access_token=junk");
}

#[tokio::test]
async fn every_bad_token_gets_the_same_answer() {
    let peer = peer(Algorithm::HS256);
    let good = token();
    let header = |name: &str, value: &str| {
        let mut header = peer.header();
        header[name] = json!(value);
        peer.forge(&header.to_string(), &claims().to_string())
    };
    let tokens = [
        ("a.b.c".to_owned(), TokenErrorKind::Malformed),
        ("x".repeat(8193), TokenErrorKind::TooLarge),
        (format!("{good}="), TokenErrorKind::Malformed),
        (
            format!("{}AAAA", &good[..good.len() - 4]),
            TokenErrorKind::BadSignature,
        ),
        (
            peer.token(&claims_with("exp", json!(NOW - 31))),
            TokenErrorKind::Expired,
        ),
        (
            peer.token(&claims_with("aud", json!("other"))),
            TokenErrorKind::WrongAudience,
        ),
        (
            peer.token(&claims_without("iss")),
            TokenErrorKind::MissingClaim,
        ),
        // An ID token, a DPoP proof, a refresh token of the same issuer.
        (header("typ", "JWT"), TokenErrorKind::WrongType),
        (header("typ", "dpop+jwt"), TokenErrorKind::WrongType),
        (header("typ", "rt+jwt"), TokenErrorKind::WrongType),
    ];
    let mut bodies = Vec::new();
    for layer in [layer(), layer().optional()] {
        for (token, kind) in &tokens {
            let answer = call(&layer, bearer(token)).await.expect_status(401);
            assert_eq!(answer.header("www-authenticate"), Some(INVALID_TOKEN));
            assert_eq!(answer.json()["code"], "INVALID_TOKEN");
            let rejection = answer.extension::<Rejection>().unwrap();
            assert_eq!(rejection.kind(), RejectionKind::InvalidToken);
            assert_eq!(rejection.token_error().unwrap().kind(), *kind, "{token}");
            bodies.push(answer.text().to_owned());
        }
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[tokio::test]
async fn what_cannot_be_read_is_a_bad_request() {
    let token = token();
    let field = format!("Bearer {token}");
    let twice = bearer(&token).header("authorization", field.as_str());
    let mut requests = vec![twice, bearer(&token).header("authorization", "Basic YTpi")];
    for value in [
        "Bearer".to_owned(),
        "Bearer  x".to_owned(),
        "Bearer x y".to_owned(),
        format!("Bearer\t{token}"),
        format!("{field}, {field}"),
        format!("Bearer \"{token}\""),
    ] {
        requests.push(http::get("/").header("authorization", value));
    }
    for layer in [layer(), layer().optional()] {
        for request in &requests {
            let answer = call(&layer, request.clone()).await;
            let (status, code, challenge) = refusal(&answer);
            assert_eq!((status, &*code), (400, "INVALID_REQUEST"), "{answer:?}");
            let description = answer.json()["detail"].as_str().unwrap().to_owned();
            assert_eq!(
                challenge.unwrap(),
                format!("Bearer error=\"invalid_request\", error_description=\"{description}\"")
            );
        }
    }
}

#[tokio::test]
async fn a_cookie_has_the_token_where_one_is_named() {
    let layer = layer().with_cookie("__Host-at").unwrap();
    let cookie = |value: &str| http::get("/").header("cookie", format!("a=b; __Host-at={value}"));
    let answer = call(&layer, cookie(&token())).await.expect_status(200);
    assert_eq!(answer.text(), "user-1");
    call(&layer, bearer(&token())).await.expect_status(200);

    let both = cookie(&token()).header("authorization", format!("Bearer {}", token()));
    let answer = call(&layer, both).await.expect_status(400);
    assert_eq!(answer.json()["code"], "INVALID_REQUEST");
    let twice = cookie(&token()).header("cookie", format!("__Host-at={}", token()));
    call(&layer, twice).await.expect_status(400);
    let answer = call(&layer, cookie("junk")).await.expect_status(401);
    assert_eq!(answer.json()["code"], "INVALID_TOKEN");
    let answer = call(&layer, cookie("")).await.expect_status(401);
    assert_eq!(answer.json()["code"], "AUTHENTICATION_REQUIRED");

    for name in ["", "a b", "a;b", "a=b", "ä"] {
        let error = BearerLayer::<()>::new(peer(Algorithm::HS256).verifier()).with_cookie(name);
        assert_eq!(
            error.unwrap_err().kind(),
            ErrorKind::InvalidConfiguration,
            "{name}"
        );
    }
}

#[tokio::test]
async fn optional_lets_pass_who_has_no_token() {
    let layer = layer().optional();
    let answer = call(&layer, http::get("/")).await.expect_status(200);
    assert_eq!(answer.text(), "nobody");
    let answer = call(&layer, bearer(&token())).await.expect_status(200);
    assert_eq!(answer.text(), "user-1");
    call(&layer, bearer("junk")).await.expect_status(401);
}

#[tokio::test]
async fn the_realm_is_named_and_made_harmless() {
    let layer = layer().with_realm("the \"shop\"\r\nx: ü");
    let answer = call(&layer, http::get("/")).await.expect_status(401);
    assert_eq!(
        answer.header("www-authenticate"),
        Some("Bearer realm=\"the 'shop'??x: ?\"")
    );
}

#[tokio::test]
async fn clients_find_the_metadata_of_what_is_protected() {
    let url = "https://api.example.com/.well-known/oauth-protected-resource";
    let layer = layer().with_realm("shop").with_resource_metadata(url);
    let layer = layer.unwrap();
    let metadata = format!("resource_metadata=\"{url}\"");
    let answer = call(&layer, http::get("/")).await.expect_status(401);
    assert_eq!(
        answer.header("www-authenticate"),
        Some(&*format!("Bearer realm=\"shop\", {metadata}"))
    );
    for (request, status) in [
        (bearer("junk"), 401),
        (http::get("/").header("authorization", "Bearer"), 400),
    ] {
        let answer = call(&layer, request).await.expect_status(status);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.ends_with(&metadata), "{challenge}");
    }
    // What comes behind says so too.
    let empty = service_fn(async |_: ::http::Request<Full<Bytes>>| {
        Ok::<_, Infallible>(::http::Response::new(Full::<Bytes>::default()))
    });
    let service = layer.layer(RequireLayer::new(Require::scope("a")).layer(empty));
    let answer = bearer(&token()).call(service).await.expect_status(403);
    assert_eq!(
        answer.header("www-authenticate"),
        Some(&*format!(
            "Bearer realm=\"shop\", error=\"insufficient_scope\", error_description=\"the access token lacks scopes\", \
             scope=\"a\", {metadata}"
        ))
    );

    let wrong = self::layer().with_resource_metadata("http://api.example.com/");
    let error = wrong.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
    assert!(error.to_string().contains("https://"), "{error}");
}

#[tokio::test]
async fn a_responder_says_it_otherwise_and_the_challenge_stays() {
    let layer = layer().with_responder(|rejection| {
        let text = format!("{:?}", rejection.kind());
        let mut response = ::http::Response::new(Bytes::from(text));
        *response.status_mut() = rejection.to_problem().status();
        response
    });
    let answer = call(&layer, bearer("junk")).await.expect_status(401);
    assert_eq!(answer.text(), "InvalidToken");
    assert_eq!(answer.header("www-authenticate"), Some(INVALID_TOKEN));
    assert!(answer.extension::<Rejection>().is_some());
}

#[tokio::test]
async fn custom_claims_have_their_type() {
    let layer = BearerLayer::<Tenant>::new(peer(Algorithm::HS256).verifier());
    let service = service_fn(async |request: ::http::Request<Full<Bytes>>| {
        let extensions = request.extensions();
        let claims: &Arc<Claims<Tenant>> = extensions.get().unwrap();
        let principal = Principal::in_extensions(extensions).unwrap();
        assert_eq!(principal.claims::<Tenant>(), Some(&**claims));
        assert_eq!(principal.claims::<()>(), None);
        let tenant = claims.custom.tenant.clone();
        Ok::<_, Infallible>(::http::Response::new(Full::<Bytes>::from(tenant)))
    });
    let service = layer.layer(service);
    let token = peer(Algorithm::HS256).token(&claims_with("tenant", json!("acme")));
    let answer = bearer(&token).call(service.clone()).await;
    assert_eq!(answer.expect_status(200).text(), "acme");
    let answer = bearer(&self::token())
        .call(service)
        .await
        .expect_status(401);
    assert_eq!(answer.json()["code"], "INVALID_TOKEN");
}

#[tokio::test]
async fn what_is_behind_does_not_show_the_token() {
    let service = service_fn(async |request: ::http::Request<Full<Bytes>>| {
        let shown = format!("{:?}", request.headers());
        Ok::<_, Infallible>(::http::Response::new(Full::<Bytes>::from(shown)))
    });
    let service = layer().with_cookie("at").unwrap().layer(service);
    let answer = bearer(&token()).call(service.clone()).await;
    assert!(!answer.text().contains(&token()), "{answer:?}");
    let request = http::get("/").header("cookie", format!("at={}", token()));
    let answer = request.call(service).await.expect_status(200);
    assert!(!answer.text().contains(&token()), "{answer:?}");
}

#[tokio::test]
async fn the_log_has_the_reason_and_not_the_token() {
    let token = peer(Algorithm::HS256).token(&claims_with("exp", json!(NOW - 31)));
    let (answer, text) = Log::of(call(&layer(), bearer(&token))).await;
    answer.expect_status(401);
    assert!(
        text.contains("DEBUG") && text.contains("`exp` has passed"),
        "{text}"
    );
    let parts: Vec<_> = token.split('.').collect();
    assert!(parts.iter().all(|part| !text.contains(part)), "{text}");
    assert!(!text.contains("user-1"), "{text}");
}

#[test]
fn the_layer_keeps_the_contract_of_tower() {
    let token = format!("Bearer {}", token());
    probe::layer(
        |inner| layer().layer(inner),
        || {
            let request = ::http::Request::get("/").header("authorization", &token);
            request.body(()).unwrap()
        },
    );
    probe::layer(
        |inner| layer().optional().layer(inner),
        || ::http::Request::new(()),
    );
}

#[tokio::test]
async fn who_needs_no_token_costs_no_allocation_but_the_mark() {
    let empty = service_fn(async |_: ::http::Request<()>| {
        Ok::<_, Infallible>(::http::Response::new(Full::<Bytes>::default()))
    });
    let mut service = layer().optional().layer(empty);
    let request = ::http::Request::new(());
    let (answer, counted) =
        alloc::count_future(async { service.call(request).await.map(drop) }).await;
    answer.unwrap();
    // The map of the extensions, its table, and the mark in it.
    assert!(counted.count <= 3, "{counted:?}");
}

#[tokio::test]
async fn over_a_socket() {
    let app = ::axum::Router::new()
        .route("/", ::axum::routing::get(async || "inside"))
        .layer(layer().with_realm("shop"));
    let server = serve(app).await;
    let mut wire = Wire::connect(server.address()).await;
    wire.write(format!(
        "GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\nauthorization: bearer {}\r\nconnection: close\r\n\r\n",
        token()
    ))
    .await;
    let answers = String::from_utf8(wire.read_to_end().await).unwrap();
    assert!(
        answers.starts_with("HTTP/1.1 401 Unauthorized\r\n"),
        "{answers}"
    );
    assert!(
        answers.contains("\r\nwww-authenticate: Bearer realm=\"shop\"\r\n"),
        "{answers}"
    );
    assert!(answers.ends_with("\r\n\r\ninside"), "{answers}");
}
