//! One exec under decision, as the kernel keeps it for the daemon.

use crate::digest::Digest;

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
    /// Not zero: the daemon has told the kernel to freeze the task, so that it cannot come back to user space. Whoever
    /// relies on it sets it back.
    pub frozen: u32,
}

const _: () = assert!(size_of::<Ticket>() == 64);

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

/// Key of an executable-wide verdict: any argv of this file under these credentials and this environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct ExecutableKey {
    /// The agent's cgroup.
    pub agent: u64,
    /// Digest of everything but argv and working directory.
    pub digest: Digest,
}

const _: () = assert!(size_of::<ExecutableKey>() == 24);

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
}

const _: () = assert!(size_of::<Cached>() == 32);
