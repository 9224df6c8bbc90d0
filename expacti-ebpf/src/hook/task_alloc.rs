//! A child belongs to its parent's agent from its first moment on.

use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use expacti_abi::control::counter;

use crate::kernel::Task;
use crate::maps;
use crate::member::{self, Membership};

const ENOMEM: i32 = 12;

// match-proto:v6.12:security/security.c:int security_task_alloc(struct task_struct *task, unsigned long clone_flags)
// match-proto:v7.2:security/security.c:int security_task_alloc(struct task_struct *task, u64 clone_flags)
#[lsm(hook = "task_alloc")]
fn task_alloc(ctx: LsmContext) -> i32 {
    let previous: i32 = ctx.arg(2);
    if previous != 0 {
        return previous;
    }
    try_task_alloc(Task(ctx.arg(0)), ctx.arg(1))
}

/// Where the mark cannot be set the fork fails, as it would for want of memory: an unmarked child could leave the
/// cgroup and the gate with it.
fn try_task_alloc(child: Task, clone_flags: u64) -> i32 {
    const CLONE_THREAD: u64 = 0x0001_0000;

    let Some(control) = maps::control() else { return 0 };
    let state = match member::forking(control, Task::current()) {
        Membership::None => return 0,
        Membership::Unmarkable | Membership::Canary => return -ENOMEM,
        Membership::Of(_, state) => state,
    };
    let Some(inherited) = maps::mark(child, state.agent) else {
        maps::count(counter::FORK_REFUSED);
        return -ENOMEM;
    };
    inherited.origin = state.origin;
    if clone_flags & CLONE_THREAD != 0 {
        inherited.running = state.running;
    }
    0
}
