//! The gate as the rest of the daemon sees it: agents, waiting processes, verdicts.

mod enrolment;
mod watch;

use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};
use std::{fs, thread};

use expacti_abi::control::Control;
use expacti_abi::names::map;
use expacti_abi::ticket::{CacheKey, Cached, Ticket, verdict};
use expacti_core::docket::Verdict;

pub(crate) use self::enrolment::EnrolError;
pub(super) use self::watch::place;
use self::watch::{Brake, Heard};
use super::cgroup::Cgroup;
use super::maps::{Maps, MapsError, Plain, failed};
use super::park::{Parked, found_parked, park};
use super::{sys, tell};
use crate::desk::{Agent, Kernel, KernelRefused};

/// Only a ticket that is still there gets a verdict.
const BPF_EXIST: u64 = 2;
/// How long an allowed process has to use its verdict.
const VERDICT_LIFE: Duration = Duration::from_mins(1);
/// How long a process asks again and again before it is parked: most verdicts come sooner.
const PATIENCE: Duration = Duration::from_millis(20);

/// An enrolled cgroup.
#[derive(Clone, Debug)]
struct Enrolled {
    cgroup: Cgroup,
    since: u64,
}

/// A process that waits for a verdict.
struct Waiting {
    pid: u32,
    since: Instant,
    parked: Option<Parked>,
}

/// See the module.
pub(crate) struct Gate {
    maps: Mutex<Maps>,
    agents: Mutex<HashMap<String, Enrolled>>,
    waiting: Mutex<HashMap<u64, Waiting>>,
    errands: Mutex<mpsc::Sender<Errand>>,
    heard: Heard,
    brake: Mutex<Brake>,
}

/// What may take a moment and must not keep the desk: done by a thread of its own.
enum Errand {
    Refuse { ticket: u64, line: String },
    Release(Waiting),
    Sweep,
}

impl Gate {
    /// Takes the loaded maps over: from here on our programs act.
    pub(crate) fn new(
        mut maps: Maps,
        instance: u64,
        grace: Duration,
    ) -> Result<std::sync::Arc<Self>, MapsError> {
        let before = maps.control()?;
        let key = if before.key == [0; 2] { random_key()? } else { before.key };
        maps.set_control(Control {
            levels: before.levels,
            // What an earlier daemon's rules allowed is asked again.
            generation: before.generation + 1,
            daemon: std::process::id(),
            grace_ns: nanos(grace),
            spin_ns: 50_000,
            freeze_ns: 1_000_000_000,
            instance,
            key,
            ..Control::default()
        })?;
        let (errands, inbox) = mpsc::channel();
        let gate = std::sync::Arc::new(Self {
            maps: Mutex::new(maps),
            agents: Mutex::default(),
            waiting: Mutex::default(),
            errands: Mutex::new(errands.clone()),
            heard: Heard::default(),
            brake: Mutex::default(),
        });
        let runner = std::sync::Arc::clone(&gate);
        thread::Builder::new()
            .name("errands".to_owned())
            .spawn(move || runner.run(&inbox))
            .map_err(|error| MapsError::Thread(error.to_string()))?;
        thread::Builder::new()
            .name("parker".to_owned())
            .spawn(move || {
                while errands.send(Errand::Sweep).is_ok() {
                    thread::sleep(PATIENCE);
                }
            })
            .map_err(|error| MapsError::Thread(error.to_string()))?;
        Ok(gate)
    }

    /// What an earlier daemon left unanswered is asked again: its tickets are void, and who waits parked comes round.
    pub(crate) fn ask_anew(&self) -> Result<(), MapsError> {
        let mut maps = lock(&self.maps);
        let left: Vec<_> = maps.tickets.iter().collect::<Result<_, _>>().map_err(failed(map::TICKETS))?;
        for (ticket, Plain(open)) in left {
            let void = Ticket { verdict: verdict::VOID, ..open };
            // Used up meanwhile: nothing to ask.
            let _gone = maps.tickets.insert(ticket, Plain(void), BPF_EXIST);
            if let Some(parked) = found_parked(open.tgid) {
                self.errand(Errand::Release(Waiting {
                    pid: open.tgid,
                    since: Instant::now(),
                    parked: Some(parked),
                }));
            }
        }
        Ok(())
    }

    /// The agent of a cgroup id: its name and folder.
    pub(crate) fn agent(&self, id: u64) -> Option<(String, String)> {
        let agents = lock(&self.agents);
        let (name, enrolled) = agents.iter().find(|(_, enrolled)| enrolled.cgroup.id == id)?;
        Some((name.clone(), enrolled.cgroup.path.display().to_string()))
    }

