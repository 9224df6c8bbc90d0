//! A task ends: what it was waiting for is void, what it ran is over, and the daemon's own end starts the grace.

use core::ptr;

use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use expacti_abi::event::kind;

use crate::kernel::{Task, now};
use crate::{after, maps, report, ticket};

// match-proto:v6.12:include/trace/events/sched.h:DEFINE_EVENT(sched_process_template, sched_process_exit, TP_PROTO(struct task_struct *p)
#[btf_tracepoint(function = "sched_process_exit")]
fn exit(ctx: BtfTracePointContext) -> i32 {
    let task = Task(ctx.arg(0));
    note_the_daemons_end(task);
    let Some(control) = maps::control() else { return 0 };
    let Some(state) = maps::task_state(task) else { return 0 };
    if state.ticket != 0 {
        ticket::void(state.ticket);
        report::urgent(task, kind::WITHDRAWN, state.ticket, state.agent, 0);
        state.ticket = 0;
    }
    after::forsake(task, state);
    if state.running != 0 && task.is_last() {
        report::moment(control, task, kind::ENDED, state.running, state.agent, u64::from(task.exit_code()));
    }
    0
}

#[inline(always)]
fn note_the_daemons_end(task: Task) {
    let Some(control) = maps::CONTROL.get_ptr_mut(0) else { return };
    // SAFETY: the map's only value; aligned words, written by the daemon only while it lives.
    unsafe {
        if (*control).daemon != 0 && (*control).daemon == task.tgid() && task.is_last() {
            ptr::write_volatile(&raw mut (*control).daemon, 0);
            ptr::write_volatile(&raw mut (*control).daemon_gone_ns, now());
        }
    }
}
