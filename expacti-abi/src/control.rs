//! What the daemon tells the kernel programs, and what they count.

use core::mem::offset_of;

use crate::seal::seal;

/// Switches and clocks. One entry, written by the daemon, except `daemon_gone_ns`.
///
/// `levels` and `instance` keep their places in every layout: by them any version switches off the gate of any other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Control {
    /// Bit N is set where an agent's cgroup lies at level N of the hierarchy, so that a task that belongs to nobody
    /// costs as many look-ups as there are levels in use. Zero: nothing is enrolled.
    pub levels: u64,
    /// The generation of the rules. A cached verdict of another one does not count.
    pub generation: u64,
    /// Process id of the daemon; zero where there is none.
    pub daemon: u32,
    /// Not zero: the daemon sleeps until it is woken. Else it looks at the ring by itself every few milliseconds, and
    /// events that nobody waits for need not wake it.
    pub asleep: u32,
    /// When the daemon went away, on the boot clock; zero while it lives. Written by the exit hook too.
    pub daemon_gone_ns: u64,
    /// How long an attempt may wait unparked, in nanoseconds, before it is denied; behind its commit, before it is killed.
    pub grace_ns: u64,
    /// How long an attempt waits inside the hook for a verdict before it restarts, in nanoseconds.
    pub spin_ns: u64,
    /// Which loaded object acts. Programs of another one pass everything on, so that an upgrade is one write.
    pub instance: u64,
    /// The key of all digests: random, made when the maps are, known to the kernel and the daemon.
    pub key: [u64; 2],
    /// The canary's cgroup; zero where there is none.
    pub canary: u64,
    /// How long the daemon may take to say whose a new cgroup is, in nanoseconds.
    pub told_ns: u64,
}

const _: () = assert!(size_of::<Control>() == 88);
const _: () = assert!(offset_of!(Control, levels) == 0 && offset_of!(Control, instance) == 48);

/// One enrolled cgroup, or one of which nobody has said yet whose it is. Written by the daemon, and by the hook that sees
/// cgroups being made; read by all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Agent {
    /// [`agent::OBSERVE`] and the other bits.
    pub flags: u32,
    /// Zero.
    pub pad: u32,
    /// The generation of this agent's verdicts: raised when its policy or its grants change.
    pub generation: u64,
    /// When the kernel saw it being made, on the boot clock, where it is [`agent::NEW`].
    pub made_ns: u64,
    /// Over all of it and its key.
    pub seal: u64,
}

const _: () = assert!(size_of::<Agent>() == 32);

impl Agent {
    /// As it goes into the map.
    #[inline(always)]
    #[must_use]
    pub fn sealed(self, cgroup: u64) -> Self {
        Self { seal: self.expected_seal(cgroup), ..self }
    }

    /// Whether it is whole, and the one of this cgroup.
    #[inline(always)]
    #[must_use]
    pub fn is_of(&self, cgroup: u64) -> bool {
        self.seal == self.expected_seal(cgroup)
    }

    #[inline(always)]
    fn expected_seal(&self, cgroup: u64) -> u64 {
        seal(cgroup, [u64::from(self.flags), self.generation, self.made_ns])
    }
}

/// Bits of [`Agent::flags`].
pub mod agent {
    /// Every attempt is logged and allowed, without waiting for the daemon.
    pub const OBSERVE: u32 = 1;
    /// Where the daemon is gone beyond the grace, allow instead of denying.
    pub const FAIL_OPEN: u32 = 2;
    /// The operator stopped it: no further exec.
    pub const STOPPED: u32 = 4;
    /// No agent but the daemon's canary: its execs are refused and reported, without a number and without a record.
    pub const CANARY: u32 = 8;
    /// What humans decide is held behind the commit. Read by the daemon only.
    pub const HOLD_AFTER: u32 = 16;
    /// Just made where agents are expected: nothing runs in it until the daemon says whose it is, or for too long.
    pub const NEW: u32 = 32;
    /// It was gated later than its first exec. Read by the daemon only.
    pub const LATE: u32 = 64;
}

/// Counters, one slot each, kept per CPU. They make every silent path visible.
pub mod counter {
    /// Attempts that found the ring full and went around again.
    pub const RING_FULL: u32 = 0;
    /// Attempts denied without an event, because the ring stayed full beyond the grace and nobody read it.
    pub const DENIED_UNLOGGED: u32 = 1;
    /// Forks refused because the mark could not be set on the child.
    pub const FORK_REFUSED: u32 = 2;
    /// Marks that could not be set on a task at once: what it does waits for the next round, or is refused.
    pub const MARK_FAILED: u32 = 3;
    /// Life-cycle events (started, ended, withdrawn) that found the ring full.
    pub const LIFECYCLE_LOST: u32 = 4;
    /// Processes killed because what the kernel copied is not what was approved.
    pub const MISMATCH: u32 = 5;
    /// Processes killed because they reached the commit without an approval.
    pub const UNAPPROVED: u32 = 6;
    /// Attempts denied because too many tickets are open.
    pub const TICKETS_FULL: u32 = 7;
    /// Attempts allowed by the cache.
    pub const CACHED: u32 = 8;
    /// Restarts of waiting attempts.
    pub const RESTARTS: u32 = 9;
    /// Attempts of an enrolled task against the gate itself that were refused.
    pub const DEFENDED: u32 = 10;
    /// New cgroups that are not held though agents are expected there, because the table of agents is full.
    pub const NEW_UNHELD: u32 = 11;
    /// Of [`DENIED_UNLOGGED`], those that have been told. Written by the daemon, and kept as long as what it speaks of.
    pub const TOLD_UNLOGGED: u32 = 12;
    /// How many counters there are.
    pub const COUNT: u32 = 13;
}
