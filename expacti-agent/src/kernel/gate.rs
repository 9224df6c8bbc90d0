//! The gate as the rest of the daemon sees it: agents, waiting processes, verdicts.

mod after;
mod agents;
mod counters;
mod enrolment;
mod newcomers;
mod verdicts;
mod watch;

use std::fs;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use expacti_abi::control::{self, Control};
use expacti_abi::names::map;
use expacti_abi::ticket::{CacheKey, Cached};
use expacti_core::docket::Verdict;
use expacti_core::request::Container;

use self::agents::{Agents, Enrolled};
pub(crate) use self::enrolment::EnrolError;
use self::newcomers::Tables;
pub(crate) use self::newcomers::{Expected, Names};
use self::verdicts::{Errand, Waits};
pub(super) use self::watch::place;
use self::watch::{Brake, Heard};
use super::cgroup::folder_of;
use super::maps::{Maps, MapsError, Plain, failed};
use super::sys;
use super::tell::Teller;
use crate::desk::{Agent, Kernel, KernelRefused};

/// Whose an exec is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Member {
    /// The agent's name.
    pub(crate) name: String,
    /// Its cgroup's folder.
    pub(crate) cgroup: String,
    /// It was gated later than its first exec.
    pub(crate) late: bool,
    /// The container that it is.
    pub(crate) container: Option<Arc<Container>>,
}

/// See the module.
pub(crate) struct Gate {
    maps: Mutex<Maps>,
    agents: Mutex<Agents>,
    /// Where new cgroups are expected, as the kernel was told last.
    expected: Mutex<Tables>,
    waits: Waits,
    teller: Teller,
    /// The key of all digests.
    pub(crate) key: [u64; 2],
    heard: Heard,
    brake: Mutex<Brake>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gate")
    }
}

impl Gate {
    /// Takes the loaded maps over: from here on our programs act.
    pub(crate) fn new(mut maps: Maps, instance: u64, grace: Duration) -> Result<Arc<Self>, MapsError> {
        let before = maps.control()?;
        let key = if before.key == [0; 2] { random_key()? } else { before.key };
        maps.set_control(Control {
            levels: before.levels,
            // What an earlier daemon's rules allowed is asked again.
            generation: before.generation + 1,
            daemon: std::process::id(),
            grace_ns: nanos(grace),
            spin_ns: 50_000,
            told_ns: 1_000_000_000,
            instance,
            key,
            ..Control::default()
        })?;
        let (waits, inboxes) = Waits::new();
        let gate = Arc::new(Self {
            maps: Mutex::new(maps),
            agents: Mutex::default(),
            expected: Mutex::default(),
            waits,
            teller: Teller::default(),
            key,
            heard: Heard::default(),
            brake: Mutex::default(),
        });
        gate.start_threads(inboxes).map_err(|error| MapsError::Thread(error.to_string()))?;
        Ok(gate)
    }

    /// The agent of a cgroup id.
    pub(crate) fn agent(&self, id: u64) -> Option<Member> {
        let agents = lock(&self.agents);
        let (name, enrolled) = agents.of(id)?;
        Some(Member {
            name: name.to_owned(),
            cgroup: enrolled.cgroup.path.display().to_string(),
            late: enrolled.late,
            container: enrolled.container.clone(),
        })
    }

    /// Whether the reader of the ring sleeps until it is woken. Where the kernel cannot be told, it must not.
    pub(crate) fn sleeps(&self, asleep: bool) -> Result<(), MapsError> {
        let mut maps = lock(&self.maps);
        let control = maps.control()?;
        maps.set_control(Control { asleep: asleep.into(), ..control })
    }

    /// Whether what humans decide about this agent is held behind the commit.
    pub(crate) fn holds_after(&self, agent: &str) -> bool {
        let Some(id) = self.id_of(agent) else { return false };
        let entry = lock(&self.maps).agent(id);
        entry.is_some_and(|entry| entry.flags & control::agent::HOLD_AFTER != 0)
    }

