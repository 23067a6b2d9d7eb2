//! Several processes on one database, one after another and side by side.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use buttress_jwt::{Algorithm, SigningKey};
use serde_json::{Value, json};
use shop_api::{domain::Email, store::Store};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::running::{ADMIN, Running};

/// A database, and the keys that its instances share.
struct Common {
    folder: TempDir,
    url: String,
    key_file: String,
}

impl Common {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = SigningKey::generate(Algorithm::EdDSA).expect("a key");
        let file = folder.path().join("key.pem");
        std::fs::write(&file, key.to_pem().expect("is written")).expect("writes");
        Self {
            url: format!("sqlite:{}", folder.path().join("shop.db").display()),
            key_file: file.display().to_string(),
            folder,
        }
    }

    async fn start(&self, further: &[(&str, &str)]) -> Running {
        let mut environment = vec![
            ("DATABASE_URL", self.url.as_str()),
            ("JWT_SIGNING_KEY_FILE", self.key_file.as_str()),
            // Asked as fast as it goes.
            ("RATE_LIMIT", "off"),
        ];
        environment.extend(ADMIN);
        environment.extend(further);
        Running::start(&environment, &[]).await
    }
}

fn token<'a>(pair: &'a Value, name: &str) -> &'a str {
    pair[name].as_str().expect(name)
}

async fn me(shop: &Running, pair: &Value) -> String {
    let answer = shop
        .get_as("/v1/users/me", token(pair, "accessToken"))
        .await;
    answer.lines().next().expect("has a status").to_owned()
}

async fn send_token(shop: &Running, path: &str, pair: &Value) -> (String, Value) {
    let body = json!({ "refreshToken": token(pair, "refreshToken") });
    let answer = shop.post(path, None, &body.to_string()).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("is whole");
    let status = head.lines().next().expect("has a status").to_owned();
    (status, serde_json::from_str(body).unwrap_or_default())
}

const OK: &str = "HTTP/1.1 200 OK";
const UNAUTHORIZED: &str = "HTTP/1.1 401 Unauthorized";

#[tokio::test]
async fn sessions_live_on_after_a_kill_and_ended_ones_stay_ended() {
    let common = Common::new();
    let shop = common.start(&[]).await;
    let pair = shop.admin_pair().await;
    let ended = shop.admin_pair().await;
    let (status, _) = send_token(&shop, "/v1/auth/logout", &ended).await;
    assert_eq!(status, "HTTP/1.1 204 No Content");
    shop.signal("KILL").await;
    shop.end().await;

    // The same key file, and the secret that the database keeps.
    let shop = common.start(&[]).await;
    assert_eq!(me(&shop, &pair).await, OK);
    assert_eq!(me(&shop, &ended).await, UNAUTHORIZED);
    let (status, next) = send_token(&shop, "/v1/auth/refresh", &pair).await;
    assert_eq!(status, OK);
    assert_eq!(me(&shop, &next).await, OK);
    let (status, problem) = send_token(&shop, "/v1/auth/refresh", &ended).await;
    assert_eq!(
        (status.as_str(), &problem["code"]),
        (UNAUTHORIZED, &json!("REFRESH_TOKEN_INVALID"))
    );
}

#[tokio::test]
async fn what_the_database_keeps_opens_nothing() {
    let common = Common::new();
    let shop = common.start(&[]).await;
    let pair = shop.admin_pair().await;
    let (status, next) = send_token(&shop, "/v1/auth/refresh", &pair).await;
    assert_eq!(status, OK);
    let store = Store::open(&common.folder.path().join("shop.db")).await;
    let email = Email::new(ADMIN[0].1.to_owned()).expect("an address");
    let credentials = store.expect("opens").credentials(&email).await;
    let hash = credentials.expect("reads").expect("is there").hash;
    // At the cost that OWASP recommends.
    let begin = "$argon2id$v=19$m=19456,t=2,p=1$";
    assert!(hash.as_str().starts_with(begin), "{}", hash.as_str());

    let mut secrets = vec![ADMIN[1].1.as_bytes().to_vec()];
    for pair in [&pair, &next] {
        let text = token(pair, "refreshToken");
        let raw = text
            .strip_prefix("rt1.")
            .map(|raw| URL_SAFE_NO_PAD.decode(raw));
        let raw = raw.expect("is one").expect("is base64url");
        // Behind a key's number, a session and a generation.
        secrets.push(raw[21..53].to_vec());
        secrets.push(text.as_bytes().to_vec());
        secrets.push(token(pair, "accessToken").as_bytes().to_vec());
    }
    let mut kept = Vec::new();
    for file in std::fs::read_dir(common.folder.path()).expect("reads") {
        let path = file.expect("reads").path();
        if path.to_string_lossy().contains(".db") {
            kept.extend(std::fs::read(path).expect("reads"));
        }
    }
    let is_kept = |what: &[u8]| kept.windows(what.len()).any(|window| window == what);
    assert!(
        is_kept(hash.as_str().as_bytes()),
        "it is looked where it would be"
    );
    for secret in secrets {
        assert!(!is_kept(&secret), "{}", String::from_utf8_lossy(&secret));
    }
}

#[tokio::test]
async fn without_a_key_file_access_tokens_end_with_the_process_and_sessions_do_not() {
    let common = Common::new();
    let environment = [("DATABASE_URL", common.url.as_str()), ADMIN[0], ADMIN[1]];
    let shop = Running::start(&environment, &[]).await;
    let pair = shop.admin_pair().await;
    shop.signal("TERM").await;
    let (_, said) = shop.end().await;
    assert!(said.contains("JWT_SIGNING_KEY_FILE is not set"), "{said}");
    let shop = Running::start(&environment, &[]).await;
    assert_eq!(me(&shop, &pair).await, UNAUTHORIZED);
    let (status, next) = send_token(&shop, "/v1/auth/refresh", &pair).await;
    assert_eq!(status, OK);
    assert_eq!(me(&shop, &next).await, OK);
}

