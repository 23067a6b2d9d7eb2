//! Headers in attributes, checked so that the expansion cannot panic.

use proc_macro2::Span;
use syn::LitStr;

use crate::{
    attributes::{FixedHeader, Given, HeaderKey},
    errors::Errors,
};

/// The document sets these itself.
const OWN_HEADERS: [&str; 3] = ["content-type", "content-length", "transfer-encoding"];

/// The name in lower case, as `http::HeaderName` wants it.
pub(crate) fn header_name(text: &LitStr, errors: &mut Errors) -> Option<String> {
    let name = text.value().to_ascii_lowercase();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !name.bytes().all(is_token) {
        let message = format!("{name:?} cannot name a header (RFC 9110, section 5.1)");
        errors.at(text.span(), message);
        return None;
    }
    not_own(&name, text.span(), errors).then_some(name)
}

fn not_own(name: &str, span: Span, errors: &mut Errors) -> bool {
    let is_own = OWN_HEADERS.contains(&name);
    if is_own {
        errors.at(
            span,
            format!("`{name}` is set by the problem document itself"),
        );
    }
    !is_own
}

pub(crate) fn check_header(given: Given<FixedHeader>, errors: &mut Errors) -> Option<FixedHeader> {
    let FixedHeader { name, value } = given.value;
    let name = match name {
        HeaderKey::Text(text) => {
            let lower = header_name(&text, errors);
            lower.map(|lower| HeaderKey::Text(LitStr::new(&lower, text.span())))
        }
        HeaderKey::Constant(ident) => {
            let lower = ident.to_string().to_ascii_lowercase().replace('_', "-");
            not_own(&lower, ident.span(), errors).then_some(HeaderKey::Constant(ident))
        }
    };
    let text = value.value();
    let is_visible = |byte: u8| byte == b'\t' || byte == b' ' || byte.is_ascii_graphic();
    if !text.bytes().all(is_visible) || text.trim() != text {
        let message = "not a header value: allowed are visible ASCII characters, with spaces and \
                       tabs between them (RFC 9110, section 5.5)";
        errors.at(value.span(), message);
        return None;
    }
    name.map(|name| FixedHeader { name, value })
}
