//! Authentication by API key: what passes, what does not, and what is said about it.

use std::{convert::Infallible, sync::Arc, time::Duration};

use buttress_jwt::{
    ApiKey, ApiKeyLayer, ApiKeyRefusal, ApiKeys, Environment, MemoryApiKeyStore, Principal,
    Rejection, RejectionKind, Require, RequireLayer,
};
use buttress_testkit::{
    http::{self, Answer},
    probe,
};
use bytes::Bytes;
use http_body_util::Full;
use tower::{Layer, ServiceBuilder, service_fn};

use super::{Trouble, guess, issue, keys, on, sealed};
use crate::log::Log;
use crate::support::NOW;

/// Calls the layer around a service that says whose key it was.
async fn call(layer: &ApiKeyLayer, request: http::Request) -> Answer {
    let who = service_fn(async |request: ::http::Request<Full<Bytes>>| {
        let key = request.extensions().get::<Arc<ApiKey>>();
        let principal = Principal::in_extensions(request.extensions());
        assert_eq!(
            key.map(|key| &**key),
            principal.and_then(Principal::api_key)
        );
        assert!(principal.is_none_or(|principal| principal.session_id().is_none()));
        let subject = principal.map_or("nobody", Principal::subject).to_owned();
        Ok::<_, Infallible>(::http::Response::new(Full::<Bytes>::from(subject)))
    });
    request.call(layer.layer(who)).await
}

fn bearer(text: &str) -> http::Request {
    http::get("/").header("authorization", format!("Bearer {text}"))
}

fn header(text: &str) -> http::Request {
    http::get("/").header("x-api-key", text)
}

const INVALID_KEY: &str = "Bearer error=\"invalid_token\", error_description=\"the API key is malformed, expired, revoked or for another service\"";

#[tokio::test]
async fn who_has_a_key_passes() {
    let (keys, ..) = keys();
    let (_, text) = issue(&keys).await;
    let layer = ApiKeyLayer::new(keys);
    for request in [
        bearer(&text),
        http::get("/").header("authorization", format!("bEARER {text}")),
        header(&text),
        // What proxies want to know is none of ours.
        header(&text).header("authorization", "Basic YTpi"),
    ] {
        let answer = call(&layer, request).await.expect_status(200);
        assert_eq!(answer.text(), "user-1");
    }
}

#[tokio::test]
async fn who_has_none_is_challenged_without_an_error() {
    let (keys, store, _) = keys();
    let (_, text) = issue(&keys).await;
    let layer = ApiKeyLayer::new(keys).with_realm("shop");
    for request in [
        http::get("/"),
        http::get("/").header("authorization", "Basic YTpi"),
        http::get(&format!("/?api_key={text}")),
        http::get("/").header("cookie", format!("x-api-key={text}")),
    ] {
        let answer = call(&layer, request).await.expect_status(401);
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer realm=\"shop\"")
        );
        assert_eq!(answer.json()["code"], "AUTHENTICATION_REQUIRED");
        let rejection = answer.extension::<Rejection>().unwrap();
        assert_eq!(rejection.kind(), RejectionKind::Unauthenticated);
    }
    assert_eq!(store.finds(), 0);
}

