//! Agents come and go: which cgroups are gated, and how.

mod preparation;

use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use expacti_abi::control;
use expacti_abi::limits::MAX_LEVEL;
use expacti_abi::names::map;
use expacti_abi::task::setup;
use expacti_core::request::Container;
use thiserror::Error;

use super::super::cgroup::{Cgroup, CgroupError};
use super::super::maps::{Maps, MapsError, Plain, failed, open_tickets};
use super::super::sys;
use super::newcomers::has_run;
use super::{Enrolled, Errand, Gate, lock};

/// How long denied processes of a withdrawn agent have to come round and see it. They need milliseconds, on a host that
/// has time for them.
const FAREWELL: Duration = Duration::from_secs(10);

/// Why a cgroup is not enrolled.
#[derive(Debug, Error)]
pub(crate) enum EnrolError {
    /// Not a cgroup.
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    /// It would gate the gate.
    #[error("{0} contains {1}; a gate around it would lock the host. Enrol the agent's own cgroup")]
    TooMuch(String, &'static str),
    /// It lies deeper than the kernel programs look.
    #[error("{0} lies {1} levels deep; at most {MAX_LEVEL} are supported")]
    TooDeep(String, u32),
    /// The name is taken.
    #[error("an agent is called {0:?} already; give another name")]
    Taken(String),
    /// The cgroup is gated.
    #[error("{0} is gated already, as agent {1:?}; withdraw that one first")]
    Gated(String, String),
    /// Nobody is called so.
    #[error("no agent is called {0:?}; `expacti agents` lists them")]
    Unknown(String),
    /// What waited in it was denied, and does not take notice.
    #[error(
        "{1} processes of agent {0:?} do not take notice that they are denied; it stays gated. Try again, or `expacti kill` it"
    )]
    Waits(String, usize),
    /// The kernel refused.
    #[error(transparent)]
    Maps(#[from] MapsError),
}

impl Gate {
    /// Whether a cgroup may be gated under a name, without doing it.
    pub(crate) fn may_enrol(&self, name: &str, folder: &Path) -> Result<(), EnrolError> {
        let cgroup = Cgroup::at(folder)?;
        let shown = cgroup.path.display().to_string();
        if cgroup.level == 0 || cgroup.contains(1) {
            return Err(EnrolError::TooMuch(shown, "init"));
        }
        if cgroup.contains(std::process::id()) {
            return Err(EnrolError::TooMuch(shown, "the expacti daemon"));
        }
        if cgroup.level >= MAX_LEVEL {
            return Err(EnrolError::TooDeep(shown, cgroup.level));
        }
        let agents = lock(&self.agents);
        if agents.named(name).is_some() {
            return Err(EnrolError::Taken(name.to_owned()));
        }
        match agents.of(cgroup.id) {
            Some((other, _)) => Err(EnrolError::Gated(shown, other.to_owned())),
            None => Ok(()),
        }
    }

    /// Gates a cgroup and everything below it. Where the kernel held it back since it was made, this is before its first
    /// exec.
    pub(crate) fn enrol(
        &self,
        name: &str,
        folder: &Path,
        flags: u32,
        container: Option<Arc<Container>>,
    ) -> Result<(), EnrolError> {
        self.may_enrol(name, folder)?;
        let cgroup = Cgroup::at(folder)?;
        if self.new_for(cgroup.id).is_none() {
            preparation::wait_for_its_end(&cgroup);
        }
        let mut agents = lock(&self.agents);
        let mut maps = lock(&self.maps);
        let before = maps.agent(cgroup.id);
        let late = match before {
            // As an earlier daemon knew it.
            Some(before) if before.flags & control::agent::NEW == 0 => {
                before.flags & control::agent::LATE != 0
            }
            Some(new) if !has_run(&new, maps.control()?.told_ns) => false,
            Some(_) | None => !cgroup.threads().is_empty(),
        };
        let flags = if late { flags | control::agent::LATE } else { flags };
        let generation = before.map_or(0, |before| before.generation) + 1;
        let entry = control::Agent { flags, generation, ..control::Agent::default() };
        maps.set_agent(cgroup.id, entry)?;
        let mut control = maps.control()?;
        control.levels |= 1 << cgroup.level;
        maps.set_control(control)?;
        // Who is inside already is marked, so that it cannot leave. Twice, for those that a first pass missed because
        // they were just being born; from then on the fork hook marks.
        for _ in 0..2 {
            for tid in cgroup.threads() {
                // Where something ran before us, it could have come there in other ways.
                let setup =
                    if !late && preparation::is_made_by_init(tid) { setup::BORN } else { setup::NONE };
                // One that died meanwhile needs no mark. Kernels before 6.9 name no single thread: there a thread is
                // marked when it next forks or execs inside, and its process's first thread is now.
                let _gone = sys::thread(tid)
                    .and_then(|thread| sys::mark(maps.tasks(), thread.as_fd(), cgroup.id, setup));
            }
        }
        let since = crate::clock::epoch_seconds();
        agents.insert(name, Enrolled { cgroup, since, late, container });
        Ok(())
    }

