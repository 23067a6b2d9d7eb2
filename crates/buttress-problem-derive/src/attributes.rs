//! What stands in `#[problem(…)]`, key by key, with where it stands; what the keys mean to each
//! other is `model.rs`'s concern.

use proc_macro2::Span;
use syn::{Attribute, Ident, LitInt, LitStr, Path, Token, parenthesized, parse::ParseStream};

use crate::{
    errors::Errors,
    keys::{Place, Seen, read, text},
    status::Status,
};

/// The keys that say how the whole type is to be treated.
const CONTAINER_KEYS: [&str; 5] = ["base", "crate", "axum", "actix", "utoipa"];
/// The keys that say what one variant, or a struct, is as a problem.
const KIND_KEYS: [&str; 10] = [
    "status",
    "type",
    "title",
    "code",
    "detail",
    "description",
    "public",
    "private",
    "transparent",
    "header",
];
const FIELD_KEYS: [&str; 3] = ["extension", "header", "violations"];

/// A value and where its key stands.
pub(crate) struct Given<T> {
    pub(crate) key: Span,
    pub(crate) value: T,
}

/// `base`, `crate` and the frameworks.
#[derive(Default)]
pub(crate) struct ContainerAttributes {
    pub(crate) base: Option<LitStr>,
    pub(crate) krate: Option<Path>,
    pub(crate) axum: Option<Span>,
    pub(crate) actix: Option<Span>,
    pub(crate) utoipa: Option<Span>,
}

/// What a variant or a struct says about its problem.
#[derive(Default)]
pub(crate) struct KindAttributes {
    pub(crate) status: Option<Given<Status>>,
    pub(crate) type_uri: Option<Given<LitStr>>,
    pub(crate) title: Option<Given<LitStr>>,
    pub(crate) code: Option<Given<LitStr>>,
    pub(crate) detail: Option<Given<LitStr>>,
    pub(crate) description: Option<Given<LitStr>>,
    pub(crate) public: Option<Span>,
    pub(crate) private: Option<Span>,
    pub(crate) transparent: Option<Span>,
    pub(crate) headers: Vec<Given<FixedHeader>>,
    /// Each key that was given, even with a value that was wrong: it is not missing then.
    seen: Seen,
}

/// What a field adds to the problem.
#[derive(Default)]
pub(crate) struct FieldAttributes {
    pub(crate) extension: Option<Given<Option<LitStr>>>,
    pub(crate) header: Option<LitStr>,
    pub(crate) violations: Option<Span>,
}

/// An entry of `header(…)`.
pub(crate) struct FixedHeader {
    pub(crate) name: HeaderKey,
    pub(crate) value: LitStr,
}

/// How a header is named.
pub(crate) enum HeaderKey {
    /// A constant of `http::header`.
    Constant(Ident),
    /// The name itself.
    Text(LitStr),
}

impl ContainerAttributes {
    /// For an enum: what is said about one problem belongs on a variant.
    pub(crate) fn of_enum(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut container = Self::default();
        let place = Place {
            name: "an enum",
            keys: &[&CONTAINER_KEYS],
            elsewhere: Some((&KIND_KEYS, "a variant")),
        };
        read(attributes, &place, errors, |key, span, input| {
            container.set(key, span, input)
        });
        container
    }

    fn set(&mut self, key: &str, span: Span, input: ParseStream<'_>) -> syn::Result<()> {
        match key {
            "base" => self.base = Some(text(input)?),
            "crate" => {
                input.parse::<Token![=]>()?;
                self.krate = Some(input.call(Path::parse_mod_style)?);
            }
            "axum" => self.axum = Some(span),
            "actix" => self.actix = Some(span),
            _ => self.utoipa = Some(span),
        }
        Ok(())
    }
}

