//! What the hooks tell the daemon, in the ring.

use core::mem::offset_of;

use crate::digest::Digest;
use crate::file::{DirId, FileId};
use crate::limits::{MAX_FILES, PAYLOAD};

/// First field of every event: what follows.
pub mod kind {
    /// [`super::Attempt`]: an exec, before it happens.
    pub const ATTEMPT: u32 = 1;
    /// [`super::Moment`]: the exec happened.
    pub const STARTED: u32 = 2;
    /// [`super::Moment`]: the process ended; `value` is the wait status.
    pub const ENDED: u32 = 3;
    /// [`super::Moment`]: the task of an open ticket is gone or makes another attempt.
    pub const WITHDRAWN: u32 = 4;
    /// [`super::Moment`]: what the kernel copied is not what was approved; the process was killed.
    pub const MISMATCH: u32 = 5;
    /// [`super::Moment`]: the process waits at its commit, before its first instruction.
    pub const HELD_AFTER: u32 = 6;
    /// [`super::Moment`]: a member tried something against the gate; `value` is one of [`super::offence`] and, in the
    /// upper half, what it says of it. `seq` is the exec whose image tried it.
    pub const OFFENCE: u32 = 7;
    /// [`super::Moment`]: the kernel denied a ticket by itself; `value` is one of [`super::reason`].
    pub const DENIED: u32 = 8;
    /// [`super::Moment`]: a cgroup was made where agents are expected; `value` is its id.
    pub const CGROUP: u32 = 9;
    /// [`super::Moment`]: the canary's exec was refused, as it must be.
    pub const CANARY: u32 = 10;
}

/// Why the kernel denied an attempt by itself.
pub mod reason {
    /// Nobody answered within the grace.
    pub const NO_ANSWER: u64 = 1;
    /// The agent was stopped.
    pub const STOPPED: u64 = 2;
    /// argv or environment could not be read.
    pub const UNREADABLE: u64 = 3;
    /// Too many open tickets.
    pub const TOO_MANY: u64 = 4;
    /// More interpreters than the kernel itself allows.
    pub const TOO_DEEP: u64 = 5;
    /// The verdict was not used in time or speaks of another attempt.
    pub const STALE: u64 = 6;
    /// Nobody said in time whose the new cgroup is.
    pub const UNTOLD: u64 = 7;
}

/// What a member tried against the gate.
pub mod offence {
    /// To signal the daemon or its canary. With it: the signal.
    pub const SIGNAL: u64 = 1;
    /// To trace the daemon or its canary, or to take its memory or descriptors. With it: the mode of access.
    pub const TRACE: u64 = 2;
    /// To use `bpf()`. With it: the command.
    pub const BPF: u64 = 3;
    /// To open a cgroup file for writing.
    pub const CGROUP_FILE: u64 = 4;
    /// To open a file for writing that switches the gate off or makes the kernel itself start programs.
    pub const SWITCH: u64 = 5;
    /// To open a file of the daemon's folder in procfs for writing.
    pub const DAEMON_FILE: u64 = 6;
    /// To set the daemon's limits. With it: the resource.
    pub const LIMIT: u64 = 7;
    /// To set the daemon's processors, scheduling or priority.
    pub const PRIORITY: u64 = 8;
    /// To remove or rename what is pinned in a BPF file system.
    pub const PIN: u64 = 9;
    /// To unmount a BPF file system.
    pub const UNMOUNT: u64 = 10;

    /// Both halves of a moment's `value`: the offence, and what it says of it.
    pub fn halves(value: u64) -> (u64, u32) {
        (value & 0xffff_ffff, (value >> 32) as u32)
    }
}

/// Bits of [`Attempt::flags`].
pub mod flag {
    /// argv did not fit; the daemon reads it from the waiting task.
    pub const LARGE: u32 = 1;
    /// Something could not be read; the attempt cannot be vouched for.
    pub const UNREADABLE: u32 = 2;
    /// A 32-bit system call.
    pub const COMPAT: u32 = 4;
    /// By `execveat`.
    pub const EXECVEAT: u32 = 8;
    /// Allowed by the cache.
    pub const CACHED: u32 = 16;
    /// Allowed because the agent is only observed.
    pub const OBSERVED: u32 = 32;
    /// The path did not fit or could not be told.
    pub const NO_PATH: u32 = 64;
    /// Denied by the kernel itself; the reason is in `reason`.
    pub const DENIED: u32 = 128;
    /// It waits for the daemon.
    pub const WAITS: u32 = 256;
    /// Allowed because the daemon was gone and the agent fails open.
    pub const FAIL_OPEN: u32 = 512;
}

