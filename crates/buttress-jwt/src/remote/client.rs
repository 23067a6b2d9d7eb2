//! The client that is used unless there is another: hyper and rustls, and nothing that acts on its own. Its cryptography is
//! named, never the one that the process has, so that nothing is chosen for others and no other choice matters.

use std::{error::Error as StdError, fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use super::{address::Allowed, fetch::Fetch};
use crate::{Error, ErrorKind};

/// Gets documents over HTTPS, with HTTP/1.1, TLS 1.2 or 1.3, and the cryptography of aws-lc-rs.
///
/// It follows no redirects, stops reading where a body gets too long, asks for no compression, keeps no connection and
/// no cookie, and looks at no proxy of the environment. It connects to whatever address the name has: that it is a
/// private one is not looked at, as the URL comes from the configuration, not from a request.
#[derive(Clone)]
pub struct HttpsFetch {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

impl HttpsFetch {
    /// Trusts the certificate authorities that the system trusts: those in `SSL_CERT_FILE` and `SSL_CERT_DIR`, if these
    /// are set.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`] when there are none.
    pub fn new() -> Result<Self, Error> {
        Self::with_system_roots(Allowed::Https)
    }

    /// Trusts the certificate authorities in this PEM, and no others.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`] when it has none, or one that cannot be read.
    pub fn with_roots(pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem.as_ref()) {
            let certificate = certificate.map_err(|error| {
                wrong("what should be certificates in PEM cannot be read").with_source(error)
            })?;
            roots.add(certificate).map_err(|error| {
                wrong("a certificate is none of a certificate authority").with_source(error)
            })?;
        }
        if roots.is_empty() {
            return Err(wrong(
                "there is no certificate in the PEM: `-----BEGIN CERTIFICATE-----`",
            ));
        }
        let tls = tls()?.with_root_certificates(roots).with_no_client_auth();
        Ok(Self::of(tls, Allowed::Https))
    }

    fn with_system_roots(allowed: Allowed) -> Result<Self, Error> {
        let tls = tls()?.with_native_roots().map_err(|error| {
            wrong(
                "the system has no certificate authorities: install them (ca-certificates), name them in \
                 SSL_CERT_FILE, or use HttpsFetch::with_roots",
            )
            .with_source(error)
        })?;
        Ok(Self::of(tls.with_no_client_auth(), allowed))
    }

    fn of(tls: ClientConfig, allowed: Allowed) -> Self {
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls);
        let connector = match allowed {
            Allowed::Https => connector.https_only(),
            Allowed::LoopbackToo => connector.https_or_http(),
        };
        let client = Client::builder(TokioExecutor::new())
            // Minutes go by between two documents, and the runtime of the first may be gone by then.
            .pool_max_idle_per_host(0)
            .build(connector.enable_http1().build());
        Self { client }
    }
}

/// What is used when no client was given.
pub(super) fn default_fetch(allowed: Allowed) -> Result<Arc<dyn Fetch>, Error> {
    Ok(Arc::new(HttpsFetch::with_system_roots(allowed)?))
}

/// Names its cryptography: `ClientConfig::builder` would take what the process has installed, install what it finds
/// where that is one, and panic where rustls has two.
fn tls() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Error> {
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong("TLS cannot be set up").with_source(error))
}

#[async_trait]
impl Fetch for HttpsFetch {
    async fn fetch(
        &self,
        request: Request<()>,
        max_body: usize,
    ) -> Result<Response<Bytes>, Box<dyn StdError + Send + Sync>> {
        let response = self.client.request(request.map(|()| Empty::new())).await?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, max_body).collect().await?.to_bytes();
        Ok(Response::from_parts(parts, body))
    }
}

impl fmt::Debug for HttpsFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsFetch").finish_non_exhaustive()
    }
}

fn wrong(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidConfiguration, message)
}
