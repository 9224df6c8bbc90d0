//! Names of programs and maps, as the object declares them, the loader asks for them and bpffs shows them.

/// Maps that both sides use.
pub mod map {
    /// Ring of events: hooks to daemon.
    pub const EVENTS: &str = "EVENTS";
    /// Cgroup id to `Agent`.
    pub const AGENTS: &str = "AGENTS";
    /// Task storage with `TaskState`.
    pub const TASKS: &str = "TASKS";
    /// Sequence number to `Ticket`.
    pub const TICKETS: &str = "TICKETS";
    /// `CacheKey` to `Cached`.
    pub const CACHE: &str = "CACHE";
    /// One `Control`.
    pub const CONTROL: &str = "CONTROL";
    /// The last sequence number given.
    pub const SEQUENCE: &str = "SEQUENCE";
    /// Counters by `control::counter`.
    pub const COUNTERS: &str = "COUNTERS";
    /// Cgroup id to `Below`.
    pub const PARENTS: &str = "PARENTS";
    /// `Place` to `Watch`.
    pub const PLACES: &str = "PLACES";

    /// All of them.
    pub const ALL: [&str; 10] =
        [EVENTS, AGENTS, TASKS, TICKETS, CACHE, CONTROL, SEQUENCE, COUNTERS, PARENTS, PLACES];
}

/// How a program hangs in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// A BPF LSM hook.
    Lsm,
    /// A BTF tracepoint.
    Tracepoint,
}

/// One program of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its name in the object.
    pub name: &'static str,
    /// How it is attached.
    pub hook: Hook,
    /// Where it is attached.
    pub target: &'static str,
    /// It may sleep.
    pub sleepable: bool,
}

/// Every program: those on the road of an exec in the order in which the kernel calls them, and then those that defend
/// the gate. All of these hooks exist on all kernels from 6.1 on.
pub const PROGRAMS: [Program; 18] = [
    tracepoint("cgroup_made", "cgroup_mkdir"),
    tracepoint("cgroup_gone", "cgroup_rmdir"),
    lsm("task_alloc", "task_alloc"),
    lsm("mark", "bprm_creds_for_exec"),
    Program { sleepable: true, ..lsm("check", "bprm_check_security") },
    Program { sleepable: true, ..lsm("committed", "bprm_committed_creds") },
    tracepoint("exit", "sched_process_exit"),
    lsm("bpf", "bpf"),
    lsm("task_kill", "task_kill"),
    lsm("file_sigio", "file_send_sigiotask"),
    lsm("ptrace", "ptrace_access_check"),
    lsm("setrlimit", "task_setrlimit"),
    lsm("setscheduler", "task_setscheduler"),
    lsm("setnice", "task_setnice"),
    lsm("file_open", "file_open"),
    lsm("inode_unlink", "inode_unlink"),
    lsm("inode_rename", "inode_rename"),
    lsm("sb_umount", "sb_umount"),
];

const fn lsm(name: &'static str, target: &'static str) -> Program {
    Program { name, hook: Hook::Lsm, target, sleepable: false }
}

const fn tracepoint(name: &'static str, target: &'static str) -> Program {
    Program { name, hook: Hook::Tracepoint, target, sleepable: false }
}
