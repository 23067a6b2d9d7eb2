//! What an input means, once everything in it has been checked: `expand.rs` can rely on it.

use std::collections::HashSet;

use proc_macro2::Span;
use syn::{Attribute, Data, DeriveInput, Fields, Generics, Ident, Member, Type};

use crate::{
    attributes::{ContainerAttributes, FixedHeader, KindAttributes},
    errors::Errors,
    fields::{members, read_fields},
    headers::check_header,
    kinds::Kinds,
    status::Status,
};

/// The error type that the derive stands on.
pub(crate) struct Model {
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    pub(crate) container: ContainerAttributes,
    /// Each kind of problem once, though several variants may share it.
    pub(crate) kinds: Vec<Kind>,
    pub(crate) cases: Vec<Case>,
}

/// A kind of problem: an entry of the catalogue.
pub(crate) struct Kind {
    pub(crate) status: Status,
    pub(crate) code: String,
    /// `None` is `about:blank`.
    pub(crate) type_uri: Option<String>,
    /// `None` is the status' phrase.
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
}

/// A variant, or the struct.
pub(crate) struct Case {
    /// `None` for a struct.
    pub(crate) variant: Option<Ident>,
    /// Whether `answer` uses every field there is.
    pub(crate) is_complete: bool,
    pub(crate) answer: Answer,
}

/// How a case becomes a problem.
pub(crate) enum Answer {
    /// As the one field does.
    Transparent(Field),
    Own {
        /// An index into `Model::kinds`.
        kind: usize,
        detail: Detail,
        headers: Vec<FixedHeader>,
        fields: Vec<(Field, Part)>,
    },
}

/// Where the detail comes from.
pub(crate) enum Detail {
    Display,
    Fixed(String),
    None,
}

#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) member: Member,
    pub(crate) ty: Type,
}

/// What a field adds to the problem.
pub(crate) enum Part {
    Extension(String),
    Header(String),
    Violations,
}

/// The part of the input that a case is read from.
pub(crate) struct Source<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) attributes: &'a [Attribute],
    pub(crate) fields: &'a Fields,
}

impl Model {
    pub(crate) fn new(input: DeriveInput) -> syn::Result<Self> {
        let mut errors = Errors::default();
        let mut cases = Vec::new();
        let (container, kinds) = match &input.data {
            Data::Struct(data) => {
                let (container, kind) = KindAttributes::of_struct(&input.attrs, &mut errors);
                let mut kinds = Kinds::new(&container, &mut errors);
                let source = Source {
                    name: &input.ident,
                    attributes: &input.attrs,
                    fields: &data.fields,
                };
                cases.extend(read_case(None, &source, kind, &mut kinds, &mut errors));
                (container, kinds)
            }
            Data::Enum(data) => {
                let container = ContainerAttributes::of_enum(&input.attrs, &mut errors);
                let mut kinds = Kinds::new(&container, &mut errors);
                for variant in &data.variants {
                    let kind = KindAttributes::of_variant(&variant.attrs, &mut errors);
                    let source = Source {
                        name: &variant.ident,
                        attributes: &variant.attrs,
                        fields: &variant.fields,
                    };
                    let name = Some(variant.ident.clone());
                    cases.extend(read_case(name, &source, kind, &mut kinds, &mut errors));
                }
                (container, kinds)
            }
            Data::Union(data) => {
                let message = "a union cannot be an error: derive `Problem` on a struct or an enum";
                return Err(syn::Error::new(data.union_token.span, message));
            }
        };
        errors.finish()?;
        Ok(Self {
            ident: input.ident,
            generics: input.generics,
            container,
            kinds: kinds.kinds,
            cases,
        })
    }

    /// Whether a value can become a problem with a status of 500 or more, whose source is kept.
    pub(crate) fn can_be_5xx(&self) -> bool {
        self.cases.iter().any(|case| match &case.answer {
            Answer::Transparent(_) => true,
            Answer::Own { kind, .. } => self.kinds[*kind].status.number >= 500,
        })
    }
}

/// `None` when something is wrong, which `errors` knows then.
fn read_case(
    variant: Option<Ident>,
    source: &Source<'_>,
    attributes: KindAttributes,
    kinds: &mut Kinds,
    errors: &mut Errors,
) -> Option<Case> {
    let fields = read_fields(source.fields, attributes.transparent.is_some(), errors);
    let answer = if let Some(key) = attributes.transparent {
        read_transparent(key, source, &attributes, errors)?
    } else {
        let detail = read_detail(&attributes, errors);
        let kind = kinds.read(source, &attributes, errors);
        let headers = attributes.headers.into_iter();
        let headers = headers
            .filter_map(|header| check_header(header, errors))
            .collect();
        Answer::Own {
            kind: kind?,
            detail,
            headers,
            fields,
        }
    };
    let used = match &answer {
        Answer::Transparent(_) => 1,
        Answer::Own { fields, .. } => {
            let members: HashSet<_> = fields.iter().map(|(field, _)| &field.member).collect();
            members.len()
        }
    };
    Some(Case {
        variant,
        is_complete: used == source.fields.len(),
        answer,
    })
}

fn read_transparent(
    key: Span,
    source: &Source<'_>,
    attributes: &KindAttributes,
    errors: &mut Errors,
) -> Option<Answer> {
    for (other, span) in attributes.kind_keys() {
        if other != "transparent" {
            let message = format!("`transparent` takes all from the field: remove `{other}`");
            errors.at(span, message);
        }
    }
    let mut fields = members(source.fields);
    let (Some((field, _)), None) = (fields.next(), fields.next()) else {
        let message = format!(
            "`transparent` needs exactly one field, and `{}` has {}",
            source.name,
            source.fields.len()
        );
        errors.at(key, message);
        return None;
    };
    Some(Answer::Transparent(field))
}

/// The detail of a 4xx is what the error displays; that of a 5xx is for the log alone, unless the
/// author says otherwise.
fn read_detail(attributes: &KindAttributes, errors: &mut Errors) -> Detail {
    let is_5xx = attributes
        .status
        .as_ref()
        .map(|status| status.value.number >= 500);
    for (key, span) in [
        ("public", attributes.public),
        ("private", attributes.private),
    ] {
        let Some(span) = span else { continue };
        if attributes.has("detail") {
            let message = format!(
                "`{key}` is about the error's `Display`, which `detail` replaces: remove one of the two"
            );
            errors.at(span, message);
        } else if key == "public" && is_5xx == Some(false) {
            let message =
                "`public` is for 5xx: the detail of a 4xx is public unless it is `private`";
            errors.at(span, message);
        } else if key == "private" && is_5xx == Some(true) {
            let message =
                "`private` is for 4xx: the detail of a 5xx is private unless it is `public`";
            errors.at(span, message);
        }
    }
    if let Some(text) = &attributes.detail {
        return Detail::Fixed(text.value.value());
    }
    let is_shown = match is_5xx {
        Some(true) => attributes.public.is_some(),
        _ => attributes.private.is_none(),
    };
    if is_shown {
        Detail::Display
    } else {
        Detail::None
    }
}
