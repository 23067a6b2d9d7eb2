//! How much callers may ask for.

use std::{sync::Arc, time::Duration};

use buttress_jwt::Clock;
use buttress_ratelimit::{ClientIp, Quota};
use serde_json::{Value, json};
use shop_api::config::LimitSettings;
use tokio::task::JoinSet;

use crate::{
    people::{
        LOGIN, LOGOUT, PASSWORD, REFRESH, REGISTER, account, refresh_token, sign_in, sign_up,
    },
    server::{Answer, Server, ample, closed_shop, limited_shop},
};

const PRODUCTS: &str = "/v1/products";
const ME: &str = "/v1/users/me";
const SECOND: Duration = Duration::from_secs(1);

/// So many requests in a minute of each caller, and logins as one likes.
fn callers(per_minute: u32) -> LimitSettings {
    LimitSettings {
        callers: vec![Quota::per_minute(per_minute)],
        ..ample()
    }
}

/// So many logins in a minute, and other requests as one likes.
fn logins(per_minute: u32) -> LimitSettings {
    LimitSettings {
        logins: vec![Quota::per_minute(per_minute)],
        ..ample()
    }
}

/// The tests are a trusted proxy.
fn behind_a_proxy(limits: LimitSettings) -> LimitSettings {
    LimitSettings {
        client_ip: ClientIp::behind("127.0.0.1".parse().expect("an address")),
        ..limits
    }
}

/// A request that has come by these addresses.
async fn send_from(
    shop: &Server,
    forwarded: &str,
    method: &str,
    path: &str,
    body: &Value,
) -> Answer {
    let headers = [
        ("x-forwarded-for", forwarded),
        ("content-type", "application/json"),
    ];
    shop.send(method, path, &headers, body.to_string()).await
}

async fn get_from(shop: &Server, forwarded: &str) -> Answer {
    send_from(shop, forwarded, "GET", PRODUCTS, &Value::Null).await
}

async fn log_in_from(shop: &Server, address: &str, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    send_from(shop, address, "POST", LOGIN, &body).await
}

/// What is left of the only quota.
#[track_caller]
fn left(answer: &Answer) -> u64 {
    let left = answer.header("x-ratelimit-remaining").expect("is told");
    left.parse().expect("a number")
}

