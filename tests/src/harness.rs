//! What suites are written with: a daemon, an agent's cgroup, children in it, and waiting without sleeping.

pub mod cgroup;
pub mod child;
pub mod daemon;
pub mod observed;
pub mod program;
pub mod terminal;
pub mod wait;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use libtest_mimic::{Completion, Failed, Trial};

/// A test that panics when it fails.
pub fn test(name: &str, body: fn()) -> Trial {
    skippable(name, move || {
        body();
        Outcome::Held
    })
}

/// How a test ended that did not fail.
pub enum Outcome {
    /// What it says is so.
    Held,
    /// This kernel lacks a feature. The test has asserted the errno that shows so.
    Skipped {
        /// Which feature.
        missing: String,
    },
}

/// A test that may find a feature of the kernel missing.
pub fn skippable(name: &str, body: impl FnOnce() -> Outcome + Send + 'static) -> Trial {
    let named = name.to_owned();
    Trial::ignorable_test(name, move || match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Outcome::Held) => Ok(Completion::Completed),
        Ok(Outcome::Skipped { missing }) => {
            eprintln!("skipped: {named}: this kernel has no {missing}");
            Ok(Completion::ignored_with(format!("no {missing}")))
        }
        Err(panic) => Err(Failed::from(message(panic.as_ref()))),
    })
}

/// Says what was not tried, and why. `cargo xtask test` shows it at its end.
pub fn not_run(what: &str) {
    eprintln!("not run: {what}");
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
}

/// Ends with a plain word where the suites cannot work.
pub fn expect_root() {
    assert!(
        rustix::process::geteuid().is_root(),
        "these suites need root, in a guest: run `cargo xtask test`"
    );
}
