//! A kernel edge and a log without a kernel and without a disk: for tests, and for trying the review side on a machine
//! where nothing can be gated.

pub(crate) mod past;
mod plays;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use expacti_core::docket::{Digest, Input, Opened, Policy, Record, Verdict};
use expacti_core::evaluation::{DecidedBy, Decision, Evaluation, Factor, Level};
#[cfg(test)]
use expacti_core::request::Agent as Whose;
use expacti_core::request::ExecRequest;
use tokio::sync::watch;

pub(crate) use self::plays::play;
use super::ports::{Agent, Durable, Kernel, KernelRefused, Log, LogFailed};
use super::{Desk, NobodyToNotify, Ports};
use crate::daemon::ledger::{Ledger, attempted};

/// What the kernel would have done.
#[derive(Debug, Default)]
struct Seen {
    verdicts: BTreeMap<u64, Verdict>,
    frozen: BTreeSet<String>,
    killed: BTreeSet<String>,
}

/// A kernel edge that only remembers.
#[derive(Debug)]
pub(crate) struct SimulatedKernel {
    agents: Vec<String>,
    seen: Mutex<Seen>,
    changed: watch::Sender<()>,
    next: AtomicU64,
    // Where attempts are logged before the desk hears of them, as the reader of the ring does.
    ledger: Option<Arc<Ledger>>,
}

impl SimulatedKernel {
    fn new(agents: &[&str], ledger: Option<Arc<Ledger>>) -> Arc<Self> {
        Arc::new(Self {
            agents: agents.iter().map(|agent| (*agent).to_owned()).collect(),
            seen: Mutex::default(),
            changed: watch::Sender::new(()),
            next: AtomicU64::new(1),
            ledger,
        })
    }

    /// An agent tries to run something. The ticket's number is given back.
    pub(crate) fn attempt(&self, desk: &Desk, request: ExecRequest, evaluation: Evaluation) -> u64 {
        let ticket = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(ledger) = &self.ledger {
            let (pid, parent) = (40_000 + u32::try_from(ticket % 100_000).unwrap_or(0), 4_711);
            ledger.note(Some(ticket), attempted(pid, parent, request.clone(), evaluation.clone(), None));
        }
        desk.tell(Input::Opened(Opened {
            ticket,
            agent: request.agent.name.clone(),
            digest: digest_of(&request),
            request: Arc::new(request),
            evaluation: Arc::new(evaluation),
            descends_from: Vec::new(),
        }));
        ticket
    }

    fn known(&self, agent: &str) -> Result<(), KernelRefused> {
        if self.agents.iter().any(|known| known == agent) {
            return Ok(());
        }
        Err(KernelRefused::UnknownAgent(agent.to_owned()))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What tests look at.
#[cfg(test)]
impl SimulatedKernel {
    /// Waits for the verdict on a ticket.
    pub(crate) async fn verdict(&self, ticket: u64) -> Verdict {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            let known = self.seen().verdicts.get(&ticket).cloned();
            if let Some(verdict) = known {
                return verdict;
            }
            // The sender lives in `self`.
            let _ = changed.changed().await;
        }
    }

    /// The verdict on a ticket, where there is one by now.
    pub(crate) fn verdict_now(&self, ticket: u64) -> Option<Verdict> {
        self.seen().verdicts.get(&ticket).cloned()
    }

    /// Whether an agent stands still.
    pub(crate) fn is_frozen(&self, agent: &str) -> bool {
        self.seen().frozen.contains(agent)
    }

    /// Whether an agent was ended.
    pub(crate) fn is_killed(&self, agent: &str) -> bool {
        self.seen().killed.contains(agent)
    }
}

impl Kernel for SimulatedKernel {
    fn hold(&self, _: u64) {}

    fn deliver(&self, verdict: Verdict) {
        let ticket = verdict.ticket;
        let earlier = self.seen().verdicts.insert(ticket, verdict);
        assert!(earlier.is_none(), "ticket {ticket} was answered twice");
        self.changed.send_replace(());
    }

    fn agents(&self) -> Vec<Agent> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let agent = |name: &String| Agent {
            name: name.clone(),
            cgroup: format!("/simulated/{name}"),
            since,
            ..Agent::default()
        };
        self.agents.iter().map(agent).collect()
    }

    fn freeze(&self, agent: &str) -> Result<(), KernelRefused> {
        self.known(agent)?;
        self.seen().frozen.insert(agent.to_owned());
        Ok(())
    }

    fn thaw(&self, agent: &str) -> Result<(), KernelRefused> {
        self.known(agent)?;
        self.seen().frozen.remove(agent);
        Ok(())
    }

