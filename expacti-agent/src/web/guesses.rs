//! Who guesses waits.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Wrong ones that cost nothing.
const FREE: u32 = 5;
/// The first wait in seconds; each further one is twice as long.
const FIRST: u64 = 30;
const LONGEST: u64 = 15 * 60;
/// Guessers that are remembered; the oldest are forgotten.
const REMEMBERED: usize = 4_096;

/// Failed attempts to sign in, by whatever names the guesser.
///
/// A guesser is an address with a name: somebody else who guesses at a reviewer's name from elsewhere does not lock
/// that reviewer out.
#[derive(Debug, Default)]
pub(crate) struct Guesses(Mutex<HashMap<String, Guesser>>);

#[derive(Clone, Copy, Debug, Default)]
struct Guesser {
    wrong: u32,
    last: u64,
    until: u64,
}

impl Guesses {
    /// How many seconds this guesser has to wait; 0 is not at all.
    pub(crate) fn wait(&self, who: &str, now: u64) -> u64 {
        self.all().get(who).map_or(0, |guesser| guesser.until.saturating_sub(now))
    }

    /// It was wrong.
    pub(crate) fn wrong(&self, who: &str, now: u64) {
        let mut all = self.all();
        if all.len() >= REMEMBERED && !all.contains_key(who) {
            let oldest = all.iter().min_by_key(|(_, guesser)| guesser.last).map(|(name, _)| name.clone());
            oldest.and_then(|name| all.remove(&name));
        }
        let guesser = all.entry(who.to_owned()).or_default();
        if now > guesser.last + 4 * LONGEST {
            guesser.wrong = 0;
        }
        guesser.wrong += 1;
        guesser.last = now;
        if guesser.wrong >= FREE {
            let doublings = (guesser.wrong - FREE).min(16);
            guesser.until = now + (FIRST << doublings).min(LONGEST);
        }
    }

    /// It was right.
    pub(crate) fn right(&self, who: &str) {
        self.all().remove(who);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Guesser>> {
        // Each change is one assignment, so a panic leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_guesses_waits_longer_each_time_and_others_do_not() {
        let guesses = Guesses::default();
        for _ in 0..4 {
            guesses.wrong("a", 100);
        }
        assert_eq!(guesses.wait("a", 100), 0);
        guesses.wrong("a", 100);
        assert_eq!((guesses.wait("a", 100), guesses.wait("b", 100)), (30, 0));
        assert_eq!(guesses.wait("a", 130), 0);
        guesses.wrong("a", 130);
        assert_eq!(guesses.wait("a", 130), 60);
        for _ in 0..20 {
            guesses.wrong("a", 200);
        }
        assert_eq!(guesses.wait("a", 200), LONGEST);
        guesses.right("a");
        assert_eq!(guesses.wait("a", 200), 0);
    }

    #[test]
    fn a_mistake_of_long_ago_is_forgotten() {
        let guesses = Guesses::default();
        for _ in 0..4 {
            guesses.wrong("a", 100);
        }
        guesses.wrong("a", 100 + 4 * LONGEST + 1);
        assert_eq!(guesses.wait("a", 100 + 4 * LONGEST + 1), 0);
    }
}
