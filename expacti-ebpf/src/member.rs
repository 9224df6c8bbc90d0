//! Whose task is it? Membership sticks: once marked, a task and all it starts belong to the agent wherever they go.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::{bpf_get_current_ancestor_cgroup_id, bpf_loop};
use expacti_abi::control::{Agent, Control, agent, counter};
use expacti_abi::event::kind;
use expacti_abi::task::{TaskState, setup};

use crate::kernel::Task;
use crate::{maps, report};

/// What a task is to us.
pub(crate) enum Membership {
    /// Nobody's: it must not notice that we exist.
    None,
    /// A marked task of an enrolled agent.
    Of(Agent, &'static mut TaskState),
    /// It belongs to an agent, but has no mark, for which the kernel has no memory or no time at this moment.
    Unmarkable,
    /// It is the canary, whose execs and forks are refused.
    Canary,
}

/// The membership of a task that is about to fork; marks it where its cgroup says so.
#[inline(always)]
pub(crate) fn forking(control: &Control, task: Task) -> Membership {
    unless_canary(task, find(control, task))
}

/// The membership of a task that execs, for a program that may sleep and so does not mark: that was done when its exec
/// began.
#[inline(always)]
pub(crate) fn execing(control: &Control, task: Task) -> Membership {
    unless_canary(task, search(control, task, |_| None))
}

#[inline(always)]
fn unless_canary(task: Task, found: Membership) -> Membership {
    if let Membership::Of(agent, state) = &found
        && agent.flags & agent::CANARY != 0
    {
        report::urgent(task, kind::CANARY, 0, state.agent, 0);
        return Membership::Canary;
    }
    found
}

/// The current task's membership; marks it where its cgroup says so.
#[inline(always)]
pub(crate) fn find(control: &Control, task: Task) -> Membership {
    search(control, task, |id| {
        let state = maps::mark(task, id)?;
        // Who descends from an agent has its mark since it was born.
        state.setup = if task.is_made_by_init() { setup::BORN } else { setup::NONE };
        Some(state)
    })
}

#[inline(always)]
fn search(
    control: &Control,
    task: Task,
    mark: impl FnOnce(u64) -> Option<&'static mut TaskState>,
) -> Membership {
    if let Some(state) = maps::task_state(task) {
        return match maps::agent(state.agent) {
            Some(agent) => Membership::Of(agent, state),
            // Withdrawn: the mark speaks of nobody, but the task may have come into another agent's cgroup.
            None => by_cgroup(control, Some(state), mark),
        };
    }
    by_cgroup(control, None, mark)
}

#[inline(always)]
fn by_cgroup(
    control: &Control,
    state: Option<&'static mut TaskState>,
    mark: impl FnOnce(u64) -> Option<&'static mut TaskState>,
) -> Membership {
    let id = deepest_enrolled(control.levels);
    if id == 0 {
        return Membership::None;
    }
    let Some(agent) = maps::agent(id) else { return Membership::None };
    if let Some(state) = state {
        state.agent = id;
        return Membership::Of(agent, state);
    }
    let Some(state) = mark(id) else {
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