    /// A process began to wait.
    pub(crate) fn waits(&self, ticket: u64, pid: u32) {
        lock(&self.waiting).insert(ticket, Waiting { pid, since: Instant::now(), parked: None });
    }

    /// A ticket needs no answer any more.
    pub(crate) fn forget(&self, ticket: u64) {
        // The hook that used it may have removed it before.
        let _gone_already = lock(&self.maps).tickets.remove(&ticket);
        if let Some(waiting) = lock(&self.waiting).remove(&ticket) {
            self.errand(Errand::Release(waiting));
        }
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
        let agent_generation = maps.agents.get(&agent, 0).map_err(failed(map::AGENTS))?.0.generation;
        let cached = Cached { generation, agent_generation, expires_ns: boot_ns() + nanos(life), because };
        maps.cache.insert(Plain(CacheKey { agent, digest }), Plain(cached), 0).map_err(failed(map::CACHE))
    }

    fn errand(&self, errand: Errand) {
        // The thread lives as long as the gate.
        let _ended = lock(&self.errands).send(errand);
    }

    fn run(&self, inbox: &mpsc::Receiver<Errand>) {
        while let Ok(errand) = inbox.recv() {
            match errand {
                Errand::Refuse { ticket, line } => {
                    let pid = lock(&self.waiting).get(&ticket).map(|waiting| waiting.pid);
                    if let Some(pid) = pid {
                        // It can close its standard error or die at any time; the refusal stands without the line.
                        let _untold = tell::tell(pid, &line);
                    }
                    self.answer(ticket, verdict::DENY);
                }
                Errand::Release(waiting) => {
                    if let Some(parked) = &waiting.parked {
                        // Without its cgroup there is no process either.
                        let _gone = parked.release();
                    }
                }
                Errand::Sweep => self.park_the_patient(),
            }
        }
    }

    /// Writes a verdict into the kernel and wakes the process.
    fn answer(&self, ticket: u64, verdict: u32) {
        {
            let mut maps = lock(&self.maps);
            // Removed: the process is gone or asks for something else.
            if let Ok(Plain(mut open)) = maps.tickets.get(&ticket, 0)
                && open.verdict == verdict::PENDING
            {
                open.verdict = verdict;
                open.expires_ns = boot_ns() + nanos(VERDICT_LIFE);
                let _void_meanwhile = maps.tickets.insert(ticket, Plain(open), BPF_EXIST);
            }
        }
        if let Some(waiting) = lock(&self.waiting).remove(&ticket)
            && waiting.parked.is_some()
        {
            self.errand(Errand::Release(waiting));
        }
    }

    fn park_the_patient(&self) {
        let mut waiting = lock(&self.waiting);
        for process in waiting.values_mut() {
            if process.parked.is_none() && process.since.elapsed() >= PATIENCE {
                // Where parking is impossible it asks on, and the kernel's grace ends that.
                process.parked = park(process.pid).ok();
            }
        }
    }
}

impl Kernel for Gate {
    fn deliver(&self, verdict: Verdict) {
        if verdict.allow {
            self.answer(verdict.ticket, verdict::ALLOW);
        } else {
            let reason = expacti_core::untrusted::Untrusted::from(verdict.reason);
            let line = format!("expacti: denied ({reason}) ticket {}\n", verdict.ticket);
            self.errand(Errand::Refuse { ticket: verdict.ticket, line });
        }
    }

    fn agents(&self) -> Vec<Agent> {
        let agents = lock(&self.agents);
        let listed = agents.iter().map(|(name, enrolled)| Agent {
            name: name.clone(),
            cgroup: enrolled.cgroup.path.display().to_string(),
            since: enrolled.since,
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
        let path = match lock(&self.agents).get(agent) {
            Some(enrolled) => enrolled.cgroup.path.join(file),
            None => return Err(KernelRefused::UnknownAgent(agent.to_owned())),
        };
        fs::write(&path, what).map_err(|error| KernelRefused::Failed {
            agent: agent.to_owned(),
            why: format!("{}: {error}", path.display()),
        })
    }
}

impl crate::api::Gated for Gate {
    /// In doubt it is: who cannot be looked at is not let in.
    fn is_gated(&self, pid: u32) -> bool {
        if lock(&self.agents).values().any(|enrolled| enrolled.cgroup.contains(pid)) {
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
        let by_mark = mark.and_then(|mark| self.agent(mark.agent)).map(|(name, _)| name);
        by_mark.or_else(|| {
            let agents = lock(&self.agents);
            let around = agents.iter().filter(|(_, enrolled)| enrolled.cgroup.contains(pid));
            around.max_by_key(|(_, enrolled)| enrolled.cgroup.level).map(|(name, _)| name.clone())
        })
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
