//! Taking over from an earlier daemon: what the kernel still holds keeps its number, its votes and its remaining time.
//!
//! What a ticket is about stands in the exec log, durable before anybody was asked. A ticket of which the log knows
//! nothing is void: its process asks anew.

use std::collections::HashSet;
use std::sync::Arc;

use expacti_abi::ticket::{Ticket, verdict};
use expacti_core::docket::{Answer, Author, CastVote, Input, Opened, Outcome, Repeat, Scope};
use expacti_core::evaluation::Decision;
use expacti_core::history::History;
use expacti_core::record::Attempt;
use expacti_core::record::attempt::Vote;
use expacti_core::record::entry::{Decider, Verdict};
use tokio::runtime::Handle;

use super::decider::digest;
use super::engine::InForce;
use super::ledger::{self, Ledger};
use crate::desk::Desk;
use crate::kernel::Gate;
use crate::reviewers::Reviewers;

/// Who takes over.
pub(crate) struct Left {
    pub(crate) runtime: Handle,
    pub(crate) gate: Arc<Gate>,
    pub(crate) desk: Desk,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) engine: Arc<InForce>,
    pub(crate) reviewers: Arc<Reviewers>,
}

impl Left {
    /// `unread` are tickets that the ring still told of: the desk knows them already.
    pub(crate) fn adopt(&self, unread: &HashSet<u64>) {
        let mut known = unread.clone();
        for (ticket, open) in self.gate.open_tickets() {
            let waits = matches!(open.verdict, verdict::PENDING | verdict::HOLD_AFTER);
            if unread.contains(&ticket) && open.verdict != verdict::HOLD_AFTER {
                continue;
            }
            match waits.then(|| self.runtime.block_on(self.ledger.recall(ticket))).flatten() {
                Some(attempt) => {
                    known.insert(ticket);
                    self.adopt_one(ticket, &open, attempt);
                }
                None => self.gate.ask_anew(ticket, &open),
            }
        }
        self.gate.free_all_strays();
        if let Err(error) = self.runtime.block_on(self.ledger.end_forgotten(&known)) {
            // They stay pending in the log until the next start.
            self.ledger.alarm("forgotten-not-ended", error.to_string());
        }
    }

    fn adopt_one(&self, ticket: u64, open: &Ticket, attempt: Attempt) {
        self.gate.adopt(ticket, open);
        let ended = attempt.verdict.as_ref().map(|verdict| outcome(verdict, &attempt));
        let votes = attempt.votes.iter().filter_map(|vote| self.cast(vote, ticket)).collect();
        let request = Arc::new(attempt.attempted.request);
        // Rules may have become stricter meanwhile; what was promised is not taken back otherwise.
        let now = self.engine.now().judge(&request, &[], &History::default()).evaluation;
        let evaluation = if now.decision == Decision::Deny { now } else { attempt.attempted.evaluation };
        let opened = Opened {
            ticket,
            agent: request.agent.name.clone(),
            digest: digest(open.digest),
            request,
            evaluation: Arc::new(evaluation),
            descends_from: Vec::new(),
        };
        self.desk.tell(match attempt.deadline_us {
            Some(deadline) => {
                let left = u64::try_from(deadline.saturating_sub(ledger::now())).unwrap_or_default();
                Input::Adopted { opened, remaining_ms: left / 1000, votes, ended }
            }
            None if ended.is_some() => Input::Adopted { opened, remaining_ms: 0, votes, ended },
            // Nobody had been asked yet.
            None => Input::Opened(opened),
        });
    }

    /// A vote counts on while its author is a reviewer.
    fn cast(&self, vote: &Vote, newest: u64) -> Option<CastVote> {
        let known = self.reviewers.list().into_iter();
        let author =
            known.filter(|known| known.revoked.is_none()).find(|known| known.voter.name == vote.reviewer)?;
        let scope = Scope {
            children: vote.scope.ends_with("with children"),
            // How long "for" was is not in the log; the narrowest is never too much.
            repeat: if vote.scope.starts_with("session") { Repeat::Session } else { Repeat::Once },
        };
        Some(CastVote {
            voter: author.voter,
            answer: if vote.approve { Answer::Approve(scope) } else { Answer::Deny },
            newest,
            note: (!vote.note.is_empty()).then(|| vote.note.clone()),
            via: vote.via.clone(),
        })
    }
}

/// The verdict was in the log, and lost on its way to the kernel.
fn outcome(verdict: &Verdict, attempt: &Attempt) -> Outcome {
    let reason = verdict.because.clone();
    let by = match &verdict.decider {
        Decider::Timeout => return Outcome::TimedOut { reason },
        Decider::Reviewers { names } => Author::Humans { names: names.clone() },
        Decider::Quota => Author::Quota,
        Decider::Rule { .. }
        | Decider::Cache
        | Decider::Grant { .. }
        | Decider::Threshold
        | Decider::Anomaly
        | Decider::Incomplete
        | Decider::FailMode
        | Decider::Mismatch
        | Decider::Observe => Author::Engine { decided_by: attempt.attempted.evaluation.decided_by.clone() },
    };
    if verdict.allow { Outcome::Allowed { by, reason } } else { Outcome::Denied { by, reason } }
}
