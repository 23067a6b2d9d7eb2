//! One shape from every validator (B6.14), with and without a framework.

#[cfg(feature = "serde-path-to-error")]
mod all;
#[cfg(feature = "garde")]
mod garde;
#[cfg(feature = "serde-path-to-error")]
mod serde_path;
#[cfg(feature = "validator")]
mod validator;

use buttress_problem::{Location, Violation};

/// The entries as (pointer, detail, code).
fn entries(violations: &[Violation]) -> Vec<(&str, &str, &str)> {
    violations
        .iter()
        .map(|violation| {
            let Location::Pointer(pointer) = violation.location() else {
                panic!("not in the body: {violation:?}");
            };
            let code = violation.code().unwrap_or_default();
            (pointer.as_str(), violation.detail(), code)
        })
        .collect()
}
