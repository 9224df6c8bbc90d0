//! Cgroups that were just made where agents are expected. Nobody has said yet whose they are.

use core::ffi::c_void;

use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::helpers::generated::bpf_loop;
use expacti_abi::control::{Agent, Control, agent, counter};
use expacti_abi::event::kind;
use expacti_abi::limits::MAX_LEVEL;
use expacti_abi::watched::{Below, MAX_PREFIXES, Place, Watch, first_words};

use crate::kernel::{Cgroup, Task, now};
use crate::{maps, report};

/// Whether nothing of this may exec yet, because the daemon may still say whose it is. While there is no daemon this lasts
/// as long as everything else waits for one.
#[inline(always)]
pub(crate) fn may_be_told(control: &Control, agent: &Agent) -> bool {
    if agent.flags & agent::NEW == 0 {
        return false;
    }
    let gone = control.daemon_gone_ns;
    let (since, limit) = if gone == 0 {
        (agent.made_ns, control.told_ns)
    } else if gone > agent.made_ns {
        (gone, control.grace_ns)
    } else {
        (agent.made_ns, control.grace_ns)
    };
    now().wrapping_sub(since) < limit
}

/// A cgroup is being made, and nobody is in it yet.
#[inline(always)]
pub(crate) fn made(cgroup: Cgroup) {
    if !cgroup.is_v2() {
        return;
    }
    let place = cgroup.place();
    let around = look_around(cgroup, &place);
    if around.is_settled {
        return;
    }
    // SAFETY: integers of a map's value, which may be another one's by now: `docs/adr/0033`.
    let (held, flags) = match unsafe { maps::PLACES.get(place) } {
        // Said to be nobody's.
        Some(watch) if watch.held == 0 && watch.watched == 0 => (false, 0),
        Some(watch) => (watch.held != 0 || around.held, flags_of(watch, &around)),
        None => (around.held, around.flags),
    };
    let id = cgroup.id();
    if held {
        let fresh = Agent { flags: agent::NEW | flags, made_ns: now(), ..Agent::default() };
        if maps::AGENTS.insert(id, fresh.sealed(id), BPF_NOEXIST.into()).is_err() {
            maps::count(counter::NEW_UNHELD);
        }
    }
    // SAFETY: as above.
    let watched = match unsafe { maps::PLACES.get(place) } {
        Some(watch) if watch.watched != 0 => {
            // Full: the daemon hears of this one, and says so.
            let _full = maps::PARENTS.insert(id, watch.below, 0);
            true
        }
        _ => false,
    };
    if held || watched {
        report::urgent(Task::current(), kind::CGROUP, 0, place.parent, id);
    }
}

/// A cgroup is removed; nobody is in it any more. An agent's own is left to the daemon.
#[inline(always)]
pub(crate) fn gone(cgroup: Cgroup) {
    if !cgroup.is_v2() {
        return;
    }
    let id = cgroup.id();
    let _unwatched = maps::PARENTS.remove(id);
    if maps::agent(id).is_some_and(|agent| agent.flags & agent::NEW != 0) {
        let _gone_already = maps::AGENTS.remove(id);
    }
}

/// What the cgroups around a new one say of it.
struct Around {
    /// It lies in an agent's, and so is gated like that; or in one below which there is none.
    is_settled: bool,
    /// An agent is expected there.
    held: bool,
    /// [`Below::flags`], where one is.
    flags: u32,
}

/// What is known on the way up. Words, because the verifier follows each value of each byte.
#[repr(C)]
struct Walk {
    at: Cgroup,
    level: u64,
    name: [u64; 2],
    settled: u64,
    held: u64,
    flags: u64,
}

#[inline(always)]
fn look_around(cgroup: Cgroup, place: &Place) -> Around {
    let mut walk = Walk {
        at: cgroup,
        level: cgroup.level().into(),
        name: first_words(&place.name),
        settled: 0,
        held: 0,
        flags: agent::FAIL_OPEN.into(),
    };
    // SAFETY: the verifier walks into the callback, once, with this very context.
    unsafe { bpf_loop(MAX_LEVEL, look_further_up as *mut c_void, (&raw mut walk).cast(), 0) };
    let held = walk.held != 0;
    Around { is_settled: walk.settled != 0, held, flags: if held { walk.flags as u32 } else { 0 } }
}

const GO_ON: i64 = 0;
const STOP: i64 = 1;

/// # Safety
/// Called by `bpf_loop` with the context it was given.
unsafe extern "C" fn look_further_up(_index: u64, walk: *mut Walk) -> i64 {
    // SAFETY: see above.
    let walk = unsafe { &mut *walk };
    if walk.at.level() == 0 {
        return STOP;
    }
    walk.at = walk.at.parent();
    let id = walk.at.id();
    if maps::agent(id).is_some_and(|agent| agent.flags & agent::NEW == 0) {
        walk.settled = 1;
        return STOP;
    }
    // SAFETY: of where others are expected nothing but the moment of a look hangs: `docs/adr/0033`.
    let Some(below) = (unsafe { maps::PARENTS.get(id) }) else { return GO_ON };
    if below.levels == 0 {
        walk.settled = 1;
        return STOP;
    }
    if expects(below, walk.level as u32, walk.name) {
        walk.held = 1;
        // It is open only if all say so.
        walk.flags &= u64::from(below.flags);
    }
    GO_ON
}

#[inline(always)]
fn expects(below: &Below, level: u32, name: [u64; 2]) -> bool {
    if below.levels >> (level & 63) & 1 == 0 {
        return false;
    }
    let mut found = below.count == 0;
    for number in 0..MAX_PREFIXES {
        let prefix = &below.prefixes[number];
        let differs =
            (name[0] ^ prefix.words[0]) & prefix.masks[0] | (name[1] ^ prefix.words[1]) & prefix.masks[1];
        found |= (number as u32) < below.count && differs == 0;
    }
    found
}

#[inline(always)]
fn flags_of(watch: &Watch, around: &Around) -> u32 {
    match (watch.held != 0, around.held) {
        (true, true) => watch.below.flags & around.flags,
        (true, false) => watch.below.flags,
        (false, _) => around.flags,
    }
}
