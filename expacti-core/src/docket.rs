//! The docket: every exec that is asked about is one ticket, and every ticket ends in exactly one outcome, whatever
//! the order of answers, timeouts, deaths and restarts.
//!
//! It is a state machine without IO and without a clock: [`Docket::step`] takes one [`Input`] and the time, and says
//! what is to be done as [`Effect`]s. **Nothing is ever approved by silence**: time only denies.

mod agents;
mod card;
mod digest;
mod effect;
mod ended;
mod ending;
mod grant;
mod input;
mod opening;
mod policy;
mod quorum;
mod reason;
mod refusal;
mod voter;
mod voting;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

pub use self::card::Card;
pub use self::digest::{Digest, NotADigest};
pub use self::effect::{Author, Change, Effect, Notice, NoticeKind, Outcome, Record, Verdict};
pub use self::grant::{Grant, GrantEnd, GrantId, NotAGrantId};
pub use self::input::{Input, Opened, Withdrawal};
pub use self::policy::{PerLevel, Policy};
pub use self::refusal::Refusal;
pub use self::voter::{Answer, CastVote, Repeat, Role, Scope, Vote, Voter};

use self::card::{Key, OpenCard};
use self::ended::Ended;
use self::grant::Grants;

/// All tickets, cards, votes and grants of one node.
#[derive(Debug, Default)]
pub struct Docket {
    policy: Policy,
    policies: BTreeMap<String, Policy>,
    cards: BTreeMap<u64, OpenCard>,
    card_of_key: HashMap<Key, u64>,
    card_of_ticket: HashMap<u64, u64>,
    due: BTreeSet<(u64, u64)>,
    pending: HashMap<String, u32>,
    over_quota: BTreeSet<String>,
    stopped: BTreeMap<String, agents::Stopped>,
    grants: Grants,
    ended: Ended,
}

impl Docket {
    /// An empty one. `policy` is for every agent that has none of its own.
    pub fn new(policy: Policy) -> Self {
        Self { policy, ..Self::default() }
    }

    /// Takes one input at `now`, milliseconds of a clock that never goes back, and says what is to be done.
    ///
    /// What is overdue at `now` is denied before the input is looked at, so no vote can come too late and count.
    #[must_use]
    pub fn step(&mut self, input: Input, now: u64) -> Vec<Effect> {
        let mut out = Vec::new();
        self.expire(now, &mut out);
        match input {
            Input::Tick => {}
            Input::Opened(opened) => self.open(&opened, now, &mut out),
            Input::Adopted { opened, ended: Some(outcome), .. } => self.repeat(&opened, outcome, &mut out),
            Input::Adopted { opened, remaining_ms, votes, ended: None } => {
                self.adopt(&opened, remaining_ms, votes, now, &mut out);
            }
            Input::Withdrawn { ticket, why } => self.withdraw(ticket, why, now, &mut out),
            Input::Finished { ticket } => self.finish(ticket, now, &mut out),
            Input::Vote(vote) => self.vote(vote, now, &mut out),
            Input::AgentStopped { agent, by } => self.stop(agent, by, now, &mut out),
            Input::AgentResumed { agent, by } => self.resume(agent, by, now, &mut out),
            Input::AgentKilled { agent, by } => self.kill(agent, by, now, &mut out),
            Input::AgentGone { agent } => self.gone(&agent, now, &mut out),
            Input::ReviewerAdded { voter, by } => {
                out.push(ending::about(None, None, now, Change::ReviewerAdded { voter, by }));
            }
            Input::ReviewerRevoked { name, by } => self.revoke_reviewer(name, by, now, &mut out),
            Input::GrantRestored { grant, remaining_ms } => self.restore_grant(grant, remaining_ms, now),
            Input::GrantRevoked { id, by } => self.revoke_grant(id, by, now, &mut out),
            Input::PolicySet { agent: Some(agent), policy } => {
                self.policies.insert(agent, policy);
            }
            Input::PolicySet { agent: None, policy } => self.policy = policy,
        }
        out
    }

    /// When `Tick` is due at the latest.
    pub fn next_deadline(&self) -> Option<u64> {
        let due = self.due.first().map(|(when, _)| *when);
        [due, self.grants.next_end()].into_iter().flatten().min()
    }

    /// Every card that waits for humans, oldest first.
    pub fn cards(&self) -> impl Iterator<Item = Arc<Card>> {
        self.cards.values().map(OpenCard::snapshot)
    }

    /// The same without copies, from behind a number on.
    pub fn cards_after(&self, after: Option<u64>) -> impl Iterator<Item = &Card> {
        let from = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        self.cards.range((from, std::ops::Bound::Unbounded)).map(|(_, open)| &open.card)
    }

    /// The card with this number, or with this ticket on it.
    pub fn card(&self, id: u64) -> Option<Arc<Card>> {
        self.find(id).and_then(|id| self.cards.get(&id)).map(OpenCard::snapshot)
    }

    /// How a ticket ended, where that is not long ago.
    pub fn outcome(&self, ticket: u64) -> Option<&Outcome> {
        self.ended.get(ticket)
    }

    /// Every grant in force.
    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.grants.iter()
    }

    /// Whether an agent is stopped, and by whom.
    pub fn stopped_by(&self, agent: &str) -> Option<&str> {
        self.stopped.get(agent).map(|stopped| stopped.by.as_str())
    }

    /// How many tickets of an agent wait.
    pub fn pending(&self, agent: &str) -> u32 {
        self.pending.get(agent).copied().unwrap_or_default()
    }

    /// How an agent's tickets are treated.
    pub fn policy(&self, agent: &str) -> &Policy {
        self.policies.get(agent).unwrap_or(&self.policy)
    }

    fn find(&self, id: u64) -> Option<u64> {
        self.card_of_ticket.get(&id).copied().or_else(|| self.cards.contains_key(&id).then_some(id))
    }
}
