//! Real sockets: what another service, or who has taken its place, may send.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ::http::{Request, Response};
use buttress_jwt::{ErrorKind, JwksService, KeyRing, KeySet, RemoteKeys};
use buttress_testkit::http::serve;
use bytes::Bytes;
use http_body_util::Full;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::{Service, service_fn};

use super::{ed25519, es256, jwk, token, verifier};
use crate::support::{Hands, NOW, verify};

fn keys_at(url: &str, hands: &Hands) -> RemoteKeys {
    RemoteKeys::builder(url)
        .with_insecure_loopback_http()
        .with_clock(hands.clock())
        .build()
        .unwrap()
}

async fn why_not(url: &str) -> String {
    let error = keys_at(url, &Hands::at(NOW)).ready().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeysUnavailable);
    error.to_string()
}

/// Speaks to the one connection that is made, after it has asked, and says how many there were.
async fn raw<F: Future<Output = ()> + Send>(
    speak: impl Fn(TcpStream) -> F + Send + 'static,
) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                let byte = stream.read_u8().await.unwrap();
                asked.push(byte);
            }
            speak(stream).await;
        }
    });
    (url, connections)
}

/// This crate on both sides, through a rotation.
#[tokio::test]
async fn one_service_verifies_what_another_has_signed() {
    let hands = Hands::at(NOW);
    let ring = KeyRing::new(es256().key.clone())
        .unwrap()
        .with_clock(hands.clock());
    let statuses = Arc::new(std::sync::Mutex::new(Vec::new()));
    let served = {
        let (statuses, service) = (Arc::clone(&statuses), JwksService::new(ring.clone()));
        service_fn(move |request: Request<_>| {
            let (statuses, mut service) = (Arc::clone(&statuses), service.clone());
            async move {
                let response = service.call(request).await?;
                statuses.lock().unwrap().push(response.status().as_u16());
                Ok::<_, Infallible>(response)
            }
        })
    };
    let server = serve(served).await;
    let keys = keys_at(&server.url("/jwks.json"), &hands);
    keys.ready().await.unwrap();
    let verifier = verifier(&keys, &hands);
    assert!(verify(&verifier, &token(es256())).is_ok());
    hands.set(NOW + 600);
    assert!(verifier.verify_async::<()>(&token(es256())).await.is_ok());
    ring.rotate(ed25519().key.clone()).unwrap();
    assert!(verifier.verify_async::<()>(&token(ed25519())).await.is_ok());
    assert!(verify(&verifier, &token(es256())).is_ok());
    assert_eq!(*statuses.lock().unwrap(), [200, 304, 200]);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Arc::new(AtomicUsize::new(0));
    let document = json!({"keys": [jwk(es256())]}).to_string();
    let other = {
        let elsewhere = Arc::clone(&elsewhere);
        serve(service_fn(move |_| {
            elsewhere.fetch_add(1, Ordering::SeqCst);
            let body = Full::<Bytes>::from(document.clone());
            async move { Ok::<_, Infallible>(Response::new(body)) }
        }))
        .await
    };
    for status in [301, 302, 303, 307, 308] {
        for location in [
            other.url("/jwks.json"),
            "http://169.254.169.254/latest".to_owned(),
        ] {
            let server = serve(service_fn(move |_| {
                let response = Response::builder()
                    .status(status)
                    .header("location", &location)
                    .body(Full::<Bytes>::default());
                async move { Ok::<_, Infallible>(response.unwrap()) }
            }))
            .await;
            let reason = why_not(&server.url("/jwks.json")).await;
            assert!(reason.contains("redirect"), "{reason}");
            assert!(!reason.contains("169.254"), "{reason}");
        }
    }
    assert_eq!(elsewhere.load(Ordering::SeqCst), 0);
    // It would have been good.
    keys_at(&other.url("/jwks.json"), &Hands::at(NOW))
        .ready()
        .await
        .unwrap();
}

