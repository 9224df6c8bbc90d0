//! How a ticket ends: by an answer, by time, or because it went away.

use std::collections::BTreeSet;

use super::digest::Digest;
use super::effect::{Author, Change, Effect, Notice, NoticeKind, Outcome, Record, Verdict};
use super::grant::{Grant, GrantEnd};
use super::input::{Opened, Withdrawal};
use super::{Docket, reason};

/// The ticket that an answer is for.
pub(super) struct Asked {
    pub(super) ticket: u64,
    pub(super) agent: String,
    pub(super) digest: Digest,
    pub(super) since: u64,
}

impl Asked {
    pub(super) fn of(opened: &Opened, since: u64) -> Self {
        Self { ticket: opened.ticket, agent: opened.agent.clone(), digest: opened.digest, since }
    }
}

impl Docket {
    /// The only place that makes a verdict, and it is called once for a ticket.
    pub(super) fn answer(
        &mut self,
        asked: &Asked,
        allow: bool,
        by: Author,
        reason: String,
        now: u64,
        out: &mut Vec<Effect>,
    ) {
        let outcome = match (&by, allow) {
            (Author::Timeout, _) => Outcome::TimedOut { reason: reason.clone() },
            (_, true) => Outcome::Allowed { by: by.clone(), reason: reason.clone() },
            (_, false) => Outcome::Denied { by: by.clone(), reason: reason.clone() },
        };
        self.close(asked, outcome, now, out);
        let Asked { ticket, digest, .. } = *asked;
        out.push(Effect::Verdict(Verdict { ticket, agent: asked.agent.clone(), digest, allow, by, reason }));
    }

    /// The daemon died between record and verdict: the kernel is told what the log says, and nothing is decided anew.
    pub(super) fn repeat(&mut self, opened: &Opened, outcome: Outcome, out: &mut Vec<Effect>) {
        if self.is_known(opened.ticket) {
            return;
        }
        self.ended.insert(opened.ticket, outcome.clone());
        let (allow, by, reason) = match outcome {
            Outcome::Allowed { by, reason } => (true, by, reason),
            Outcome::Denied { by, reason } => (false, by, reason),
            Outcome::TimedOut { reason } => (false, Author::Timeout, reason),
            // What was withdrawn does not wait any more. If it does all the same, it was not the same command.
            Outcome::Withdrawn { .. } => (false, Author::Timeout, "withdrawn before a restart".to_owned()),
        };
        let (ticket, agent, digest) = (opened.ticket, opened.agent.clone(), opened.digest);
        out.push(Effect::Verdict(Verdict { ticket, agent, digest, allow, by, reason }));
    }

    /// Records the end and takes the ticket off its card.
    fn close(&mut self, asked: &Asked, outcome: Outcome, now: u64, out: &mut Vec<Effect>) {
        self.ended.insert(asked.ticket, outcome.clone());
        let held_ms = now.saturating_sub(asked.since);
        let ended = Change::Ended { outcome: outcome.clone(), held_ms };
        out.push(about(Some(asked.ticket), Some(&asked.agent), now, ended));
        let Some(id) = self.card_of_ticket.remove(&asked.ticket) else { return };
        let Some(open) = self.cards.get_mut(&id) else { return };
        if let Some(deadline) = open.remove(asked.ticket) {
            self.due.remove(&(deadline, asked.ticket));
        }
        if let Some(pending) = self.pending.get_mut(&asked.agent) {
            *pending -= 1;
            if *pending == 0 {
                self.pending.remove(&asked.agent);
            }
        }
        self.over_quota.remove(&asked.agent);
        if open.is_empty()
            && let Some(open) = self.cards.remove(&id)
        {
            if self.card_of_key.get(&open.key) == Some(&id) {
                self.card_of_key.remove(&open.key);
            }
            out.push(Effect::CardClosed { card: open.snapshot(), outcome });
        }
    }

    /// Ends all tickets of a card alike.
    pub(super) fn deny_card(&mut self, id: u64, by: &Author, reason: &str, now: u64, out: &mut Vec<Effect>) {
        let tickets = self.cards.get(&id).map(super::card::OpenCard::tickets).unwrap_or_default();
        for ticket in tickets {
            if let Some(asked) = self.asked(ticket) {
                self.answer(&asked, false, by.clone(), reason.to_owned(), now, out);
            }
        }
    }

    pub(super) fn asked(&self, ticket: u64) -> Option<Asked> {
        let open = self.cards.get(self.card_of_ticket.get(&ticket)?)?;
        let (agent, digest) = (open.card.agent.clone(), open.card.digest);
        Some(Asked { ticket, agent, digest, since: open.since(ticket)? })
    }

    pub(super) fn withdraw(&mut self, ticket: u64, why: Withdrawal, now: u64, out: &mut Vec<Effect>) {
        let Some(asked) = self.asked(ticket) else { return };
        let card = self.card_of_ticket.get(&ticket).copied();
        self.close(&asked, Outcome::Withdrawn { why }, now, out);
        if let Some(open) = card.and_then(|card| self.cards.get(&card)) {
            out.push(Effect::CardChanged(open.snapshot()));
        }
    }

    /// Denies what is overdue and ends grants whose time is over.
    pub(super) fn expire(&mut self, now: u64, out: &mut Vec<Effect>) {
        let mut noticed = BTreeSet::new();
        let mut touched = BTreeSet::new();
        while let Some(&(deadline, ticket)) = self.due.first()
            && deadline <= now
        {
            self.due.pop_first();
            let Some(asked) = self.asked(ticket) else { continue };
            let Some(open) = self.card_of_ticket.get(&ticket).and_then(|id| self.cards.get(id)) else {
                continue;
            };
            let card = open.snapshot();
            let reason = format!("nobody answered in time; {}", reason::risk(&card.evaluation));
            touched.insert(card.id);
            self.answer(&asked, false, Author::Timeout, reason, now, out);
            if noticed.insert(card.id) {
                out.push(Effect::Notify(Notice { kind: NoticeKind::TimedOut, card }));
            }
        }
        out.extend(touched.iter().filter_map(|id| self.card(*id)).map(Effect::CardChanged));
        self.end_grants(&GrantEnd::Expired, now, out, |grant| {
            grant.until_ms.is_some_and(|until| until <= now)
        });
    }

    pub(super) fn end_grants(
        &mut self,
        why: &GrantEnd,
        now: u64,
        out: &mut Vec<Effect>,
        over: impl Fn(&Grant) -> bool,
    ) {
        for Grant { id, agent, .. } in self.grants.take(over) {
            out.push(about(None, Some(&agent), now, Change::GrantEnded { id, why: why.clone() }));
            out.push(Effect::GrantEnded { id, agent, why: why.clone() });
        }
    }

    pub(super) fn make_grant(&mut self, grant: Grant, now: u64, out: &mut Vec<Effect>) {
        self.grants.insert(grant.clone());
        out.push(about(None, Some(&grant.agent), now, Change::GrantMade { grant: grant.clone() }));
        out.push(Effect::GrantMade(grant));
    }
}

pub(super) fn about(ticket: Option<u64>, agent: Option<&str>, at_ms: u64, change: Change) -> Effect {
    Effect::Record(Record { ticket, agent: agent.map(str::to_owned), at_ms, change })
}
