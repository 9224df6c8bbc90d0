//! The suites, one file each.

mod defence;
mod doctor;
mod gate;
mod guest;
mod harness;
mod review;
mod unload;

use libtest_mimic::Trial;

/// Every test of every suite.
pub(crate) fn all() -> Vec<Trial> {
    let suites = [
        guest::tests(),
        harness::tests(),
        gate::tests(),
        review::tests(),
        defence::tests(),
        doctor::tests(),
        unload::tests(),
    ];
    suites.into_iter().flatten().collect()
}
