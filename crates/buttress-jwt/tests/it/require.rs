//! Authorization: who may, who may not, and that nothing is called before that is known.

use std::{
    convert::Infallible,
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use buttress_jwt::{
    Algorithm, BearerLayer, Claims, Principal, Rejection, RejectionKind, Require, RequireLayer,
};
use buttress_testkit::{
    http::{self, Answer},
    probe,
};
use bytes::Bytes;
use http_body_util::Full;
use serde_json::{Value, json};
use tower::{Layer, service_fn};

use crate::log::Log;
use crate::support::{claims, peer};

fn token(scope: &str, roles: &[&str]) -> String {
    let mut claims = claims();
    claims["scope"] = json!(scope);
    claims["roles"] = json!(roles);
    peer(Algorithm::HS256).token(&claims)
}

fn principal(scope: &str, roles: &[&str]) -> Principal {
    let verifier = peer(Algorithm::HS256).verifier();
    let claims: Claims = verifier.verify(&token(scope, roles)).unwrap();
    claims.into()
}

/// What the layers answer, and how often what is behind them was called.
async fn call(require: Require, token: Option<&str>) -> (Answer, usize) {
    let calls = Arc::new(AtomicUsize::new(0));
    let inner = {
        let calls = Arc::clone(&calls);
        service_fn(move |_: ::http::Request<Full<Bytes>>| {
            // Counted when it is called, not when its future is polled.
            calls.fetch_add(1, Ordering::SeqCst);
            ready(Ok::<_, Infallible>(::http::Response::new(
                Full::<Bytes>::from("inside"),
            )))
        })
    };
    let bearer = BearerLayer::<()>::new(peer(Algorithm::HS256).verifier());
    let bearer = bearer.optional().with_realm("shop");
    let service = bearer.layer(RequireLayer::new(require).layer(inner));
    let request = match token {
        Some(token) => http::get("/").header("authorization", format!("Bearer {token}")),
        None => http::get("/"),
    };
    let answer = request.call(service).await;
    (answer, calls.load(Ordering::SeqCst))
}

fn parts() -> ::http::request::Parts {
    ::http::Request::new(()).into_parts().0
}

/// `None` for yes, and the missing scopes for no.
async fn decide(require: &Require, principal: &Principal) -> Option<Vec<String>> {
    let decision = require.decide(principal, &parts()).await.unwrap();
    let missing = decision.missing_scopes().to_vec();
    (!decision.is_allowed()).then_some(missing)
}

fn answering(answer: bool) -> Require {
    Require::check_async("later", move |_, _| async move {
        tokio::task::yield_now().await;
        Ok::<_, Infallible>(answer)
    })
}

fn never() -> Require {
    Require::check_async("never", |_, _| async {
        panic!("it was waited for");
        #[allow(unreachable_code, reason = "the type of the answer")]
        Ok::<_, Infallible>(true)
    })
}

#[tokio::test]
async fn those_who_may_pass() {
    let token = token("orders:read orders:write", &["clerk"]);
    for require in [
        Require::authenticated(),
        Require::role("clerk"),
        Require::scope("orders:read"),
        Require::all([Require::role("clerk"), answering(true)]),
        Require::any([Require::role("admin"), answering(true)]),
        Require::not(Require::role("admin")),
        Require::check("path", |principal, parts| {
            principal.subject() == "user-1" && parts.uri.path() == "/"
        }),
    ] {
        let (answer, calls) = call(require, Some(&token)).await;
        assert_eq!((answer.expect_status(200).text(), calls), ("inside", 1));
    }
}

#[tokio::test]
async fn those_who_may_not_call_nothing() {
    let token = token("orders:read", &["clerk"]);
    for require in [
        Require::role("admin"),
        Require::role("CLERK"),
        Require::any([]),
        Require::not(Require::authenticated()),
        Require::check("no", |_, _| false),
        answering(false),
        Require::all([Require::role("clerk"), answering(false)]),
        Require::any([Require::role("admin"), answering(false)]),
        Require::not(answering(true)),
        Require::all([Require::scope("orders:write"), Require::role("admin")]),
    ] {
        let shown = require.to_string();
        let (answer, calls) = call(require, Some(&token)).await;
        assert_eq!(answer.status(), 403, "{shown}");
        assert_eq!(answer.json()["code"], "FORBIDDEN", "{shown}");
        assert_eq!(answer.json()["missingScopes"], Value::Null, "{shown}");
        assert_eq!(answer.header("www-authenticate"), None, "{shown}");
        assert_eq!(calls, 0, "{shown}");
    }
}

#[tokio::test]
async fn missing_scopes_are_named() {
    let token = token("orders:read", &[]);
    let require = Require::all([
        Require::scope("orders:read"),
        Require::scope("orders:write"),
        Require::scope("orders:delete"),
        Require::scope("orders:write"),
        never(),
    ]);
    let (answer, calls) = call(require, Some(&token)).await;
    let answer = answer.expect_status(403);
    assert_eq!(answer.json()["code"], "INSUFFICIENT_SCOPE");
    assert_eq!(
        answer.json()["missingScopes"],
        json!(["orders:write", "orders:delete"])
    );
    assert_eq!(
        answer.header("www-authenticate"),
        Some(
            "Bearer realm=\"shop\", error=\"insufficient_scope\", error_description=\"the access token lacks scopes\", \
             scope=\"orders:write orders:delete\""
        )
    );
    let rejection = answer.extension::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::InsufficientScope);
    assert_eq!(
        rejection.missing_scopes(),
        ["orders:write", "orders:delete"]
    );
    assert_eq!(calls, 0);
}

