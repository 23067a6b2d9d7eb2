//! What keeps the binary from starting, and what it says then.

use std::path::Path;

use tokio::time::timeout;

use crate::running::{Running, TOO_LONG, shop};

/// The exit code and what was said on stderr, of a start that fails.
async fn fail(folder: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> (i32, String) {
    let ended = shop(folder, environment, arguments).output();
    let output = timeout(TOO_LONG, ended)
        .await
        .expect("in time")
        .expect("ends");
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).expect("is UTF-8");
    (output.status.code().expect("ends by itself"), said)
}

#[tokio::test]
async fn a_bad_setting_stops_the_start_with_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, value, allowed) in [
        ("BIND_ADDR", "here", "an IP address and a port"),
        ("DATABASE_URL", "postgres://localhost/shop", "sqlite:PATH"),
        ("DEMO", "perhaps", "on or off"),
        ("LOG_FORMAT", "xml", "pretty or json"),
        ("DRAIN_TIMEOUT_MS", "soon", "milliseconds"),
        ("JWT_SIGNING_KEY_FILE", "no-such.pem", "Ed25519"),
        ("RATE_LIMIT", "100 per second", "COUNT/WINDOW"),
        ("LOGIN_RATE_LIMIT", "10", "off, or"),
        ("TRUSTED_PROXIES", "proxy.internal", "10.0.0.0/8"),
        ("CLIENT_IP_HEADER", "x-real-ip", "forwarded"),
    ] {
        let (code, said) = fail(folder.path(), &[(name, value)], &[]).await;
        assert_eq!((code, said.lines().count()), (2, 1), "{said}");
        let says = |text| said.contains(text);
        assert!(says(name) && says(value) && says(allowed), "{said}");
    }
    for (environment, name) in [
        (&[("SECRET_KEYS", "s3cr3t")][..], "SECRET_KEYS"),
        (&[("ADMIN_PASSWORD", "s3cr3t s3cr3t")], "ADMIN_EMAIL"),
        (
            &[("ADMIN_EMAIL", "a@b"), ("ADMIN_PASSWORD", "s3cr3t")],
            "ADMIN_PASSWORD",
        ),
    ] {
        let (code, said) = fail(folder.path(), environment, &[]).await;
        assert_eq!((code, said.lines().count()), (2, 1), "{said}");
        assert!(said.starts_with(name) && !said.contains("s3cr3t"), "{said}");
    }
    let (code, said) = fail(folder.path(), &[], &["--insecure-admin"]).await;
    assert_eq!((code, said.lines().count()), (2, 1), "{said}");
    let files = std::fs::read_dir(folder.path()).expect("reads").count();
    assert_eq!(files, 0, "no database was made");
}

#[tokio::test]
async fn an_address_that_is_taken_is_said() {
    let running = Running::start(&[], &[]).await;
    let folder = tempfile::tempdir().expect("a folder");
    // Without what is warned of.
    let environment = [
        ("BIND_ADDR", running.address.as_str()),
        ("RUST_LOG", "error"),
    ];
    let (code, said) = fail(folder.path(), &environment, &[]).await;
    assert_eq!((code, said.lines().count()), (1, 1), "{said}");
    assert!(said.contains(&running.address), "{said}");
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let environment = [("DATABASE_URL", "sqlite:no/such/folder/shop.db")];
    let (code, said) = fail(folder.path(), &environment, &[]).await;
    assert_eq!((code, said.lines().count()), (1, 1), "{said}");
    assert!(said.contains("no/such/folder/shop.db"), "{said}");
}
