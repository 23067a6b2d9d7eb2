//! The generated code stands in the user's module: no name there may change what it means, and no
//! lint may see it.

use buttress_problem::{Problem, ToProblem};

/// Nothing of the prelude is in scope, and the names in it mean other things. Each lint that a
/// careful project turns on is an error, and cannot be turned off in the expansion.
#[no_implicit_prelude]
mod bare {
    #![forbid(
        deprecated_in_future,
        missing_copy_implementations,
        missing_docs,
        single_use_lifetimes,
        trivial_casts,
        trivial_numeric_casts,
        unreachable_pub,
        unsafe_code,
        unused_qualifications,
        unused_results,
        clippy::as_conversions,
        clippy::exhaustive_enums,
        clippy::exhaustive_structs,
        clippy::indexing_slicing,
        clippy::match_same_arms,
        clippy::missing_trait_methods,
        clippy::needless_pass_by_value,
        clippy::pattern_type_mismatch,
        clippy::ref_patterns,
        clippy::rest_pat_in_fully_bound_structs,
        clippy::single_call_fn,
        clippy::std_instead_of_core,
        clippy::use_self
    )]
    #![deny(
        warnings,
        clippy::all,
        clippy::pedantic,
        clippy::nursery,
        clippy::cargo
    )]
    #![allow(
        dead_code,
        non_upper_case_globals,
        reason = "the names are here to be in the way"
    )]

    pub(super) struct Result;
    pub(super) struct Option;
    pub(super) struct String;
    pub(super) struct Vec;
    pub(super) struct Box;
    pub(super) struct Problem;
    pub(super) struct ProblemType;
    pub(super) struct StatusCode;
    pub(super) trait From {}
    pub(super) trait ToString {}
    pub(super) trait ToProblem {}
    pub(super) struct Some;
    pub(super) struct None;
    pub(super) struct Ok;
    pub(super) struct Err;
    pub(super) mod core {}
    pub(super) mod std {}
    pub(super) mod buttress_problem {}
    pub(super) mod http {}

    // Patterns prefer these to a new binding of the same name.
    pub(super) const problem: u8 = 1;
    pub(super) const error: u8 = 1;
    pub(super) const f: u8 = 1;
    pub(super) const value: u8 = 1;

    #[derive(::core::fmt::Debug, ::buttress_problem::Problem)]
    #[problem(base = "https://e.example/")]
    #[cfg_attr(feature = "axum", problem(axum))]
    #[cfg_attr(feature = "actix", problem(actix))]
    #[cfg_attr(feature = "utoipa", problem(utoipa))]
    pub(super) enum Awkward {
        #[problem(status = NOT_FOUND, type = "fields", header(RETRY_AFTER = 1, "x-a" = "b"))]
        Fields {
            #[problem(extension)]
            problem: u8,
            #[problem(extension, header = "x-f")]
            f: u8,
            #[problem(header = "x-error")]
            error: ::core::option::Option<u8>,
            #[problem(violations)]
            violations: [::buttress_problem::Violation; 0],
            #[problem(extension = "own")]
            r#type: u8,
            formatter: u8,
        },
        #[problem(status = 409, private)]
        Tuple(#[problem(extension = "value")] u8, u8),
        #[problem(status = 500)]
        r#Unit,
        #[problem(status = 500)]
        #[deprecated(note = "nobody makes these any more")]
        Old,
        #[problem(transparent)]
        Inner(Inner),
    }

    #[derive(::core::fmt::Debug)]
    struct Private<T>(T);

    impl<T> ::serde::Serialize for Private<T> {
        fn serialize<S: ::serde::Serializer>(
            &self,
            out: S,
        ) -> ::core::result::Result<S::Ok, S::Error> {
            out.serialize_unit_struct("Private")
        }
    }

    /// A bound on a private type in the impls of a wider one.
    #[derive(::core::fmt::Debug, ::buttress_problem::Problem)]
    #[problem(status = 400)]
    pub(super) struct Public<T> {
        #[problem(extension)]
        private: Private<T>,
    }

    #[derive(::core::fmt::Debug, ::buttress_problem::Problem)]
    #[problem(status = 418, crate = ::buttress_problem)]
    pub(super) struct Inner {
        #[problem(extension)]
        pub(super) value: u8,
    }
}

// By hand: `thiserror` minds some of the names and some of the lints.
impl std::fmt::Display for bare::Awkward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("awkward")
    }
}

impl std::error::Error for bare::Awkward {}

impl std::fmt::Display for bare::Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("inner")
    }
}

impl std::error::Error for bare::Inner {}

impl<T> std::fmt::Display for bare::Public<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("public")
    }
}

impl<T: std::fmt::Debug> std::error::Error for bare::Public<T> {}

#[test]
fn names_in_scope_do_not_matter() {
    let problem = bare::Awkward::Fields {
        problem: 1,
        f: 1,
        error: Some(1),
        violations: [],
        r#type: 1,
        formatter: 1,
    }
    .to_problem();
    for name in ["problem", "f", "own"] {
        assert_eq!(problem.extension::<u8>(name), Some(1), "{name}");
    }
    for name in ["x-f", "x-error", "retry-after"] {
        assert_eq!(problem.headers()[name], "1", "{name}");
    }
    assert_eq!(problem.title(), "Fields");
    assert_eq!(
        Problem::from(bare::Awkward::Inner(bare::Inner { value: 1 })).status(),
        418
    );
    assert_eq!(
        bare::Awkward::Tuple(2, 3)
            .to_problem()
            .extension::<u8>("value"),
        Some(2)
    );
    assert_eq!(bare::Awkward::Unit.to_problem().status(), 500);
}

/// The derive finds the crate under another name when it is told.
mod renamed {
    use ::buttress_problem as problems;

    #[derive(Debug, thiserror::Error, problems::Problem)]
    #[error("…")]
    #[problem(crate = problems, status = 400)]
    pub(super) struct Renamed;
}

#[test]
fn the_crate_can_have_another_name() {
    assert_eq!(renamed::Renamed.to_problem().status(), 400);
}

/// A type that a macro wrote, with names that the macro was given.
macro_rules! error_type {
    ($name:ident, $variant:ident { $field:ident: $ty:ty }, $status:literal) => {
        #[derive(Debug, thiserror::Error, buttress_problem::Problem)]
        enum $name {
            #[error("{:?}", $field)]
            #[problem(status = $status)]
            $variant {
                #[problem(extension)]
                $field: $ty,
            },
        }
    };
}

error_type!(FromMacro, Variant { field: Option<u8> }, 404);

#[test]
fn the_type_can_come_from_a_macro() {
    let problem = FromMacro::Variant { field: Some(1) }.to_problem();
    assert_eq!(problem.extension::<u8>("field"), Some(1));
}

/// Types in a function are private to it, and so are their impls.
#[test]
fn the_type_can_stand_in_a_function() {
    #[derive(Debug, thiserror::Error, buttress_problem::Problem)]
    #[error("…")]
    #[problem(status = 400)]
    struct Local;
    assert_eq!(Local.to_problem().status(), 400);
}