#[tokio::test]
async fn every_bad_key_gets_the_same_answer() {
    let (keys, store, hands) = keys();
    let (id, text) = issue(&keys).await;
    let expired =
        keys.issue(buttress_jwt::NewApiKey::new("user-1").with_lifetime(Duration::from_secs(1)));
    let expired = expired.await.unwrap().secret.reveal();
    let (revoked_id, revoked) = issue(&keys).await;
    keys.revoke("user-1", revoked_id).await.unwrap();
    let (beginning, _) = text.rsplit_once('_').unwrap();
    let test = sealed(&beginning.replace("_live_", "_test_"));
    hands.set(NOW + 1);
    let bad = [
        (format!("{beginning}_000000"), ApiKeyRefusal::Malformed, 0),
        ("shop_".to_owned(), ApiKeyRefusal::Malformed, 0),
        (test, ApiKeyRefusal::WrongEnvironment, 0),
        (guess(&text), ApiKeyRefusal::WrongSecret, 1),
        (expired, ApiKeyRefusal::Expired, 1),
        (revoked, ApiKeyRefusal::Unknown, 1),
    ];
    let mut bodies = Vec::new();
    let layer = ApiKeyLayer::new(keys.clone());
    for layer in [layer.clone(), layer.optional()] {
        for (text, refusal, finds) in &bad {
            for request in [bearer(text), header(text)] {
                let before = store.finds();
                let answer = call(&layer, request).await.expect_status(401);
                assert_eq!(store.finds() - before, *finds, "{text}");
                assert_eq!(answer.header("www-authenticate"), Some(INVALID_KEY));
                assert_eq!(answer.json()["code"], "INVALID_TOKEN");
                let rejection = answer.extension::<Rejection>().unwrap();
                assert_eq!(rejection.kind(), RejectionKind::InvalidToken);
                assert_eq!(rejection.api_key_refusal(), Some(*refusal), "{text}");
                bodies.push(answer.text().to_owned());
            }
        }
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert!(keys.revoke("user-1", id).await.unwrap());
}

#[tokio::test]
async fn what_is_in_the_field_for_keys_is_a_key_and_other_bearer_tokens_may_be_others() {
    let (keys, ..) = keys();
    let layer = ApiKeyLayer::new(keys);
    for text in ["junk", "a.b.c", "other_live_x"] {
        call(&layer, header(text)).await.expect_status(401);
        call(&layer.clone().optional(), header(text))
            .await
            .expect_status(401);
        let answer = call(&layer, bearer(text)).await.expect_status(401);
        assert_eq!(answer.json()["code"], "INVALID_TOKEN");
        let answer = call(&layer.clone().optional(), bearer(text)).await;
        assert_eq!(answer.expect_status(200).text(), "nobody");
    }
    let answer = call(&layer.optional(), http::get("/")).await;
    assert_eq!(answer.expect_status(200).text(), "nobody");
}

#[tokio::test]
async fn two_are_a_bad_request() {
    let (keys, store, _) = keys();
    let (_, text) = issue(&keys).await;
    let layer = ApiKeyLayer::new(keys);
    for request in [
        bearer(&text).header("x-api-key", text.as_str()),
        bearer("a.b.c").header("x-api-key", text.as_str()),
        header(&text).header("x-api-key", text.as_str()),
        bearer(&text).header("authorization", format!("Bearer {text}")),
        header(""),
        http::get("/").header("authorization", "Bearer"),
    ] {
        for layer in [layer.clone(), layer.clone().optional()] {
            let answer = call(&layer, request.clone()).await.expect_status(400);
            assert_eq!(answer.json()["code"], "INVALID_REQUEST");
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(
                challenge.starts_with("Bearer error=\"invalid_request\""),
                "{challenge}"
            );
        }
    }
    assert_eq!(store.finds(), 0);
}

#[tokio::test]
async fn the_same_requirements_are_for_keys() {
    let (keys, ..) = keys();
    let (_, text) = issue(&keys).await;
    let ask = async |require: Require| {
        let service = ServiceBuilder::new()
            .layer(ApiKeyLayer::new(keys.clone()).with_realm("shop"))
            .layer(RequireLayer::new(require))
            .service(service_fn(async |_: ::http::Request<Full<Bytes>>| {
                Ok::<_, Infallible>(::http::Response::new(Full::<Bytes>::default()))
            }));
        header(&text).call(service).await
    };
    // The second time from memory.
    for _ in 0..2 {
        ask(Require::scope("orders:read")).await.expect_status(200);
        ask(Require::role("machine")).await.expect_status(200);
        ask(Require::role("admin")).await.expect_status(403);
        let answer = ask(Require::scope("orders:write")).await.expect_status(403);
        assert_eq!(answer.json()["code"], "INSUFFICIENT_SCOPE");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer realm=\"shop\", error=\"insufficient_scope\""));
        assert!(challenge.ends_with("scope=\"orders:write\""), "{challenge}");
    }
}

#[tokio::test]
async fn nobody_passes_while_the_store_does_not_answer() {
    let (keys, store, hands) = keys();
    let (_, text) = issue(&keys).await;
    for trouble in [Trouble::Fails, Trouble::Hangs] {
        let keys = on(&store.in_trouble(trouble), &hands);
        let keys = keys.with_store_timeout(Duration::from_millis(5)).unwrap();
        let layer = ApiKeyLayer::new(keys).optional();
        let (answer, log) = Log::of(call(&layer, header(&text))).await;
        let answer = answer.expect_status(503);
        assert_eq!(answer.json()["code"], "SERVICE_UNAVAILABLE");
        assert_eq!(answer.header("www-authenticate"), None);
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.json().get("detail"), None);
        assert!(log.contains("ERROR") && !log.contains(&text), "{log}");
        // Once is enough for a minute.
        let (again, log) = Log::of(call(&layer, header(&text))).await;
        again.expect_status(503);
        assert!(!log.contains("ERROR"), "{log}");
    }
}