#[tokio::test]
async fn scopes_are_missing_only_if_nothing_else_is() {
    let known = principal("a", &["clerk"]);
    let scope = |scope: &'static str| Require::scope(scope);
    let role = |role: &'static str| Require::role(role);
    let missing = |scopes: &[&str]| Some(scopes.iter().map(ToString::to_string).collect());
    let cases = [
        (Require::all([scope("a"), scope("b")]), missing(&["b"])),
        (Require::all([scope("b"), role("admin")]), missing(&[])),
        (Require::all([role("admin"), scope("b")]), missing(&[])),
        (Require::any([role("admin"), scope("b")]), missing(&["b"])),
        (
            Require::any([Require::all([scope("b"), scope("c")]), scope("d")]),
            missing(&["d"]),
        ),
        (Require::any([scope("c"), scope("b")]), missing(&["c"])),
        (Require::any([scope("b"), scope("a")]), None),
        (Require::not(scope("b")), None),
        (Require::not(scope("a")), missing(&[])),
        (
            Require::any([answering(false), scope("b")]),
            missing(&["b"]),
        ),
        (Require::not(Require::all([scope("b"), never()])), None),
        (Require::all([never(), role("admin")]), missing(&[])),
        (Require::any([never(), role("clerk")]), None),
        (Require::all([answering(false), never()]), missing(&[])),
        (Require::any([answering(true), never()]), None),
        (Require::not(answering(false)), None),
        (
            Require::all([
                Require::any([answering(false), scope("b")]),
                answering(true),
            ]),
            missing(&["b"]),
        ),
    ];
    for (require, expected) in cases {
        assert_eq!(decide(&require, &known).await, expected, "{require}");
    }
}

#[tokio::test]
async fn who_is_not_known_is_challenged() {
    for require in [
        Require::authenticated(),
        Require::not(Require::role("admin")),
        Require::check("all", |_, _| panic!("there is nobody to ask about")),
    ] {
        let (answer, calls) = call(require, None).await;
        let answer = answer.expect_status(401);
        assert_eq!(answer.json()["code"], "AUTHENTICATION_REQUIRED");
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer realm=\"shop\"")
        );
        assert_eq!(calls, 0);
    }
}

