//! The suites, one file each.

mod defence;
mod doctor;
mod gate;
mod guest;
mod harness;
mod unload;

use libtest_mimic::Trial;

/// Every test of every suite.
pub(crate) fn all() -> Vec<Trial> {
    [guest::tests(), harness::tests(), gate::tests(), defence::tests(), doctor::tests(), unload::tests()]
        .into_iter()
        .flatten()
        .collect()
}
