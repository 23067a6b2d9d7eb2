//! The grammar of `#[problem(key, key = …, key(…))]`, whatever the keys are.

use proc_macro2::{Span, TokenTree};
use syn::{Attribute, Ident, LitStr, Token, ext::IdentExt, parse::ParseStream};

use crate::errors::Errors;

/// Each key that was given, and where it stands.
pub(crate) type Seen = Vec<(String, Span)>;

/// `= "…"`
pub(crate) fn text(input: ParseStream<'_>) -> syn::Result<LitStr> {
    input.parse::<Token![=]>()?;
    let value: LitStr = input.parse()?;
    if value.value().trim().is_empty() {
        return Err(syn::Error::new(value.span(), "must not be empty"));
    }
    Ok(value)
}

/// Where an attribute stands, and what may stand in it.
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) keys: &'static [&'static [&'static str]],
    /// Keys that are right in another place, and the place.
    pub(crate) elsewhere: Option<(&'static [&'static str], &'static str)>,
}

impl Place {
    fn check(&self, key: &str) -> Result<(), String> {
        if self.keys.iter().any(|keys| keys.contains(&key)) {
            return Ok(());
        }
        if let Some((keys, place)) = self.elsewhere
            && keys.contains(&key)
        {
            return Err(format!("`{key}` belongs on {place}, not on {}", self.name));
        }
        let allowed: Vec<String> = self
            .keys
            .iter()
            .flat_map(|keys| keys.iter().map(|key| format!("`{key}`")))
            .collect();
        Err(format!(
            "unknown key `{key}`; allowed on {} are {}",
            self.name,
            allowed.join(", ")
        ))
    }
}

/// Hands each `key` of each `#[problem(key, key = …, key(…))]` to `set`, and goes on after an
/// error, so that all of them are found.
pub(crate) fn read(
    attributes: &[Attribute],
    place: &Place,
    errors: &mut Errors,
    mut set: impl FnMut(&str, Span, ParseStream<'_>) -> syn::Result<()>,
) -> Seen {
    let mut seen = Seen::new();
    for attribute in attributes {
        if !attribute.path().is_ident("problem") {
            continue;
        }
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                let result = read_key(input, place, &mut seen, &mut set);
                if errors.ok(result).is_none() {
                    skip_to_comma(input)?;
                } else if !input.is_empty() && !input.peek(Token![,]) {
                    errors.push(input.error("expected `,`"));
                    skip_to_comma(input)?;
                }
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        };
        let list = attribute.meta.require_list();
        let result = list.and_then(|list| list.parse_args_with(parser));
        errors.ok(result);
    }
    seen
}

fn read_key(
    input: ParseStream<'_>,
    place: &Place,
    seen: &mut Seen,
    set: &mut impl FnMut(&str, Span, ParseStream<'_>) -> syn::Result<()>,
) -> syn::Result<()> {
    // `type` and `crate` are keywords.
    let key = input.call(Ident::parse_any)?;
    let span = key.span();
    let key = key.unraw().to_string();
    place
        .check(&key)
        .map_err(|message| syn::Error::new(span, message))?;
    let is_repeatable = key == "header" && place.name != "a field";
    if !is_repeatable && seen.iter().any(|(known, _)| *known == key) {
        return Err(syn::Error::new(span, format!("`{key}` is given twice")));
    }
    seen.push((key.clone(), span));
    set(&key, span, input)
}

fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}