#[tokio::test]
async fn the_limit_holds_and_says_when_to_come_back() {
    let shop = limited_shop(callers(3)).await;
    for left in ["2", "1", "0"] {
        let answer = shop.get(PRODUCTS).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("ratelimit-policy"),
            Some(r#""3-per-60s";q=3;w=60"#)
        );
        assert_eq!(answer.header("x-ratelimit-limit"), Some("3"));
        assert_eq!(answer.header("x-ratelimit-remaining"), Some(left));
        let told = answer.header("ratelimit").expect("is told");
        assert!(
            told.starts_with(&format!(r#""3-per-60s";r={left};t="#)),
            "{told}"
        );
        assert_eq!(answer.header("retry-after"), None);
    }
    for _ in 0..2 {
        let refused = shop.get(PRODUCTS).await;
        let problem = refused.problem(429, "QUOTA_EXCEEDED", PRODUCTS);
        assert_eq!(problem["violated-policies"], json!(["3-per-60s"]));
        assert_eq!(refused.header("retry-after"), Some("20"));
        assert_eq!(refused.header("cache-control"), Some("no-store"));
        assert_eq!(refused.header("ratelimit"), Some(r#""3-per-60s";r=0;t=20"#));
        assert_eq!(
            refused.header("ratelimit-policy"),
            Some(r#""3-per-60s";q=3;w=60"#)
        );
        let reset = refused.header("x-ratelimit-reset").expect("is told");
        let reset: i64 = reset.parse().expect("a number");
        let now = Clock::system().now().timestamp();
        assert!(reset > 1_750_000_000 && reset <= now + 21, "{reset} {now}");
    }
    shop.advance(20 * SECOND - Duration::from_millis(1));
    assert_eq!(shop.get(PRODUCTS).await.status, 429);
    shop.advance(Duration::from_millis(1));
    assert_eq!(shop.get(PRODUCTS).await.status, 200);
    assert_eq!(shop.get(PRODUCTS).await.status, 429);
    shop.advance(60 * SECOND);
    assert_eq!(left(&shop.get(PRODUCTS).await), 2);
}

#[tokio::test]
async fn whoever_has_a_token_shares_with_nobody() {
    let shop = limited_shop(callers(2)).await;
    let ada = shop.token_of_new("ada@shop.example", false).await;
    let eve = shop.token_of_new("eve@shop.example", false).await;
    for _ in 0..2 {
        assert_eq!(shop.get(PRODUCTS).await.status, 200);
    }
    assert_eq!(shop.get(PRODUCTS).await.status, 429);
    for token in [&ada, &eve] {
        for (path, expected) in [(ME, 1), (PRODUCTS, 0)] {
            let answer = shop.send_as(token, "GET", path).await;
            assert_eq!((answer.status.as_u16(), left(&answer)), (200, expected));
        }
        let answer = shop.send_as(token, "GET", ME).await;
        answer.problem(429, "QUOTA_EXCEEDED", ME);
    }
}

#[tokio::test]
async fn all_tokens_of_a_user_are_one_caller() {
    let shop = limited_shop(callers(2)).await;
    let ada = shop.token_of_new("ada@shop.example", false).await;
    let id = shop.send_as(&ada, "GET", ME).await.json()["id"].clone();
    let subject = id.as_str().expect("has an id").to_owned();
    let other = shop.auth.sessions.start(subject).await.expect("begins");
    let other = other.access_token.token;
    assert_ne!(ada, other);
    assert_eq!(left(&shop.send_as(&other, "GET", ME).await), 0);
    assert_eq!(shop.send_as(&ada, "GET", ME).await.status, 429);
}

#[tokio::test]
async fn a_bad_token_counts_against_the_address_and_a_good_one_from_there_does_not() {
    let shop = limited_shop(callers(5)).await;
    let good = shop.token_of_new("ada@shop.example", false).await;
    let bearer = |token: &str| [("authorization", token.to_owned())];
    let send = async |token: &str, path: &str| {
        let [(name, token)] = bearer(token);
        shop.send("GET", path, &[(name, &token)], "").await
    };
    assert_eq!(left(&shop.get(PRODUCTS).await), 4);
    let bad = send("Bearer junk", PRODUCTS).await;
    bad.problem(401, "INVALID_TOKEN", PRODUCTS);
    assert!(bad.header("www-authenticate").is_some());
    assert_eq!(bad.header("ratelimit"), Some(r#""5-per-60s";r=3;t=24"#));
    assert_eq!(
        bad.header("ratelimit-policy"),
        Some(r#""5-per-60s";q=5;w=60"#)
    );
    let bad = send("Bearer", ME).await;
    bad.problem(400, "INVALID_REQUEST", ME);
    assert_eq!(left(&bad), 2);
    // None where one is needed is charged once, too.
    let none = shop.get(ME).await;
    none.problem(401, "AUTHENTICATION_REQUIRED", ME);
    assert_eq!(left(&none), 1);
    assert_eq!(left(&send("Bearer a.b.c", ME).await), 0);

    for path in [PRODUCTS, ME] {
        let refused = send("Bearer junk", path).await;
        refused.problem(429, "QUOTA_EXCEEDED", path);
        assert_eq!(refused.header("retry-after"), Some("12"));
        assert_eq!(refused.header("www-authenticate"), None);
        assert_eq!(refused.header("ratelimit"), Some(r#""5-per-60s";r=0;t=12"#));
        assert_eq!(left(&refused), 0);
        assert_eq!(shop.get(path).await.status, 429);
        assert_eq!(shop.send_as(&good, "GET", path).await.status, 200);
    }
    // What is forbidden is charged to whom it is forbidden, and once.
    let forbidden = shop.send_as(&good, "GET", "/v1/users").await;
    forbidden.problem(403, "FORBIDDEN", "/v1/users");
    assert_eq!(left(&forbidden), 2);
    shop.advance(12 * SECOND);
    assert_eq!(send("Bearer junk", ME).await.status, 401);
}

#[tokio::test]
async fn nobody_gets_a_new_limit_by_a_header() {
    let shop = limited_shop(callers(2)).await;
    for (number, status) in [(1, 200), (2, 200), (3, 429), (4, 429)] {
        let address = format!("203.0.113.{number}");
        let element = format!("for={address}");
        let headers = [
            ("x-forwarded-for", address.as_str()),
            ("forwarded", &element),
            ("x-real-ip", &address),
            ("cf-connecting-ip", &address),
            ("true-client-ip", &address),
        ];
        let answer = shop.send("GET", PRODUCTS, &headers, "").await;
        assert_eq!(answer.status, status, "{address}");
    }
}

#[tokio::test]
async fn what_a_trusted_proxy_has_seen_counts_and_no_more_than_that() {
    let shop = limited_shop(behind_a_proxy(callers(2))).await;
    for address in ["203.0.113.1", "203.0.113.2"] {
        assert_eq!(left(&get_from(&shop, address).await), 1);
    }
    // The client can only write to the left of that.
    assert_eq!(left(&get_from(&shop, "8.8.8.8, 203.0.113.1").await), 0);
    let refused = get_from(&shop, "9.9.9.9, 203.0.113.1").await;
    refused.problem(429, "QUOTA_EXCEEDED", PRODUCTS);
    assert_eq!(left(&get_from(&shop, "203.0.113.2").await), 0);
    // Bad tokens count where they come from.
    let headers = [
        ("x-forwarded-for", "203.0.113.3"),
        ("authorization", "Bearer junk"),
    ];
    for status in [401, 401, 429] {
        let answer = shop.send("GET", PRODUCTS, &headers, "").await;
        assert_eq!(answer.status, status);
    }
    assert_eq!(get_from(&shop, "203.0.113.3").await.status, 429);
    assert_eq!(get_from(&shop, "203.0.113.4").await.status, 200);
}

#[tokio::test]
async fn registering_logging_in_and_refreshing_have_a_limit_for_each_address() {
    let shop = limited_shop(behind_a_proxy(logins(4))).await;
    let (here, there) = ("203.0.113.1", "203.0.113.2");
    let email = "ada@shop.example";
    let answer = send_from(&shop, here, "POST", REGISTER, &account(email)).await;
    assert_eq!(answer.status, 201);
    // The tighter one is told of where there is room for one only.
    assert_eq!(left(&answer), 3);
    let policies = answer.headers.get_all("ratelimit-policy").iter();
    let policies: Vec<_> = policies.filter_map(|line| line.to_str().ok()).collect();
    let policies = policies.join(", ");
    for name in [
        r#""login-4-per-60s";q=4;w=60"#,
        r#""1000000-per-1s";q=1000000;w=1"#,
    ] {
        assert!(policies.contains(name), "{policies}");
    }
    let pair = log_in_from(&shop, here, email, PASSWORD).await;
    assert_eq!((pair.status.as_u16(), left(&pair)), (200, 2));
    let token = json!({ "refreshToken": refresh_token(&pair.json()) });
    let next = send_from(&shop, here, "POST", REFRESH, &token).await;
    assert_eq!((next.status.as_u16(), left(&next)), (200, 1));
    // What is wrong with it does not matter.
    let wrong = send_from(&shop, here, "POST", LOGIN, &json!({})).await;
    assert_eq!((wrong.status.as_u16(), left(&wrong)), (422, 0));
    for path in [REGISTER, LOGIN, REFRESH] {
        let refused = send_from(&shop, here, "POST", path, &json!({})).await;
        let problem = refused.problem(429, "QUOTA_EXCEEDED", path);
        assert_eq!(problem["violated-policies"], json!(["login-4-per-60s"]));
        assert_eq!(refused.header("retry-after"), Some("15"));
        let answer = send_from(&shop, there, "POST", path, &json!({})).await;
        assert_eq!(answer.status, 422);
    }
    // It is always possible to go, and whoever has a token goes on.
    let token = json!({ "refreshToken": refresh_token(&next.json()) });
    let gone = send_from(&shop, here, "POST", LOGOUT, &token).await;
    assert_eq!(gone.status, 204);
    assert_eq!(get_from(&shop, here).await.status, 200);
    shop.advance(15 * SECOND);
    assert_eq!(log_in_from(&shop, here, email, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn signing_in_counts_among_the_requests_of_an_address() {
    let shop = limited_shop(callers(3)).await;
    for path in [REGISTER, LOGIN, REFRESH] {
        assert_eq!(shop.post(path, &json!({})).await.status, 422);
    }
    for path in [REGISTER, LOGIN, REFRESH, LOGOUT] {
        let refused = shop.post(path, &json!({})).await;
        let problem = refused.problem(429, "QUOTA_EXCEEDED", path);
        assert_eq!(problem["violated-policies"], json!(["3-per-60s"]));
    }
}

#[tokio::test]
async fn failed_logins_count_against_the_e_mail_address_wherever_they_come_from() {
    let shop = limited_shop(behind_a_proxy(logins(3))).await;
    sign_up(&shop, "ada@shop.example").await;
    sign_up(&shop, "bob@shop.example").await;
    let mut from = (1..).map(|number| format!("203.0.113.{number}"));
    let mut log_in = async |email: &str, password: &str| {
        let address = from.next().expect("there are enough");
        log_in_from(&shop, &address, email, password).await
    };
    // Those that succeed are not charged.
    for _ in 0..7 {
        assert_eq!(log_in("ada@shop.example", PASSWORD).await.status, 200);
    }
    let mut refusals = Vec::new();
    // Whether there is an account makes no difference.
    for email in ["ada@shop.example", "nobody@shop.example"] {
        let shouted = email.to_uppercase();
        for written in [email, &shouted, email] {
            let answer = log_in(written, "battery staple").await;
            answer.problem(401, "INVALID_CREDENTIALS", LOGIN);
            // Nothing is told of the address's bucket while there is something in it.
            let told = answer.header("ratelimit").expect("is told");
            assert!(!told.contains("failed"), "{told}");
        }
        let hashes = shop.auth.passwords.computed();
        for (written, password) in [
            (email, "battery staple"),
            (email, PASSWORD),
            (&shouted, PASSWORD),
        ] {
            let refused = log_in(written, password).await;
            let mut problem = refused.problem(429, "QUOTA_EXCEEDED", LOGIN);
            assert_eq!(
                problem["violated-policies"],
                json!(["failed-login-3-per-60s"])
            );
            assert_eq!(refused.header("retry-after"), Some("20"));
            assert_eq!(left(&refused), 2);
            for id in ["requestId", "traceId"] {
                problem[id] = json!(null);
            }
            refusals.push((problem, refused.headers.len()));
        }
        assert_eq!(
            shop.auth.passwords.computed(),
            hashes,
            "nothing is compared"
        );
    }
    assert!(refusals.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(log_in("bob@shop.example", PASSWORD).await.status, 200);
    shop.advance(20 * SECOND);
    assert_eq!(log_in("ada@shop.example", PASSWORD).await.status, 200);
    let wrong = log_in("ada@shop.example", "battery staple").await;
    assert_eq!(wrong.status, 401);
    assert_eq!(log_in("ada@shop.example", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn attempts_at_once_are_no_more_than_one_after_the_other() {
    let shop = Arc::new(limited_shop(behind_a_proxy(logins(3))).await);
    sign_up(&shop, "ada@shop.example").await;
    let mut attempts = JoinSet::new();
    for number in 1..=12 {
        let shop = shop.clone();
        attempts.spawn(async move {
            let address = format!("203.0.113.{number}");
            let answer = log_in_from(&shop, &address, "ada@shop.example", "battery staple").await;
            answer.status.as_u16()
        });
    }
    let mut statuses = attempts.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses[..3], [401; 3]);
    assert_eq!(statuses[3..], [429; 9]);
}

#[tokio::test]
async fn a_form_that_is_wrong_is_no_failed_login() {
    let shop = limited_shop(behind_a_proxy(logins(2))).await;
    sign_up(&shop, "ada@shop.example").await;
    for number in 1..=5 {
        let address = format!("203.0.113.{number}");
        let body = json!({ "email": "ada@shop.example", "password": 7 });
        let answer = send_from(&shop, &address, "POST", LOGIN, &body).await;
        assert_eq!(answer.status, 422);
        // Nobody has such an address, and so there is nothing to guess.
        let answer = log_in_from(&shop, &address, "no address", PASSWORD).await;
        answer.problem(401, "INVALID_CREDENTIALS", LOGIN);
    }
    sign_in(&shop, "ada@shop.example").await;
}

#[tokio::test]
async fn a_database_that_is_away_is_no_failed_login() {
    let shop = limited_shop(behind_a_proxy(logins(2))).await;
    shop.store.close().await;
    for number in 1..=5 {
        let address = format!("203.0.113.{number}");
        let answer = log_in_from(&shop, &address, "ada@shop.example", PASSWORD).await;
        assert_eq!(answer.status, 503);
    }
}

#[tokio::test]
async fn limits_that_are_off_neither_refuse_nor_tell() {
    let off = LimitSettings {
        callers: vec![],
        logins: vec![],
        ..ample()
    };
    let shop = limited_shop(off).await;
    sign_up(&shop, "ada@shop.example").await;
    let wrong = json!({ "email": "ada@shop.example", "password": "battery staple" });
    let told = |answer: &Answer| {
        let mut names = answer.headers.keys();
        names.any(|name| name.as_str().contains("ratelimit"))
    };
    for _ in 0..20 {
        let answer = shop.post(LOGIN, &wrong).await;
        assert_eq!((answer.status.as_u16(), told(&answer)), (401, false));
        let answer = shop.send_as("junk", "GET", PRODUCTS).await;
        assert_eq!((answer.status.as_u16(), told(&answer)), (401, false));
    }
    assert!(!told(&shop.get(PRODUCTS).await));
    // Each for itself.
    let shop = limited_shop(LimitSettings {
        callers: vec![],
        ..logins(1)
    })
    .await;
    assert!(!told(&shop.get(PRODUCTS).await));
    assert_eq!(shop.post(LOGIN, &json!({})).await.status, 422);
    assert_eq!(shop.post(LOGIN, &json!({})).await.status, 429);
}

#[tokio::test]
async fn what_is_not_under_v1_is_not_limited() {
    let shop = limited_shop(callers(1)).await;
    assert_eq!(shop.get(PRODUCTS).await.status, 200);
    assert_eq!(shop.get(PRODUCTS).await.status, 429);
    for path in [
        "/livez",
        "/readyz",
        "/.well-known/jwks.json",
        "/openapi.json",
        "/docs",
        "/problems/",
    ] {
        for _ in 0..3 {
            let answer = shop.get(path).await;
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(answer.header("ratelimit"), None, "{path}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_has_not_changed_tell_as_well() {
    let shop = limited_shop(callers(9)).await;
    shop.store.create_demo_products().await.expect("is made");
    let list = shop.get("/v1/products?limit=1&fields=id").await.json();
    let path = format!(
        "{PRODUCTS}/{}",
        list["data"][0]["id"].as_str().expect("has an id")
    );
    let tag = shop.get(&path).await.etag().to_owned();
    let headers = [("if-none-match", tag.as_str())];
    let same = shop.send("GET", &path, &headers, "").await;
    assert_eq!((same.status.as_u16(), left(&same)), (304, 6));
    let none = shop.get("/v1/products/019b0000-0000-7000-8000-000000000000");
    let none = none.await;
    assert_eq!((none.status.as_u16(), left(&none)), (404, 5));
    let bad = shop.get("/v1/products?limit=0").await;
    assert_eq!((bad.status.as_u16(), left(&bad)), (400, 4));
}

/// What is limited, and what the document says of that, are the same.
#[tokio::test]
async fn every_operation_is_limited_if_and_only_if_the_document_says_so() {
    let shop = closed_shop().await;
    let document = shop.get("/openapi.json").await.json();
    let headers = document["components"]["headers"].as_object();
    let names: Vec<_> = headers.expect("has headers").keys().cloned().collect();
    let mut limited = 0;
    for (path, item) in document["paths"].as_object().expect("has paths") {
        for (method, operation) in item.as_object().expect("has operations") {
            let responses = operation["responses"].as_object().expect("has responses");
            let refusal = &operation["responses"]["429"];
            assert_eq!(path.starts_with("/v1/"), refusal.is_object(), "{path}");
            let path = path.replace("{id}", "019b0000-0000-7000-8000-000000000000");
            let answer = shop.send(&method.to_uppercase(), &path, &[], "{").await;
            for name in &names {
                let told = answer.headers.contains_key(name.as_str());
                assert_eq!(told, refusal.is_object(), "{method} {path} {name}");
                for (status, response) in responses {
                    let documented = response["headers"].get(name).is_some();
                    let expected =
                        refusal.is_object() && (status == "429" || status.starts_with(['2', '3']));
                    assert_eq!(documented, expected, "{method} {path} {status} {name}");
                }
            }
            if refusal.is_object() {
                let examples = &refusal["content"]["application/problem+json"]["examples"];
                let codes: Vec<_> = examples.as_object().expect("has some").keys().collect();
                assert_eq!(codes, ["QUOTA_EXCEEDED"]);
                assert!(refusal["headers"]["Retry-After"].is_object());
                limited += 1;
            }
        }
    }
    assert_eq!((limited, names.len()), (15, 5));
}
