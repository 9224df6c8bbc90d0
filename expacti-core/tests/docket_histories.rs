//! Random histories of the docket against what must hold in every one of them.

#[path = "docket_histories/history.rs"]
mod history;
#[path = "docket_histories/witness.rs"]
#[expect(clippy::unwrap_used, reason = "a test's own books; the lint knows only functions marked as tests")]
mod witness;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use history::event;
use witness::Witness;

/// One outcome each, no quorum by one human, nothing approved after a denial or its time, no vote counts twice.
#[test]
fn ten_thousand_histories_keep_every_promise() {
    let mut seen = witness::Coverage::default();
    let mut runner = TestRunner::new(Config { cases: 10_000, ..Config::default() });
    let seen = std::cell::RefCell::new(&mut seen);
    runner
        .run(&prop::collection::vec(event(), 1..60), |events| {
            let mut witness = Witness::new();
            for event in &events {
                witness.play(event);
            }
            let coverage = witness.finish();
            seen.borrow_mut().add(&coverage);
            Ok(())
        })
        .unwrap();
    // A generator that never reaches a state proves nothing about it.
    let seen = seen.into_inner();
    assert!(seen.is_broad(), "the histories left out something: {seen:?}");
}
