//! The peers, each used as its own documentation shows, with the checks that it has turned on.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    hint::black_box,
    task::{Context, Poll},
};

use buttress_benches::{Bare, Interleaved, call, poll_once};
use buttress_jwt::KeyRing;
use bytes::Bytes;
use http::{Request, Response, StatusCode, header::AUTHORIZATION};
use http_body_util::Empty;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, TokenData, Validation};
use jwt_authorizer::{AuthError, IntoLayer, JwtAuthorizer};
use jwt_simple::prelude::{
    Claims as SimpleClaims, Duration, ECDSAP256KeyPairLike, ECDSAP256PublicKeyLike, ES256KeyPair,
    Ed25519KeyPair, EdDSAKeyPairLike, EdDSAPublicKeyLike, HS256Key, HeaderOptions, JWTClaims,
    MACLike, RS256KeyPair, RSAKeyPairLike, RSAPublicKeyLike, VerificationOptions,
};
use serde::{Deserialize, Serialize};
use tower_layer::Layer;
use tower_service::Service;

use super::{AUDIENCE, ISSUER, Parties, ROLES, SCOPES, SECRET};

/// What our tokens say too.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    iat: i64,
    jti: String,
    client_id: String,
    sid: String,
    roles: Vec<String>,
    scope: String,
}

fn claims() -> Claims {
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .map_or(0, |since| since.as_secs() as i64);
    Claims {
        iss: ISSUER.to_owned(),
        sub: "018f6b1e-7c1a-7000-8000-5d2a4c3b2a19".to_owned(),
        aud: AUDIENCE.to_owned(),
        exp: now + 3600,
        iat: now,
        jti: uuid::Uuid::new_v4().to_string(),
        client_id: AUDIENCE.to_owned(),
        sid: "018f6b1e-7c1a-7000-8000-0242ac120002".to_owned(),
        roles: ROLES.map(str::to_owned).into(),
        scope: SCOPES.join(" "),
    }
}

struct Jsonwebtoken {
    encoding: EncodingKey,
    decoding: DecodingKey,
    header: Header,
    validation: Validation,
}

impl Jsonwebtoken {
    fn new(parties: &Parties) -> Self {
        let algorithm = parties.key.algorithm();
        let (encoding, decoding) = if algorithm == Algorithm::HS256 {
            let decoding = DecodingKey::from_secret(&SECRET);
            (EncodingKey::from_secret(&SECRET), decoding)
        } else {
            let pem = parties.key.to_pem().expect("it is not symmetric");
            let encoding = match algorithm {
                Algorithm::EdDSA => EncodingKey::from_ed_pem(pem.as_bytes()),
                Algorithm::ES256 => EncodingKey::from_ec_pem(pem.as_bytes()),
                _ => EncodingKey::from_rsa_pem(pem.as_bytes()),
            };
            let set: jsonwebtoken::jwk::JwkSet =
                serde_json::from_str(&jwks(parties)).expect("a set");
            let decoding = DecodingKey::from_jwk(&set.keys[0]);
            (encoding.expect("a key"), decoding.expect("a key"))
        };
        let mut header = Header::new(algorithm);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(parties.key.key_id().to_owned());
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        Self {
            encoding,
            decoding,
            header,
            validation,
        }
    }

    fn decode(&self, token: &str) -> jsonwebtoken::errors::Result<TokenData<Claims>> {
        jsonwebtoken::decode(token, &self.decoding, &self.validation)
    }
}

/// What `jwt-simple` has no names for.
#[derive(Debug, Serialize, Deserialize)]
struct Custom {
    client_id: String,
    sid: String,
    roles: Vec<String>,
    scope: String,
}

fn simple_claims() -> JWTClaims<Custom> {
    let claims = claims();
    let custom = Custom {
        client_id: claims.client_id,
        sid: claims.sid,
        roles: claims.roles,
        scope: claims.scope,
    };
    SimpleClaims::with_custom_claims(custom, Duration::from_secs(3600))
        .with_issuer(claims.iss)
        .with_subject(claims.sub)
        .with_audience(claims.aud)
        .with_jwt_id(claims.jti)
}

fn simple_options() -> VerificationOptions {
    VerificationOptions {
        required_signature_type: Some("at+jwt".to_owned()),
        allowed_issuers: Some([ISSUER.to_owned()].into()),
        allowed_audiences: Some([AUDIENCE.to_owned()].into()),
        ..VerificationOptions::default()
    }
}

fn jwks(parties: &Parties) -> String {
    KeyRing::new(parties.key.clone()).expect("a ring").jwks()
}

type Sign = Box<dyn Fn(JWTClaims<Custom>) -> String>;
type Verify = Box<dyn Fn(&str) -> JWTClaims<Custom>>;

