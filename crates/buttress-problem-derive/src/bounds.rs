//! What the impls demand of the type parameters.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    GenericArgument, GenericParam, Generics, Ident, Path, PathArguments, PathSegment, Type,
    TypePath, WherePredicate, parse_quote,
};

use crate::model::{Answer, Field, Model, Part};

/// The generics of the input with what `to_problem` needs: `Error` for the type as a whole, and
/// for each field that is used and that depends on a type parameter what it is used as.
pub(crate) fn to_problem(model: &Model, krate: &Path) -> Generics {
    let mut generics = model.generics.clone();
    let ident = &model.ident;
    let predicates: Vec<WherePredicate> = model
        .cases
        .iter()
        .flat_map(|case| match &case.answer {
            // What is being implemented cannot be demanded.
            Answer::Transparent(field) if is_self(ident, &field.ty) => Vec::new(),
            Answer::Transparent(field) => vec![(&field.ty, quote!(#krate::ToProblem))],
            Answer::Own { fields, .. } => fields
                .iter()
                .map(|(field, part)| bound_of(field, part, krate))
                .collect(),
        })
        .filter(|(ty, _)| depends_on_parameter(&model.generics, ty))
        .map(|(ty, bound)| parse_quote!(#ty: #bound))
        .collect();
    let has_parameters = generics
        .params
        .iter()
        .any(|parameter| !matches!(parameter, GenericParam::Lifetime(_)));
    let (_, arguments, _) = model.generics.split_for_impl();
    if has_parameters {
        let clause = generics.make_where_clause();
        clause
            .predicates
            .push(parse_quote!(#ident #arguments: ::core::error::Error));
        clause.predicates.extend(predicates);
    }
    generics
}

/// What turning the error into a problem by value needs besides: to be kept as its source.
pub(crate) fn from(model: &Model, krate: &Path) -> Generics {
    let mut generics = to_problem(model, krate);
    if model.can_be_5xx() && !generics.params.is_empty() {
        let ident = &model.ident;
        let (_, arguments, _) = model.generics.split_for_impl();
        let bound: WherePredicate = parse_quote!(
            #ident #arguments: ::core::marker::Send + ::core::marker::Sync + 'static
        );
        generics.make_where_clause().predicates.push(bound);
    }
    generics
}

/// What lending the error for its text needs besides: a trait object of it.
pub(crate) fn lent(model: &Model, krate: &Path) -> Generics {
    let mut generics = to_problem(model, krate);
    if !generics.params.is_empty() {
        let ident = &model.ident;
        let (_, arguments, _) = model.generics.split_for_impl();
        let bound: WherePredicate = parse_quote!(#ident #arguments: 'static);
        generics.make_where_clause().predicates.push(bound);
    }
    generics
}

fn bound_of<'a>(field: &'a Field, part: &Part, krate: &Path) -> (&'a Type, TokenStream) {
    let ty = &field.ty;
    match part {
        Part::Extension(_) => (ty, quote!(#krate::__private::Serialize)),
        Part::Header(_) => {
            let ty = option_argument(field).unwrap_or(ty);
            (ty, quote!(::core::fmt::Display))
        }
        Part::Violations => {
            let iterator = quote!(::core::iter::IntoIterator<Item = #krate::Violation>);
            (ty, quote!(::core::clone::Clone + #iterator))
        }
    }
}

/// Whether a field holds the type itself, boxed in some way. By its name alone: a type of the same
/// name in another module has a path.
pub(crate) fn is_self(ident: &Ident, ty: &Type) -> bool {
    let Type::Path(TypePath {
        qself: None, path, ..
    }) = ty
    else {
        return false;
    };
    let Some(last) = path.segments.last() else {
        return false;
    };
    let is_alone = path.leading_colon.is_none() && path.segments.len() == 1;
    if is_alone && (last.ident == *ident || last.ident == "Self") {
        return true;
    }
    match type_argument(last) {
        Some(inner) if last.ident == "Box" || last.ident == "Arc" => is_self(ident, inner),
        _ => false,
    }
}

/// `T` of a field that is spelled `Option<T>`.
pub(crate) fn option_argument(field: &Field) -> Option<&Type> {
    let Type::Path(path) = &field.ty else {
        return None;
    };
    let last = path.path.segments.last()?;
    type_argument(last).filter(|_| last.ident == "Option")
}

/// `T` of `Name<T>`.
fn type_argument(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(ty) if arguments.args.len() == 1 => Some(ty),
        _ => None,
    }
}

/// Whether a type names a type parameter or a const parameter. By its tokens: a name that merely
/// looks like one costs a bound that holds anyway.
fn depends_on_parameter(generics: &Generics, ty: &Type) -> bool {
    let mut names = generics
        .params
        .iter()
        .filter_map(|parameter| match parameter {
            GenericParam::Type(parameter) => Some(&parameter.ident),
            GenericParam::Const(parameter) => Some(&parameter.ident),
            GenericParam::Lifetime(_) => None,
        });
    let tokens = ty.to_token_stream();
    names.any(|name| mentions(tokens.clone(), name))
}

fn mentions(tokens: TokenStream, name: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => mentions(group.stream(), name),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
