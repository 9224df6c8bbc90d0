//! What happens to whole agents, reviewers and grants.

use super::Docket;
use super::effect::{Author, Change, Effect};
use super::ending::about;
use super::grant::{Grant, GrantEnd, GrantId};
use super::refusal::Refusal;

/// An agent of which nothing new runs.
#[derive(Debug)]
pub(super) struct Stopped {
    pub(super) by: String,
    pub(super) author: Author,
}

impl Docket {
    /// What waits keeps waiting, so that a human can look and then let the agent go on.
    pub(super) fn stop(&mut self, agent: String, by: String, now: u64, out: &mut Vec<Effect>) {
        if self.stopped.contains_key(&agent) {
            return;
        }
        out.push(about(None, Some(&agent), now, Change::AgentStopped { by: by.clone() }));
        let author = Author::Stopped { by: by.clone() };
        self.stopped.insert(agent, Stopped { by, author });
    }

    pub(super) fn resume(&mut self, agent: String, by: String, now: u64, out: &mut Vec<Effect>) {
        if self.stopped.remove(&agent).is_none() {
            return out.push(Effect::Refused(Refusal::NotStopped { agent }));
        }
        out.push(about(None, Some(&agent), now, Change::AgentResumed { by }));
        // Enough approvals may have come together while it was stopped.
        for id in self.cards_of(&agent) {
            self.settle(id, now, out);
        }
    }

    pub(super) fn kill(&mut self, agent: String, by: String, now: u64, out: &mut Vec<Effect>) {
        out.push(about(None, Some(&agent), now, Change::AgentKilled { by: by.clone() }));
        let author = Author::Killed { by: by.clone() };
        let reason = author.to_string();
        for id in self.cards_of(&agent) {
            self.deny_card(id, &author, &reason, now, out);
        }
        self.end_grants(&GrantEnd::SessionOver, now, out, |grant| grant.agent == agent);
        self.stopped.insert(agent, Stopped { by, author });
    }

    /// Tickets of its processes are withdrawn one by one as they die; here only what outlives a process ends.
    pub(super) fn gone(&mut self, agent: &str, now: u64, out: &mut Vec<Effect>) {
        self.stopped.remove(agent);
        self.end_grants(&GrantEnd::SessionOver, now, out, |grant| grant.agent == agent);
    }

    /// Votes on open cards and grants that this human gave are void; what was answered stays answered.
    pub(super) fn revoke_reviewer(&mut self, name: String, by: String, now: u64, out: &mut Vec<Effect>) {
        let mut changed = Vec::new();
        for (id, open) in &mut self.cards {
            let before = open.card.votes.len();
            open.card.votes.retain(|vote| vote.voter.name != name);
            if open.card.votes.len() != before {
                changed.push((*id, open.card.agent.clone()));
            }
        }
        for (card, agent) in changed {
            out.push(about(None, Some(&agent), now, Change::VoteDropped { card, name: name.clone() }));
            out.extend(self.card(card).map(Effect::CardChanged));
        }
        let why = GrantEnd::ReviewerRevoked { name: name.clone() };
        self.end_grants(&why, now, out, |grant| grant.by.contains(&name));
        out.push(about(None, None, now, Change::ReviewerRevoked { name, by }));
    }

    pub(super) fn finish(&mut self, ticket: u64, now: u64, out: &mut Vec<Effect>) {
        self.end_grants(&GrantEnd::Finished, now, out, |grant| grant.id == GrantId::Children(ticket));
    }

    pub(super) fn restore_grant(&mut self, grant: Grant, remaining_ms: Option<u64>, now: u64) {
        let until_ms = remaining_ms.map(|remaining| now.saturating_add(remaining));
        self.grants.insert(Grant { until_ms, ..grant });
    }

    pub(super) fn revoke_grant(&mut self, id: GrantId, by: String, now: u64, out: &mut Vec<Effect>) {
        let Some(grant) = self.grants.remove(id) else {
            return out.push(Effect::Refused(Refusal::UnknownGrant { id: id.to_string() }));
        };
        let why = GrantEnd::Revoked { by };
        out.push(about(None, Some(&grant.agent), now, Change::GrantEnded { id, why: why.clone() }));
        out.push(Effect::GrantEnded { id, agent: grant.agent, why });
    }

    fn cards_of(&self, agent: &str) -> Vec<u64> {
        self.cards.iter().filter(|(_, open)| open.card.agent == agent).map(|(id, _)| *id).collect()
    }
}
