//! Waiting for what must come, with a deadline and never with a fixed pause.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take. Generous: guests are emulated, several share two cores, and only failures wait it out.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Asks until there is an answer; panics with `what` when the deadline passes.
#[track_caller]
pub fn until<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    let Some(answer) = within(DEADLINE, ask) else {
        panic!("within {} s there was not: {what}", DEADLINE.as_secs());
    };
    answer
}

/// Asks until there is an answer; none when this much time has passed.
pub fn within<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::park_timeout(Duration::from_millis(5));
    }
}
