//! A signal to a process. The daemon and its canary get none from members.

use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use expacti_abi::event::offence;

use crate::defence;
use crate::kernel::Task;

// match-proto:v6.12:security/security.c:int security_task_kill(struct task_struct *p, struct kernel_siginfo *info, int sig, const struct cred *cred)
#[lsm(hook = "task_kill")]
fn task_kill(ctx: LsmContext) -> i32 {
    let previous: i32 = ctx.arg(4);
    if previous != 0 {
        return previous;
    }
    let signal: u32 = ctx.arg(2);
    // Signal 0 only asks whether the process is there.
    if signal == 0 || !defence::is_guarded(Task(ctx.arg(0))) {
        return 0;
    }
    defence::refuse(offence::SIGNAL, signal)
}
