//! An exec begins. Whoever is in an agent's cgroup and not marked yet is marked here.
//!
//! Not in the check hook, which may sleep: there the kernel asks for the memory of a mark in a way that lets others run,
//! while it keeps every other program on this CPU from the marks. A fork or an exec that comes in between would fail, and
//! before Linux 6.2 even be taken for nobody's.

use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;

use crate::kernel::Task;
use crate::maps;
use crate::member;

// match-proto:v6.12:security/security.c:int security_bprm_creds_for_exec(struct linux_binprm *bprm)
#[lsm(hook = "bprm_creds_for_exec")]
fn mark(_ctx: LsmContext) -> i32 {
    if let Some(control) = maps::control() {
        // The check hook sees what came of it.
        let _seen_later = member::find(control, Task::current());
    }
    0
}
