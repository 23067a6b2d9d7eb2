//! What the log must not say, at its most talkative.

use serde_json::{Value, json};

use crate::{
    people::claims,
    running::{ADMIN, Running},
};

#[tokio::test]
async fn no_secret_and_no_address_is_in_the_log_and_who_it_was_is() {
    let keys = "A".repeat(43);
    let mut environment = vec![
        ("RUST_LOG", "trace"),
        ("DEMO", "on"),
        ("DATABASE_URL", "sqlite:here.db"),
        ("SECRET_KEYS", keys.as_str()),
    ];
    environment.extend(ADMIN);
    let shop = Running::start(&environment, &[]).await;
    let post = async |path: &str, body: Value| {
        let answer = shop.post(path, None, &body.to_string()).await;
        let (_, body) = answer.split_once("\r\n\r\n").expect("is whole");
        serde_json::from_str::<Value>(body).unwrap_or_default()
    };
    let (email, password) = ("ada@shop.example", "correct h0rse");
    let account = json!({ "email": email, "password": password, "name": "Ada" });
    let user = post("/v1/auth/register", account.clone()).await;
    // Once more, badly, and wrongly.
    post("/v1/auth/register", account).await;
    post(
        "/v1/auth/register",
        json!({ "email": email, "password": 7, "name": email }),
    )
    .await;
    post(
        "/v1/auth/login",
        json!({ "email": email, "password": "battery stapl3" }),
    )
    .await;
    let pair = post(
        "/v1/auth/login",
        json!({ "email": email, "password": password }),
    )
    .await;
    let text = |pair: &Value, name: &str| pair[name].as_str().expect(name).to_owned();
    let first = text(&pair, "refreshToken");
    let second = post("/v1/auth/refresh", json!({ "refreshToken": first })).await;
    let third = post(
        "/v1/auth/refresh",
        json!({ "refreshToken": text(&second, "refreshToken") }),
    )
    .await;
    let access = text(&third, "accessToken");
    let me = shop.get_as("/v1/users/me", &access).await;
    assert!(me.starts_with("HTTP/1.1 200 "), "{me}");
    // Reuse, which is logged.
    post("/v1/auth/refresh", json!({ "refreshToken": first })).await;
    let broken = format!("{access}x");
    shop.get_as("/v1/users/me", &broken).await;
    shop.signal("TERM").await;
    let (status, said) = shop.end().await;
    assert_eq!(status.code(), Some(0));

    let mut secrets = vec![
        email.to_owned(),
        password.to_owned(),
        "battery stapl3".to_owned(),
        ADMIN[0].1.to_owned(),
        ADMIN[1].1.to_owned(),
        "demo-password".to_owned(),
        "$argon2id$v=".to_owned(),
        keys,
        broken,
    ];
    for pair in [&pair, &second, &third] {
        secrets.push(text(pair, "refreshToken"));
        // The signature alone is enough to find it.
        let access = text(pair, "accessToken");
        secrets.push(access.rsplit('.').next().expect("has one").to_owned());
    }
    assert!(said.lines().count() > 50, "it has said much");
    for secret in secrets {
        let line = said.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret}");
    }
    // Who it was can be found out by those who may ask the database.
    let id = user["id"].as_str().expect("has one");
    let lines = said
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect(line));
    let answered = lines.clone().any(|line| {
        let span = &line["spans"][0];
        line["message"] == "answered" && span["path"] == "/v1/users/me" && span["subject"] == id
    });
    assert!(answered, "no line names the caller");
    // So can which session somebody has used a token of twice.
    let reused = lines.clone().find(|line| line["refusal"] == "reuse");
    let reused = reused.expect("is logged");
    let session = &claims(&pair).1["sid"];
    assert_eq!(
        (&reused["session"], &reused["level"]),
        (session, &json!("WARN"))
    );
}
