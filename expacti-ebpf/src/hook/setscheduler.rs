//! Scheduling and processors of a task: a daemon that never gets to run answers nobody.

use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use expacti_abi::event::offence;

use crate::defence;
use crate::kernel::Task;

// match-proto:v6.12:security/security.c:int security_task_setscheduler(struct task_struct *p)
#[lsm(hook = "task_setscheduler")]
fn setscheduler(ctx: LsmContext) -> i32 {
    let previous: i32 = ctx.arg(1);
    if previous != 0 {
        return previous;
    }
    if !defence::is_daemon(Task(ctx.arg(0))) {
        return 0;
    }
    defence::refuse(offence::PRIORITY, 0)
}
