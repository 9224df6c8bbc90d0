//! Sizes and bounds that both sides rely on.

/// Bytes of strings that an event carries with it: path, name, argv and environment. What does not fit is read by
/// the daemon from the waiting task; it is never cut.
pub const PAYLOAD: usize = 8192;

/// Bytes of one string that are read in one go. A multiple of 8, because the digest absorbs words.
pub const CHUNK: usize = 1024;

/// The same where strings are only compared: a task's state, which has room for it, stays so small that the kernel takes
/// no more memory for it than without.
pub const SHORT_CHUNK: usize = 256;

/// Where a chunk may begin in the payload at the latest, so that it always fits with its NUL.
pub const ROOM: usize = PAYLOAD - CHUNK - 8;

/// Most strings in one argv or environment that are read; the kernel's own limit on their pointers is far below
/// (`MAX_ARG_STRINGS` is larger, but `RLIMIT_STACK` and the 6 MiB bound cut it to about 786,000).
pub const MAX_STRINGS: u32 = 1 << 20;

/// Files in one chain of `#!` interpreters: the kernel stops at five, and the script itself is one more.
pub const MAX_FILES: usize = 6;

/// Longest path that `bpf_d_path` may write.
pub const PATH: usize = 4096;

/// Open tickets in all agents together. Beyond that an attempt is denied with the reason.
pub const MAX_TICKETS: u32 = 16_384;

/// Enrolled cgroups.
pub const MAX_AGENTS: u32 = 16_384;

/// Folders, and names in folders, at which new cgroups are expected.
pub const MAX_WATCHED: u32 = 4096;

/// Exact verdicts kept in the kernel.
pub const MAX_CACHED: u32 = 65_536;

/// Bytes of the event ring, unless the operator wants another one.
pub const RING: u32 = 8 << 20;

/// Levels of the cgroup hierarchy that an agent may lie at. `CONTROL_GROUP_MAX_DEPTH` is deeper, real hosts are not.
pub const MAX_LEVEL: u32 = 24;

/// A round this long after the one before, in nanoseconds: the task was parked in between.
pub const PARKED_NS: u64 = 250_000_000;

/// The same offence of the same task is told this often, in nanoseconds, so that nobody can fill the ring with it.
pub const OFFENCE_NS: u64 = 100_000_000;

/// How often an attempt goes round for a page that is not there before it is refused.
pub const MAX_UNREADABLE: u32 = 16;
