//! Files that an earlier command of the same text brought here: whoever runs one runs what nobody has read.
//!
//! A file is known by the name that its address ends with, by the path it was saved under, and by what it was copied,
//! decoded or unpacked into afterwards. Each command of a text adds to what is known when the next is judged, so none is
//! looked at again for each of those behind it.

mod arrive;
mod clones;
mod known;
mod load;
mod put;
mod start;
mod words;

use std::cell::RefCell;

use self::clones::Clones;
use self::known::Known;
use super::Look;
use crate::see::Seen;

pub(super) use self::arrive::fetches;
pub(super) use self::start::starts;

/// Words of each command that are looked at.
const MAX_WORDS: usize = 64;
/// Folders that hold more than what was brought there.
const COMMON: [&str; 8] = ["", ".", "..", "/", "~", "/tmp", "/var/tmp", "/dev/shm"];

/// What the commands of one text have brought so far, by how it came.
#[derive(Debug, Default)]
pub(super) struct BroughtSoFar {
    /// From elsewhere.
    pub(super) fetched: RefCell<Brought>,
    /// Out of what nobody can read.
    pub(super) decoded: RefCell<Brought>,
}

/// What came in one way, and the commands that were asked for it.
#[derive(Debug, Default)]
pub(super) struct Brought {
    known: Known,
    clones: Clones,
    passed: Vec<Passed>,
}

/// What is remembered of a command for those that read what it writes.
#[derive(Clone, Copy, Debug)]
enum Passed {
    /// It brings something.
    Brings,
    /// It names what was brought.
    NamesOne,
    /// It named nothing of what was known when it was asked, which was so much.
    NamesNone { of: usize },
}

impl Brought {
    /// Goes on to the command that is looked at: what those before it `bring`, and what they make of it.
    fn go_on(&mut self, look: &Look<'_>, brings: impl Fn(&Seen) -> bool) {
        while self.passed.len() < look.at
            && let Some(seen) = look.all.get(self.passed.len())
        {
            let passed = self.pass(look, seen, &brings);
            self.passed.push(passed);
            self.clones.pass(seen);
        }
    }

    fn pass(&mut self, look: &Look<'_>, seen: &Seen, brings: impl Fn(&Seen) -> bool) -> Passed {
        let above_is = |passed: &[Passed], is: fn(&Passed) -> bool| {
            seen.upstream.iter().any(|number| passed.get(*number).is_some_and(is))
        };
        if brings(seen) {
            self.known.arrives(look, seen);
            return Passed::Brings;
        }
        if above_is(&self.passed, |passed| matches!(passed, Passed::Brings)) {
            self.known.is_made_of(look, seen, true);
            return Passed::NamesNone { of: 0 };
        }
        if self.known.is_empty() {
            return Passed::NamesNone { of: 0 };
        }
        let of = self.known.len();
        let names_one = self.known.is_named_by(seen);
        if names_one
            || above_is(&self.passed, |passed| matches!(passed, Passed::NamesOne))
            || seen.upstream.iter().any(|number| self.names_one_by_now(look, *number))
        {
            self.known.is_made_of(look, seen, false);
        }
        if names_one { Passed::NamesOne } else { Passed::NamesNone { of } }
    }

    /// Whether a command that was passed names what was brought, also since.
    fn names_one_by_now(&mut self, look: &Look<'_>, number: usize) -> bool {
        let known = self.known.len();
        match self.passed.get_mut(number) {
            Some(Passed::NamesNone { of }) if *of == known => false,
            Some(passed) => {
                let names_one = look.all.get(number).is_some_and(|seen| self.known.is_named_by(seen));
                *passed = if names_one { Passed::NamesOne } else { Passed::NamesNone { of: known } };
                names_one
            }
            None => false,
        }
    }
}
