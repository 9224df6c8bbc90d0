//! Verdicts that need no question: the same exec, or any exec of the same file, under the same rules.

use expacti_abi::control::{Agent, Control};
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
    // SAFETY: entries are replaced whole by the daemon; a reader sees the old or the new one.
    if let Some(cached) = unsafe { maps::CACHE.get(exact) }
        && holds(control, agent, cached)
    {
        return approved::CACHED;
    }
    let executable = ExecutableKey { agent: event.agent, digest: event.executable };
    // SAFETY: as above.
    if let Some(cached) = unsafe { maps::EXECUTABLES.get(executable) }
        && holds(control, agent, cached)
    {
        return approved::EXECUTABLE;
    }
    approved::VERDICT
}

#[inline(always)]
fn holds(control: &Control, agent: &Agent, cached: &Cached) -> bool {
    cached.generation == control.generation
        && cached.agent_generation == agent.generation
        && (cached.expires_ns == 0 || now() < cached.expires_ns)
}
