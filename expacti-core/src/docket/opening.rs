//! How a ticket begins.

use crate::evaluation::{Decision, Evaluation};

use super::card::{Key, OpenCard};
use super::effect::{Author, Change, Effect, Notice, NoticeKind, Record};
use super::ending::Asked;
use super::grant::{Grant, GrantId};
use super::input::Opened;
use super::voter::CastVote;
use super::{Docket, reason};

/// What is to happen with a new ticket.
enum Way {
    Allow(Author),
    Deny(Author, String),
    Wait,
}

impl Docket {
    /// The kernel may ask twice about one ticket, such as around a restart of the daemon: the second is no news.
    pub(super) fn open(&mut self, opened: &Opened, now: u64, out: &mut Vec<Effect>) {
        if self.is_known(opened.ticket) {
            return;
        }
        out.push(record(opened, now, opened_change(opened)));
        match self.way(opened) {
            Way::Allow(author) => {
                let reason = reason::risk(&opened.evaluation);
                self.grant_children(opened, &author, now, out);
                self.answer(&Asked::of(opened, now), true, author, reason, now, out);
            }
            Way::Deny(author, reason) => {
                if author == Author::Quota {
                    self.notify_quota(opened, now, out);
                }
                self.answer(&Asked::of(opened, now), false, author, reason, now, out);
            }
            Way::Wait => {
                let timeout_ms = self.policy(&opened.agent).timeout_ms.at(opened.evaluation.level);
                let approvals = self.approvals(opened);
                let key = Key::of(opened, approvals);
                let place = self.card_for(&key, opened.ticket, None);
                let card = self.hold(opened, key, place, now.saturating_add(timeout_ms), now);
                out.push(record(opened, now, Change::Held { card, approvals, timeout_ms }));
                self.show(card, opened.ticket, out);
            }
        }
    }

    /// A ticket from before a restart waits on: no quota takes away what was already promised, and what the rules say
    /// now counts only where they have become stricter.
    pub(super) fn adopt(
        &mut self,
        opened: &Opened,
        remaining_ms: u64,
        votes: Vec<CastVote>,
        now: u64,
        out: &mut Vec<Effect>,
    ) {
        if self.is_known(opened.ticket) {
            return;
        }
        if opened.evaluation.decision == Decision::Deny {
            let author = Author::Engine { decided_by: opened.evaluation.decided_by.clone() };
            let reason = reason::risk(&opened.evaluation);
            return self.answer(&Asked::of(opened, now), false, author, reason, now, out);
        }
        let approvals = self.approvals(opened);
        let key = Key::of(opened, approvals);
        let place = self.card_for(&key, opened.ticket, Some(&votes));
        let id = self.hold(opened, key, place, now.saturating_add(remaining_ms), now);
        out.push(record(opened, now, Change::Adopted { card: id, remaining_ms }));
        if let Some(open) = self.cards.get_mut(&id) {
            open.card.votes = votes;
        }
        self.show(id, opened.ticket, out);
        self.expire(now, out);
        self.settle(id, now, out);
    }

    fn way(&self, opened: &Opened) -> Way {
        let evaluation = &*opened.evaluation;
        if let Some(stopped) = self.stopped.get(&opened.agent) {
            let reason = stopped.author.to_string();
            return Way::Deny(stopped.author.clone(), reason);
        }
        let engine = || Author::Engine { decided_by: evaluation.decided_by.clone() };
        match evaluation.decision {
            Decision::Deny => Way::Deny(engine(), reason::risk(evaluation)),
            Decision::Allow => Way::Allow(engine()),
            Decision::Hold => {
                if let Some(grant) = self.grants.covering(opened, self.approvals(opened)) {
                    Way::Allow(Author::Grant { grant: grant.id })
                } else if self.pending(&opened.agent) >= self.policy(&opened.agent).max_pending {
                    Way::Deny(Author::Quota, format!("too many pending; {}", reason::risk(evaluation)))
                } else {
                    Way::Wait
                }
            }
        }
    }

    fn approvals(&self, opened: &Opened) -> u8 {
        let Evaluation { approvals, level, .. } = *opened.evaluation;
        approvals.max(self.policy(&opened.agent).approvals.at(level)).max(1)
    }

