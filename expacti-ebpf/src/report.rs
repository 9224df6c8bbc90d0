//! Short events.

use aya_ebpf::bindings::BPF_RB_FORCE_WAKEUP;
use expacti_abi::control::{Control, counter};
use expacti_abi::event::Moment;

use crate::kernel::{Task, now};
use crate::maps;

/// Tells the daemon of a moment that somebody waits for.
#[inline(always)]
pub(crate) fn urgent(task: Task, kind: u32, seq: u64, agent: u64, value: u64) {
    send(task, kind, seq, agent, value, || BPF_RB_FORCE_WAKEUP.into());
}

/// Tells the daemon of a moment that nobody waits for.
#[inline(always)]
pub(crate) fn moment(control: &Control, task: Task, kind: u32, seq: u64, agent: u64, value: u64) {
    send(task, kind, seq, agent, value, || maps::unhurried(control));
}

/// These moments happen where nothing can wait any more. One that finds the ring full is counted, and its record
/// says that the outcome is unknown; the attempt itself was recorded before.
#[inline(always)]
fn send(task: Task, kind: u32, seq: u64, agent: u64, value: u64, wake: impl FnOnce() -> u64) {
    let Some(mut entry) = maps::EVENTS.reserve_untyped::<Moment>(0) else {
        maps::count(counter::LIFECYCLE_LOST);
        return;
    };
    entry.write(Moment {
        kind,
        tgid: task.tgid(),
        seq,
        time_ns: now(),
        agent,
        value,
        tid: task.tid(),
        pad: 0,
    });
    entry.submit(wake());
}
