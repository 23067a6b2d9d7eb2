//! What the compiler says about a wrong attribute, and where it points.

/// When a message changes on purpose, `TRYBUILD=overwrite` writes the new ones.
#[test]
fn errors_point_at_the_attribute() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
}
