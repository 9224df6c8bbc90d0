//! What a reviewer sees: one command of one agent, however many of its attempts wait.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::evaluation::{Evaluation, Level};
use crate::request::ExecRequest;

use super::digest::Digest;
use super::input::Opened;
use super::voter::CastVote;

/// A card as it is at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The number of its first ticket.
    pub id: u64,
    /// Whose command it is.
    pub agent: String,
    /// The kernel's digest of it. A vote names it.
    pub digest: Digest,
    /// The command, as the first ticket had it.
    pub request: Arc<ExecRequest>,
    /// What the engine says about it.
    pub evaluation: Arc<Evaluation>,
    /// How many distinct humans must approve.
    pub approvals: u8,
    /// "Always" may be chosen.
    pub always_offered: bool,
    /// How many identical tickets wait on it.
    pub count: usize,
    /// The newest that ever stood on it. A vote names it.
    pub newest: u64,
    /// When the first one came, on the docket's clock.
    pub opened_ms: u64,
    /// When the next one runs out of time, on the docket's clock.
    pub deadline_ms: u64,
    /// The votes so far.
    pub votes: Vec<CastVote>,
}

/// Tickets with the same key stand on one card.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) agent: String,
    pub(super) digest: Digest,
    // What humans are asked must be the same too: rules may change between two attempts.
    approvals: u8,
    roles: BTreeSet<String>,
    level: Level,
    score: u8,
}

impl Key {
    pub(super) fn of(opened: &Opened, approvals: u8) -> Self {
        Self {
            agent: opened.agent.clone(),
            digest: opened.digest,
            approvals,
            roles: opened.evaluation.roles.clone(),
            level: opened.evaluation.level,
            score: opened.evaluation.score,
        }
    }
}

/// A ticket on a card.
#[derive(Debug)]
struct Waiting {
    since: u64,
    deadline: u64,
}

/// A card with the tickets that wait on it.
#[derive(Debug)]
pub(super) struct OpenCard {
    pub(super) key: Key,
    pub(super) card: Card,
    waiting: BTreeMap<u64, Waiting>,
    due: BTreeSet<(u64, u64)>,
}

impl OpenCard {
    pub(super) fn new(key: Key, opened: &Opened, always_offered: bool, now: u64) -> Self {
        let card = Card {
            id: opened.ticket,
            agent: opened.agent.clone(),
            digest: opened.digest,
            request: Arc::clone(&opened.request),
            evaluation: Arc::clone(&opened.evaluation),
            approvals: key.approvals,
            always_offered,
            count: 0,
            newest: opened.ticket,
            opened_ms: now,
            deadline_ms: u64::MAX,
            votes: Vec::new(),
        };
        Self { key, card, waiting: BTreeMap::new(), due: BTreeSet::new() }
    }

    pub(super) fn add(&mut self, ticket: u64, since: u64, deadline: u64) {
        self.waiting.insert(ticket, Waiting { since, deadline });
        self.due.insert((deadline, ticket));
        self.card.newest = self.card.newest.max(ticket);
        self.refresh();
    }

    /// Takes a ticket off and gives its deadline.
    pub(super) fn remove(&mut self, ticket: u64) -> Option<u64> {
        let Waiting { deadline, .. } = self.waiting.remove(&ticket)?;
        self.due.remove(&(deadline, ticket));
        self.refresh();
        Some(deadline)
    }

    pub(super) fn since(&self, ticket: u64) -> Option<u64> {
        self.waiting.get(&ticket).map(|waiting| waiting.since)
    }

    pub(super) fn tickets(&self) -> Vec<u64> {
        self.waiting.keys().copied().collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn oldest(&self) -> Option<u64> {
        self.waiting.keys().next().copied()
    }

    pub(super) fn snapshot(&self) -> Arc<Card> {
        Arc::new(self.card.clone())
    }

    /// An empty card keeps the deadline that it showed last.
    fn refresh(&mut self) {
        self.card.count = self.waiting.len();
        if let Some((deadline, _)) = self.due.first() {
            self.card.deadline_ms = *deadline;
        }
    }
}