    fn kill(&self, agent: &str) -> Result<(), KernelRefused> {
        self.known(agent)?;
        self.seen().killed.insert(agent.to_owned());
        Ok(())
    }
}

/// A log that only remembers, and fails when it is told to.
#[derive(Debug, Default)]
pub(crate) struct SimulatedLog {
    records: Mutex<Vec<Record>>,
    failing: AtomicBool,
    stalling: watch::Sender<bool>,
    urgent: AtomicBool,
}

/// What tests look at.
#[cfg(test)]
impl SimulatedLog {
    /// From now on nothing can be written, or everything again.
    pub(crate) fn fail(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
    }

    /// From now on nothing becomes durable, or all that waits for it does.
    pub(crate) fn stall(&self, stalling: bool) {
        self.stalling.send_replace(stalling);
    }

    /// Whether something of it had to be durable at once.
    pub(crate) fn was_urgent(&self) -> bool {
        self.urgent.load(Ordering::Relaxed)
    }

    /// Everything that was written.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Log for SimulatedLog {
    fn append(&self, records: Vec<Record>, urgent: bool) -> Durable {
        self.urgent.fetch_or(urgent, Ordering::Relaxed);
        if self.is_failing() {
            return Box::pin(async { Err(LogFailed("no space left on device".to_owned())) });
        }
        self.records.lock().unwrap_or_else(PoisonError::into_inner).extend(records);
        let mut stalling = self.stalling.subscribe();
        Box::pin(async move {
            // The sender outlives the desk, which is all that waits.
            let _ = stalling.wait_for(|stalling| !stalling).await;
            Ok(())
        })
    }

    fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }
}

/// A desk with nothing real around it.
pub(crate) struct Simulation {
    /// Its kernel edge.
    pub(crate) kernel: Arc<SimulatedKernel>,
    /// Its log.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests read it"))]
    pub(crate) log: Arc<SimulatedLog>,
    /// The desk itself.
    pub(crate) desk: Desk,
}

impl Simulation {
    /// Starts one on the current runtime.
    pub(crate) fn start(agents: &[&str], policy: Policy) -> Self {
        let (kernel, log) = (SimulatedKernel::new(agents, None), Arc::new(SimulatedLog::default()));
        let ports = Ports { kernel: kernel.clone(), log: log.clone(), notifier: Arc::new(NobodyToNotify) };
        let (desk, _) = Desk::start(policy, ports);
        Self { kernel, log, desk }
    }

    /// Starts one that writes into a real exec log.
    pub(crate) fn recorded(agents: &[&str], policy: Policy, ledger: Ledger) -> Self {
        let ledger = Arc::new(ledger);
        let kernel = SimulatedKernel::new(agents, Some(Arc::clone(&ledger)));
        let ports = Ports { kernel: kernel.clone(), log: ledger, notifier: Arc::new(NobodyToNotify) };
        let (desk, _) = Desk::start(policy, ports);
        Self { kernel, log: Arc::default(), desk }
    }
}

#[cfg(test)]
impl Simulation {
    /// An agent tries to run something of which the engine thinks `score`.
    pub(crate) fn attempt(&self, agent: &str, argv: &[&str], score: u8) -> u64 {
        let agent =
            Whose { name: agent.to_owned(), cgroup: format!("/simulated/{agent}"), ..Whose::default() };
        let argv = argv.iter().map(|word| (*word).into()).collect();
        let request = ExecRequest { argv, agent, ..ExecRequest::default() };
        self.kernel.attempt(&self.desk, request, held(score, "looks risky"))
    }
}

/// An evaluation that asks humans.
pub(crate) fn held(score: u8, because: &str) -> Evaluation {
    Evaluation {
        decision: Decision::Hold,
        score,
        level: Level::of(score),
        categories: BTreeSet::new(),
        factors: vec![Factor {
            name: "simulated".into(),
            points: i16::from(score),
            because: because.to_owned(),
        }],
        decided_by: DecidedBy::Threshold,
        approvals: 1,
        roles: BTreeSet::new(),
        children_ceiling: None,
        rule_generation: 1,
    }
}

/// Stands in for the kernel's keyed digest: equal requests have equal digests, and that is all that is asked of it.
fn digest_of(request: &ExecRequest) -> Digest {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut digest = [0; 16];
    for (salt, half) in digest.chunks_exact_mut(8).enumerate() {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        request.argv.hash(&mut hasher);
        request.cwd.hash(&mut hasher);
        request.exe.path.hash(&mut hasher);
        request.script.as_ref().map(|script| &script.text).hash(&mut hasher);
        half.copy_from_slice(&hasher.finish().to_be_bytes());
    }
    Digest(digest)
}
