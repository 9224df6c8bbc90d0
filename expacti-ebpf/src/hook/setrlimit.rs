//! Limits of a process: with `prlimit` on the processor time of the daemon the kernel itself would kill it.

use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use expacti_abi::event::offence;

use crate::defence;
use crate::kernel::Task;

// match-proto:v6.12:security/security.c:int security_task_setrlimit(struct task_struct *p, unsigned int resource, struct rlimit *new_rlim)
#[lsm(hook = "task_setrlimit")]
fn setrlimit(ctx: LsmContext) -> i32 {
    let previous: i32 = ctx.arg(3);
    if previous != 0 {
        return previous;
    }
    if !defence::is_daemon(Task(ctx.arg(0))) {
        return 0;
    }
    defence::refuse(offence::LIMIT, ctx.arg(1))
}