/// One attempt to exec.
///
/// What belongs to the digest lies together, so that it is absorbed as the words it is.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Attempt<P = [u8; PAYLOAD]> {
    /// [`kind::ATTEMPT`].
    pub kind: u32,
    /// Bits of [`flag`].
    pub flags: u32,
    /// The sequence number: one for every attempt in any agent since boot, without gaps.
    pub seq: u64,
    /// On the boot clock.
    pub time_ns: u64,
    /// The agent's cgroup.
    pub agent: u64,
    /// The attempt whose image makes this one, or zero where that was not seen.
    pub parent: u64,
    /// When the process started, on the boot clock.
    pub process_start_ns: u64,
    /// Address of argv in the waiting task.
    pub argv: u64,
    /// Address of the environment in the waiting task.
    pub envp: u64,
    /// Bytes of argv and environment together, as the kernel copied them.
    pub region: u64,
    /// Digest of everything that a verdict is about: of [`WHOLE`] and the files.
    pub digest: Digest,
    /// Digest of argv and the environment that matters.
    pub content: Digest,
    /// Working directory.
    pub cwd: DirId,
    /// Effective capabilities.
    pub capabilities: u64,
    /// Real user.
    pub uid: u32,
    /// Effective user.
    pub euid: u32,
    /// Real group.
    pub gid: u32,
    /// Effective group.
    pub egid: u32,
    /// Root directory.
    pub root: DirId,
    /// Mount namespace.
    pub mount_ns: u32,
    /// How many of `files` count.
    pub stages: u32,
    /// The script first, its interpreters behind it.
    pub files: [FileId; MAX_FILES],
    /// Process.
    pub tgid: u32,
    /// Thread.
    pub tid: u32,
    /// Parent process.
    pub ppid: u32,
    /// One of [`reason`] where the kernel denied it.
    pub reason: u32,
    /// `argc` as the caller gave it (one where it gave none: the kernel adds an empty string).
    pub argc: u32,
    /// Environment variables as the caller gave them.
    pub envc: u32,
    /// Bytes of the path at the start of `payload`: the last file's, as `d_path` tells it from the task's root.
    pub path_len: u32,
    /// Bytes behind it: the file name as the caller gave it.
    pub name_len: u32,
    /// Bytes behind that: argv.
    pub argv_len: u32,
    /// Bytes behind that: the environment that matters.
    pub env_len: u32,
    /// The hooks' own notes while they read strings; nothing to the daemon.
    pub notes: [u64; NOTES],
    /// Path, name, argv and environment. Every string ends in a NUL and is padded with zeros to whole words.
    pub payload: P,
}

/// All but its payload, which is mostly empty: there is no need to carry that around.
pub type Head = Attempt<()>;

/// Where the words of [`Attempt::digest`] lie, from the first offset up to the second; the files that count follow.
pub const WHOLE: (usize, usize) = (offset_of!(Attempt, content), offset_of!(Attempt, files));

/// Bytes of [`Attempt`] before its payload.
pub const ATTEMPT_HEAD: usize = offset_of!(Attempt, payload);

/// Words that the hooks need for notes.
pub const NOTES: usize = 16;

const _: () = assert!(ATTEMPT_HEAD == 640 && ATTEMPT_HEAD.is_multiple_of(8));
const _: () = assert!(size_of::<Attempt>() == ATTEMPT_HEAD + PAYLOAD && size_of::<Head>() == ATTEMPT_HEAD);

/// Something short that happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Moment {
    /// One of [`kind`].
    pub kind: u32,
    /// Process.
    pub tgid: u32,
    /// The attempt it belongs to, or zero.
    pub seq: u64,
    /// On the boot clock.
    pub time_ns: u64,
    /// The agent's cgroup, or zero.
    pub agent: u64,
    /// As the kind says.
    pub value: u64,
    /// Thread.
    pub tid: u32,
    /// Zero.
    pub pad: u32,
}

const _: () = assert!(size_of::<Moment>() == 48);
