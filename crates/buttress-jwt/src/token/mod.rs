pub(crate) mod base64url;
mod claims;
mod compact;
mod custom;
mod header;
pub(crate) mod json;
mod numeric_date;

pub use claims::Claims;
pub(crate) use claims::{REGISTERED, is_scope_byte};
pub(crate) use compact::{Compact, MAX_TOKEN};
pub(crate) use custom::read as read_custom;
pub(crate) use header::{Header, HeaderBuffer, MAX_KEY_ID};
