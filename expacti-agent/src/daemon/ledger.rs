//! The desk's records as entries of the exec log.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use expacti_agent::log::{Durability, Health, Log as ExecLog, LogError, NotLogged, Receipt};
use expacti_core::docket::{
    Answer, Author, Change as Docketed, GrantId, Outcome, Record, Repeat, Scope, Withdrawal,
};
use expacti_core::record::Attempt;
use expacti_core::record::attempt::State;
use expacti_core::record::entry::{
    AttemptId, Attempted, BootId, Change, Decider, Entry, RuleSource, Verdict,
};
use expacti_core::record::filter::{Filter, Wanted};
use expacti_core::rules::Source;

use super::metrics::Metrics;
use crate::desk::{Durable, Log, LogFailed};
use crate::kernel::Gate;

/// Version of the engine, for replays.
const ENGINE: &str = env!("CARGO_PKG_VERSION");

/// Attempts that are looked at together.
const PAGE: u32 = 500;

/// The exec log of this boot.
#[derive(Debug)]
pub(crate) struct Ledger {
    log: ExecLog,
    boot: BootId,
    gate: Option<Arc<Gate>>,
    /// Tickets that the kernel refused by itself. The desk hears that they went away, and that is no news for the log.
    refused: Mutex<HashSet<u64>>,
    metrics: Arc<Metrics>,
    /// Every verdict waits for its record, not only those that matter most.
    waits_for_all: bool,
}

impl Ledger {
    pub(crate) fn new(log: ExecLog, boot: BootId) -> Self {
        Self {
            log,
            boot,
            gate: None,
            refused: Mutex::default(),
            metrics: Arc::default(),
            waits_for_all: false,
        }
    }

    /// Counts here, and lets every verdict wait for its record if need be.
    pub(crate) fn counting(self, metrics: Arc<Metrics>, waits_for_all: bool) -> Self {
        Self { metrics, waits_for_all, ..self }
    }

    /// Of a real gate, which knows how it holds.
    pub(crate) fn of_gate(self, gate: Arc<Gate>) -> Self {
        Self { gate: Some(gate), ..self }
    }

    /// What is known of a ticket.
    pub(crate) async fn recall(&self, ticket: u64) -> Option<Attempt> {
        // What cannot be read is as good as unknown: its process asks anew.
        self.log.attempt(AttemptId { boot: self.boot, sequence: ticket }).await.ok().flatten()
    }

