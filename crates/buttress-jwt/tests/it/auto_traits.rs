//! What users rely on without seeing it in a signature.

use buttress_jwt::{
    AccessToken, BearerLayer, BearerService, Beginning, Begun, Claims, Clock, Decision, Ending,
    Endings, Error, Family, Grant, Issuer, Judged, JwksBody, JwksService, KeyRing, KeySet,
    KeySource, KeyStatus, MemoryRefreshStore, NewSession, Principal, Proposal, RefreshError,
    RefreshKeys, RefreshStore, Rejection, Require, RequireLayer, RequireService, RevocationList,
    Rotation, Schedule, Session, SessionRevocation, Sessions, SigningKey, SkippedKey, TokenCookie,
    TokenError, TokenPair, Verifier, VerifyingKey,
};

fn thread_safe<T: Send + Sync + Unpin + 'static>() {}
fn cheap<T: Clone>() {}
fn sent<T: Send>(_: &T) {}
fn error<T: std::error::Error + Send + Sync + 'static>() {}

#[test]
fn everything_crosses_threads() {
    thread_safe::<AccessToken>();
    thread_safe::<BearerLayer>();
    thread_safe::<BearerService<()>>();
    thread_safe::<Claims>();
    thread_safe::<Clock>();
    thread_safe::<Grant>();
    thread_safe::<Issuer>();
    thread_safe::<JwksBody>();
    thread_safe::<JwksService>();
    thread_safe::<KeyRing>();
    thread_safe::<KeySet>();
    thread_safe::<KeySource>();
    thread_safe::<KeyStatus>();
    thread_safe::<Decision>();
    thread_safe::<Principal>();
    thread_safe::<Rejection>();
    thread_safe::<Require>();
    thread_safe::<RequireLayer>();
    thread_safe::<RequireService<()>>();
    thread_safe::<RevocationList>();
    thread_safe::<Rotation>();
    thread_safe::<Schedule>();
    thread_safe::<SigningKey>();
    thread_safe::<SkippedKey>();
    thread_safe::<TokenCookie>();
    thread_safe::<Verifier>();
    thread_safe::<VerifyingKey>();
    cheap::<(
        Issuer,
        JwksService,
        KeyRing,
        SigningKey,
        Verifier,
        VerifyingKey,
    )>();
    cheap::<(
        BearerLayer,
        BearerService<()>,
        Principal,
        Require,
        RequireLayer,
        RevocationList,
    )>();
    error::<Error>();
    error::<Rejection>();
    error::<TokenError>();
    let verifier = crate::support::peer(buttress_jwt::Algorithm::HS256).verifier();
    sent(&verifier.verify_async::<()>(""));
}

#[cfg(feature = "remote")]
#[test]
fn keys_from_elsewhere_cross_threads() {
    use buttress_jwt::{Fetch, RemoteKeys, RemoteKeysBuilder};
    thread_safe::<RemoteKeys>();
    thread_safe::<RemoteKeysBuilder>();
    thread_safe::<std::sync::Arc<dyn Fetch>>();
    cheap::<RemoteKeys>();
}

#[cfg(feature = "remote-https")]
#[test]
fn the_client_for_them_does_too() {
    thread_safe::<buttress_jwt::HttpsFetch>();
    cheap::<buttress_jwt::HttpsFetch>();
}

#[test]
fn sessions_cross_threads() {
    thread_safe::<Beginning>();
    thread_safe::<Begun>();
    thread_safe::<Ending>();
    thread_safe::<Endings>();
    thread_safe::<Family>();
    thread_safe::<Judged>();
    thread_safe::<MemoryRefreshStore>();
    thread_safe::<NewSession>();
    thread_safe::<Proposal>();
    thread_safe::<RefreshKeys>();
    thread_safe::<Session>();
    thread_safe::<SessionRevocation>();
    thread_safe::<Sessions>();
    thread_safe::<TokenPair>();
    cheap::<(MemoryRefreshStore, RefreshKeys, SessionRevocation, Sessions)>();
    error::<RefreshError>();
    // Whoever writes a store keeps it behind a pointer.
    thread_safe::<std::sync::Arc<dyn RefreshStore>>();
}

#[test]
fn api_keys_cross_threads() {
    use buttress_jwt::{
        ApiKey, ApiKeyError, ApiKeyId, ApiKeyLayer, ApiKeySecret, ApiKeyService, ApiKeyStore,
        ApiKeys, IssuedApiKey, KeptKey, MemoryApiKeyStore, NewApiKey,
    };
    thread_safe::<ApiKey>();
    thread_safe::<ApiKeyId>();
    thread_safe::<ApiKeyLayer>();
    thread_safe::<ApiKeySecret>();
    thread_safe::<ApiKeyService<()>>();
    thread_safe::<ApiKeys>();
    thread_safe::<IssuedApiKey>();
    thread_safe::<KeptKey>();
    thread_safe::<MemoryApiKeyStore>();
    thread_safe::<NewApiKey>();
    cheap::<(ApiKeyLayer, ApiKeyService<()>, ApiKeys, MemoryApiKeyStore)>();
    error::<ApiKeyError>();
    thread_safe::<std::sync::Arc<dyn ApiKeyStore>>();
}
