//! The kernel has copied everything and nobody can change it any more: is it what was let through?

use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use expacti_abi::control::{Control, counter};
use expacti_abi::event::kind;
use expacti_abi::task::{TaskState, approved, setup};

use crate::kernel::{Bprm, Task};
use crate::strings::Reader;
use crate::{after, attempt, maps, report, wait};

// match-proto:v6.12:security/security.c:void security_bprm_committed_creds(const struct linux_binprm *bprm)
#[lsm(hook = "bprm_committed_creds", sleepable)]
fn committed(ctx: LsmContext) -> i32 {
    try_committed(Bprm(ctx.arg(0)));
    0
}

/// There is no way back here, so every doubt ends in SIGKILL, before the program's first instruction.
fn try_committed(bprm: Bprm) {
    let Some(control) = maps::control() else { return };
    let task = Task::current();
    let Some(state) = maps::task_state(task) else { return };
    let was_born = state.setup == setup::BORN;
    state.setup = setup::NONE;
    if maps::agent(state.agent).is_none() || state.bprm != bprm.0 as u64 {
        // Not enrolled any more, or the attempt began before the task was marked.
        return;
    }
    let seq = state.approved;
    state.bprm = 0;
    state.approved = 0;
    if seq == 0 {
        maps::count(counter::UNAPPROVED);
        report::urgent(task, kind::MISMATCH, 0, state.agent, 0);
        wait::kill();
        return;
    }
    if !is_what_was_let_through(control, task, bprm, state) {
        maps::count(counter::MISMATCH);
        report::urgent(task, kind::MISMATCH, seq, state.agent, 0);
        wait::kill();
        return;
    }
    state.running = seq;
    state.origin = seq;
    if was_born && bprm.is_systemd_executor() {
        state.setup = setup::PREPARES;
    }
    if state.how == approved::HOLD_AFTER && !after::hold(control, task, seq, state) {
        wait::kill();
        return;
    }
    report::moment(control, task, kind::STARTED, seq, state.agent, u64::from(state.how));
}

#[inline(always)]
fn is_what_was_let_through(control: &Control, task: Task, bprm: Bprm, state: &mut TaskState) -> bool {
    // Room of its own (docs/adr/0038): room in the ring could be missing just now, and nothing can wait for it here.
    let mut reader = Reader::new(control.key, &raw mut state.scratch, 0);
    let argc = bprm.argc();
    // Of a script's strings the caller gave all but the interpreters' in front.
    let skip = if state.stages > 1 {
        u64::from(argc).wrapping_sub(u64::from(state.argc)).wrapping_add(1)
    } else {
        0
    };
    reader.begin_at(bprm.strings());
    reader.neighbours(argc, skip);
    let argv = reader.turn_to_environment(control.key);
    reader.neighbours(bprm.envc(), 0);
    let content = attempt::content(argv, reader.finish());
    reader.readable() && content == state.content && attempt::place(task) == state.place
}
