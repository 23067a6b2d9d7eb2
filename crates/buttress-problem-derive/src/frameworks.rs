//! The impls for web frameworks: by attribute alone, since a feature may be on for another crate's
//! sake, and the user may have an impl of their own.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;

use crate::{bounds, model::Model};

pub(crate) fn expand(model: &Model, krate: &Path) -> TokenStream {
    let container = &model.container;
    let axum = container.axum.map(|span| axum(model, krate, span));
    let actix = container.actix.map(|span| actix(model, krate, span));
    let utoipa = container.utoipa.map(|span| utoipa(model, krate, span));
    quote!(#axum #actix #utoipa)
}

fn axum(model: &Model, krate: &Path, key: Span) -> TokenStream {
    let ident = &model.ident;
    let generics = bounds::from(model, krate);
    let (_, arguments, _) = model.generics.split_for_impl();
    let (parameters, _, clause) = generics.split_for_impl();
    let response = path(krate, key, &quote!(axum_core::response));
    quote! {
        #[automatically_derived]
        impl #parameters #response::IntoResponse for #ident #arguments #clause {
            fn into_response(self) -> #response::Response {
                ::core::convert::From::from(<#krate::Problem as ::core::convert::From<Self>>::from(self))
            }
        }
    }
}

fn actix(model: &Model, krate: &Path, key: Span) -> TokenStream {
    let ident = &model.ident;
    let generics = bounds::lent(model, krate);
    let (_, arguments, _) = model.generics.split_for_impl();
    let (parameters, _, clause) = generics.split_for_impl();
    let actix = path(krate, key, &quote!(actix_web));
    quote! {
        #[automatically_derived]
        impl #parameters #actix::ResponseError for #ident #arguments #clause {
            fn status_code(&self) -> #actix::http::StatusCode {
                #actix::ResponseError::status_code(&#krate::ToProblem::to_problem(self))
            }

            fn error_response(&self) -> #actix::HttpResponse {
                #actix::ResponseError::error_response(&#krate::__private::with_captured_source(
                    #krate::ToProblem::to_problem(self),
                    self,
                ))
            }
        }
    }
}

fn utoipa(model: &Model, krate: &Path, key: Span) -> TokenStream {
    let ident = &model.ident;
    let generics = bounds::to_problem(model, krate);
    let (_, arguments, _) = model.generics.split_for_impl();
    let (parameters, _, clause) = generics.split_for_impl();
    let utoipa = path(krate, key, &quote!(utoipa));
    quote! {
        #[automatically_derived]
        impl #parameters #utoipa::IntoResponses for #ident #arguments #clause {
            fn responses() -> #krate::__private::BTreeMap<
                #krate::__private::String,
                #utoipa::openapi::RefOr<#utoipa::openapi::Response>,
            > {
                #krate::Catalogue::to_responses(&<Self as #krate::ToProblem>::catalogue())
            }
        }
    }
}

/// The re-export of a framework: when its feature is off, the error points at the key.
fn path(krate: &Path, key: Span, path: &TokenStream) -> TokenStream {
    let span = key.resolved_at(Span::mixed_site());
    let private = quote_spanned!(span=> __private);
    let path = path.clone().into_iter().map(|mut token| {
        token.set_span(span);
        token
    });
    quote!(#krate::#private::#(#path)*)
}
