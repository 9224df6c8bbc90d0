//! What the hooks remember of a task, in its own storage. The kernel frees it with the task.

use crate::digest::Digest;
use crate::event::NOTES;
use crate::file::FileId;
use crate::limits::{MAX_FILES, SHORT_CHUNK};

/// State of one marked task. Present means marked: the task belongs to an agent wherever it moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct TaskState {
    /// The agent's cgroup.
    pub agent: u64,
    /// The open ticket of this task, or zero.
    pub ticket: u64,
    /// The sequence number of the exec that made this process, or zero.
    pub running: u64,
    /// The sequence number of the attempt that was let through to its commit, or zero.
    pub approved: u64,
    /// What was let through: argv and environment, as the commit hook computes it again.
    pub content: Digest,
    /// What was let through: everything.
    pub digest: Digest,
    /// The files of this attempt, the script first, its interpreters behind it.
    pub files: [FileId; MAX_FILES],
    /// How many of `files` count.
    pub stages: u32,
    /// `argc` as the caller gave it.
    pub argc: u32,
    /// The sequence number of the exec whose image this task runs; forks inherit it. It ties a command to what
    /// started it, whatever happens to process ids.
    pub origin: u64,
    /// The kernel's address of the attempt that the check hook saw last. It tells an attempt that began before the
    /// task was marked from one that slipped past the check.
    pub bprm: u64,
    /// What an attempt looks like without reading its strings; another shape under an open ticket voids it.
    pub shape: u64,
    /// Since when this attempt finds the ring full and nobody reads it, on the boot clock; zero: it had room.
    pub starved_ns: u64,
    /// How far the ring was read then.
    pub starved_at: u64,
    /// Since when it has been going round unparked, on the boot clock.
    pub waiting_ns: u64,
    /// When it last came round, on the boot clock.
    pub last_round_ns: u64,
    /// Where it was let through: inode and device of working directory and root.
    pub place: [u64; 4],
    /// How often argv could not be read in this attempt.
    pub unreadable: u32,
    /// One of [`approved`]: how the attempt came through.
    pub how: u32,
    /// When an offence of this task was last told, on the boot clock.
    pub offended_ns: u64,
    /// Which offences were told, one bit each.
    pub offended: u64,
    /// The ticket that goes on behind the commit, or zero.
    pub after: u64,
    /// The freezing that was relied on last: [`super::ticket::Ticket::frozen_ns`].
    pub relied_ns: u64,
    /// One of [`setup`]: whether process 1 still prepares a service in it.
    pub setup: u64,
    /// Where the commit hook reads.
    pub scratch: Scratch,
}

const _: () =
    assert!(size_of::<TaskState>() == 64 + 48 * MAX_FILES + 8 + 56 + 32 + 8 + 40 + size_of::<Scratch>());

/// Room to read strings into that nobody else can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Scratch {
    /// As in an event.
    pub notes: [u64; NOTES],
    /// A chunk and its NUL, in whole words.
    pub chunk: [u8; SHORT_CHUNK + 8],
}

impl Default for Scratch {
    fn default() -> Self {
        Self { notes: [0; NOTES], chunk: [0; SHORT_CHUNK + 8] }
    }
}

/// Values of [`TaskState::setup`].
pub mod setup {
    /// Whatever runs in it is the agent's.
    pub const NONE: u64 = 0;
    /// Process 1 made it, outside of the agent, and it has executed nothing since.
    pub const BORN: u64 = 1;
    /// It runs the program by which systemd prepares a service, which process 1 made it execute first.
    pub const PREPARES: u64 = 2;
}

/// Values of [`TaskState::how`].
pub mod approved {
    /// By a verdict of the daemon.
    pub const VERDICT: u32 = 0;
    /// By the cache.
    pub const CACHED: u32 = 1;
    /// Because the agent is only observed.
    pub const OBSERVED: u32 = 2;
    /// Because the daemon was gone and the agent fails open.
    pub const FAIL_OPEN: u32 = 3;
    /// To be held at the commit.
    pub const HOLD_AFTER: u32 = 4;
}
