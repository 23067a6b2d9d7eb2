//! From the model to the impls.
//!
//! The code lands in the user's module, where any name may mean something else and any lint may be
//! denied. So every path is absolute, every method of a trait is called through the trait, and
//! `#[automatically_derived]` tells rustc and clippy that nobody wrote this by hand.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Ident, Path, parse_quote, spanned::Spanned};

use crate::{
    attributes::{FixedHeader, HeaderKey},
    bounds::{self, is_self, option_argument},
    frameworks,
    model::{Answer, Case, Detail, Field, Kind, Model, Part},
};

pub(crate) fn expand(model: &Model) -> TokenStream {
    let krate = match &model.container.krate {
        Some(path) => path.clone(),
        None => parse_quote!(::buttress_problem),
    };
    let kinds = model.kinds.iter().enumerate();
    let kinds = kinds.map(|(index, kind)| expand_kind(index, kind, &krate));
    let to_problem = expand_to_problem(model, &krate);
    let from = expand_from(model, &krate);
    let frameworks = frameworks::expand(model, &krate);
    quote! {
        const _: () = {
            #(#kinds)*
            #to_problem
            #from
            #frameworks
        };
    }
}

fn expand_kind(index: usize, kind: &Kind, krate: &Path) -> TokenStream {
    let name = kind_name(index);
    let status = match &kind.status.name {
        Some(constant) => quote!(#krate::__private::http::StatusCode::#constant),
        None => {
            let number = kind.status.number;
            quote!(#krate::__private::status(#number))
        }
    };
    let code = &kind.code;
    let mut value = quote!(#krate::ProblemType::new(#status, #code));
    if let Some(type_uri) = &kind.type_uri {
        value = quote!(#krate::__private::with_type(#value, #type_uri));
    }
    if let Some(title) = &kind.title {
        value = quote!(#krate::ProblemType::with_title(#value, #title));
    }
    if let Some(description) = &kind.description {
        value = quote!(#krate::ProblemType::with_description(#value, #description));
    }
    quote!(const #name: #krate::ProblemType = #value;)
}

fn expand_to_problem(model: &Model, krate: &Path) -> TokenStream {
    let ident = &model.ident;
    let generics = bounds::to_problem(model, krate);
    let (_, arguments, _) = model.generics.split_for_impl();
    let (parameters, _, clause) = generics.split_for_impl();
    let body = match model.cases.as_slice() {
        [] => quote!(match *self {}),
        cases => {
            let arms = cases.iter().map(|case| expand_arm(case, krate));
            quote!(match self { #(#arms)* })
        }
    };
    let kinds = (0..model.kinds.len()).map(kind_name);
    let nested = model.cases.iter().filter_map(|case| match &case.answer {
        // What this very type brings along is in the catalogue already.
        Answer::Transparent(field) if !is_self(&model.ident, &field.ty) => Some(&field.ty),
        Answer::Transparent(_) | Answer::Own { .. } => None,
    });
    quote! {
        #[automatically_derived]
        impl #parameters #krate::ToProblem for #ident #arguments #clause {
            fn to_problem(&self) -> #krate::Problem {
                #body
            }

            fn catalogue() -> #krate::Catalogue {
                #krate::__private::catalogue(
                    &[#(#kinds),*],
                    [#(<#nested as #krate::ToProblem>::catalogue()),*],
                )
            }
        }
    }
}

/// `Self::Variant { id: binding, .. } => …,`
fn expand_arm(case: &Case, krate: &Path) -> TokenStream {
    let mut bound: Vec<&Field> = Vec::new();
    let value = match &case.answer {
        Answer::Transparent(field) => {
            bound.push(field);
            let binding = binding(0, field);
            quote!(#krate::ToProblem::to_problem(#binding))
        }
        Answer::Own {
            kind,
            detail,
            headers,
            fields,
        } => {
            let kind = kind_name(*kind);
            let mut value = quote!(#krate::Problem::of(#kind));
            match detail {
                Detail::Display => {
                    value = quote!(
                        #krate::Problem::with_detail(
                            #value,
                            #krate::__private::ToString::to_string(self),
                        )
                    );
                }
                Detail::Fixed(text) => {
                    value = quote!(#krate::Problem::with_detail(#value, #text));
                }
                Detail::None => {}
            }
            for header in headers {
                value = with_fixed_header(&value, header, krate);
            }
            for (field, part) in fields {
                let at = bound.iter().position(|other| other.member == field.member);
                let at = at.unwrap_or_else(|| {
                    bound.push(field);
                    bound.len() - 1
                });
                value = with_part(&value, field, part, &binding(at, field), krate);
            }
            value
        }
    };
    let path = match &case.variant {
        Some(variant) => quote!(Self::#variant),
        None => quote!(Self),
    };
    let members = bound.iter().map(|field| &field.member);
    let bindings = bound.iter().enumerate();
    let bindings = bindings.map(|(index, field)| binding(index, field));
    let rest = (!case.is_complete).then(|| quote!(..));
    quote!(#path { #(#members: #bindings,)* #rest } => #value,)
}

fn with_fixed_header(value: &TokenStream, header: &FixedHeader, krate: &Path) -> TokenStream {
    let name = match &header.name {
        HeaderKey::Constant(constant) => quote!(#krate::__private::http::header::#constant),
        HeaderKey::Text(text) => {
            quote!(#krate::__private::http::HeaderName::from_static(#text))
        }
    };
    let text = &header.value;
    quote! {
        #krate::Problem::with_header(
            #value,
            #name,
            #krate::__private::http::HeaderValue::from_static(#text),
        )
    }
}

fn with_part(
    value: &TokenStream,
    field: &Field,
    part: &Part,
    binding: &Ident,
    krate: &Path,
) -> TokenStream {
    match part {
        Part::Extension(name) => {
            quote!(#krate::__private::with_extension(#value, #name, #binding))
        }
        Part::Header(name) if option_argument(field).is_some() => {
            quote! {
                #krate::__private::with_header(
                    #value,
                    #name,
                    ::core::option::Option::as_ref(#binding),
                )
            }
        }
        Part::Header(name) => {
            quote! {
                #krate::__private::with_header(
                    #value,
                    #name,
                    ::core::option::Option::Some(#binding),
                )
            }
        }
        Part::Violations => quote! {
            #krate::__private::with_violations(#value, ::core::clone::Clone::clone(#binding))
        },
    }
}

fn expand_from(model: &Model, krate: &Path) -> TokenStream {
    let ident = &model.ident;
    let generics = bounds::from(model, krate);
    let (_, arguments, _) = model.generics.split_for_impl();
    let (parameters, _, clause) = generics.split_for_impl();
    // What goes wrong with it is that it cannot be sent to the log: blame the type.
    let span = ident.span().resolved_at(Span::mixed_site());
    let error = format_ident!("__buttress_error", span = span);
    let problem = quote!(#krate::ToProblem::to_problem(&#error));
    let body = if model.can_be_5xx() {
        quote!(#krate::__private::with_source(#problem, #error))
    } else {
        problem
    };
    quote! {
        #[automatically_derived]
        impl #parameters ::core::convert::From<#ident #arguments> for #krate::Problem #clause {
            fn from(#error: #ident #arguments) -> Self {
                #body
            }
        }
    }
}

fn kind_name(index: usize) -> Ident {
    format_ident!("__BUTTRESS_PROBLEM_{index}", span = Span::mixed_site())
}

/// The name alone would not do, hygienic as it is: a pattern prefers a constant of that name.
fn binding(index: usize, field: &Field) -> Ident {
    // What goes wrong with it is that its type will not do: blame that.
    let span = field.ty.span().resolved_at(Span::mixed_site());
    format_ident!("__buttress_field_{index}", span = span)
}
