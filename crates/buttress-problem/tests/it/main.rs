//! The public API, from outside.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(feature = "actix")]
mod actix;
mod auto_traits;
#[cfg(feature = "axum")]
mod axum;
#[cfg(feature = "layer")]
mod catch_error;
mod cause;
#[cfg(feature = "layer")]
mod contract;
#[cfg(feature = "derive")]
mod derive;
#[cfg(feature = "derive")]
mod derive_catalogue;
#[cfg(feature = "derive")]
mod derive_frameworks;
#[cfg(feature = "derive")]
mod derive_generics;
#[cfg(feature = "derive")]
mod derive_hygiene;
#[cfg(feature = "derive")]
mod derive_ui;
mod document;
mod format;
mod html;
#[cfg(feature = "layer")]
mod layer;
#[cfg(feature = "layer")]
mod layer_bodies;
#[cfg(feature = "layer")]
mod layer_problems;
#[cfg(feature = "layer")]
mod negotiation;
#[cfg(feature = "utoipa")]
mod openapi;
mod parse;
#[cfg_attr(
    not(any(feature = "actix", feature = "axum", feature = "layer")),
    allow(dead_code, reason = "shared")
)]
mod support;
mod uri;
#[cfg(any(
    feature = "garde",
    feature = "serde-path-to-error",
    feature = "validator"
))]
mod validation;
#[cfg(feature = "layer")]
mod wire;
#[cfg(feature = "xml")]
mod xml;
