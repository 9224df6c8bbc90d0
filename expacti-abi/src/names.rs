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
    /// `ExecutableKey` to `Cached`.
    pub const EXECUTABLES: &str = "EXECUTABLES";
    /// One `Control`.
    pub const CONTROL: &str = "CONTROL";
    /// The last sequence number given.
    pub const SEQUENCE: &str = "SEQUENCE";
    /// Counters by `control::counter`.
    pub const COUNTERS: &str = "COUNTERS";

    /// All of them.
    pub const ALL: [&str; 9] =
        [EVENTS, AGENTS, TASKS, TICKETS, CACHE, EXECUTABLES, CONTROL, SEQUENCE, COUNTERS];
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

/// Every program, in the order in which the kernel calls them on the road of an exec.
pub const PROGRAMS: [Program; 4] = [
    Program { name: "task_alloc", hook: Hook::Lsm, target: "task_alloc", sleepable: false },
    Program { name: "check", hook: Hook::Lsm, target: "bprm_check_security", sleepable: true },
    Program { name: "committed", hook: Hook::Lsm, target: "bprm_committed_creds", sleepable: true },
    Program { name: "exit", hook: Hook::Tracepoint, target: "sched_process_exit", sleepable: false },
];
