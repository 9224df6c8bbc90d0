//! One exec under decision, as the kernel keeps it for the daemon.

use crate::digest::Digest;
use crate::seal::seal;

/// An open ticket. Its key is the kernel's sequence number. Opened by the check hook, answered by the daemon, removed
/// by the hook that uses the answer or by the daemon once the task is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Ticket {
    /// The digest that a verdict speaks of.
    pub digest: Digest,
    /// The agent's cgroup.
    pub agent: u64,
    /// When it was opened, on the boot clock.
    pub opened_ns: u64,
    /// When the verdict ends if it is not used, on the boot clock.
    pub expires_ns: u64,
    /// When the process started, on the boot clock: with `tgid` it names the process for good.
    pub process_start_ns: u64,
    /// Process.
    pub tgid: u32,
    /// Thread.
    pub tid: u32,
    /// One of [`verdict`].
    pub verdict: u32,
    /// Zero.
    pub pad: u32,
    /// When the daemon told the kernel to freeze the task, so that it cannot come back to user space, on the boot clock;
    /// zero: it did not. Whoever relies on it remembers which moment that was, for it counts once.
    pub frozen_ns: u64,
    /// Over all of it and its key.
    pub seal: u64,
}

const _: () = assert!(size_of::<Ticket>() == 80);

impl Ticket {
    /// As it goes into the map.
    #[inline(always)]
    #[must_use]
    pub fn sealed(self, number: u64) -> Self {
        Self { seal: self.expected_seal(number), ..self }
    }

    /// Whether it is whole, and the one of this number.
    #[inline(always)]
    #[must_use]
    pub fn is_of(&self, number: u64) -> bool {
        self.seal == self.expected_seal(number)
    }

    #[inline(always)]
    fn expected_seal(&self, number: u64) -> u64 {
        let task = u64::from(self.tid) << 32 | u64::from(self.tgid);
        let [first, second] = self.digest;
        let times = [self.opened_ns, self.expires_ns, self.process_start_ns, self.frozen_ns];
        let [opened, expires, start, frozen] = times;
        seal(
            number,
            [first, second, self.agent, opened, expires, start, task, u64::from(self.verdict), frozen],
        )
    }
}

/// Values of [`Ticket::verdict`].
pub mod verdict {
    /// None yet.
    pub const PENDING: u32 = 0;
    /// It may run, once.
    pub const ALLOW: u32 = 1;
    /// It may not.
    pub const DENY: u32 = 2;
    /// It may run to its commit and is held there, before its first instruction.
    pub const HOLD_AFTER: u32 = 3;
    /// The task is gone or makes another attempt; the daemon removes the ticket.
    pub const VOID: u32 = 4;
    /// Never written: what a reader knows of one that is being replaced again and again while it looks.
    pub const UNSURE: u32 = 5;
}

/// Key of an exact cached verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct CacheKey {
    /// The agent's cgroup.
    pub agent: u64,
    /// The whole digest.
    pub digest: Digest,
}

const _: () = assert!(size_of::<CacheKey>() == 24);

/// A cached allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Cached {
    /// The generation of the rules it was decided under.
    pub generation: u64,
    /// The generation of the agent it was decided under.
    pub agent_generation: u64,
    /// When it ends, on the boot clock; zero for never.
    pub expires_ns: u64,
    /// The grant or ticket that it comes from, for the record.
    pub because: u64,
    /// Over all of it and its key.
    pub seal: u64,
}

const _: () = assert!(size_of::<Cached>() == 40);

impl Cached {
    /// As it goes into the map, under a key of this agent and this digest.
    #[inline(always)]
    #[must_use]
    pub fn sealed(self, agent: u64, digest: Digest) -> Self {
        Self { seal: self.expected_seal(agent, digest), ..self }
    }

    /// Whether it is whole, and the one of this key.
    #[inline(always)]
    #[must_use]
    pub fn is_of(&self, agent: u64, digest: Digest) -> bool {
        self.seal == self.expected_seal(agent, digest)
    }

    #[inline(always)]
    fn expected_seal(&self, agent: u64, [first, second]: Digest) -> u64 {
        let words = [first, second, self.generation, self.agent_generation, self.expires_ns, self.because];
        seal(agent, words)
    }
}
