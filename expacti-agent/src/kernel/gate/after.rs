//! Holding behind the commit. The process gets a cgroup of its own and goes on to its end; its hook waits in the kernel
//! until that cgroup is told to freeze, which stops the new program before its first instruction.

use std::io;

use expacti_abi::ticket::verdict;

use super::verdicts::Errand;
use super::{Gate, lock};
use crate::kernel::park::{Parked, found_parked, seclude};

/// A process on its way to its hold, or held.
pub(super) struct After {
    place: Parked,
    /// Its hook told that it is past the commit.
    committed: bool,
    /// Its hook let it go on, to where it freezes or runs.
    passed: bool,
    answered: bool,
}

impl Gate {
    pub(super) fn seclude(&self, ticket: u64, pid: u32) -> io::Result<()> {
        let place = seclude(pid, ticket)?;
        let after = After { place: place.clone(), committed: false, passed: false, answered: false };
        lock(&self.waits.after).insert(ticket, after);
        if self.write_verdict(ticket, verdict::HOLD_AFTER) != Some(verdict::PENDING) {
            // Answered in between.
            lock(&self.waits.after).remove(&ticket);
            self.waits.errand(Errand::Release(place));
        }
        self.waits.waiting().remove(&ticket);
        Ok(())
    }

    /// The process of a ticket waits at its commit for being frozen.
    pub(crate) fn committed(&self, ticket: u64, pid: u32) {
        let mut after = lock(&self.waits.after);
        let Some(process) = after.get_mut(&ticket) else {
            // Secluded by a daemon before us.
            drop(after);
            if let Some(place) = found_parked(pid) {
                self.waits.freeze(ticket, place.clone());
                let process = After { place, committed: true, passed: false, answered: false };
                lock(&self.waits.after).insert(ticket, process);
            }
            return;
        };
        process.committed = true;
        if !process.answered {
            self.waits.freeze(ticket, process.place.clone());
        }
    }

    /// The hook of a ticket does not look at it any more.
    pub(crate) fn passed(&self, ticket: u64) {
        let mut after = lock(&self.waits.after);
        let Some(process) = after.get_mut(&ticket) else { return };
        process.passed = true;
        if process.answered {
            after.remove(&ticket);
            drop(after);
            self.remove_ticket(ticket);
        }
    }

    /// The verdict is written; what is left is to let the process go on, or to end it.
    pub(super) fn settle_after(&self, ticket: u64, allow: bool) {
        let mut after = lock(&self.waits.after);
        let Some(process) = after.get_mut(&ticket) else { return };
        process.answered = true;
        let (place, done) = (process.place.clone(), process.passed || !allow && process.committed);
        let end = !allow && process.committed;
        if done {
            after.remove(&ticket);
        }
        drop(after);
        if done {
            self.remove_ticket(ticket);
        }
        if end {
            // Without its cgroup there is no process either.
            let _gone = place.kill();
            self.waits.remove_later(place);
        } else {
            self.waits.errand(Errand::Release(place));
        }
    }

    pub(super) fn forget_after(&self, ticket: u64) {
        if let Some(process) = lock(&self.waits.after).remove(&ticket) {
            self.waits.errand(Errand::Release(process.place));
        }
    }

    /// An earlier daemon's. It is frozen, or its hook kills it.
    pub(super) fn adopt_after(&self, ticket: u64, place: Option<Parked>) {
        let Some(place) = place else { return };
        let process = After { place, committed: true, passed: true, answered: false };
        lock(&self.waits.after).insert(ticket, process);
    }

    pub(super) fn pid_after(&self, ticket: u64) -> Option<u32> {
        lock(&self.waits.after).get(&ticket).map(|process| process.place.pid())
    }
}
