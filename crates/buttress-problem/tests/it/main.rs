//! The public API, from outside.

mod format;
#[cfg(feature = "xml")]
mod xml;
