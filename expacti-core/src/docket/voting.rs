//! What a vote does.

use std::sync::Arc;

use super::card::Card;
use super::effect::{Author, Change, Effect};
use super::ending::about;
use super::grant::{Grant, GrantId};
use super::quorum::{Tally, tally};
use super::refusal::Refusal;
use super::voter::{Answer, CastVote, Repeat, Role, Scope, Vote};
use super::{Docket, Outcome, reason};

impl Docket {
    pub(super) fn vote(&mut self, vote: Vote, now: u64, out: &mut Vec<Effect>) {
        match self.admit(&vote) {
            Err(why) => {
                let name = vote.voter.name;
                let refused = Change::Refused { name, why: why.clone() };
                out.push(about(Some(vote.id), None, now, refused));
                out.push(Effect::Refused(why));
            }
            Ok(id) => {
                if let Some(open) = self.cards.get_mut(&id) {
                    let Vote { voter, answer, newest, note, via, .. } = vote;
                    // Nobody approves in advance what was not there yet.
                    let newest = newest.min(open.card.newest);
                    let cast = CastVote { voter, answer, newest, note, via };
                    open.card.votes.retain(|earlier| earlier.voter.name != cast.voter.name);
                    open.card.votes.push(cast.clone());
                    let agent = open.card.agent.clone();
                    for ticket in open.tickets().into_iter().filter(|ticket| cast.covers(*ticket)) {
                        let voted = Change::Voted { card: id, vote: cast.clone() };
                        out.push(about(Some(ticket), Some(&agent), now, voted));
                    }
                }
                self.settle(id, now, out);
                out.extend(self.card(id).map(Effect::CardChanged));
            }
        }
    }

    /// The card that the vote counts on.
    fn admit(&self, vote: &Vote) -> Result<u64, Refusal> {
        let name = &vote.voter.name;
        if !vote.voter.roles.contains(&Role::Reviewer) {
            return Err(Refusal::NotAReviewer { name: name.clone() });
        }
        let Some(open) = self.find(vote.id).and_then(|id| self.cards.get(&id)) else {
            return Err(match self.ended.get(vote.id) {
                Some(outcome) => Refusal::Ended { id: vote.id, how: in_words(outcome) },
                None => Refusal::Unknown { id: vote.id },
            });
        };
        let card = &open.card;
        if card.digest != vote.digest {
            return Err(Refusal::Changed { card: card.id });
        }
        let roles = &card.evaluation.roles;
        if !roles.is_empty() && !roles.iter().any(|role| vote.voter.holds(role)) {
            let roles = roles.iter().cloned().collect();
            return Err(Refusal::NeedsRole { card: card.id, roles });
        }
        let earlier = card.votes.iter().find(|earlier| earlier.voter.name == *name);
        let again = Refusal::AlreadyVoted { card: card.id, name: name.clone() };
        match (vote.answer, earlier) {
            // Whoever denied stays with it; whoever approved may still deny, or approve what came since.
            (_, Some(CastVote { answer: Answer::Deny, .. })) => Err(again),
            (Answer::Deny, _) => Ok(card.id),
            (Answer::Approve(scope), earlier) => {
                if open.oldest().is_none_or(|oldest| vote.newest < oldest) {
                    return Err(Refusal::Changed { card: card.id });
                }
                if earlier.is_some_and(|earlier| earlier.newest >= vote.newest.min(card.newest)) {
                    return Err(again);
                }
                self.admit_scope(card, scope)?;
                Ok(card.id)
            }
        }
    }

    fn admit_scope(&self, card: &Card, scope: Scope) -> Result<(), Refusal> {
        if self.stopped.contains_key(&card.agent) {
            return Err(Refusal::Stopped { agent: card.agent.clone() });
        }
        let max_ms = self.policy(&card.agent).max_grant_ms;
        match scope.repeat {
            Repeat::Always if !card.always_offered => {
                Err(Refusal::AlwaysNotOffered { level: card.evaluation.level })
            }
            Repeat::For(asked_ms) if asked_ms == 0 || asked_ms > max_ms => {
                Err(Refusal::GrantTooLong { asked_ms, max_ms })
            }
            Repeat::Once | Repeat::For(_) | Repeat::Session | Repeat::Always => Ok(()),
        }
    }

    /// Ends every ticket of the card on which the votes agree.
    pub(super) fn settle(&mut self, id: u64, now: u64, out: &mut Vec<Effect>) {
        let Some(open) = self.cards.get(&id) else { return };
        let (card, tickets) = (open.snapshot(), open.tickets());
        let policy = self.policy(&card.agent).clone();
        let mut first = true;
        for ticket in tickets {
            match tally(&card.votes, ticket, card.approvals, &policy) {
                // Votes cover tickets from the oldest on, so the rest is open too.
                Tally::Open => break,
                Tally::Denied { names } => {
                    let said = reason::humans("denied", &names, &card.votes, false);
                    let reason = format!("{}; {said}", reason::risk(&card.evaluation));
                    return self.deny_card(id, &Author::Humans { names }, &reason, now, out);
                }
                // The agent was stopped between two votes: what is approved waits until it goes on.
                Tally::Approved { .. } if self.stopped.contains_key(&card.agent) => break,
                Tally::Approved { names, scope } => {
                    let Some(asked) = self.asked(ticket) else { continue };
                    self.grant(&card, ticket, scope, &names, first, now, out);
                    first = false;
                    let said = reason::humans("approved", &names, &card.votes, true);
                    self.answer(&asked, true, Author::Humans { names }, said, now, out);
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what a grant is made of; a struct would name each twice")]
    fn grant(
        &mut self,
        card: &Arc<Card>,
        ticket: u64,
        scope: Scope,
        names: &[String],
        first: bool,
        now: u64,
        out: &mut Vec<Effect>,
    ) {
        let ceiling = self.policy(&card.agent).grant_ceiling;
        let limit = self.longest_grant(&card.agent, now);
        let grant = |id, ceiling, children_ceiling, until_ms| Grant {
            id,
            agent: card.agent.clone(),
            digest: card.digest,
            ceiling,
            by: names.to_vec(),
            children_ceiling,
            until_ms,
        };
        if scope.children {
            self.make_grant(grant(GrantId::Children(ticket), ceiling, None, Some(limit)), now, out);
        }
        if !first {
            return;
        }
        let repeat = |until| {
            let children = scope.children.then_some(ceiling);
            grant(GrantId::Repeat(ticket), card.evaluation.score, children, until)
        };
        match scope.repeat {
            Repeat::Once => {}
            Repeat::For(ms) => self.make_grant(repeat(Some(now.saturating_add(ms))), now, out),
            Repeat::Session => self.make_grant(repeat(None), now, out),
            Repeat::Always => out.push(Effect::RuleProposed {
                ticket,
                request: card.request.clone(),
                evaluation: card.evaluation.clone(),
                by: names.to_vec(),
            }),
        }
    }
}

fn in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Allowed { by, .. } => format!("allowed by {by}"),
        Outcome::Denied { by, .. } => format!("denied by {by}"),
        Outcome::TimedOut { .. } => "nobody answered in time".to_owned(),
        Outcome::Withdrawn { .. } => "the process went away".to_owned(),
    }
}
