//! What the watch over the gate needs: the canary's place, its reports, and agents that stand still meanwhile.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use expacti_abi::control::{self, agent};

use super::{Gate, lock};
use crate::desk::KernelRefused;
use crate::kernel::canary::Canary;
use crate::kernel::maps::{Maps, MapsError};

/// What the ring brought.
#[derive(Default)]
pub(super) struct Heard {
    counts: Mutex<Counts>,
    more: Condvar,
}

/// See [`Gate::canary_reports_beyond`].
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Reports of the canary.
    reports: u64,
    /// How often the ring was read to its end.
    ends: u64,
}

/// Why agents stand still. One goes on only when no reason is left.
#[derive(Default)]
pub(super) struct Brake {
    stopped: HashSet<String>,
    gate_is_off: bool,
}

impl Gate {
    /// Gates the canary's cgroup.
    pub(crate) fn place_canary(&self, canary: &Canary) -> Result<(), MapsError> {
        place(&mut lock(&self.maps), canary)
    }

    /// A report of the canary came.
    pub(crate) fn canary_reported(&self) {
        lock(&self.heard.counts).reports += 1;
        self.heard.more.notify_all();
    }

    /// The ring was read to its end.
    pub(crate) fn ring_ended(&self) {
        lock(&self.heard.counts).ends += 1;
        self.heard.more.notify_all();
    }

    /// What came so far.
    pub(crate) fn heard(&self) -> Counts {
        *lock(&self.heard.counts)
    }

    /// Waits for a report that came after these. It stands in the ring behind all that was there before, which may be much:
    /// so it is waited for until the ring was read to its end twice, in which it must have been.
    pub(crate) fn canary_reports_beyond(&self, before: Counts, limit: Duration) -> bool {
        let counts = lock(&self.heard.counts);
        let missing = |counts: &mut Counts| counts.reports <= before.reports && counts.ends < before.ends + 2;
        let waited = self.heard.more.wait_timeout_while(counts, limit, missing);
        waited.unwrap_or_else(PoisonError::into_inner).0.reports > before.reports
    }

    /// The gate does not fire: all agents stand still. Says what could not be stopped.
    pub(crate) fn stand_still(&self) -> Vec<KernelRefused> {
        lock(&self.brake).gate_is_off = true;
        self.each_agent(|name| self.write(name, "cgroup.freeze", "1"))
    }

    /// The gate fires again: agents go on that nobody else stopped. Says which do not.
    pub(crate) fn go_on(&self) -> Vec<KernelRefused> {
        let stopped = {
            let mut brake = lock(&self.brake);
            brake.gate_is_off = false;
            brake.stopped.clone()
        };
        self.each_agent(
            |name| {
                if stopped.contains(name) { Ok(()) } else { self.write(name, "cgroup.freeze", "0") }
            },
        )
    }

    /// A human stops an agent.
    pub(super) fn stop(&self, agent: &str) -> Result<(), KernelRefused> {
        // Who left the cgroup stands outside of what freezes, and execs no more either.
        self.bar(agent, true)?;
        self.write(agent, "cgroup.freeze", "1")?;
        lock(&self.brake).stopped.insert(agent.to_owned());
        Ok(())
    }

    /// A human lets an agent go on.
    pub(super) fn resume(&self, agent: &str) -> Result<(), KernelRefused> {
        let mut brake = lock(&self.brake);
        if brake.gate_is_off {
            return Err(KernelRefused::Failed {
                agent: agent.to_owned(),
                why: "the gate in the kernel does not fire, so all agents stand still; `expacti doctor` says why"
                    .to_owned(),
            });
        }
        self.bar(agent, false)?;
        self.write(agent, "cgroup.freeze", "0")?;
        brake.stopped.remove(agent);
        Ok(())
    }

    /// Lets nothing of an agent exec any more, or again.
    fn bar(&self, name: &str, on: bool) -> Result<(), KernelRefused> {
        let id = self.id_of(name).ok_or_else(|| KernelRefused::UnknownAgent(name.to_owned()))?;
        self.set_flag(id, agent::STOPPED, on)
            .map_err(|error| KernelRefused::Failed { agent: name.to_owned(), why: error.to_string() })
    }

    /// An agent is gone; one of the same name that comes later is another one.
    pub(super) fn forget_brake(&self, agent: &str) {
        lock(&self.brake).stopped.remove(agent);
    }

    fn each_agent(&self, act: impl Fn(&str) -> Result<(), KernelRefused>) -> Vec<KernelRefused> {
        let names: Vec<String> = lock(&self.agents).all().map(|(name, _)| name.to_owned()).collect();
        names.iter().filter_map(|name| act(name).err()).collect()
    }
}

/// Writes the canary's cgroup into the maps.
pub(crate) fn place(maps: &mut Maps, canary: &Canary) -> Result<(), MapsError> {
    let entry = control::Agent { flags: agent::CANARY, generation: 1, ..control::Agent::default() };
    maps.set_agent(canary.cgroup.id, entry)?;
    let mut control = maps.control()?;
    control.levels |= 1 << canary.cgroup.level;
    control.canary = canary.cgroup.id;
    maps.set_control(control)
}