#[tokio::test]
async fn errors_and_pages_are_no_keys() {
    for (status, body, reason) in [
        (500, "{\"keys\":[]}", "status 500"),
        (503, "", "status 503"),
        (404, "not found", "status 404"),
        (401, "", "status 401"),
        (200, "<html>log in</html>", "no set of keys"),
        (200, "", "no set of keys"),
        (304, "", "status 304"),
    ] {
        let server = serve(service_fn(move |_| async move {
            let response = Response::builder().status(status);
            Ok::<_, Infallible>(response.body(Full::<Bytes>::from(body)).unwrap())
        }))
        .await;
        let said = why_not(&server.url("/")).await;
        assert!(said.contains(reason), "{said}");
        assert!(!said.contains("html"), "{said}");
    }
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let reason = why_not(&url).await;
    assert!(reason.contains("there is no answer"), "{reason}");
    // The cause stands there too.
    assert!(reason.to_lowercase().contains("refused"), "{reason}");
}

/// §5: as much as the other one sends, no more than the cap is read.
#[tokio::test]
async fn a_body_without_end_is_not_read_to_its_end() {
    let total = 100 * 1024 * 1024;
    for head in [
        format!("HTTP/1.1 200 OK\r\ncontent-length: {total}\r\n\r\n"),
        // Until the connection ends.
        "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
    ] {
        let sent = Arc::new(AtomicUsize::new(0));
        let (url, connections) = {
            let sent = Arc::clone(&sent);
            raw(move |mut stream| {
                let (sent, head) = (Arc::clone(&sent), head.clone());
                async move {
                    stream.write_all(head.as_bytes()).await.unwrap();
                    let spaces = [b' '; 64 * 1024];
                    while sent.load(Ordering::SeqCst) < total {
                        if stream.write_all(&spaces).await.is_err() {
                            return;
                        }
                        sent.fetch_add(spaces.len(), Ordering::SeqCst);
                    }
                }
            })
            .await
        };
        let reason = why_not(&url).await;
        assert!(reason.contains("no answer"), "{reason}");
        assert!(reason.contains("length limit"), "{reason}");
        assert_eq!(connections.load(Ordering::SeqCst), 1);
        // What the system keeps between the two is more than the cap, and much less than all.
        let sent = sent.load(Ordering::SeqCst);
        assert!(sent < total / 4, "{sent} of {total} bytes");
    }
}

/// The largest document that is read, and one byte more.
#[tokio::test]
async fn the_cap_is_exact() {
    for (size, is_good) in [(KeySet::MAX_SIZE, true), (KeySet::MAX_SIZE + 1, false)] {
        let mut document = json!({"keys": [jwk(es256())]}).to_string();
        document.push_str(&" ".repeat(size - document.len()));
        let server = serve(service_fn(move |_| {
            let body = Full::<Bytes>::from(document.clone());
            async move { Ok::<_, Infallible>(Response::new(body)) }
        }))
        .await;
        let keys = keys_at(&server.url("/"), &Hands::at(NOW));
        assert_eq!(keys.ready().await.is_ok(), is_good, "{size}");
    }
}

/// Whoever is slow at any point is too slow.
#[tokio::test]
async fn a_service_that_hangs_is_given_up() {
    for sent in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"keys\":[",
    ] {
        let (url, _) = raw(move |mut stream| async move {
            stream.write_all(sent.as_bytes()).await.unwrap();
            // Until the other side has had enough.
            let _ended = stream.read(&mut [0]).await;
        })
        .await;
        let hands = Hands::at(NOW);
        let keys = RemoteKeys::builder(url)
            .with_insecure_loopback_http()
            .with_clock(hands.clock())
            .with_timeout(Duration::from_millis(150))
            .build()
            .unwrap();
        let reason = keys.ready().await.unwrap_err().to_string();
        assert!(reason.contains("in time"), "{sent:?} {reason}");
    }
}

/// A head that does not end, or is no HTTP.
#[tokio::test]
async fn what_is_no_http_is_no_answer() {
    for head in [
        "junk\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{}", "a: b\r\n".repeat(100_000)),
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}".to_owned(),
    ] {
        let (url, _) = raw(move |mut stream| {
            let head = head.clone();
            async move {
                let _gone = stream.write_all(head.as_bytes()).await;
                let _gone = stream.shutdown().await;
            }
        })
        .await;
        let reason = why_not(&url).await;
        assert!(reason.contains("there is no answer"), "{reason}");
    }
}
