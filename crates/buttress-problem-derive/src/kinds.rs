//! The kinds of problem that the variants describe: completed with their defaults, and each
//! there once.

use proc_macro2::Span;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, Meta, ext::IdentExt};

use crate::{
    attributes::{ContainerAttributes, KindAttributes},
    errors::Errors,
    model::{Kind, Source},
    naming, status,
    uri::{self, Base},
};

/// The kinds that were read so far.
#[derive(Default)]
pub(crate) struct Kinds {
    base: Option<Base>,
    /// The base was given but wrong: nothing can be resolved against it.
    base_is_broken: bool,
    pub(crate) kinds: Vec<Kind>,
    /// The variant that each kind was first read from.
    owners: Vec<String>,
}

impl Kinds {
    pub(crate) fn new(container: &ContainerAttributes, errors: &mut Errors) -> Self {
        let base = container.base.as_ref();
        let base = base.map(|text| errors.ok(Base::parse(text)));
        Self {
            base_is_broken: matches!(base, Some(None)),
            base: base.flatten(),
            ..Self::default()
        }
    }

    /// The index of the kind, which an earlier case may have added.
    pub(crate) fn read(
        &mut self,
        source: &Source<'_>,
        attributes: &KindAttributes,
        errors: &mut Errors,
    ) -> Option<usize> {
        if !attributes.has("status") {
            let message = format!(
                "`{}` has no status: add `#[problem(status = …)]`, or `#[problem(transparent)]` \
                 when its field is an error that derives `Problem`",
                source.name
            );
            errors.at(source.name.span(), message);
        }
        let type_uri = self.read_type(attributes, errors);
        let explicit_code = attributes.code.as_ref().and_then(|code| {
            let text = code.value.value();
            if naming::is_code(&text) {
                return Some(text);
            }
            let message = format!(
                "{text:?} is not a code: allowed are upper-case letters, digits and `_`, \
                 beginning with a letter"
            );
            errors.at(code.value.span(), message);
            None
        });
        let of_status = attributes.status.as_ref()?.value.clone();
        let type_uri = type_uri.ok()?;
        let code = match (explicit_code, attributes.has("code"), &type_uri) {
            (Some(code), _, _) => code,
            (None, true, _) => return None,
            (None, false, None) => status::code_of(of_status.number).to_owned(),
            (None, false, Some(uri)) => code_of_type(uri, attributes, errors)?,
        };
        let title = attributes.title.as_ref().map(|title| title.value.value());
        let name = source.name.unraw().to_string();
        let title =
            title.or_else(|| Some(naming::sentence_case(type_uri.as_ref().map(|_| &name)?)));
        let description = attributes.description.as_ref();
        let description = description
            .map(|text| text.value.value())
            .or_else(|| doc_comment(source.attributes));
        let kind = Kind {
            status: of_status,
            code,
            type_uri,
            title,
            description,
        };
        self.add(kind, source.name, attributes, errors)
    }

    /// `Ok(None)` is `about:blank`, `Err` what has been reported.
    fn read_type(
        &self,
        attributes: &KindAttributes,
        errors: &mut Errors,
    ) -> Result<Option<String>, ()> {
        let Some(text) = &attributes.type_uri else {
            return if attributes.has("type") {
                Err(())
            } else {
                Ok(None)
            };
        };
        // Against a broken base only the syntax can be checked.
        let uri = errors.ok(uri::resolve(self.base.as_ref(), &text.value));
        match uri {
            Some(uri) if !self.base_is_broken => Ok((uri != "about:blank").then_some(uri)),
            _ => Err(()),
        }
    }

    fn add(
        &mut self,
        kind: Kind,
        name: &Ident,
        attributes: &KindAttributes,
        errors: &mut Errors,
    ) -> Option<usize> {
        let Some(at) = self.kinds.iter().position(|other| other.code == kind.code) else {
            self.kinds.push(kind);
            self.owners.push(name.to_string());
            return Some(self.kinds.len() - 1);
        };
        let other = &mut self.kinds[at];
        let difference = [
            ("status", other.status.number != kind.status.number),
            ("type", other.type_uri != kind.type_uri),
            ("title", other.title != kind.title),
        ];
        if let Some((what, _)) = difference.iter().find(|(_, differs)| *differs) {
            let message = format!(
                "`{}` has the code `{}` too, with another {what}: a code names one kind of problem",
                self.owners[at], kind.code
            );
            let texts = [&attributes.code, &attributes.type_uri];
            let text = texts.into_iter().flatten().next();
            let span = match (text, &attributes.status) {
                (Some(text), _) => text.value.span(),
                (None, Some(status)) => status.key,
                (None, None) => name.span(),
            };
            errors.at(span, message);
            return None;
        }
        // Each description says when the kind occurs, so a shared kind has all of them.
        if let Some(more) = kind.description {
            match &mut other.description {
                None => other.description = Some(more),
                Some(text) if text.split("\n\n").any(|part| part == more) => {}
                Some(text) => {
                    text.push_str("\n\n");
                    text.push_str(&more);
                }
            }
        }
        Some(at)
    }
}

fn code_of_type(uri: &str, attributes: &KindAttributes, errors: &mut Errors) -> Option<String> {
    let code = naming::screaming_snake_case(uri::last_segment(uri));
    if code.is_none() {
        let span = attributes.type_uri.as_ref().map(|text| text.value.span());
        let message = format!("no code can be made of the end of \"{uri}\": add `code = \"…\"`");
        errors.at(span.unwrap_or_else(Span::call_site), message);
    }
    code
}

/// The text of the doc comment: one space after the slashes does not count.
fn doc_comment(attributes: &[Attribute]) -> Option<String> {
    let mut text = String::new();
    for comment in attributes.iter().filter_map(doc_attribute) {
        for line in comment.split('\n') {
            text.push_str(line.strip_prefix(' ').unwrap_or(line).trim_end());
            text.push('\n');
        }
    }
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn doc_attribute(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attribute.meta else {
        return None;
    };
    match &meta.value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) if meta.path.is_ident("doc") => Some(text.value()),
        _ => None,
    }
}