    pub(super) fn is_known(&self, ticket: u64) -> bool {
        self.card_of_ticket.contains_key(&ticket) || self.ended.get(ticket).is_some()
    }

    /// Puts the ticket on its card, which may have to be made.
    fn hold(&mut self, opened: &Opened, key: Key, id: u64, deadline: u64, now: u64) -> u64 {
        // No rule can be made of what nobody read.
        let always_offered = opened.request.missing.is_empty()
            && opened.evaluation.level <= self.policy(&opened.agent).always_up_to;
        self.card_of_key.insert(key.clone(), id);
        let open = self.cards.entry(id).or_insert_with(|| OpenCard::new(key, opened, always_offered, now));
        open.add(opened.ticket, now, deadline);
        self.card_of_ticket.insert(opened.ticket, id);
        self.due.insert((deadline, opened.ticket));
        *self.pending.entry(opened.agent.clone()).or_default() += 1;
        id
    }

    /// A vote covers tickets up to the newest that its author saw, so one that arrives out of order must not slip
    /// under it: it gets a card of its own. So does an adopted one whose votes are not those of the card.
    fn card_for(&self, key: &Key, ticket: u64, votes: Option<&[CastVote]>) -> u64 {
        let existing = self.card_of_key.get(key).and_then(|id| self.cards.get(id));
        existing
            .filter(|open| open.card.newest < ticket && votes.is_none_or(|votes| open.card.votes == votes))
            .map_or(ticket, |open| open.card.id)
    }

    fn show(&self, card: u64, ticket: u64, out: &mut Vec<Effect>) {
        let Some(open) = self.cards.get(&card) else { return };
        let snapshot = open.snapshot();
        if card == ticket {
            out.push(Effect::CardOpened(snapshot.clone()));
            out.push(Effect::Notify(Notice { kind: NoticeKind::NeedsReview, card: snapshot }));
        } else {
            out.push(Effect::CardChanged(snapshot));
        }
    }

    /// Once for each time that an agent runs into its quota, not for every denial.
    fn notify_quota(&mut self, opened: &Opened, now: u64, out: &mut Vec<Effect>) {
        if self.over_quota.insert(opened.agent.clone()) {
            let key = Key::of(opened, self.approvals(opened));
            let card = OpenCard::new(key, opened, false, now).snapshot();
            out.push(Effect::Notify(Notice { kind: NoticeKind::Quota, card }));
        }
    }

    /// A rule may let a command's children run too, and so may "this command for an hour, with what it starts": each
    /// run of it gets a grant for its own children.
    fn grant_children(&mut self, opened: &Opened, author: &Author, now: u64, out: &mut Vec<Effect>) {
        let given = match author {
            Author::Grant { grant: id @ GrantId::Repeat(_) } => self
                .grants
                .get(*id)
                .and_then(|grant| Some((grant.children_ceiling?, grant.by.clone(), grant.until_ms))),
            Author::Engine { .. } => opened.evaluation.children_ceiling.map(|ceiling| {
                (ceiling, vec![author.to_string()], Some(self.longest_grant(&opened.agent, now)))
            }),
            Author::Grant { grant: GrantId::Children(_) }
            | Author::Humans { .. }
            | Author::Timeout
            | Author::Quota
            | Author::Stopped { .. }
            | Author::Killed { .. } => None,
        };
        let Some((ceiling, by, until_ms)) = given else { return };
        let (id, agent) = (GrantId::Children(opened.ticket), opened.agent.clone());
        let grant = Grant { id, agent, digest: opened.digest, ceiling, by, children_ceiling: None, until_ms };
        self.make_grant(grant, now, out);
    }

    /// When a grant that begins now ends at the latest.
    pub(super) fn longest_grant(&self, agent: &str, now: u64) -> u64 {
        now.saturating_add(self.policy(agent).max_grant_ms)
    }
}

fn opened_change(opened: &Opened) -> Change {
    Change::Opened {
        digest: opened.digest,
        request: opened.request.clone(),
        evaluation: opened.evaluation.clone(),
    }
}

fn record(opened: &Opened, now: u64, change: Change) -> Effect {
    Effect::Record(Record {
        ticket: Some(opened.ticket),
        agent: Some(opened.agent.clone()),
        at_ms: now,
        change,
    })
}
