//! What the fields add to a problem.

use std::collections::HashSet;

use proc_macro2::Span;
use syn::{Attribute, Fields, Index, LitStr, Member, ext::IdentExt};

use crate::{
    attributes::{FieldAttributes, Given},
    errors::Errors,
    headers::header_name,
    model::{Field, Part},
    naming,
};

/// The members that mean something already: those of RFC 9457, and ours.
const RESERVED: [&str; 9] = [
    "type",
    "status",
    "title",
    "detail",
    "instance",
    "code",
    "errors",
    "requestId",
    "traceId",
];

pub(crate) fn members(fields: &Fields) -> impl Iterator<Item = (Field, &[Attribute])> {
    fields.iter().enumerate().map(|(at, field)| {
        let member = match &field.ident {
            Some(ident) => Member::Named(ident.clone()),
            None => Member::Unnamed(Index {
                index: u32::try_from(at).unwrap_or(u32::MAX),
                span: Span::call_site(),
            }),
        };
        let ty = field.ty.clone();
        (Field { member, ty }, field.attrs.as_slice())
    })
}

pub(crate) fn read_fields(
    fields: &Fields,
    is_transparent: bool,
    errors: &mut Errors,
) -> Vec<(Field, Part)> {
    let mut parts = Vec::new();
    let mut names = HashSet::new();
    for (field, attributes) in members(fields) {
        let attributes = FieldAttributes::of_field(attributes, errors);
        if is_transparent {
            let header = attributes.header.as_ref().map(LitStr::span);
            let extension = attributes.extension.as_ref().map(|given| given.key);
            for span in [extension, header, attributes.violations]
                .into_iter()
                .flatten()
            {
                errors.at(
                    span,
                    "`transparent` takes all from the field: it adds nothing itself",
                );
            }
            continue;
        }
        if let Some(given) = &attributes.extension
            && let Some((name, span)) = extension_name(given, &field.member, errors)
        {
            if names.insert(name.clone()) {
                parts.push((field.clone(), Part::Extension(name)));
            } else {
                let message = format!("another field is the extension member `{name}` already");
                errors.at(span, message);
            }
        }
        if let Some(name) = &attributes.header
            && let Some(name) = header_name(name, errors)
        {
            parts.push((field.clone(), Part::Header(name)));
        }
        if attributes.violations.is_some() {
            parts.push((field, Part::Violations));
        }
    }
    parts
}

fn extension_name(
    given: &Given<Option<LitStr>>,
    member: &Member,
    errors: &mut Errors,
) -> Option<(String, Span)> {
    let (name, span) = match (&given.value, member) {
        (Some(text), _) => (text.value(), text.span()),
        (None, Member::Named(ident)) => {
            let field = ident.unraw().to_string();
            (naming::camel_case(&field), given.key)
        }
        (None, Member::Unnamed(_)) => {
            let message = "a field without a name needs one here: `extension = \"…\"`";
            errors.at(given.key, message);
            return None;
        }
    };
    if RESERVED.contains(&name.as_str()) {
        let message = format!(
            "`{name}` is not an extension member: it has a meaning of its own; name it with \
             `extension = \"…\"`"
        );
        errors.at(span, message);
        return None;
    }
    if !naming::is_member_name(&name) {
        let message = format!(
            "{name:?} cannot name an extension member: allowed is an ASCII letter, then letters, \
             digits and `_` (RFC 9457, section 4)"
        );
        errors.at(span, message);
        return None;
    }
    Some((name, span))
}