#[tokio::test]
async fn without_authentication_nobody_passes() {
    let inner = service_fn(async |_: ::http::Request<Full<Bytes>>| {
        panic!("it was called");
        #[allow(unreachable_code, reason = "the type of the answer")]
        Ok::<_, Infallible>(::http::Response::new(Full::<Bytes>::default()))
    });
    for require in [Require::authenticated(), Require::not(Require::any([]))] {
        let shown = require.to_string();
        // The claims alone, which anyone may put there, are no authentication.
        let verifier = peer(Algorithm::HS256).verifier();
        let claims: Claims = verifier.verify(&token("", &[])).unwrap();
        let service = RequireLayer::new(require).layer(inner);
        let request = http::get("/")
            .extension(Arc::new(claims))
            .header("authorization", format!("Bearer {}", token("", &[])));
        let (answer, log) = Log::of(request.clone().call(service.clone())).await;
        let answer = answer.expect_status(500);
        assert!(log.contains("ERROR") && log.contains(&shown), "{log}");
        // Once is enough for a minute.
        let (again, log) = Log::of(request.call(service)).await;
        again.expect_status(500);
        assert!(!log.contains("ERROR"), "{log}");
        assert_eq!(answer.json()["code"], "INTERNAL_SERVER_ERROR");
        assert_eq!(answer.header("www-authenticate"), None);
        let rejection = answer.extension::<Rejection>().unwrap();
        assert_eq!(rejection.kind(), RejectionKind::Misconfigured);
    }
}

#[tokio::test]
async fn a_check_that_fails_is_neither_yes_nor_no() {
    let failing = || {
        Require::check_async("db", |_, _| async {
            Err::<bool, _>(std::io::Error::other("the database of orders is away"))
        })
    };
    for require in [
        failing(),
        Require::not(failing()),
        Require::any([failing(), Require::role("admin")]),
    ] {
        let token = token("", &[]);
        let ((answer, calls), log) = Log::of(call(require, Some(&token))).await;
        assert!(
            log.contains("ERROR") && log.contains("the database of orders is away"),
            "{log}"
        );
        let answer = answer.expect_status(503);
        assert_eq!(answer.json()["code"], "SERVICE_UNAVAILABLE");
        assert_eq!(answer.header("www-authenticate"), None);
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.json().get("detail"), None);
        assert!(!answer.text().contains("database"), "{answer:?}");
        assert_eq!(calls, 0);
    }
}

#[test]
fn a_requirement_is_shown_as_it_is_meant() {
    let role = |role: &'static str| Require::role(role);
    let cases = [
        (Require::authenticated(), "authenticated"),
        (Require::any([]), "nobody"),
        (Require::all([role("a")]), "role(a)"),
        (Require::not(Require::all([role("a")])), "not role(a)"),
        (
            Require::not(Require::any([role("a"), Require::scope("b:c")])),
            "not (role(a) or scope(b:c))",
        ),
        (
            Require::all([Require::any([role("a"), role("b")]), role("c")]),
            "(role(a) or role(b)) and role(c)",
        ),
        (Require::check("own", |_, _| true), "check(own)"),
    ];
    for (require, shown) in cases {
        assert_eq!(require.to_string(), shown);
        assert_eq!(format!("{require:?}"), format!("Require({shown})"));
    }
}

#[test]
fn the_layer_keeps_the_contract_of_tower() {
    let token = format!("Bearer {}", token("a", &[]));
    let request = || {
        let request = ::http::Request::get("/").header("authorization", &token);
        request.body(()).unwrap()
    };
    for require in [Require::scope("a"), answering(true)] {
        let bearer = BearerLayer::<()>::new(peer(Algorithm::HS256).verifier());
        let layer = RequireLayer::new(require);
        probe::layer(|inner| bearer.layer(layer.layer(inner)), request);
    }
}
