//! What the compiler says to those who make mistakes. `TRYBUILD=overwrite` writes the files anew.

#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/cases/*.rs");
}
