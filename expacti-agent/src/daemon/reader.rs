//! The thread that reads the ring and decides what needs no human. It waits for nothing but the ring.

use std::collections::HashMap;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use expacti_abi::event::{Attempt, Moment, flag, kind, reason};
use expacti_core::docket::{Digest, Input, Opened, Withdrawal};
use expacti_core::evaluation::{DecidedBy, Decision, Evaluation};
use expacti_core::history::History;
use expacti_core::record::entry::{Change, Decider, Verdict};
use expacti_core::request::{Agent, ExecRequest, Stdin};
use rustix::event::{PollFd, PollFlags, Timespec};

use super::engine::{InForce, Judged};
use super::execs::Execs;
use super::ledger::{Ledger, attempted};
use super::offence;
use super::past::Past;
use crate::clock::epoch_seconds;
use crate::desk::{Desk, Standing};
use crate::intake;
use crate::kernel::{Event, Gate, Ring};

/// Events that nobody waits for do not wake us; they are fetched at this interval.
const DRAIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
/// How long an exec that the engine allowed is remembered in the kernel. Time of day and history count too, so not
/// for long.
const REMEMBER: Duration = Duration::from_mins(1);

/// Evaluations that are kept for the commands that the kernel lets through by itself.
const KNOWN: usize = 4_096;

/// What decisions depend on besides the exec.
pub(crate) struct Judges {
    /// The rules and what commands mean.
    pub(crate) engine: Arc<InForce>,
    /// Leave that approved commands have.
    pub(crate) standing: Standing,
    /// What ran before.
    pub(crate) past: Past,
}

/// See the module.
pub(crate) struct Reader {
    ring: Ring,
    gate: Arc<Gate>,
    judges: Judges,
    desk: Desk,
    ledger: Arc<Ledger>,
    execs: Execs,
    /// By agent and digest: what the engine said, and of which generation it was.
    known: HashMap<(u64, [u64; 2]), Known>,
}

/// What the engine said of a command that does not wait, and whether the kernel may say it from now on.
struct Known {
    evaluation: Evaluation,
    /// It is allowed whatever its standard input is, which the kernel's digest does not cover.
    from_any_input: bool,
}

impl Reader {
    pub(crate) fn new(ring: Ring, gate: Arc<Gate>, judges: Judges, desk: Desk, ledger: Arc<Ledger>) -> Self {
        Self { ring, gate, judges, desk, ledger, execs: Execs::default(), known: HashMap::new() }
    }

    /// Reads until the process ends.
    pub(crate) fn run(mut self) {
        loop {
            while let Some(event) = self.ring.next() {
                match event {
                    Event::Attempt(attempt) => self.attempt(&attempt),
                    Event::Moment(moment) => self.moment(&moment),
                    Event::Unknown { kind, len } => self.alarm(
                        "unknown-event",
                        format!("the kernel sent an event of kind {kind} and {len} bytes"),
                    ),
                }
            }
            let mut fds = [PollFd::from_borrowed_fd(self.ring.as_fd(), PollFlags::IN)];
            // An interrupted or failed poll only means an early look.
            let _either = rustix::event::poll(&mut fds, Some(&DRAIN));
        }
    }

    fn attempt(&mut self, event: &Attempt) {
        if event.flags & flag::WAITS != 0 {
            self.gate.waits(event.seq, event.tgid);
        }
        let (name, cgroup) = self.gate.agent(event.agent).unwrap_or_default();
        let request = intake::request(event, Agent { name: name.clone(), cgroup });
        let program = self.judges.past.program(&request.exe);
        let ancestors = self.execs.attempted(event.seq, event.parent, Arc::from(name.as_str()), program);
        if let Some(known) = self.said_before(event) {
            let evaluation = known.evaluation.clone();
            return self.note_attempt(event, request, evaluation);
        }
        let (now, hour) = (epoch_seconds(), request.local_time.map_or(0, |time| time.hour));
        let history = self.judges.past.look(&name, program, hour, now);
        let engine = self.judges.engine.now();
        let grants = self.judges.standing.of(&ancestors);
        let Judged { evaluation, without_grants } = engine.judge(&request, &grants, &history);
        self.judges.past.attempted(&name, evaluation.level, now);
        if event.flags & flag::WAITS == 0 {
            return self.note_attempt(event, request, evaluation);
        }
        self.note_attempt(event, request.clone(), evaluation.clone());
        let request = Arc::new(request);
        self.desk.tell(Input::Opened(Opened {
            ticket: event.seq,
            agent: name,
            digest: digest(event.digest),
            request: Arc::clone(&request),
            evaluation: Arc::new(without_grants),
            descends_from: ancestors.to_vec(),
        }));
        self.remember(event, &request, evaluation);
    }

    fn note_attempt(&self, event: &Attempt, request: ExecRequest, evaluation: Evaluation) {
        let verdict = kernel_verdict(event);
        self.ledger.note(Some(event.seq), attempted(event.tgid, event.ppid, request, evaluation, verdict));
    }

    /// The kernel let it through because the engine would; what it said then is known.
    fn said_before(&self, event: &Attempt) -> Option<&Known> {
        if event.flags & (flag::CACHED | flag::WAITS) != flag::CACHED {
            return None;
        }
        let generation = self.judges.engine.now().rules.generation();
        self.known
            .get(&(event.agent, event.digest))
            .filter(|known| known.evaluation.rule_generation == generation)
    }

