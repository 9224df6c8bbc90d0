//! Suites that run as root inside a booted guest against the real kernel: `cargo xtask test`.
//!
//! One static program, so that it runs in any guest. Tests panic instead of returning errors, because a panic says
//! where. They run one after the other: the gate they test is the kernel's, and there is one kernel.
#![expect(clippy::unwrap_used, reason = "all of this is tests; a panic is how a test fails")]

mod suite;

use std::process::ExitCode;

use expacti_tests::harness;
use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    harness::expect_root();
    libtest_mimic::run(&arguments, suite::all()).exit_code()
}