#[tokio::test]
async fn what_one_instance_ends_has_ended_on_the_other_within_a_second() {
    let common = Common::new();
    let (one, other) = tokio::join!(common.start(&[]), common.start(&[]));
    // The second one to start has found the first one's administrator.
    let pair = one.admin_pair().await;
    let kept = other.admin_pair().await;
    for pair in [&pair, &kept] {
        assert_eq!(me(&one, pair).await, OK);
        assert_eq!(me(&other, pair).await, OK);
    }
    let (status, _) = send_token(&one, "/v1/auth/logout", &pair).await;
    let ended = Instant::now();
    assert_eq!(status, "HTTP/1.1 204 No Content");
    assert_eq!(
        me(&one, &pair).await,
        UNAUTHORIZED,
        "at once, where it was acknowledged"
    );
    // Asked until it says so: an answer that was right when the question was asked is right.
    loop {
        let asked = ended.elapsed();
        if me(&other, &pair).await == UNAUTHORIZED {
            break;
        }
        assert!(asked < Duration::from_secs(1), "{asked:?}");
    }
    let (status, _) = send_token(&other, "/v1/auth/refresh", &pair).await;
    assert_eq!(status, UNAUTHORIZED);
    for shop in [&one, &other] {
        assert_eq!(me(shop, &kept).await, OK);
    }
}

#[tokio::test]
async fn root_keys_rotate() {
    let common = Common::new();
    let (old, new) = ("A".repeat(43), "B".repeat(42) + "A");
    let both = format!("{new},{old}");
    let shop = common.start(&[("SECRET_KEYS", &old)]).await;
    let pair = shop.admin_pair().await;
    shop.signal("KILL").await;
    shop.end().await;

    let shop = common.start(&[("SECRET_KEYS", &both)]).await;
    let (status, next) = send_token(&shop, "/v1/auth/refresh", &pair).await;
    assert_eq!(status, OK);
    shop.signal("KILL").await;
    shop.end().await;

    let shop = common.start(&[("SECRET_KEYS", &new)]).await;
    let (status, problem) = send_token(&shop, "/v1/auth/refresh", &pair).await;
    assert_eq!(
        (status.as_str(), &problem["code"]),
        (UNAUTHORIZED, &json!("REFRESH_TOKEN_INVALID"))
    );
    let (status, _) = send_token(&shop, "/v1/auth/refresh", &next).await;
    assert_eq!(status, OK);
}

#[tokio::test]
async fn the_administrator_of_the_environment_is_there_after_each_start() {
    let common = Common::new();
    let shop = common.start(&[]).await;
    let first = shop.admin_pair().await;
    let answer = shop.get_as("/v1/users", token(&first, "accessToken")).await;
    assert!(answer.starts_with(OK), "{answer}");
    let ada = json!({ "email": "Ada@shop.example", "password": "ada's own one", "name": "Ada" });
    let answer = shop.post("/v1/auth/register", None, &ada.to_string()).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let answer = shop
        .post(
            "/v1/auth/login",
            None,
            r#"{"email":"ada@shop.example","password":"ada's own one"}"#,
        )
        .await;
    let (_, body) = answer.split_once("\r\n\r\n").expect("is whole");
    let adas: Value = serde_json::from_str(body).expect("is JSON");
    shop.signal("KILL").await;
    shop.end().await;

    // Once more changes nothing, also not for who is signed in.
    let shop = common.start(&[]).await;
    assert_eq!(me(&shop, &first).await, OK);
    let answer = shop
        .get_as("/v1/users?total=true", token(&first, "accessToken"))
        .await;
    assert!(answer.contains(r#""total":2"#), "{answer}");
    shop.signal("KILL").await;
    shop.end().await;

    // Somebody who has the address becomes one, and who knew the old password is out.
    let ada = [
        ("ADMIN_EMAIL", "ada@SHOP.example"),
        ("ADMIN_PASSWORD", "another one"),
    ];
    let shop = common.start(&ada).await;
    assert_eq!(me(&shop, &adas).await, UNAUTHORIZED);
    for (password, status) in [
        ("ada's own one", "HTTP/1.1 401 "),
        ("another one", "HTTP/1.1 200 "),
    ] {
        let body = json!({ "email": "ada@shop.example", "password": password });
        let answer = shop.post("/v1/auth/login", None, &body.to_string()).await;
        assert!(answer.starts_with(status), "{answer}");
        if let Some((_, body)) = answer
            .split_once("\r\n\r\n")
            .filter(|_| password == "another one")
        {
            let pair: Value = serde_json::from_str(body).expect("is JSON");
            let answer = shop
                .get_as("/v1/users/me", token(&pair, "accessToken"))
                .await;
            assert!(answer.contains(r#""roles":["user","admin"]"#), "{answer}");
            assert!(answer.contains(r#""name":"Ada""#), "{answer}");
        }
    }
}

#[tokio::test]
async fn the_demo_user_is_there_with_the_demo_only() {
    let common = Common::new();
    let body = r#"{"email":"demo@shop.example","password":"demo-password"}"#;
    for (demo, status) in [
        ("off", "HTTP/1.1 401 "),
        ("on", "HTTP/1.1 200 "),
        ("on", "HTTP/1.1 200 "),
    ] {
        let shop = common.start(&[("DEMO", demo)]).await;
        let answer = shop.post("/v1/auth/login", None, body).await;
        assert!(answer.starts_with(status), "{answer}");
        shop.signal("TERM").await;
        assert_eq!(shop.end().await.0.code(), Some(0));
    }
}