impl KindAttributes {
    pub(crate) fn of_variant(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut kind = Self::default();
        let place = Place {
            name: "a variant",
            keys: &[&KIND_KEYS],
            elsewhere: Some((&CONTAINER_KEYS, "the enum")),
        };
        kind.seen = read(attributes, &place, errors, |key, span, input| {
            kind.set(key, span, input)
        });
        kind
    }

    /// For a struct, which is its own only variant.
    pub(crate) fn of_struct(
        attributes: &[Attribute],
        errors: &mut Errors,
    ) -> (ContainerAttributes, Self) {
        let mut container = ContainerAttributes::default();
        let mut kind = Self::default();
        let place = Place {
            name: "a struct",
            keys: &[&CONTAINER_KEYS, &KIND_KEYS],
            elsewhere: None,
        };
        kind.seen = read(attributes, &place, errors, |key, span, input| {
            if CONTAINER_KEYS.contains(&key) {
                container.set(key, span, input)
            } else {
                kind.set(key, span, input)
            }
        });
        (container, kind)
    }

    fn set(&mut self, key: &str, span: Span, input: ParseStream<'_>) -> syn::Result<()> {
        let given = |value: LitStr| Some(Given { key: span, value });
        match key {
            "status" => {
                input.parse::<Token![=]>()?;
                let value = Status::parse(input)?;
                self.status = Some(Given { key: span, value });
            }
            "type" => self.type_uri = given(text(input)?),
            "title" => self.title = given(text(input)?),
            "code" => self.code = given(text(input)?),
            "detail" => self.detail = given(text(input)?),
            "description" => self.description = given(text(input)?),
            "public" => self.public = Some(span),
            "private" => self.private = Some(span),
            "transparent" => self.transparent = Some(span),
            _ => self.parse_headers(span, input)?,
        }
        Ok(())
    }

    /// `(RETRY_AFTER = "30", "x-reason" = "…")`
    fn parse_headers(&mut self, key: Span, input: ParseStream<'_>) -> syn::Result<()> {
        if !input.peek(syn::token::Paren) {
            let message = "expected `header(RETRY_AFTER = \"30\")`";
            return Err(syn::Error::new(key, message));
        }
        let list;
        parenthesized!(list in input);
        for value in list.parse_terminated(FixedHeader::parse, Token![,])? {
            self.headers.push(Given { key, value });
        }
        Ok(())
    }

    /// Whether the key was given, be it with a wrong value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.seen.iter().any(|(seen, _)| seen == key)
    }

    /// Each key that says what the problem is, and where it stands.
    pub(crate) fn kind_keys(&self) -> impl Iterator<Item = (&str, Span)> {
        let seen = self.seen.iter().map(|(key, span)| (key.as_str(), *span));
        seen.filter(|(key, _)| KIND_KEYS.contains(key))
    }
}

impl FieldAttributes {
    pub(crate) fn of_field(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut field = Self::default();
        let place = Place {
            name: "a field",
            keys: &[&FIELD_KEYS],
            elsewhere: None,
        };
        read(attributes, &place, errors, |key, span, input| {
            match key {
                "extension" => {
                    let value = input.peek(Token![=]).then(|| text(input)).transpose()?;
                    field.extension = Some(Given { key: span, value });
                }
                "header" => field.header = Some(text(input)?),
                _ => field.violations = Some(span),
            }
            Ok(())
        });
        field
    }
}

impl FixedHeader {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = if input.peek(LitStr) {
            HeaderKey::Text(input.parse()?)
        } else if input.peek(Ident) {
            HeaderKey::Constant(input.parse()?)
        } else {
            let message = "expected the name of a header: a constant of `http::header`, such as \
                           `RETRY_AFTER`, or a string";
            return Err(input.error(message));
        };
        input.parse::<Token![=]>()?;
        let value = if input.peek(LitInt) {
            let number: LitInt = input.parse()?;
            LitStr::new(number.base10_digits(), number.span())
        } else {
            input.parse()?
        };
        Ok(Self { name, value })
    }
}
