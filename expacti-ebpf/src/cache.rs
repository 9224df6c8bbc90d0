//! Verdicts that need no question: the same exec, or any exec of the same file, under the same rules.

use core::ptr;

use expacti_abi::control::{Agent, Control};
use expacti_abi::digest::Digest;
use expacti_abi::event::Attempt;
use expacti_abi::task::approved;
use expacti_abi::ticket::{CacheKey, Cached, ExecutableKey};

use crate::kernel::now;
use crate::maps;

/// How the caches allow this attempt, one of [`approved`]; `VERDICT`: they do not, it needs one. A plain number, because
/// the verifier refuses the speculative read that an `Option` becomes.
#[inline(always)]
pub(crate) fn allows(control: &Control, agent: &Agent, event: &Attempt) -> u32 {
    let exact = CacheKey { agent: event.agent, digest: event.digest };
    if let Some(cached) = maps::CACHE.get_ptr(exact)
        && holds(control, agent, copy(cached), exact.agent, exact.digest)
    {
        return approved::CACHED;
    }
    let executable = ExecutableKey { agent: event.agent, digest: event.executable };
    if let Some(cached) = maps::EXECUTABLES.get_ptr(executable)
        && holds(control, agent, copy(cached), executable.agent, executable.digest)
    {
        return approved::EXECUTABLE;
    }
    approved::VERDICT
}

#[inline(always)]
fn holds(control: &Control, agent: &Agent, cached: Cached, id: u64, digest: Digest) -> bool {
    cached.is_of(id, digest)
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
