#![doc = include_str!("../README.md")]

#[cfg(feature = "alloc")]
pub mod alloc;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "probe")]
pub mod probe;
