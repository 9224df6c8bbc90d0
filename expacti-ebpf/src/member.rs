//! Whose task is it? Membership sticks: once marked, a task and all it starts belong to the agent wherever they go.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::{bpf_get_current_ancestor_cgroup_id, bpf_loop};
use expacti_abi::control::{Agent, Control, agent, counter};
use expacti_abi::event::kind;
use expacti_abi::task::TaskState;

use crate::kernel::Task;
use crate::{maps, report};

/// What a task is to us.
pub(crate) enum Membership {
    /// Nobody's: it must not notice that we exist.
    None,
    /// A marked task of an enrolled agent.
    Of(&'static Agent, &'static mut TaskState),
    /// It belongs to an agent, but the kernel has no memory for the mark; or it is the canary, whose execs and forks are
    /// refused. The caller refuses what was asked.
    Unmarkable,
}

/// The membership of a task that is about to exec or to fork; marks it where its cgroup says so.
#[inline(always)]
pub(crate) fn current(control: &Control, task: Task) -> Membership {
    let found = find(control, task);
    if let Membership::Of(agent, state) = &found
        && agent.flags & agent::CANARY != 0
    {
        report::urgent(task, kind::CANARY, 0, state.agent, 0);
        return Membership::Unmarkable;
    }
    found
}

/// The current task's membership; marks it where its cgroup says so.
#[inline(always)]
pub(crate) fn find(control: &Control, task: Task) -> Membership {
    if let Some(state) = maps::task_state(task) {
        // SAFETY: entries are replaced whole by the daemon; a reader sees the old or the new one.
        return match unsafe { maps::AGENTS.get(state.agent) } {
            Some(agent) => Membership::Of(agent, state),
            // Withdrawn: the mark speaks of nobody, but the task may have come into another agent's cgroup.
            None => by_cgroup(control, task, Some(state)),
        };
    }
    by_cgroup(control, task, None)
}

#[inline(always)]
fn by_cgroup(control: &Control, task: Task, state: Option<&'static mut TaskState>) -> Membership {
    let id = deepest_enrolled(control.levels);
    // SAFETY: as above.
    let Some(agent) = (unsafe { maps::AGENTS.get(id) }) else { return Membership::None };
    if let Some(state) = state {
        state.agent = id;
        return Membership::Of(agent, state);
    }
    let Some(state) = maps::mark(task, id) else {
        maps::count(counter::MARK_FAILED);
        return Membership::Unmarkable;
    };
    Membership::Of(agent, state)
}

/// The id of the innermost enrolled cgroup around the current task, or zero.
#[inline(always)]
fn deepest_enrolled(levels: u64) -> u64 {
    let mut search = Search { levels, found: 0 };
    // SAFETY: the verifier walks into the callback with this very context.
    unsafe { bpf_loop(64 - levels.leading_zeros(), each_level as *mut c_void, (&raw mut search).cast(), 0) };
    search.found
}

#[repr(C)]
struct Search {
    levels: u64,
    found: u64,
}

/// # Safety
/// Called by `bpf_loop` with the context it was given.
unsafe extern "C" fn each_level(level: u64, search: *mut Search) -> i64 {
    // SAFETY: see above.
    let search = unsafe { &mut *search };
    if search.levels >> (level & 63) & 1 == 1 {
        // SAFETY: no pointers.
        let id = unsafe { bpf_get_current_ancestor_cgroup_id(level as i32) };
        if id == 0 {
            // The task's own cgroup lies above.
            return 1;
        }
        if maps::AGENTS.get_ptr(id).is_some() {
            search.found = id;
        }
    }
    0
}
