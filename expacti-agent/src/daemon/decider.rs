//! Decides about execs, from whatever thread has their last details, and tells desk and log.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use expacti_abi::event::{Head, flag, reason};
use expacti_core::docket::{Digest, Input, Opened};
use expacti_core::evaluation::{DecidedBy, Decision, Evaluation, Level};
use expacti_core::history::History;
use expacti_core::record::entry::{Decider as By, Verdict};
use expacti_core::request::{ExecRequest, Stdin};

use super::crew::Came;
use super::engine::{InForce, Judged};
use super::ledger::{Ledger, attempted};
use super::metrics::Would;
use super::past::Past;
use crate::config::Mode;
use crate::desk::{Desk, Standing};
use crate::intake::{self, Hashes};
use crate::kernel::Gate;

/// How long an exec that the engine allowed is remembered in the kernel. Time of day and history count too, so not
/// for long.
const REMEMBER: Duration = Duration::from_mins(1);

/// Evaluations that are kept for the commands that the kernel lets through by itself.
const KNOWN: usize = 4_096;

/// One exec on its way to a decision.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) event: Arc<Head>,
    pub(super) request: ExecRequest,
    /// The execs that made it, nearest first.
    pub(super) ancestors: Arc<[u64]>,
    pub(super) history: History,
}

/// What the engine said of a command that does not wait, and whether the kernel may say it from now on.
struct Known {
    evaluation: Evaluation,
    /// It is allowed whatever its standard input is, which the kernel's digest does not cover.
    from_any_input: bool,
}

type Later = Box<dyn FnOnce(&Decider) + Send>;

/// See the module.
pub(crate) struct Decider {
    pub(crate) gate: Arc<Gate>,
    pub(crate) engine: Arc<InForce>,
    pub(crate) standing: Standing,
    pub(crate) past: Past,
    pub(crate) desk: Desk,
    pub(crate) ledger: Arc<Ledger>,
    hashes: Hashes,
    /// By agent and digest.
    known: Mutex<HashMap<(u64, [u64; 2]), Known>>,
    /// What happened to attempts that are still being looked at. It is told behind them.
    looked_at: Mutex<HashMap<u64, Vec<Later>>>,
}

impl Decider {
    pub(crate) fn new(
        gate: Arc<Gate>,
        engine: Arc<InForce>,
        past: Past,
        desk: Desk,
        ledger: Arc<Ledger>,
    ) -> Self {
        Self {
            gate,
            engine,
            standing: desk.standing().clone(),
            past,
            desk,
            ledger,
            hashes: Hashes::default(),
            known: Mutex::default(),
            looked_at: Mutex::default(),
        }
    }

    /// The kernel let it through because the engine would; what it said then is known.
    pub(super) fn said_before(&self, event: &Head) -> Option<Evaluation> {
        if event.flags & (flag::CACHED | flag::WAITS) != flag::CACHED {
            return None;
        }
        let generation = self.engine.now().rules.generation();
        let known = lock(&self.known);
        let known = known.get(&(event.agent, event.digest))?;
        (known.evaluation.rule_generation == generation).then(|| known.evaluation.clone())
    }

    /// Adds what earlier looks at the same files have found.
    pub(super) fn recall(&self, request: &mut ExecRequest) {
        self.hashes.recall(&mut request.exe);
        request.interpreters.iter_mut().for_each(|file| self.hashes.recall(file));
    }

    /// Decides by what is known.
    pub(super) fn judge(&self, case: &Case) -> Judged {
        let grants = self.standing.of(&case.ancestors);
        let engine = self.engine.now();
        let judged = engine.judge(&case.request, &grants, &case.history);
        if case.request.script.is_none() || matches!(judged.evaluation.decided_by, DecidedBy::Rule { .. }) {
            return judged;
        }
        // A script can be another one by the time its interpreter opens it. So what it says can speak against it, and
        // for it only where a rule asks for it.
        let unseen = ExecRequest { script: None, ..case.request.clone() };
        let unseen = engine.judge(&unseen, &grants, &case.history);
        let strictness = |judged: &Judged| (judged.evaluation.decision, judged.evaluation.score);
        if strictness(&unseen) > strictness(&judged) { unseen } else { judged }
    }