    /// Changes how an agent is gated. What the kernel remembers about it ends.
    pub(crate) fn treat(&self, name: &str, flags: u32) -> Result<(), EnrolError> {
        let agents = lock(&self.agents);
        let id = agents.named(name).ok_or_else(|| EnrolError::Unknown(name.to_owned()))?.cgroup.id;
        let mut maps = lock(&self.maps);
        let before = maps.agent(id).ok_or_else(|| EnrolError::Unknown(name.to_owned()))?;
        // Whoever stopped it says when it goes on.
        let flags = flags | before.flags & (control::agent::STOPPED | control::agent::LATE);
        let entry = control::Agent { flags, generation: before.generation + 1, ..before };
        maps.set_agent(id, entry)?;
        Ok(())
    }

    /// An agent is not gated any more: its processes are free. What waited is denied first, so that nothing runs which
    /// nobody approved. Gives the tickets that ended by it.
    pub(crate) fn withdraw(&self, name: &str) -> Result<Vec<u64>, EnrolError> {
        let enrolled =
            lock(&self.agents).named(name).cloned().ok_or_else(|| EnrolError::Unknown(name.to_owned()))?;
        let id = enrolled.cgroup.id;
        // From here on nothing new waits: what is denied must not ask again and be free in the middle of it.
        self.set_flag(id, control::agent::STOPPED, true)?;
        // It may have been stopped, and nothing that stands still comes round.
        let _gone = std::fs::write(enrolled.cgroup.path.join("cgroup.freeze"), "0");
        let open = tickets_of(&lock(&self.maps), id)?;
        for ticket in &open {
            let line = format!("expacti: denied (the agent is withdrawn) ticket {ticket}\n");
            self.waits.errand(Errand::Refuse { ticket: *ticket, line });
        }
        let start = Instant::now();
        loop {
            let left = tickets_of(&lock(&self.maps), id)?;
            if !open.iter().any(|ticket| left.contains(ticket)) {
                break;
            }
            if start.elapsed() > FAREWELL {
                self.set_flag(id, control::agent::STOPPED, false)?;
                return Err(EnrolError::Waits(name.to_owned(), left.len()));
            }
            thread::sleep(Duration::from_millis(2));
        }
        let late = {
            let mut agents = lock(&self.agents);
            let mut maps = lock(&self.maps);
            // Gone already where somebody cleaned up by hand.
            let _gone = maps.agents.remove(&id);
            agents.remove(name);
            // Its level of the hierarchy stays among those that are looked at: one look-up more, and nothing can go wrong.
            tickets_of(&maps, id)?
        };
        // Not with the other locks: whoever lets an agent go on takes them in the other order.
        self.forget_brake(name);
        // What came meanwhile finds nothing to wait for.
        for ticket in open.iter().chain(&late) {
            self.forget(*ticket);
        }
        Ok(open.into_iter().chain(late).collect::<std::collections::BTreeSet<_>>().into_iter().collect())
    }

    pub(super) fn set_flag(&self, id: u64, flag: u32, on: bool) -> Result<(), MapsError> {
        let mut maps = lock(&self.maps);
        let gone = || failed(map::AGENTS)(aya::maps::MapError::KeyNotFound);
        let mut entry = maps.agent(id).ok_or_else(gone)?;
        entry.flags = if on { entry.flags | flag } else { entry.flags & !flag };
        maps.set_agent(id, entry)
    }

    /// Lets go of every cgroup that an earlier daemon gated and nobody names any more. Gives how many.
    pub(crate) fn let_go_of_the_nameless(&self) -> Result<usize, EnrolError> {
        let agents = lock(&self.agents);
        let mut maps = lock(&self.maps);
        let mut nameless = Vec::new();
        for entry in &maps.agents {
            let (id, Plain(agent)) = entry.map_err(failed(map::AGENTS))?;
            let is_no_agent = agent.flags & (control::agent::CANARY | control::agent::NEW) != 0;
            if !is_no_agent && agents.of(id).is_none() {
                nameless.push(id);
            }
        }
        for id in &nameless {
            maps.agents.remove(id).map_err(failed(map::AGENTS))?;
        }
        Ok(nameless.len())
    }

    /// The generation of rules that the kernel's cached verdicts must have.
    pub(crate) fn generation(&self) -> Result<u64, MapsError> {
        Ok(lock(&self.maps).control()?.generation)
    }

    /// Every verdict that the kernel remembers ends. Gives the new generation.
    pub(crate) fn raise_generation(&self) -> Result<u64, MapsError> {
        let mut maps = lock(&self.maps);
        let mut control = maps.control()?;
        control.generation += 1;
        maps.set_control(control)?;
        Ok(control.generation)
    }

    /// Marks a thread as an agent's, where it is still gated. One that has a mark keeps it.
    pub(crate) fn mark(&self, thread: BorrowedFd<'_>, agent: u64) {
        if lock(&self.agents).of(agent).is_some() {
            // One that died meanwhile needs no mark.
            let _gone = sys::mark(lock(&self.maps).tasks(), thread, agent, setup::NONE);
        }
    }

    /// The id of an agent's cgroup.
    pub(crate) fn id_of(&self, name: &str) -> Option<u64> {
        lock(&self.agents).named(name).map(|enrolled| enrolled.cgroup.id)
    }
}

fn tickets_of(maps: &Maps, agent: u64) -> Result<Vec<u64>, MapsError> {
    let open = open_tickets(&maps.tickets)?;
    Ok(open.into_iter().filter(|(_, ticket)| ticket.agent == agent).map(|(number, _)| number).collect())
}