    /// Ends what the log calls pending although nobody waits for it any more: its process went while no daemon was there, or
    /// with the machine, or asked a gate of another layout. Gives how many. To be told all tickets that are open, before
    /// others come.
    pub(crate) async fn end_forgotten(&self, open: &HashSet<u64>) -> Result<usize, LogError> {
        let pending = Filter { decision: Some(Wanted::State(State::Pending)), ..Filter::default() };
        let (mut forgotten, mut after) = (Vec::new(), None);
        loop {
            let page = self.log.query(&pending, after, PAGE).await?;
            let ours = page.attempts.into_iter().filter(|attempt| attempt.node == self.log.node());
            let keys = ours.map(|attempt| attempt.key);
            forgotten.extend(keys.filter(|key| key.boot != self.boot || !open.contains(&key.sequence)));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        for key in &forgotten {
            let change = Change::Withdrawn { because: "it went while no daemon was there".to_owned() };
            let entry = Entry { at: now(), attempt: Some(*key), change };
            self.log
                .append(entry, Durability::Batched)
                .map_err(|error| LogError::NotFound(error.to_string()))?
                .ignore();
        }
        Ok(forgotten.len())
    }

    /// What is counted.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Adds an entry that nobody waits for.
    pub(crate) fn note(&self, sequence: Option<u64>, change: Change) {
        if matches!(change, Change::Alarm { .. }) {
            self.metrics.alarm();
        }
        // A log that cannot take it is visible in its health, and the desk denies what depends on it.
        if let Ok(receipt) = self.log.append(self.entry(sequence, change), Durability::Batched) {
            receipt.ignore();
        }
    }

    /// Adds that the kernel refused what was asked about. To be told before the desk is.
    pub(crate) fn note_refused(&self, ticket: u64, denied: Change) {
        self.refused().insert(ticket);
        self.note(Some(ticket), denied);
    }

    fn refused(&self) -> MutexGuard<'_, HashSet<u64>> {
        // It is changed in whole steps.
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds something that happened and must not.
    pub(crate) fn alarm(&self, name: &str, text: String) {
        self.note(None, Change::Alarm { name: name.to_owned(), text });
    }

    /// Entries that are not stored yet.
    pub(crate) fn waiting(&self) -> u64 {
        self.log.waiting()
    }

    /// Whether entries reach the database, the spool, or nothing.
    pub(crate) fn health(&self) -> Health {
        self.log.health()
    }

    /// Adds what follows from something that an operator wrote, and waits for nothing.
    pub(crate) fn note_administered(&self, who: &str, action: &str, subject: &str, note: &str) {
        self.note(None, administered(who, action, subject, note));
    }

    /// Adds what an operator does, and waits until it is on disk: nothing of that kind happens without a record.
    pub(crate) fn administer(
        &self,
        who: &str,
        action: &str,
        subject: &str,
        note: &str,
    ) -> Result<(), NotLogged> {
        let change = administered(who, action, subject, note);
        self.log.append(self.entry(None, change), Durability::Durable)?.wait().map(drop)
    }

    /// Adds which rules come into force, before anything is decided by them. The receipt says when they are on disk.
    pub(crate) fn rules_in_force(
        &self,
        generation: u64,
        sources: &[Source],
        by: &str,
    ) -> Result<Receipt, NotLogged> {
        let source =
            |source: &Source| RuleSource { path: source.name.as_str().into(), text: source.text.clone() };
        let sources = sources.iter().map(source).collect();
        let change = Change::RulesLoaded { generation, sources, by: by.to_owned() };
        self.log.append(self.entry(None, change), Durability::Durable)
    }

    fn entry(&self, sequence: Option<u64>, change: Change) -> Entry {
        let attempt = sequence.map(|sequence| AttemptId { boot: self.boot, sequence });
        Entry { at: now(), attempt, change }
    }

    fn take(&self, record: Record, durability: Durability) -> Result<Option<Receipt>, NotLogged> {
        let Record { ticket, agent, change, .. } = record;
        if let (Docketed::Ended { outcome, held_ms }, Some(agent)) = (&change, &agent) {
            self.metrics.ended(agent, outcome, *held_ms);
        }
        if matches!(change, Docketed::Ended { outcome: Outcome::Withdrawn { .. }, .. })
            && ticket.is_some_and(|ticket| self.refused().remove(&ticket))
        {
            return Ok(None);
        }
        let agent = agent.unwrap_or_default();
        let after = self.gate.as_ref().is_some_and(|gate| gate.holds_after(&agent));
        match entry_of(agent, change, after) {
            Some(change) => self.log.append(self.entry(ticket, change), durability).map(Some),
            None => Ok(None),
        }
    }
}

impl Log for Ledger {
    fn append(&self, records: Vec<Record>, urgent: bool) -> Durable {
        let durability = if urgent { Durability::Durable } else { Durability::Batched };
        let receipts: Vec<_> = records.into_iter().map(|record| self.take(record, durability)).collect();
        Box::pin(async move {
            for receipt in receipts {
                let failed = |error: NotLogged| LogFailed(error.to_string());
                if let Some(receipt) = receipt.map_err(failed)? {
                    receipt.await.map_err(failed)?;
                }
            }
            Ok(())
        })
    }

    fn is_failing(&self) -> bool {
        matches!(self.log.health(), Health::Full { .. })
    }

