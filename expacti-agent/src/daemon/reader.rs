//! The thread that reads the ring and decides what needs no human. It waits for nothing but the ring.

use std::collections::HashMap;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use expacti_abi::event::{Attempt, Moment, flag, kind, reason};
use expacti_core::assess;
use expacti_core::decide::{Case, decide};
use expacti_core::docket::{Digest, Input, Opened, Withdrawal};
use expacti_core::evaluation::{DecidedBy, Decision, Evaluation};
use expacti_core::history::History;
use expacti_core::record::entry::{Change, Decider, Verdict};
use expacti_core::request::{Agent, ExecRequest, Stdin};
use expacti_core::time::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec};

use super::Engine;
use super::ledger::{Ledger, attempted};
use crate::desk::Desk;
use crate::intake;
use crate::kernel::{Event, Gate, Ring};

/// Events that nobody waits for do not wake us; they are fetched at this interval.
const DRAIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
/// How long an exec that the engine allowed is remembered in the kernel. Time of day and history count too, so not
/// for long.
const REMEMBER: Duration = Duration::from_mins(1);

/// See the module.
pub(crate) struct Reader {
    ring: Ring,
    gate: Arc<Gate>,
    engine: Engine,
    desk: Desk,
    ledger: Arc<Ledger>,
    /// When each running exec started, on the boot clock.
    running: HashMap<u64, u64>,
    /// Which exec made which: for grants.
    parents: HashMap<u64, u64>,
}

impl Reader {
    pub(crate) fn new(ring: Ring, gate: Arc<Gate>, engine: Engine, desk: Desk, ledger: Arc<Ledger>) -> Self {
        Self { ring, gate, engine, desk, ledger, running: HashMap::new(), parents: HashMap::new() }
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
        let evaluation = self.evaluate(&request);
        if event.parent != 0 {
            self.parents.insert(event.seq, event.parent);
        }
        let verdict = kernel_verdict(event);
        self.ledger.note(
            Some(event.seq),
            attempted(event.tgid, event.ppid, request.clone(), evaluation.clone(), verdict),
        );
        if event.flags & flag::WAITS == 0 {
            return;
        }
        self.remember(event, &request, &evaluation);
        self.desk.tell(Input::Opened(Opened {
            ticket: event.seq,
            agent: name,
            digest: digest(event.digest),
            request: Arc::new(request),
            evaluation: Arc::new(evaluation),
            descends_from: self.ancestors(event.parent),
        }));
    }

    fn evaluate(&self, request: &ExecRequest) -> Evaluation {
        let assessment = assess(request, &self.engine.tools);
        decide(&Case {
            request,
            assessment: &assessment,
            policy: &self.engine.policy,
            rules: &self.engine.rules,
            grants: &[],
            history: &History::default(),
            now: now(),
        })
    }

    /// What a rule or a low score allows may run again without asking. Only where it would be allowed whatever its
    /// standard input is, because the kernel's digest does not cover that.
    fn remember(&self, event: &Attempt, request: &ExecRequest, evaluation: &Evaluation) {
        let by_itself = evaluation.decision == Decision::Allow
            && matches!(evaluation.decided_by, DecidedBy::Rule { .. } | DecidedBy::Threshold);
        if !by_itself || event.flags & flag::LARGE != 0 {
            return;
        }
        let from_a_pipe = ExecRequest { stdin: Stdin::Pipe, ..request.clone() };
        if self.evaluate(&from_a_pipe).decision == Decision::Allow {
            // Not remembered means asked again, nothing worse.
            let _asked_again = self.gate.remember(event.agent, event.digest, event.seq, REMEMBER);
        }
    }

    fn ancestors(&self, mut seq: u64) -> Vec<u64> {
        const MAX_DEPTH: usize = 64;
        let mut found = Vec::new();
        while seq != 0 && found.len() < MAX_DEPTH {
            found.push(seq);
            seq = self.parents.get(&seq).copied().unwrap_or_default();
        }
        found
    }

    fn moment(&mut self, moment: &Moment) {
        let seq = moment.seq;
        match moment.kind {
            kind::STARTED => {
                self.running.insert(seq, moment.time_ns);
                self.ledger.note(Some(seq), Change::Started { pid: moment.tgid });
            }
            kind::ENDED => {
                let started = self.running.remove(&seq).unwrap_or(moment.time_ns);
                self.parents.remove(&seq);
                self.ledger.note(Some(seq), exited(moment, started));
                self.desk.tell(Input::Finished { ticket: seq });
            }
            kind::WITHDRAWN => {
                self.gate.forget(seq);
                self.desk.tell(Input::Withdrawn { ticket: seq, why: Withdrawal::Died });
            }
            kind::DENIED => {
                self.gate.forget(seq);
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

fn now() -> Timestamp {
    Timestamp(crate::clock::epoch_seconds())
}
