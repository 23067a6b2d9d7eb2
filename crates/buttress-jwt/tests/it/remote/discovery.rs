//! Keys whose address the issuer's metadata names.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use buttress_jwt::{RemoteKeys, RemoteKeysBuilder};
use serde_json::{Value, json};

use super::{Other, document_of, es256, jwk, status, token, verifier};
use crate::support::{Hands, NOW, verify};

const ISSUER: &str = "https://login.example.com/tenant";
const OPENID: &str = "https://login.example.com/tenant/.well-known/openid-configuration";
const OAUTH: &str = "https://login.example.com/.well-known/oauth-authorization-server/tenant";
const KEYS: &str = "https://keys.example.net/tenant?v=2";

/// Answers with this metadata at one address and with keys at the other.
fn issuer(address: &'static str, metadata: Value) -> Other {
    let keys = json!({"keys": [jwk(es256())]}).to_string();
    Other::new(move |request| {
        let uri = request.uri();
        if *uri == address {
            return Some(document_of(&metadata.to_string()));
        }
        if *uri == KEYS {
            return Some(document_of(&keys));
        }
        status(404)
    })
}

fn built(builder: RemoteKeysBuilder, other: &Other, hands: &Hands) -> RemoteKeys {
    let builder = builder.with_fetch(other.clone()).with_clock(hands.clock());
    builder.build().unwrap()
}

#[tokio::test]
async fn the_metadata_says_where_the_keys_are() {
    let metadata = json!({"issuer": ISSUER, "jwks_uri": KEYS, "response_types_supported": []});
    for (builder, address) in [
        (RemoteKeys::of_openid_issuer(ISSUER), OPENID),
        (RemoteKeys::of_oauth_issuer(ISSUER), OAUTH),
    ] {
        let other = issuer(address, metadata.clone());
        let hands = Hands::at(NOW);
        let keys = built(builder, &other, &hands);
        keys.ready().await.unwrap();
        assert!(verify(&verifier(&keys, &hands), &token(es256())).is_ok());
        assert_eq!(other.asked(), 2);
        assert_eq!(other.last().uri(), KEYS);
    }
}

#[tokio::test]
async fn metadata_of_another_issuer_is_not_believed() {
    for metadata in [
        json!({"issuer": "https://login.example.com/other", "jwks_uri": KEYS}),
        json!({"issuer": format!("{ISSUER}/"), "jwks_uri": KEYS}),
        json!({"jwks_uri": KEYS}),
        json!({"issuer": ISSUER}),
        json!({"issuer": ISSUER, "jwks_uri": "http://keys.example.net/tenant?v=2"}),
        json!({"issuer": ISSUER, "jwks_uri": "http://169.254.169.254/"}),
        json!({"keys": [jwk(es256())]}),
        json!([]),
    ] {
        let other = issuer(OPENID, metadata.clone());
        let keys = built(
            RemoteKeys::of_openid_issuer(ISSUER),
            &other,
            &Hands::at(NOW),
        );
        let text = keys.ready().await.unwrap_err().to_string();
        assert!(text.contains("metadata"), "{text}");
        assert!(!text.contains("169.254"), "{text}");
        // Nothing else was asked.
        assert_eq!(other.asked(), 1, "{metadata}");
    }
}

/// No other service leads to what only this machine reaches, also where this machine was allowed.
#[tokio::test]
async fn only_metadata_of_this_machine_names_this_machine() {
    const LOCAL: &str = "http://localhost:8080";
    let hands = Hands::at(NOW);
    for (issuer, jwks_uri, is_good) in [
        (ISSUER, "http://127.0.0.1:8080/keys", false),
        (ISSUER, "http://[::1]/keys", false),
        (ISSUER, KEYS, true),
        (LOCAL, "http://127.0.0.1:8080/keys", true),
        (LOCAL, "http://keys.example.net/", false),
        (LOCAL, KEYS, true),
    ] {
        let keys = json!({"keys": [jwk(es256())]}).to_string();
        let metadata = json!({"issuer": issuer, "jwks_uri": jwks_uri}).to_string();
        let other = Other::new(move |request| {
            let is_metadata = request.uri().path().contains(".well-known");
            Some(document_of(if is_metadata { &metadata } else { &keys }))
        });
        let builder = RemoteKeys::of_openid_issuer(issuer).with_insecure_loopback_http();
        let ready = built(builder, &other, &hands).ready().await;
        assert_eq!(ready.is_ok(), is_good, "{issuer} {jwks_uri}");
        assert_eq!(other.asked(), if is_good { 2 } else { 1 });
    }
}

/// It is believed for its time, and not when it may be why there are no keys.
#[tokio::test]
async fn the_metadata_is_asked_for_again_when_it_may_be_wrong() {
    let gone = Arc::new(AtomicBool::new(false));
    let moved = "https://keys.example.net/moved";
    let keys = json!({"keys": [jwk(es256())]}).to_string();
    let other = {
        let gone = Arc::clone(&gone);
        Other::new(move |request| {
            let gone = gone.load(Ordering::SeqCst);
            let place = if gone { moved } else { KEYS };
            let uri = request.uri();
            if *uri == OPENID {
                let metadata = json!({"issuer": ISSUER, "jwks_uri": place});
                let mut response = document_of(&metadata.to_string());
                let day = "max-age=86400".parse().unwrap();
                response.headers_mut().insert("cache-control", day);
                return Some(response);
            }
            if *uri == place {
                return Some(document_of(&keys));
            }
            status(410)
        })
    };
    let hands = Hands::at(NOW);
    let keys = built(RemoteKeys::of_openid_issuer(ISSUER), &other, &hands);
    keys.ready().await.unwrap();
    let verifier = verifier(&keys, &hands);
    hands.set(NOW + 1000);
    assert!(verifier.verify_async::<()>(&token(es256())).await.is_ok());
    assert_eq!(other.asked(), 3);
    gone.store(true, Ordering::SeqCst);
    hands.set(NOW + 2000);
    assert!(verifier.verify_async::<()>(&token(es256())).await.is_ok());
    assert_eq!(other.asked(), 4);
    hands.set(NOW + 2030);
    assert!(verify(&verifier, &token(es256())).is_ok());
    other.until_asked(6).await;
    assert_eq!(other.last().uri(), moved);
}