    fn waits_for_all(&self) -> bool {
        self.waits_for_all
    }
}

fn administered(who: &str, action: &str, subject: &str, note: &str) -> Change {
    Change::Administered {
        who: who.to_owned(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        note: note.to_owned(),
    }
}

/// Microseconds since the epoch.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

fn entry_of(agent: String, change: Docketed, after: bool) -> Option<Change> {
    let administered = |who: String, action: &str, subject: String, note: String| {
        Some(Change::Administered { who, action: action.to_owned(), subject, note })
    };
    match change {
        // The attempt was logged by the reader of the ring, before the desk heard of it.
        Docketed::Opened { .. } | Docketed::Adopted { .. } => None,
        Docketed::Held { approvals, timeout_ms, .. } => {
            let wait = i64::try_from(timeout_ms).unwrap_or(i64::MAX).saturating_mul(1000);
            Some(Change::Held { approvals, deadline: now().saturating_add(wait), after })
        }
        Docketed::Voted { vote, .. } => {
            let (approve, scope) = match &vote.answer {
                Answer::Approve(scope) => (true, scope_of(*scope)),
                Answer::Deny => (false, String::new()),
            };
            let note = vote.note.clone().unwrap_or_default();
            Some(Change::Voted {
                reviewer: vote.voter.name.clone(),
                approve,
                scope,
                note,
                via: vote.via.clone(),
            })
        }
        Docketed::VoteDropped { name, .. } => {
            administered("expacti".to_owned(), "vote-dropped", name, String::new())
        }
        Docketed::Refused { name, why } => administered(name, "refused", agent, why.to_string()),
        Docketed::Ended { outcome, held_ms } => Some(ended(outcome, held_ms)),
        Docketed::GrantMade { grant } => {
            administered("expacti".to_owned(), "grant-made", agent, grant.id.to_string())
        }
        Docketed::GrantEnded { id, why } => {
            administered("expacti".to_owned(), "grant-ended", id.to_string(), format!("{why:?}"))
        }
        Docketed::AgentStopped { by } => administered(by, "agent-stopped", agent, String::new()),
        Docketed::AgentResumed { by } => administered(by, "agent-resumed", agent, String::new()),
        Docketed::AgentKilled { by } => administered(by, "agent-killed", agent, String::new()),
        Docketed::Claimed { text } => {
            administered(format!("agent {agent}"), "claimed", agent, text.to_string())
        }
        Docketed::ReviewerAdded { voter, by } => {
            administered(by, "reviewer-added", voter.name.clone(), String::new())
        }
        Docketed::ReviewerRevoked { name, by } => administered(by, "reviewer-revoked", name, String::new()),
    }
}

fn ended(outcome: Outcome, held_ms: u64) -> Change {
    let verdict = |allow, decider: Decider, because: String| {
        let review = matches!(decider, Decider::Reviewers { .. }).then_some(held_ms * 1000);
        Change::Decided(Verdict { allow, decider, because, held: held_ms * 1000, review })
    };
    match outcome {
        Outcome::Allowed { by, reason } => verdict(true, decider_of(by), reason),
        Outcome::Denied { by, reason } => verdict(false, decider_of(by), reason),
        Outcome::TimedOut { reason } => verdict(false, Decider::Timeout, reason),
        Outcome::Withdrawn { why } => Change::Withdrawn {
            because: match why {
                Withdrawal::Died => "the process died",
                Withdrawal::Changed => "the process asks for something else",
                Withdrawal::AgentWithdrawn => "the agent was withdrawn",
            }
            .to_owned(),
        },
    }
}

fn decider_of(author: Author) -> Decider {
    match author {
        Author::Engine { decided_by } => Decider::from(&decided_by),
        Author::Grant { grant: GrantId::Children(ticket) | GrantId::Repeat(ticket) } => {
            Decider::Grant { ticket }
        }
        Author::Humans { names } => Decider::Reviewers { names },
        Author::Timeout => Decider::Timeout,
        Author::Quota => Decider::Quota,
        Author::Stopped { by } | Author::Killed { by } => Decider::Reviewers { names: vec![by] },
    }
}

fn scope_of(scope: Scope) -> String {
    let repeat = match scope.repeat {
        Repeat::Once => "once",
        Repeat::For(_) => "for",
        Repeat::Session => "session",
        Repeat::Always => "always",
    };
    if scope.children { format!("{repeat}, with children") } else { repeat.to_owned() }
}

/// The first entry of an attempt.
pub(crate) fn attempted(
    pid: u32,
    parent: u32,
    request: expacti_core::request::ExecRequest,
    evaluation: expacti_core::evaluation::Evaluation,
    verdict: Option<Verdict>,
) -> Change {
    let engine = ENGINE.to_owned();
    Change::Attempted(Box::new(Attempted {
        pid,
        ppid: parent,
        request,
        evaluation,
        engine,
        verdict,
        // The log masks, in a thread of its own, and says here what.
        masked: Vec::new(),
    }))
}

#[cfg(test)]
mod tests;
