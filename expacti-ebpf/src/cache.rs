//! Verdicts that need no question: the very same exec under the same rules (docs/adr/0037).

use core::ptr;

use expacti_abi::control::{Agent, Control};
use expacti_abi::event::Attempt;
use expacti_abi::ticket::{CacheKey, Cached};

use crate::kernel::now;
use crate::maps;

/// Whether this attempt needs no verdict.
#[inline(always)]
pub(crate) fn allows(control: &Control, agent: &Agent, event: &Attempt) -> bool {
    let key = CacheKey { agent: event.agent, digest: event.digest };
    maps::CACHE.get_ptr(key).is_some_and(|cached| holds(control, agent, copy(cached), key))
}

#[inline(always)]
fn holds(control: &Control, agent: &Agent, cached: Cached, key: CacheKey) -> bool {
    cached.is_of(key.agent, key.digest)
        && cached.generation == control.generation
        && cached.agent_generation == agent.generation
        && (cached.expires_ns == 0 || now() < cached.expires_ns)
}

/// Whatever lies there now: another one's, perhaps, which its seal tells.
#[inline(always)]
fn copy(cached: *const Cached) -> Cached {
    // SAFETY: aligned words of a map's value, which may be written meanwhile.
    unsafe {
        Cached {
            generation: ptr::read_volatile(&raw const (*cached).generation),
            agent_generation: ptr::read_volatile(&raw const (*cached).agent_generation),
            expires_ns: ptr::read_volatile(&raw const (*cached).expires_ns),
            because: ptr::read_volatile(&raw const (*cached).because),
            seal: ptr::read_volatile(&raw const (*cached).seal),
        }
    }
}
