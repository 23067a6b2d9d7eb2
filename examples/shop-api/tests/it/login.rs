//! Signing in: the answers, and what they must not tell.

use serde_json::json;

use crate::{
    people::{
        LOGIN, LOGOUT, PASSWORD, REFRESH, REGISTER, access_token, claims, is_30_days, me,
        refresh_token, sign_in, sign_up, sign_up_and_in,
    },
    server::{closed_shop, place, places},
};

#[tokio::test]
async fn a_token_pair_is_what_the_contract_says() {
    let shop = closed_shop().await;
    let user = sign_up(&shop, "ada@shop.example").await;
    let body = json!({ "email": "ada@shop.example", "password": PASSWORD, "device": "Telephone" });
    let answer = shop.post(LOGIN, &body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let pair = answer.json();
    let members: Vec<_> = pair.as_object().expect("is one").keys().collect();
    let expected = [
        "accessToken",
        "expiresIn",
        "refreshExpiresIn",
        "refreshToken",
        "tokenType",
    ];
    assert_eq!(members, expected);
    assert_eq!(pair["tokenType"], "Bearer");
    assert_eq!(pair["expiresIn"], 15 * 60);
    assert!(is_30_days(&pair["refreshExpiresIn"]), "{pair}");
    // 256 bits are 43 characters of base64url.
    assert!(refresh_token(&pair).len() > 43);

    let (header, claims) = claims(&pair);
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(header["alg"], "EdDSA");
    let jwks = shop.get("/.well-known/jwks.json").await.json();
    assert_eq!(header["kid"], jwks["keys"][0]["kid"]);
    assert_eq!(claims["sub"], user["id"]);
    assert_eq!(claims["roles"], json!(["user"]));
    assert_eq!(claims["scope"], "profile");
    let seconds = |name: &str| claims[name].as_i64().expect(name);
    assert_eq!(seconds("exp") - seconds("iat"), 15 * 60);
    for name in ["iss", "aud", "jti", "sid"] {
        assert!(
            claims[name].as_str().is_some_and(|text| !text.is_empty()),
            "{name}"
        );
    }
    assert_eq!(me(&shop, &pair).await.json(), user);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_cost_and_tell_the_same() {
    let shop = closed_shop().await;
    sign_up(&shop, "ada@shop.example").await;
    let mut answers = Vec::new();
    for (email, password) in [
        ("ada@shop.example", "battery staple"),
        ("eve@shop.example", "battery staple"),
        ("eve@shop.example", PASSWORD),
        // Nobody can have these, and nothing says so.
        ("no address", PASSWORD),
        ("ada@shop.example", ""),
        ("ada@shop.example", &"x".repeat(2000)),
        ("", ""),
    ] {
        let hashes = shop.auth.passwords.computed();
        let body = json!({ "email": email, "password": password });
        let answer = shop.post(LOGIN, &body).await;
        let mut problem = answer.problem(401, "INVALID_CREDENTIALS", LOGIN);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        // One hash is computed, whoever it is.
        assert_eq!(shop.auth.passwords.computed(), hashes + 1, "{email:?}");
        for id in ["requestId", "traceId"] {
            problem[id] = json!(null);
        }
        answers.push(problem);
    }
    assert!(
        answers.windows(2).all(|pair| pair[0] == pair[1]),
        "{answers:?}"
    );
}

#[tokio::test]
async fn the_form_of_a_login_is_checked() {
    let shop = closed_shop().await;
    sign_up(&shop, "ada@shop.example").await;
    for (body, expected) in [
        (
            json!({}),
            vec![place("/email", "MISSING"), place("/password", "MISSING")],
        ),
        (
            json!({ "email": 1, "password": null, "device": [] }),
            vec![
                place("/email", "TYPE"),
                place("/password", "TYPE"),
                place("/device", "TYPE"),
            ],
        ),
        (
            json!({ "email": "\0", "password": "\0", "device": "\0", "otp": "1" }),
            vec![
                place("/email", "NUL_CHARACTER"),
                place("/password", "NUL_CHARACTER"),
                place("/device", "NUL_CHARACTER"),
                place("/otp", "UNKNOWN"),
            ],
        ),
        (
            json!({ "email": "ada@shop.example", "password": PASSWORD, "device": "" }),
            vec![place("/device", "TOO_SHORT")],
        ),
        (
            json!({ "email": "ada@shop.example", "password": PASSWORD, "device": "ü".repeat(65) }),
            vec![place("/device", "TOO_LONG")],
        ),
    ] {
        let answer = shop.post(LOGIN, &body).await;
        let problem = answer.problem(422, "VALIDATION_ERROR", LOGIN);
        assert_eq!(places(&problem), expected);
    }
    // The longest there is: 64 characters of 4 bytes.
    let device = "🦀".repeat(64);
    let body = json!({ "email": "ada@shop.example", "password": PASSWORD, "device": device });
    assert_eq!(shop.post(LOGIN, &body).await.status, 200);
}

#[tokio::test]
async fn bodies_that_are_none() {
    let shop = closed_shop().await;
    let json = [("content-type", "application/json")];
    for path in [REGISTER, LOGIN, REFRESH, LOGOUT] {
        for body in ["", "{", "nonsense", "{\"email\": \"a\",}", "{} {}"] {
            let answer = shop.send("POST", path, &json, body).await;
            answer.problem(400, "MALFORMED_JSON", path);
        }
        let answer = shop
            .send("POST", path, &json, &b"{\"email\": \"\xff\"}"[..])
            .await;
        answer.problem(400, "MALFORMED_JSON", path);
        for content_type in ["text/plain", "application/x-www-form-urlencoded"] {
            let headers = [("content-type", content_type)];
            let answer = shop.send("POST", path, &headers, "{}").await;
            answer.problem(415, "UNSUPPORTED_MEDIA_TYPE", path);
        }
        let answer = shop.send("POST", path, &[], "{}").await;
        answer.problem(415, "UNSUPPORTED_MEDIA_TYPE", path);
        let large = " ".repeat(1024 * 1024 + 1);
        let answer = shop.send("POST", path, &json, large).await;
        answer.problem(413, "CONTENT_TOO_LARGE", path);
        let query = format!("{path}?password=x");
        let answer = shop.post(&query, &json!({})).await;
        answer.problem(400, "INVALID_QUERY", path);
        let answer = shop.get(path).await;
        answer.problem(405, "METHOD_NOT_ALLOWED", path);
        assert_eq!(answer.header("allow"), Some("POST"));
    }
}

#[tokio::test]
async fn a_token_that_came_along_does_no_harm_where_none_is_needed() {
    let shop = closed_shop().await;
    sign_up(&shop, "ada@shop.example").await;
    let json = ("content-type", "application/json");
    for bad in ["Bearer junk", "Bearer", "Basic YTpi"] {
        let headers = [json, ("authorization", bad)];
        let body = json!({ "email": "ada@shop.example", "password": PASSWORD });
        let answer = shop.send("POST", LOGIN, &headers, body.to_string()).await;
        assert_eq!(answer.status, 200, "{bad}");
        let body = json!({ "refreshToken": refresh_token(&answer.json()) }).to_string();
        for (path, status) in [(REFRESH, 200), (LOGOUT, 204)] {
            let answer = shop.send("POST", path, &headers, body.clone()).await;
            assert_eq!(answer.status, status, "{bad}");
        }
        for path in ["/livez", "/.well-known/jwks.json", "/openapi.json", "/docs"] {
            assert_eq!(shop.send("GET", path, &headers, "").await.status, 200);
        }
    }
}

#[tokio::test]
async fn an_access_token_ends_after_15_minutes() {
    use std::time::Duration;
    let shop = closed_shop().await;
    let pair = sign_up_and_in(&shop, "ada@shop.example").await;
    shop.advance(Duration::from_secs(14 * 60));
    assert_eq!(me(&shop, &pair).await.status, 200);
    // The verifier forgives clocks half a minute.
    shop.advance(Duration::from_secs(91));
    let path = "/v1/users/me";
    let late = me(&shop, &pair).await;
    late.problem(401, "INVALID_TOKEN", path);
    let challenge = late.header("www-authenticate").expect("has one");
    assert!(challenge.starts_with("Bearer ") && challenge.contains("invalid_token"));
    // It is no better where nobody would need one.
    let late = shop
        .send_as(access_token(&pair), "GET", "/v1/products")
        .await;
    late.problem(401, "INVALID_TOKEN", "/v1/products");
}

#[tokio::test]
async fn a_hash_of_another_cost_is_renewed_at_login() {
    use shop_api::{
        auth::{Cost, Passwords},
        domain::{Email, Password},
    };
    let shop = closed_shop().await;
    sign_up(&shop, "ada@shop.example").await;
    let email = Email::new("ada@shop.example".to_owned()).expect("an address");
    let credentials = async || {
        let found = shop.store.credentials(&email).await.expect("reads");
        found.expect("is there")
    };
    let old = Passwords::new(Cost {
        memory: 16,
        passes: 3,
    });
    let old = old.expect("a cost");
    let password = Password::new(PASSWORD.to_owned()).expect("a password");
    let hash = old.hash(password).await.expect("hashes");
    let before = credentials().await;
    assert!(
        shop.store
            .replace_password_hash(&before, &hash)
            .await
            .expect("writes")
    );
    // What is not there any more is not replaced.
    assert!(
        !shop
            .store
            .replace_password_hash(&before, &hash)
            .await
            .expect("writes")
    );

    let wrong = json!({ "email": "ada@shop.example", "password": "battery staple" });
    assert_eq!(shop.post(LOGIN, &wrong).await.status, 401);
    assert_eq!(credentials().await.hash, hash);
    sign_in(&shop, "ada@shop.example").await;
    let renewed = credentials().await.hash;
    assert!(renewed.as_str().starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
    sign_in(&shop, "ada@shop.example").await;
    assert_eq!(credentials().await.hash, renewed);
}
