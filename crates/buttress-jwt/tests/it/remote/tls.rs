//! Over TLS: who the other service is.

use std::sync::Arc;

use buttress_jwt::{ErrorKind, HttpsFetch, RemoteKeys};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::{CryptoProvider, aws_lc_rs, ring},
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use super::{es256, jwk, token, verifier};
use crate::support::{Hands, NOW, verify};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::new([]).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(parameters, key).unwrap())
    }

    /// What a client trusts.
    fn pem(&self) -> String {
        self.0.pem()
    }

    /// Serves a set of keys under this name, with a certificate that ends in this year, and returns its address.
    async fn serve(&self, name: &str, year: i32) -> String {
        let mut parameters = CertificateParams::new([name.to_owned()]).unwrap();
        parameters.not_before = date_time_ymd(2000, 1, 1);
        parameters.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let document = json!({"keys": [jwk(es256())]}).to_string();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // Who does not trust the certificate goes away.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut asked = Vec::new();
                while !asked.ends_with(b"\r\n\r\n") {
                    asked.push(stream.read_u8().await.unwrap());
                }
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{document}",
                    document.len()
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
                let _gone = stream.shutdown().await;
            }
        });
        format!("https://localhost:{port}/jwks.json")
    }
}

async fn keys_at(url: &str, roots: &str) -> Result<RemoteKeys, String> {
    let keys = RemoteKeys::builder(url)
        .with_fetch(HttpsFetch::with_roots(roots).unwrap())
        .with_clock(Hands::at(NOW).clock())
        .build()
        .unwrap();
    match keys.ready().await {
        Ok(()) => Ok(keys),
        Err(error) => Err(error.to_string()),
    }
}

#[tokio::test]
async fn a_service_that_is_vouched_for_has_the_keys() {
    let authority = Authority::new("one");
    let url = authority.serve("localhost", 4000).await;
    let keys = keys_at(&url, &authority.pem()).await.unwrap();
    let verifier = verifier(&keys, &Hands::at(NOW));
    assert!(verify(&verifier, &token(es256())).is_ok());
    // One among several authorities.
    let both = format!("{}\n{}", Authority::new("another").pem(), authority.pem());
    assert!(keys_at(&url, &both).await.is_ok());
}

/// A program may have two cryptographies, as this one has: what leaves the choice between them to rustls panics, and what
/// makes it for the process makes it for all others too.
#[tokio::test]
async fn the_cryptography_of_the_process_is_left_alone() {
    let two = [aws_lc_rs::default_provider(), ring::default_provider()];
    assert!(
        two.iter()
            .all(|provider| !provider.cipher_suites.is_empty())
    );
    let authority = Authority::new("one");
    let url = authority.serve("localhost", 4000).await;
    assert!(keys_at(&url, &authority.pem()).await.is_ok());
    let _system = HttpsFetch::new();
    assert!(CryptoProvider::get_default().is_none());
}

#[tokio::test]
async fn a_service_that_is_not_vouched_for_has_none() {
    let authority = Authority::new("one");
    let stranger = Authority::new("another");
    for (url, roots, reason) in [
        (
            authority.serve("localhost", 4000).await,
            stranger.pem(),
            "UnknownIssuer",
        ),
        (
            authority.serve("login.example.com", 4000).await,
            authority.pem(),
            "not valid for name",
        ),
        (
            authority.serve("localhost", 2001).await,
            authority.pem(),
            "expired",
        ),
    ] {
        let error = keys_at(&url, &roots).await.unwrap_err();
        assert!(error.contains("there is no answer"), "{error}");
        assert!(error.contains(reason), "{error}");
    }
    // What the system trusts does not have it either.
    let url = authority.serve("localhost", 4000).await;
    if let Ok(fetch) = HttpsFetch::new() {
        let keys = RemoteKeys::builder(&url).with_fetch(fetch).build().unwrap();
        assert!(keys.ready().await.is_err());
    }
}

/// The client does not speak without TLS, whatever it is told.
#[tokio::test]
async fn without_tls_nothing_is_asked() {
    let fetch = HttpsFetch::with_roots(Authority::new("one").pem()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let keys = RemoteKeys::builder(url)
        .with_insecure_loopback_http()
        .with_fetch(fetch)
        .build()
        .unwrap();
    assert!(keys.ready().await.is_err());
}

#[test]
fn authorities_that_cannot_be_read_are_named_at_the_start() {
    for pem in [
        "",
        "junk",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n",
    ] {
        let error = HttpsFetch::with_roots(pem).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration, "{pem}");
    }
}
