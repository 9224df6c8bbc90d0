//! What suites that run inside a guest are written with.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::missing_panics_doc,
    reason = "all of this is tests; a panic is how a test fails"
)]

pub mod harness;
