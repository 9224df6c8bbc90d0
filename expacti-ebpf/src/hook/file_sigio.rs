//! A file tells its owner that something can be read, by a signal of its choice: `fcntl(F_SETOWN)` and `F_SETSIG` would
//! send SIGKILL to the daemon.

use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use expacti_abi::control::counter;

use crate::kernel::Task;
use crate::{defence, maps};

const EPERM: i32 = 1;

// match-proto:v6.12:security/security.c:int security_file_send_sigiotask(struct task_struct *tsk, struct fown_struct *fown, int sig)
#[lsm(hook = "file_send_sigiotask")]
fn file_sigio(ctx: LsmContext) -> i32 {
    let previous: i32 = ctx.arg(3);
    if previous != 0 {
        return previous;
    }
    // It may come out of an interrupt, so the current task says nothing about who asked for it. The daemon itself never
    // does, so it is refused whoever did; that is counted, but nobody can be named.
    if !defence::is_daemon(Task(ctx.arg(0))) {
        return 0;
    }
    maps::count(counter::DEFENDED);
    -EPERM
}
