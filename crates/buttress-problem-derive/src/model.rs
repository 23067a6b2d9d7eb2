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

#[cfg(test)]
mod tests {
    use proc_macro2::{Punct, Spacing, TokenStream, TokenTree};
    use quote::quote;
    use syn::parse_quote;

    use super::*;
    use crate::expand::expand;

    fn messages(input: DeriveInput) -> Vec<String> {
        let error = Model::new(input).err().into_iter().flatten();
        error.map(|error| error.to_string()).collect()
    }

    #[test]
    fn every_key_that_is_offered_is_understood() {
        let input = parse_quote! {
            #[problem(base = "https://e.example/", crate = a::b, axum, actix, utoipa)]
            enum E {
                #[problem(status = 500, type = "t", title = "T", code = "C", description = "D")]
                #[problem(public, header(AGE = "1"))]
                A(#[problem(extension = "x", header = "h")] u8, #[problem(violations)] V),
                #[problem(status = 400, private)]
                B,
                #[problem(status = 401, detail = "d")]
                C,
                #[problem(transparent)]
                D(X),
            }
        };
        let Ok(model) = Model::new(input) else {
            panic!("refused");
        };
        let kind = &model.kinds[0];
        assert_eq!(kind.status.number, 500);
        assert_eq!(kind.type_uri.as_deref(), Some("https://e.example/t"));
        assert_eq!(kind.title.as_deref(), Some("T"));
        assert_eq!(kind.code, "C");
        assert_eq!(kind.description.as_deref(), Some("D"));
        let details: Vec<_> = model
            .cases
            .iter()
            .map(|case| match &case.answer {
                Answer::Own { detail, .. } => match detail {
                    Detail::Display => "display",
                    Detail::Fixed(text) => text,
                    Detail::None => "none",
                },
                Answer::Transparent(_) => "transparent",
            })
            .collect();
        assert_eq!(details, ["display", "none", "d", "transparent"]);
        assert!(model.can_be_5xx());
    }

    #[test]
    fn everything_wrong_is_reported_at_once() {
        let messages = messages(parse_quote! {
            #[problem(base = "relative", nonsense)]
            enum E {
                #[problem(status = 200, status = 300, type = "a b", code = "c")]
                A(#[problem(extension)] u8),
                B,
            }
        });
        assert_eq!(messages.len(), 8, "{messages:#?}");
    }

    #[test]
    fn other_attributes_are_none_of_our_business() {
        let input = parse_quote! {
            #[error("…")]
            #[problem(status = 400)]
            #[serde(status = 5)]
            struct S {
                #[from]
                source: u8,
            }
        };
        assert!(messages(input).is_empty());
    }

    /// Whatever token is missing, doubled or replaced: an answer, never a panic.
    #[test]
    fn nonsense_is_refused_calmly() {
        let attribute = quote! {
            base = "https://e.example/", crate = a::b, axum, status = NOT_FOUND, type = "t",
            title = "T", code = "C", description = "D", private,
            header(AGE = "1", "x-y" = 2), status = 400,
        };
        let field = quote!(extension = "x", header = "h", violations);
        let nothing = TokenStream::new();
        for broken in broken(&attribute) {
            check(&broken, &nothing);
        }
        for broken in broken(&field) {
            check(&quote!(status = 400), &broken);
        }
    }

    fn broken(tokens: &TokenStream) -> Vec<TokenStream> {
        let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
        let comma = TokenTree::Punct(Punct::new(',', Spacing::Alone));
        let equals = TokenTree::Punct(Punct::new('=', Spacing::Alone));
        (0..tokens.len())
            .flat_map(|at| {
                let this = tokens[at].clone();
                [
                    vec![],
                    vec![this.clone(), this],
                    vec![comma.clone()],
                    vec![equals.clone()],
                ]
                .map(|instead| {
                    let mut tokens = tokens.clone();
                    tokens.splice(at..=at, instead);
                    tokens.into_iter().collect()
                })
            })
            .collect()
    }

    fn check(attribute: &TokenStream, field: &TokenStream) {
        let on_struct = parse_quote! {
            #[problem(#attribute)]
            struct S<'a, T> { #[problem(#field)] order_id: &'a T }
        };
        let on_variant = parse_quote! {
            enum E { #[problem(#attribute)] V(#[problem(#field)] u8) }
        };
        for input in [on_struct, on_variant] {
            match Model::new(input) {
                Ok(model) => assert!(!expand(&model).is_empty()),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
}
