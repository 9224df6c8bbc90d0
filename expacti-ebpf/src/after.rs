//! Holding behind the commit: the new program is in place, and is frozen before its first instruction.

use expacti_abi::control::Control;
use expacti_abi::event::{kind, reason};
use expacti_abi::task::TaskState;
use expacti_abi::ticket::verdict;

use crate::kernel::Task;
use crate::{report, ticket};

/// Tells the daemon, and waits inside the hook until it has asked the kernel to freeze this task, which then happens on
/// the way back to user space. False: it is denied, or nobody froze it in time.
#[inline(always)]
pub(crate) fn hold(control: &Control, task: Task, seq: u64, state: &mut TaskState) -> bool {
    let agent = state.agent;
    report::urgent(task, kind::HELD_AFTER, seq, agent, 0);
    if ticket::freezes(seq, verdict::HOLD_AFTER, control.grace_ns, &mut state.relied_ns) {
        return true;
    }
    let verdict = ticket::look(seq).map_or(verdict::VOID, |open| open.verdict);
    if verdict == verdict::ALLOW {
        return true;
    }
    if verdict == verdict::HOLD_AFTER {
        ticket::void(seq);
        report::urgent(task, kind::DENIED, seq, agent, reason::NO_ANSWER);
    }
    false
}

/// The task goes another way: its ticket, if it is still there, needs no answer any more.
#[inline(always)]
pub(crate) fn forsake(task: Task, state: &mut TaskState) {
    let seq = state.after;
    if seq == 0 {
        return;
    }
    state.after = 0;
    if ticket::void(seq) {
        report::urgent(task, kind::WITHDRAWN, seq, state.agent, 0);
    }
}