/// Keys are types there, so each algorithm is spelled out.
fn jwt_simple(parties: &Parties) -> (Sign, Verify) {
    macro_rules! of {
        ($signing:expr, $sign:ident, $verifying:expr) => {{
            let (signing, verifying) = ($signing, $verifying);
            let header = HeaderOptions {
                signature_type: Some("at+jwt".to_owned()),
                ..HeaderOptions::default()
            };
            let sign: Sign =
                Box::new(move |claims| signing.$sign(claims, &header).expect("a token"));
            let options = simple_options();
            // They are taken by value.
            let verify: Verify = Box::new(move |token| {
                let options = Some(options.clone());
                verifying
                    .verify_token(token, options)
                    .expect("a good token")
            });
            (sign, verify)
        }};
    }
    let id = parties.key.key_id();
    let pem = || parties.key.to_pem().expect("it is not symmetric");
    match parties.key.algorithm() {
        Algorithm::HS256 => {
            let key = HS256Key::from_bytes(&SECRET).with_key_id(id);
            of!(key.clone(), authenticate_with_options, key)
        }
        Algorithm::EdDSA => {
            let pair = Ed25519KeyPair::from_pem(&pem())
                .expect("a key")
                .with_key_id(id);
            let public = pair.public_key();
            of!(pair, sign_with_options, public)
        }
        Algorithm::ES256 => {
            let pair = ES256KeyPair::from_pem(&pem())
                .expect("a key")
                .with_key_id(id);
            let public = pair.public_key();
            of!(pair, sign_with_options, public)
        }
        _ => {
            let pair = RS256KeyPair::from_pem(&pem())
                .expect("a key")
                .with_key_id(id);
            let public = pair.public_key();
            of!(pair, sign_with_options, public)
        }
    }
}

pub(super) fn verify<'a>(group: &mut Interleaved<'a>, parties: &'a Parties) {
    let token = || black_box(parties.token.as_str());
    let jsonwebtoken = Jsonwebtoken::new(parties);
    group.add("jsonwebtoken 11", token, move |it| {
        jsonwebtoken.decode(it).expect("a good token")
    });
    let (_, verify) = jwt_simple(parties);
    group.add("jwt-simple 0.15", token, verify);
}

pub(super) fn issue<'a>(group: &mut Interleaved<'a>, parties: &'a Parties) {
    let jsonwebtoken = Jsonwebtoken::new(parties);
    // The id and the times of a token are made with it, as they are in ours.
    group.add(
        "jsonwebtoken 11",
        || (),
        move |()| {
            jsonwebtoken::encode(&jsonwebtoken.header, &claims(), &jsonwebtoken.encoding)
                .expect("a token")
        },
    );
    let (sign, _) = jwt_simple(parties);
    group.add("jwt-simple 0.15", || (), move |()| sign(simple_claims()));
}

/// What many write themselves, as a function in the middle.
fn by_hand(
    jsonwebtoken: &Jsonwebtoken,
    mut request: Request<()>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let value = request.headers().get(AUTHORIZATION);
    let token = value
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let Some(Ok(token)) = token.map(|token| jsonwebtoken.decode(token)) else {
        let mut refusal = Response::new(Empty::new());
        *refusal.status_mut() = StatusCode::UNAUTHORIZED;
        return Ok(refusal);
    };
    request.extensions_mut().insert(token.claims);
    call(&mut Bare, request)
}

/// The answers that `jwt-authorizer` wants of what it protects.
struct Answer(StatusCode);

impl From<AuthError> for Answer {
    fn from(_: AuthError) -> Self {
        Self(StatusCode::UNAUTHORIZED)
    }
}

#[derive(Clone)]
struct Protected;

impl Service<Request<()>> for Protected {
    type Response = Answer;
    type Error = Infallible;
    type Future = Ready<Result<Answer, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Answer(StatusCode::OK)))
    }
}

pub(super) fn layer<'a>(group: &mut Interleaved<'a>, parties: &'a Parties) {
    let jsonwebtoken = Jsonwebtoken::new(parties);
    group.add(
        "by hand with jsonwebtoken 11",
        parties.request(),
        move |it| by_hand(&jsonwebtoken, it),
    );

    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let validation = jwt_authorizer::Validation::new()
        .iss(&[ISSUER])
        .aud(&[AUDIENCE])
        .nbf(true);
    let authorizer = JwtAuthorizer::<Claims>::from_jwks_text(&jwks(parties))
        .no_refresh()
        .validation(validation)
        .build();
    let authorizer = runtime.block_on(authorizer).expect("a set of keys");
    let mut service = authorizer.into_layer().layer(Protected);
    group.add(
        "jwt-authorizer 0.15",
        parties.request(),
        move |it| match poll_once(service.call(it)) {
            Poll::Ready(Ok(Answer(StatusCode::OK))) => {}
            _ => unreachable!("it has its keys, and the token is good"),
        },
    );
}

pub(super) fn refuse_junk<'a>(group: &mut Interleaved<'a>, parties: &Parties, junk: &'a str) {
    let jsonwebtoken = Jsonwebtoken::new(parties);
    group.add(
        "jsonwebtoken 11, no token",
        move || black_box(junk),
        move |it| jsonwebtoken.decode(it).expect_err("junk"),
    );
}
