//! Holding behind the commit: the new program is in place, and is frozen before its first instruction.

use core::ffi::c_void;
use core::mem::MaybeUninit;

use aya_ebpf::helpers::generated::{bpf_copy_from_user, bpf_loop};
use expacti_abi::control::Control;
use expacti_abi::event::{kind, reason};
use expacti_abi::task::TaskState;
use expacti_abi::ticket::verdict;

use crate::kernel::{Bprm, Task, now};
use crate::{report, ticket};

/// Only the verifier needs it: the clock ends the wait long before.
const MAX_ROUNDS: u32 = 1 << 23;

#[repr(C)]
struct Wait {
    seq: u64,
    until: u64,
    /// An address that can be read: where the new program's argv begins.
    readable: u64,
}

/// Tells the daemon, and waits inside the hook until it has asked the kernel to freeze this task, which then happens on
/// the way back to user space. False: it is denied, or nobody froze it in time.
#[inline(always)]
pub(crate) fn hold(control: &Control, task: Task, bprm: Bprm, seq: u64, agent: u64) -> bool {
    report::urgent(task, kind::HELD_AFTER, seq, agent, 0);
    let mut wait = Wait { seq, until: now() + control.freeze_ns, readable: bprm.strings() };
    // SAFETY: the verifier walks into the callback with this very context.
    unsafe { bpf_loop(MAX_ROUNDS, still_loose as *mut c_void, (&raw mut wait).cast(), 0) };
    let verdict = ticket::look(seq).map_or(verdict::VOID, |open| open.verdict);
    if verdict == verdict::ALLOW || verdict == verdict::HOLD_AFTER && task.is_freezing() {
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
    if ticket::look(seq).is_some() {
        ticket::void(seq);
        report::urgent(task, kind::WITHDRAWN, seq, state.agent, 0);
    }
}

/// # Safety
/// Called by `bpf_loop` with the context it was given.
unsafe extern "C" fn still_loose(_round: u64, wait: *mut Wait) -> i64 {
    // SAFETY: see above.
    let wait = unsafe { &*wait };
    let mut byte = MaybeUninit::<u64>::uninit();
    // Only for what it does besides: a copy that may sleep lets others run where the kernel does not preempt.
    // SAFETY: one byte into eight of ours.
    unsafe { bpf_copy_from_user(byte.as_mut_ptr().cast(), 1, wait.readable as *const c_void) };
    let answered = ticket::look(wait.seq).is_none_or(|open| open.verdict != verdict::HOLD_AFTER);
    i64::from(answered || Task::current().is_freezing() || now() >= wait.until)
}