    /// What a rule or a low score allows may run again without asking. Only where it would be allowed whatever its
    /// standard input is, because the kernel's digest does not cover that. Nobody waits for this any more.
    fn remember(&mut self, event: &Attempt, request: &ExecRequest, evaluation: Evaluation) {
        let by_itself = evaluation.decision == Decision::Allow
            && matches!(evaluation.decided_by, DecidedBy::Rule { .. } | DecidedBy::Threshold);
        if !by_itself || event.flags & flag::LARGE != 0 {
            return;
        }
        let key = (event.agent, event.digest);
        let generation = evaluation.rule_generation;
        let known = self.known.get(&key).filter(|known| known.evaluation.rule_generation == generation);
        let from_any_input = if let Some(known) = known {
            known.from_any_input
        } else {
            let from_any_input = request.stdin == Stdin::Pipe || self.allows_from_a_pipe(request);
            if self.known.len() >= KNOWN {
                self.known.clear();
            }
            self.known.insert(key, Known { evaluation, from_any_input });
            from_any_input
        };
        if from_any_input {
            // Not remembered means asked again, nothing worse.
            let _asked_again = self.gate.remember(event.agent, event.digest, event.seq, REMEMBER);
        }
    }

    fn allows_from_a_pipe(&self, request: &ExecRequest) -> bool {
        let from_a_pipe = ExecRequest { stdin: Stdin::Pipe, ..request.clone() };
        let judged = self.judges.engine.now().judge(&from_a_pipe, &[], &History::default());
        judged.evaluation.decision == Decision::Allow
    }

    fn moment(&mut self, moment: &Moment) {
        let seq = moment.seq;
        match moment.kind {
            kind::STARTED => {
                if let Some((agent, program)) = self.execs.started(seq, moment.tgid, moment.time_ns) {
                    self.judges.past.started(&agent, program, intake::local_time().hour);
                }
                self.ledger.note(Some(seq), Change::Started { pid: moment.tgid });
            }
            kind::ENDED => {
                for (seq, started) in self.execs.ended(seq, moment.tgid) {
                    self.ledger.note(Some(seq), exited(moment, started.unwrap_or(moment.time_ns)));
                    self.desk.tell(Input::Finished { ticket: seq });
                }
            }
            kind::WITHDRAWN => {
                self.gate.forget(seq);
                self.execs.gone(seq);
                self.desk.tell(Input::Withdrawn { ticket: seq, why: Withdrawal::Died });
            }
            kind::DENIED => {
                self.gate.forget(seq);
                self.execs.gone(seq);
                let because = reason_text(moment.value);
                let change = Change::Decided(Verdict {
                    allow: false,
                    decider: Decider::FailMode,
                    because: because.to_owned(),
                    held: 0,
                    review: None,
                });
                self.ledger.note((seq != 0).then_some(seq), change);
                self.desk.tell(Input::Withdrawn { ticket: seq, why: Withdrawal::Changed });
            }
            kind::MISMATCH => self.alarm(
                "argv-changed",
                format!(
                    "process {} was killed before its first instruction: what the kernel was about to run is not \
                     what was allowed (attempt {seq})",
                    moment.tgid
                ),
            ),
            kind::OFFENCE => {
                let (agent, _) = self.gate.agent(moment.agent).unwrap_or_default();
                self.ledger.note((seq != 0).then_some(seq), offence::entry(moment, &agent));
            }
            kind::CANARY => self.gate.canary_reported(),
            other => self.alarm("unknown-moment", format!("the kernel told of a moment of kind {other}")),
        }
    }

    fn alarm(&self, name: &str, text: String) {
        self.ledger.note(None, Change::Alarm { name: name.to_owned(), text });
    }
}

/// The verdict on an attempt that the kernel did not ask about.
fn kernel_verdict(event: &Attempt) -> Option<Verdict> {
    let decider = match event.flags {
        flags if flags & flag::DENIED != 0 && u64::from(event.reason) == reason::TOO_MANY => Decider::Quota,
        flags if flags & (flag::DENIED | flag::FAIL_OPEN) != 0 => Decider::FailMode,
        flags if flags & flag::OBSERVED != 0 => Decider::Observe,
        flags if flags & (flag::CACHED | flag::CACHED_EXECUTABLE) != 0 => Decider::Cache,
        _ => return None,
    };
    let allow = event.flags & flag::DENIED == 0;
    let because = if allow { String::new() } else { reason_text(u64::from(event.reason)).to_owned() };
    Some(Verdict { allow, decider, because, held: 0, review: None })
}

fn reason_text(code: u64) -> &'static str {
    match code {
        reason::NO_ANSWER => "nobody answered within the grace",
        reason::STOPPED => "the agent is stopped",
        reason::UNREADABLE => "the argument vector could not be read",
        reason::TOO_MANY => "too many pending",
        reason::TOO_DEEP => "too many interpreters",
        reason::STALE => "the verdict was not used in time",
        _ => "the kernel refused it",
    }
}

/// From the kernel's wait status.
fn exited(moment: &Moment, started: u64) -> Change {
    let status = i32::try_from(moment.value).unwrap_or_default();
    let (code, signal) = (status >> 8 & 0xff, status & 0x7f);
    Change::Exited {
        code: (signal == 0).then_some(code),
        signal: (signal != 0).then_some(signal),
        duration: moment.time_ns.saturating_sub(started) / 1000,
    }
}

fn digest(words: [u64; 2]) -> Digest {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&words[0].to_le_bytes());
    bytes[8..].copy_from_slice(&words[1].to_le_bytes());
    Digest(bytes)
}