    /// From here on the kernel allows this exec by itself, for a while, as long as the rules are of this generation.
    pub(crate) fn remember(
        &self,
        agent: u64,
        digest: [u64; 2],
        because: u64,
        generation: u64,
        life: Duration,
    ) -> Result<(), MapsError> {
        let mut maps = lock(&self.maps);
        // Gone meanwhile: then there is nothing to remember.
        let Some(known) = maps.agent(agent) else { return Ok(()) };
        let expires_ns = boot_ns() + nanos(life);
        let cached = Cached { generation, agent_generation: known.generation, expires_ns, because, seal: 0 };
        let cached = cached.sealed(agent, digest);
        maps.cache.insert(Plain(CacheKey { agent, digest }), Plain(cached), 0).map_err(failed(map::CACHE))
    }
}

impl Kernel for Gate {
    fn deliver(&self, verdict: Verdict) {
        self.answer(verdict);
    }

    fn hold(&self, ticket: u64) {
        self.begin_hold(ticket);
    }

    fn agents(&self) -> Vec<Agent> {
        let agents = lock(&self.agents);
        let listed = agents.all().map(|(name, enrolled)| Agent {
            name: name.to_owned(),
            cgroup: enrolled.cgroup.path.display().to_string(),
            since: enrolled.since,
            late: enrolled.late,
            container: enrolled.container.clone(),
        });
        let mut listed: Vec<Agent> = listed.collect();
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        listed
    }

    fn freeze(&self, agent: &str) -> Result<(), KernelRefused> {
        self.stop(agent)
    }

    fn thaw(&self, agent: &str) -> Result<(), KernelRefused> {
        self.resume(agent)
    }

    fn kill(&self, agent: &str) -> Result<(), KernelRefused> {
        self.write(agent, "cgroup.kill", "1")
    }
}

impl Gate {
    fn write(&self, agent: &str, file: &str, what: &str) -> Result<(), KernelRefused> {
        let path = match lock(&self.agents).named(agent) {
            Some(enrolled) => enrolled.cgroup.path.join(file),
            None => return Err(KernelRefused::UnknownAgent(agent.to_owned())),
        };
        fs::write(&path, what).map_err(|error| KernelRefused::Failed {
            agent: agent.to_owned(),
            why: format!("{}: {error}", path.display()),
        })
    }
}

impl Gate {
    /// The agent in whose cgroup a process is.
    fn agent_around(&self, pid: u32) -> Option<String> {
        let folder = folder_of(pid).ok()?;
        lock(&self.agents).around(&folder).map(str::to_owned)
    }
}

impl crate::api::Gated for Gate {
    /// In doubt it is: who cannot be looked at is not let in.
    fn is_gated(&self, pid: u32) -> bool {
        if self.agent_around(pid).is_some() {
            return true;
        }
        let marked = |process: std::os::fd::OwnedFd| -> io::Result<bool> {
            let maps = lock(&self.maps);
            let mark = sys::mark_of(maps.tasks(), process.as_fd())?;
            Ok(mark.is_some_and(|mark| maps.agents.get(&mark.agent, 0).is_ok()))
        };
        sys::pidfd(pid).and_then(marked).unwrap_or(true)
    }

    fn agent_of(&self, pid: u32) -> Option<String> {
        let mark = {
            let process = sys::pidfd(pid).ok()?;
            sys::mark_of(lock(&self.maps).tasks(), process.as_fd()).ok()?
        };
        let by_mark = mark.and_then(|mark| self.agent(mark.agent)).map(|member| member.name);
        by_mark.or_else(|| self.agent_around(pid))
    }
}

/// A thread that panicked while it held a lock leaves maps and tables as they are, which is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn random_key() -> Result<[u64; 2], MapsError> {
    let word = || getrandom::u64().map_err(|error| MapsError::Random(error.to_string()));
    Ok([word()?, word()?])
}

/// Nanoseconds on the clock that the kernel programs read.
pub(crate) fn boot_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