#[tokio::test]
async fn what_is_behind_and_the_log_do_not_show_the_key() {
    let (keys, ..) = keys();
    let (_, text) = issue(&keys).await;
    let service = service_fn(async |request: ::http::Request<Full<Bytes>>| {
        let shown = format!(
            "{:?} {:?}",
            request.headers(),
            request.extensions().get::<Arc<ApiKey>>()
        );
        Ok::<_, Infallible>(::http::Response::new(Full::<Bytes>::from(shown)))
    });
    let service = ApiKeyLayer::new(keys.clone()).layer(service);
    let secret = |text: &str| text.split('_').nth(3).unwrap().to_owned();
    for request in [bearer(&text), header(&text)] {
        let answer = request.call(service.clone()).await.expect_status(200);
        assert!(!answer.text().contains(&secret(&text)), "{answer:?}");
    }
    let wrong = guess(&text);
    let (answer, log) = Log::of(call(&ApiKeyLayer::new(keys), header(&wrong))).await;
    answer.expect_status(401);
    assert!(
        log.contains("DEBUG") && log.contains("wrong-secret"),
        "{log}"
    );
    assert!(
        !log.contains(&secret(&wrong)) && !log.contains(&secret(&text)),
        "{log}"
    );
}

#[tokio::test]
async fn a_responder_says_it_otherwise_and_the_challenge_stays() {
    let (keys, ..) = keys();
    let layer = ApiKeyLayer::new(keys).with_responder(|rejection| {
        let mut response = ::http::Response::new(Bytes::from(format!("{:?}", rejection.kind())));
        *response.status_mut() = ::http::StatusCode::UNAUTHORIZED;
        response
    });
    let answer = call(&layer, header("junk")).await.expect_status(401);
    assert_eq!(answer.text(), "InvalidToken");
    assert_eq!(answer.header("www-authenticate"), Some(INVALID_KEY));
}

#[tokio::test]
async fn keys_of_two_prefixes_have_a_layer_each() {
    let (shop, shop_store, _) = keys();
    let partner_store = MemoryApiKeyStore::new();
    let partners = ApiKeys::new("partner", Environment::Live, partner_store).unwrap();
    let (_, ours) = issue(&shop).await;
    let theirs = partners.issue("partner-1").await.unwrap();
    let theirs = theirs.secret.reveal();
    let who = service_fn(async |request: ::http::Request<Full<Bytes>>| {
        let principal = Principal::in_extensions(request.extensions());
        let subject = principal.map_or("nobody", Principal::subject).to_owned();
        Ok::<_, Infallible>(::http::Response::new(Full::<Bytes>::from(subject)))
    });
    let outer = ApiKeyLayer::new(shop).with_other_keys(partners.clone());
    let inner = ApiKeyLayer::new(partners);
    for inner in [inner.clone(), inner.clone().optional()] {
        let service = outer.clone().optional().layer(inner.layer(who));
        for (text, subject) in [(&ours, "user-1"), (&theirs, "partner-1")] {
            for request in [bearer(text), header(text)] {
                let answer = request.call(service.clone()).await.expect_status(200);
                assert_eq!(answer.text(), subject);
            }
        }
        for text in [
            &*guess(&ours),
            &*guess(&theirs),
            "shop_live_x",
            "partner_live_x",
            "other_live_x",
        ] {
            header(text).call(service.clone()).await.expect_status(401);
        }
    }
    let service = outer.clone().optional().layer(inner.layer(who));
    http::get("/").call(service).await.expect_status(401);

    // A layer that is not optional lets nobody pass, and asks nobody.
    let before = shop_store.finds();
    for request in [bearer(&theirs), header(&theirs)] {
        let answer = call(&outer, request).await.expect_status(401);
        assert_eq!(answer.json()["code"], "AUTHENTICATION_REQUIRED");
    }
    assert_eq!(shop_store.finds(), before);
}

#[tokio::test]
async fn the_same_layer_twice_is_no_harm() {
    let (keys, ..) = keys();
    let (_, text) = issue(&keys).await;
    let layer = ApiKeyLayer::new(keys);
    let who = service_fn(async |request: ::http::Request<Full<Bytes>>| {
        let subject = Principal::in_extensions(request.extensions())
            .unwrap()
            .subject()
            .to_owned();
        Ok::<_, Infallible>(::http::Response::new(Full::<Bytes>::from(subject)))
    });
    let service = layer.layer(layer.layer(who));
    for request in [bearer(&text), header(&text)] {
        let answer = request.call(service.clone()).await.expect_status(200);
        assert_eq!(answer.text(), "user-1");
    }
}

#[test]
fn the_layer_keeps_the_contract_of_tower() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (keys, ..) = keys();
    let (_, text) = runtime.block_on(issue(&keys));
    let request = || {
        ::http::Request::get("/")
            .header("x-api-key", &text)
            .body(())
            .unwrap()
    };
    // With and without asking the store.
    let asking = keys.clone().with_memory(0, Duration::ZERO).unwrap();
    for keys in [keys, asking] {
        probe::layer(|inner| ApiKeyLayer::new(keys.clone()).layer(inner), request);
    }
    let (keys, ..) = super::keys();
    probe::layer(
        |inner| ApiKeyLayer::new(keys.clone()).optional().layer(inner),
        || ::http::Request::new(()),
    );
}