    /// Whether its files have to be looked at before it is decided.
    pub(super) fn needs_a_closer_look(&self, case: &Case, judged: &Judged) -> bool {
        let Evaluation { decision, level, .. } = judged.evaluation;
        if case.event.flags & flag::LARGE != 0 && case.event.flags & flag::UNREADABLE == 0 {
            return true;
        }
        if case.event.flags & flag::OBSERVED != 0 && case.request.cwd.is_none() {
            // It did not wait and is gone. Its parent may still be there.
            return true;
        }
        if case.event.flags & flag::WAITS == 0 || decision == Decision::Deny {
            return false;
        }
        if decision == Decision::Hold || level >= Level::Medium || intake::runs_text(&case.request) {
            return true;
        }
        case.request.exe.sha256.is_none() && self.engine.now().rules.hold_back_content()
    }

    /// From here on until [`Self::conclude`], what happens to it waits behind it.
    pub(super) fn looks_closer(&self, seq: u64) {
        lock(&self.looked_at).insert(seq, Vec::new());
    }

    /// The look itself. It may never come back.
    pub(super) fn look(&self, case: &mut Case, until: Instant) {
        intake::look(&case.event, &mut case.request, self.gate.key, &self.hashes, until);
    }

    /// A look is over, or given up.
    pub(super) fn conclude(&self, mut case: Case, how: Came) {
        if how == Came::Late {
            case.request.missing.push("a closer look: its files did not answer in time".to_owned());
        }
        if case.request.exe.sha256.is_none() && self.engine.now().rules.hold_back_content() {
            case.request.missing.push("the hash of its file, which rules ask for".to_owned());
        }
        let judged = self.judge(&case);
        let seq = case.event.seq;
        let mut looked_at = lock(&self.looked_at);
        self.decided(case, judged);
        for later in looked_at.remove(&seq).into_iter().flatten() {
            later(self);
        }
    }

    /// Does this once the attempt has been told of.
    pub(super) fn behind(&self, seq: u64, then: impl FnOnce(&Self) + Send + 'static) {
        let mut looked_at = lock(&self.looked_at);
        if let Some(later) = looked_at.get_mut(&seq) {
            later.push(Box::new(then));
            return;
        }
        drop(looked_at);
        then(self);
    }

    /// Tells log and desk.
    pub(super) fn decided(&self, case: Case, judged: Judged) {
        let Case { event, request, ancestors, .. } = case;
        let Judged { evaluation, without_grants } = judged;
        let agent = request.agent.name.clone();
        self.past.attempted(&agent, evaluation.level, crate::clock::epoch_seconds());
        if event.flags & flag::WAITS == 0 {
            return self.note_attempt(&event, request, evaluation);
        }
        if self.engine.now().treatment(&agent).mode != Mode::Enforce {
            // It waited only to be read.
            self.gate.let_pass(event.seq);
            let seen = Head { flags: event.flags & !flag::WAITS | flag::OBSERVED, ..*event };
            return self.note_attempt(&seen, request, evaluation);
        }
        self.note_attempt(&event, request.clone(), evaluation.clone());
        let request = Arc::new(request);
        self.desk.tell(Input::Opened(Opened {
            ticket: event.seq,
            agent,
            digest: digest(event.digest),
            request: Arc::clone(&request),
            evaluation: Arc::new(without_grants),
            descends_from: ancestors.to_vec(),
        }));
        self.remember(&event, &request, evaluation);
    }

    pub(super) fn note_attempt(&self, event: &Head, request: ExecRequest, evaluation: Evaluation) {
        let verdict = kernel_verdict(event).map(|verdict| self.watched(&request, &evaluation, verdict));
        self.ledger.note(Some(event.seq), attempted(event.tgid, event.ppid, request, evaluation, verdict));
    }

    /// A verdict of the kernel, counted; where the agent is only watched in its shadow, with what would have been.
    fn watched(&self, request: &ExecRequest, evaluation: &Evaluation, verdict: Verdict) -> Verdict {
        let (metrics, agent) = (self.ledger.metrics(), request.agent.name.as_str());
        metrics.decided(agent, verdict.allow, &verdict.decider);
        if verdict.decider != By::Observe || self.engine.now().treatment(agent).mode != Mode::Shadow {
            return verdict;
        }
        let Some(would) = self.would(request, evaluation) else { return verdict };
        metrics.shadowed(agent, would);
        let because = match would {
            Would::BeHeld => "would have been held for a human",
            Would::BeDenied => "would have been denied",
            Would::NotBeKnown => {
                "it was over before it was looked at, so what it would have been is not known"
            }
        };
        let because = format!("{because}: risk {} {}", evaluation.score, evaluation.level);
        Verdict { because, ..verdict }
    }

