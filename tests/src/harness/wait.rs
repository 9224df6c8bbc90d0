//! Waiting for what must come, with a deadline and never with a fixed pause.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take. Generous: guests are emulated, several share two cores, and only failures wait it out.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Asks until there is an answer; panics with `what` when the deadline passes.
#[track_caller]
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "within {} s there was not: {what}", DEADLINE.as_secs());
        thread::park_timeout(Duration::from_millis(5));
    }
}
