//! The binary: how it starts, what it prints, how it stops.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::running::{ADMIN, Running};

#[tokio::test]
async fn starts_with_nothing_set_serves_and_stops_when_told() {
    for signal in ["TERM", "INT"] {
        let mut shop = Running::start(&[], &[]).await;
        let mut printed = Vec::new();
        while printed
            .iter()
            .filter(|line: &&String| line.contains("curl"))
            .count()
            < 3
        {
            printed.push(
                shop.stdout
                    .next_line()
                    .await
                    .expect("reads")
                    .expect("three curl lines"),
            );
        }
        assert_eq!(printed[0], "backed by SQLite, shop.db");
        assert!(shop.folder.path().join("shop.db").exists());

        // The demo is on with the default database.
        let list = shop.get("/v1/products?limit=1&total=true").await;
        assert!(
            list.starts_with("HTTP/1.1 200 ") && list.contains(r#""total":200"#),
            "{list}"
        );

        shop.signal(signal).await;
        let (status, said) = shop.end().await;
        assert_eq!(status.code(), Some(0), "{said}");
    }
}

#[tokio::test]
async fn the_curl_lines_work_as_printed() {
    for demo in ["on", "off"] {
        let mut shop = Running::start(&[("DEMO", demo)], &[]).await;
        let mut tried = 0;
        while tried < 3 {
            let line = shop
                .stdout
                .next_line()
                .await
                .expect("reads")
                .expect("three curl lines");
            let Some((_, rest)) = line.split_once(&format!("'http://{}", shop.address)) else {
                continue;
            };
            let (path, options) = rest.split_once('\'').expect("is quoted");
            let answer = match options.split_once(" -d '") {
                Some((_, body)) => shop.post(path, None, body.trim_end_matches('\'')).await,
                None => shop.get(path).await,
            };
            let expected = match path {
                "/v1/auth/register" => "HTTP/1.1 201 ",
                _ if path.contains("limit=0") => "HTTP/1.1 400 ",
                _ => "HTTP/1.1 200 ",
            };
            assert!(answer.starts_with(expected), "{line}: {answer}");
            tried += 1;
        }
    }
}

#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_end() {
    let mut environment = vec![("DATABASE_URL", "sqlite:here.db")];
    environment.extend(ADMIN);
    let shop = Running::start(&environment, &[]).await;
    let token = shop.admin_token().await;
    let mut stream = shop.connect().await;
    let body = r#"{"name":"Lamp","description":"","priceMinor":1,"currency":"EUR","stock":1}"#;
    let head = format!(
        "POST /v1/products HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n\
         authorization: Bearer {token}\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    stream
        .write_all(head.as_bytes())
        .await
        .expect("sends the head");
    // It asks for the body, so the request is in its hands.
    let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream
        .read_exact(&mut go_on)
        .await
        .expect("is asked for the body");

    shop.signal("TERM").await;
    let mut rest = String::new();
    stream
        .write_all(body.as_bytes())
        .await
        .expect("sends the body");
    stream.read_to_string(&mut rest).await.expect("reads");
    assert!(rest.starts_with("HTTP/1.1 201 "), "{rest}");
    assert_eq!(shop.end().await.0.code(), Some(0));
}

#[tokio::test]
async fn connections_without_a_request_do_not_hold_up_the_end() {
    let shop = Running::start(&[("DRAIN_TIMEOUT_MS", "3600000")], &[]).await;
    let _silent = shop.connect().await;
    let mut idle = shop.connect().await;
    let request = b"GET /livez HTTP/1.1\r\nhost: shop\r\n\r\n";
    idle.write_all(request).await.expect("sends");
    let mut first = [0; 16];
    idle.read_exact(&mut first).await.expect("is answered");
    shop.signal("TERM").await;
    let (status, said) = shop.end().await;
    assert_eq!(status.code(), Some(0), "{said}");
}

#[tokio::test]
async fn what_is_not_done_in_time_is_cut_off_and_said() {
    for second_signal in [false, true] {
        let drain = if second_signal { "3600000" } else { "1" };
        let shop = Running::start(&[("DRAIN_TIMEOUT_MS", drain)], &[]).await;
        let mut stream = shop.connect().await;
        let head = "POST /v1/products HTTP/1.1\r\nhost: shop\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n";
        stream
            .write_all(head.as_bytes())
            .await
            .expect("sends the head");
        let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
        stream
            .read_exact(&mut go_on)
            .await
            .expect("is asked for the body");
        shop.signal("TERM").await;
        if second_signal {
            // Signals of one kind merge while they wait, those of two kinds do not.
            shop.signal("INT").await;
        }
        let (status, said) = shop.end().await;
        assert_eq!(status.code(), Some(1), "{said}");
        let said = said.lines().last().expect("says why");
        assert!(said.contains("cut off"), "{said}");
    }
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart_and_the_demo_is_not_made_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("kept.db").display());
    let environment = [("DATABASE_URL", url.as_str()), ADMIN[0], ADMIN[1]];
    let shop = Running::start(&environment, &[]).await;
    let token = shop.admin_token().await;
    let body = r#"{"name":"Kept","description":"","priceMinor":1,"currency":"EUR","stock":1}"#;
    let created = shop.post("/v1/products", Some(&token), body).await;
    assert!(created.starts_with("HTTP/1.1 201 "), "{created}");
    shop.signal("KILL").await;
    shop.end().await;

    let shop = Running::start(&[environment[0], ("DEMO", "on")], &[]).await;
    let list = shop.get("/v1/products?total=true").await;
    assert!(
        list.contains(r#""name":"Kept""#) && list.contains(r#""total":1"#),
        "{list}"
    );
}

#[tokio::test]
async fn every_line_of_a_request_has_its_ids() {
    let shop = Running::start(&[("RUST_LOG", "debug")], &[]).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    shop.request(&format!(
        "GET /v1/products?limit=1 HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\
         x-request-id: find-me\r\ntraceparent: 00-{trace}-00f067aa0ba902b7-01\r\n\r\n"
    ))
    .await;
    shop.signal("TERM").await;
    let (_, said) = shop.end().await;
    let lines: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let ours: Vec<_> = lines
        .iter()
        .filter(|line| line.to_string().contains("find-me"))
        .collect();
    // The database's lines are of the request as much as ours.
    assert!(ours.iter().any(|line| {
        line["target"]
            .as_str()
            .is_some_and(|t| t.starts_with("sqlx"))
    }));
    assert!(
        ours.iter()
            .any(|line| line["message"] == "answered" && line["status"] == 200)
    );
    for line in ours {
        assert_eq!(line["spans"][0]["requestId"], "find-me", "{line}");
        assert_eq!(line["spans"][0]["traceId"], trace, "{line}");
    }
}

#[tokio::test]
async fn limits_are_those_that_are_set_for_whom_trusted_proxies_have_seen() {
    let environment = [
        ("RATE_LIMIT", "2/1h"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("CLIENT_IP_HEADER", "Forwarded"),
    ];
    let shop = Running::start(&environment, &[]).await;
    let get = async |forwarded: &str| {
        let request = format!(
            "GET /v1/products?limit=1 HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\
             x-forwarded-for: 192.0.2.1\r\nforwarded: {forwarded}\r\n\r\n"
        );
        shop.request(&request).await
    };
    for status in ["200 OK", "200 OK", "429 Too Many Requests"] {
        let answer = get("for=203.0.113.1").await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        assert!(
            answer.contains("\r\nratelimit-policy: \"2-per-3600s\";q=2;w=3600\r\n"),
            "{answer}"
        );
    }
    let other = get("for=203.0.113.2").await;
    assert!(other.starts_with("HTTP/1.1 200 "), "{other}");
    shop.signal("TERM").await;
    let (_, said) = shop.end().await;
    assert!(
        !said.contains("203.0.113.") && !said.contains("ERROR"),
        "{said}"
    );
}

#[tokio::test]
async fn without_settings_there_are_limits() {
    let shop = Running::start(&[], &[]).await;
    let answer = shop.get("/v1/products?limit=1").await;
    let policy = "ratelimit-policy: \"100-per-1s\";q=100;w=1, \"5000-per-3600s\";q=5000;w=3600";
    assert!(answer.contains(policy), "{answer}");
    // One more comes in every 6 seconds.
    let mut let_in = 0;
    loop {
        let answer = shop.post("/v1/auth/login", None, "{}").await;
        if answer.starts_with("HTTP/1.1 429 ") {
            break;
        }
        assert!(answer.starts_with("HTTP/1.1 422 "), "{answer}");
        assert!(
            answer.contains(r#""login-10-per-60s";q=10;w=60"#),
            "{answer}"
        );
        let_in += 1;
        assert!(let_in < 100);
    }
    assert!(let_in >= 10, "{let_in}");
}
