//! The suites, one file each.

mod gate;
mod guest;
mod harness;

use libtest_mimic::Trial;

/// Every test of every suite.
pub(crate) fn all() -> Vec<Trial> {
    [guest::tests(), harness::tests(), gate::tests()].into_iter().flatten().collect()
}