    /// What would have become of it; none: it would have run. What is only watched does not wait until it was looked at, so
    /// what is missing of it speaks neither against it nor for it.
    fn would(&self, request: &ExecRequest, evaluation: &Evaluation) -> Option<Would> {
        let is_whole = evaluation.decided_by != DecidedBy::Incomplete;
        let decision = if is_whole {
            evaluation.decision
        } else {
            let as_seen = ExecRequest { missing: Vec::new(), ..request.clone() };
            self.engine.now().judge(&as_seen, &[], &History::default()).evaluation.decision
        };
        match decision {
            Decision::Deny => Some(Would::BeDenied),
            Decision::Hold => Some(Would::BeHeld),
            Decision::Allow => (!is_whole).then_some(Would::NotBeKnown),
        }
    }

    /// What a rule or a low score allows may run again without asking. Only where it would be allowed whatever its
    /// standard input is, and where no script was read: the kernel's digest covers neither. Nobody waits for this any
    /// more.
    fn remember(&self, event: &Head, request: &ExecRequest, evaluation: Evaluation) {
        let by_itself = evaluation.decision == Decision::Allow
            && matches!(evaluation.decided_by, DecidedBy::Rule { .. } | DecidedBy::Threshold);
        if !by_itself || event.flags & flag::LARGE != 0 || intake::runs_text(request) {
            return;
        }
        let key = (event.agent, event.digest);
        let generation = evaluation.rule_generation;
        let known = lock(&self.known).get(&key).and_then(|known| {
            (known.evaluation.rule_generation == generation).then_some(known.from_any_input)
        });
        let from_any_input = known.unwrap_or_else(|| {
            let from_any_input = request.stdin == Stdin::Pipe || self.allows_from_a_pipe(request);
            let mut known = lock(&self.known);
            if known.len() >= KNOWN {
                known.clear();
            }
            known.insert(key, Known { evaluation, from_any_input });
            from_any_input
        });
        if from_any_input {
            // Not remembered means asked again, nothing worse.
            let _asked_again = self.gate.remember(event.agent, event.digest, event.seq, generation, REMEMBER);
        }
    }

    fn allows_from_a_pipe(&self, request: &ExecRequest) -> bool {
        let from_a_pipe = ExecRequest { stdin: Stdin::Pipe, ..request.clone() };
        let judged = self.engine.now().judge(&from_a_pipe, &[], &History::default());
        judged.evaluation.decision == Decision::Allow
    }

    pub(super) fn alarm(&self, name: &str, text: String) {
        self.ledger.alarm(name, text);
    }
}

/// A thread that panicked while it held a lock leaves a table as it is, which is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The verdict on an attempt that the kernel did not ask about.
fn kernel_verdict(event: &Head) -> Option<Verdict> {
    let decider = match event.flags {
        flags if flags & flag::DENIED != 0 && u64::from(event.reason) == reason::TOO_MANY => By::Quota,
        flags if flags & (flag::DENIED | flag::FAIL_OPEN) != 0 => By::FailMode,
        flags if flags & flag::OBSERVED != 0 => By::Observe,
        flags if flags & flag::CACHED != 0 => By::Cache,
        _ => return None,
    };
    let allow = event.flags & flag::DENIED == 0;
    let because = if allow { String::new() } else { reason_text(u64::from(event.reason)).to_owned() };
    Some(Verdict { allow, decider, because, held: 0, review: None })
}

/// Why the kernel refused, in words.
pub(super) fn reason_text(code: u64) -> &'static str {
    match code {
        reason::NO_ANSWER => "nobody answered within the grace",
        reason::STOPPED => "the agent is stopped",
        reason::UNREADABLE => "the argument vector could not be read",
        reason::TOO_MANY => "too many pending",
        reason::TOO_DEEP => "too many interpreters",
        reason::STALE => "the verdict was not used in time",
        reason::UNTOLD => "it was not known in time whether the new cgroup is an agent's",
        _ => "the kernel refused it",
    }
}

pub(super) fn digest(words: [u64; 2]) -> Digest {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&words[0].to_le_bytes());
    bytes[8..].copy_from_slice(&words[1].to_le_bytes());
    Digest(bytes)
}
