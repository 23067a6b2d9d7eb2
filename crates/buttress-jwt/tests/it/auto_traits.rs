//! What users rely on without seeing it in a signature.

use buttress_jwt::{
    AccessToken, Claims, Clock, Error, Grant, Issuer, JwksBody, JwksService, KeyRing, KeySet,
    KeySource, KeyStatus, Rotation, Schedule, SigningKey, SkippedKey, TokenError, Verifier,
    VerifyingKey,
};

fn thread_safe<T: Send + Sync + Unpin + 'static>() {}
fn cheap<T: Clone>() {}
fn error<T: std::error::Error + Send + Sync + 'static>() {}

#[test]
fn everything_crosses_threads() {
    thread_safe::<AccessToken>();
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
    thread_safe::<Rotation>();
    thread_safe::<Schedule>();
    thread_safe::<SigningKey>();
    thread_safe::<SkippedKey>();
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
    error::<Error>();
    error::<TokenError>();
}
