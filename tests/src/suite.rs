//! The suites, one file each.

mod guest;
mod harness;

use libtest_mimic::Trial;

/// Every test of every suite.
pub(crate) fn all() -> Vec<Trial> {
    [guest::tests(), harness::tests()].into_iter().flatten().collect()
}
