//! Tracing a process, and all that asks for the same right: its memory, its descriptors, its environment, its root.
//!
//! A tracee that asks to be traced (`PTRACE_TRACEME`) concerns its parent alone, and the daemon has no child that a member
//! controls.

use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use expacti_abi::event::offence;

use crate::defence;
use crate::kernel::Task;

/// `PTRACE_MODE_ATTACH`: to change it. Without it only something is looked at, as `ps` does with every process there is.
const TO_CHANGE: u32 = 2;

// match-proto:v6.12:security/security.c:int security_ptrace_access_check(struct task_struct *child, unsigned int mode)
#[lsm(hook = "ptrace_access_check")]
fn ptrace(ctx: LsmContext) -> i32 {
    let previous: i32 = ctx.arg(2);
    if previous != 0 {
        return previous;
    }
    if !defence::is_guarded(Task(ctx.arg(0))) {
        return 0;
    }
    let mode: u32 = ctx.arg(1);
    if mode & TO_CHANGE == 0 { defence::refuse_silently() } else { defence::refuse(offence::TRACE, mode) }
}
