//! What hooks of self-defence have in common.
//!
//! Each looks at the object of the call first, which is nearly always none of ours and costs a few loads. Only then it
//! matters whose task is calling. Nobody but members of an agent is ever refused anything.

use expacti_abi::control::{agent, counter};
use expacti_abi::event::{kind, offence};
use expacti_abi::limits::OFFENCE_NS;
use expacti_abi::task::{TaskState, setup};

use crate::kernel::{Task, now};
use crate::member::{self, Membership};
use crate::{maps, report};

const EPERM: i32 = 1;

/// Zero for everybody but a member of an agent, who is refused and reported.
#[inline(always)]
pub(crate) fn refuse(offence: u64, detail: u32) -> i32 {
    let Some(control) = maps::control() else { return 0 };
    let task = Task::current();
    match member::find(control, task) {
        Membership::None => return 0,
        // What a container's runtime does before the first exec in it is not an agent's doing.
        Membership::Of(member, _) if member.flags & agent::NEW != 0 => return 0,
        // Nor what systemd does: it goes into the service's cgroup by writing there, though it was born in it.
        Membership::Of(_, state) if offence == offence::CGROUP_FILE && state.setup != setup::NONE => {
            return 0;
        }
        // Its mark will not come, but its cgroup says enough.
        Membership::Unmarkable | Membership::Canary => maps::count(counter::DEFENDED),
        Membership::Of(_, state) => {
            maps::count(counter::DEFENDED);
            tell(task, state, offence, detail);
        }
    }
    -EPERM
}

/// As [`refuse`], of what is done by the way and no offence.
#[inline(always)]
pub(crate) fn refuse_silently() -> i32 {
    let Some(control) = maps::control() else { return 0 };
    match member::find(control, Task::current()) {
        Membership::None => 0,
        Membership::Of(member, _) if member.flags & agent::NEW != 0 => 0,
        Membership::Of(..) | Membership::Unmarkable | Membership::Canary => -EPERM,
    }
}

#[inline(always)]
fn tell(task: Task, state: &mut TaskState, offence: u64, detail: u32) {
    let (now, bit) = (now(), 1 << (offence & 63));
    if state.offended & bit != 0 && now.wrapping_sub(state.offended_ns) < OFFENCE_NS {
        return;
    }
    state.offended |= bit;
    state.offended_ns = now;
    report::urgent(task, kind::OFFENCE, state.origin, state.agent, u64::from(detail) << 32 | offence);
}

/// Whether a task belongs to the daemon.
#[inline(always)]
pub(crate) fn is_daemon(task: Task) -> bool {
    maps::control().is_some_and(|control| control.daemon != 0 && control.daemon == task.tgid())
}

/// Whether a task belongs to the daemon or is its canary.
#[inline(always)]
pub(crate) fn is_guarded(task: Task) -> bool {
    let Some(control) = maps::control() else { return false };
    if control.daemon != 0 && control.daemon == task.tgid() {
        return true;
    }
    control.canary != 0 && maps::task_state(task).is_some_and(|state| state.agent == control.canary)
}

/// Whether a process id is the daemon's.
#[inline(always)]
pub(crate) fn is_daemon_id(process: u32) -> bool {
    process != 0 && maps::control().is_some_and(|control| control.daemon == process)
}
