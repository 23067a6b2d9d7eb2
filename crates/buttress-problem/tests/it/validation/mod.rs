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

#[cfg(any(feature = "garde", feature = "validator"))]
#[test]
fn of_names_that_are_alike_the_same_one_is_taken() {
    use buttress_problem::JsonPointer;

    #[derive(serde::Deserialize)]
    #[expect(dead_code, reason = "only its names are asked for")]
    struct Alike {
        #[serde(rename = "userId")]
        first: u8,
        user_id: u8,
    }

    let place = JsonPointer::root().join("user_id");
    let violations = [Violation::pointer(place, "is taken").named_as::<Alike>()];
    assert_eq!(entries(&violations), [("/user_id", "is taken", "")]);
}
