#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod clock;
mod error;
mod grant;
mod issuer;
mod jwks_service;
mod key;
mod key_ring;
mod key_source;
mod schedule;
mod secret;
mod token;
mod token_error;
mod verifier;

pub use clock::Clock;
pub use error::{Error, ErrorKind};
pub use grant::Grant;
pub use issuer::{AccessToken, Issuer};
/// The algorithms that tokens are signed with.
pub use jsonwebtoken::Algorithm;
pub use jwks_service::{JwksBody, JwksService};
pub use key::{KeySet, SigningKey, SkippedKey, VerifyingKey};
pub use key_ring::{KeyRing, KeyState, KeyStatus, Rotation};
pub use key_source::KeySource;
pub use schedule::Schedule;
pub use token::Claims;
pub use token_error::{TokenError, TokenErrorKind};
pub use verifier::Verifier;
