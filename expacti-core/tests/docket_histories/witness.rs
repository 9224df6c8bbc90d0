//! Watches a docket from outside and keeps its own books, in the plainest way it can.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use expacti_core::docket::{
    Answer, Author, CastVote, Change, Digest, Docket, Effect, Grant, GrantId, Input, Opened, Outcome, Policy,
    Role, Verdict, Vote, Voter,
};
use expacti_core::evaluation::{DecidedBy, Decision, Evaluation, Level};
use expacti_core::request::ExecRequest;

use crate::history::{Command, Event};

const NAMES: [&str; 5] = ["alice", "bob", "carol", "dave", "vera"];
const STRICT: &str = "agent-1";
const OWNER: &str = "alice";

/// What the books say about one ticket.
struct Ticket {
    opened: Opened,
    approvals: usize,
    deadline: u64,
    approved_by: BTreeSet<String>,
    denied_by: BTreeSet<String>,
    end: Option<Outcome>,
}

/// What was reached, so that the test can tell whether its histories are worth anything.
#[derive(Debug, Default)]
pub(crate) struct Coverage(BTreeMap<&'static str, u64>);

impl Coverage {
    fn hit(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            *self.0.entry(what).or_default() += times;
        }
    }

    pub(crate) fn is_broad(&self) -> bool {
        let wanted = [
            "humans",
            "two humans",
            "grant",
            "engine",
            "denied",
            "denied by two",
            "timeout",
            "quota",
            "withdrawn",
            "stopped",
            "killed",
            "refused",
        ];
        wanted.iter().all(|what| self.0.get(what).copied().unwrap_or_default() > 100)
    }
}

pub(crate) struct Witness {
    docket: Docket,
    now: u64,
    next: u64,
    tickets: BTreeMap<u64, Ticket>,
    order: Vec<u64>,
    stopped: BTreeSet<String>,
    grants: BTreeMap<GrantId, Grant>,
    /// Tickets that ended before the last restart: the kernel never asks about them again.
    past: BTreeSet<u64>,
    coverage: Coverage,
}

/// One agent's owner may not decide alone there, and it takes two to deny.
fn policy(agent: &str) -> Policy {
    let policy = Policy { max_pending: 6, ..Policy::default() };
    if agent == STRICT {
        return Policy { owner: Some(OWNER.into()), owner_alone: false, denials: 2, ..policy };
    }
    policy
}

fn docket() -> Docket {
    let mut docket = Docket::new(policy(""));
    let strict = Input::PolicySet { agent: Some(STRICT.into()), policy: policy(STRICT) };
    assert_eq!(docket.step(strict, 0), []);
    docket
}

impl Witness {
    pub(crate) fn new() -> Self {
        Self {
            docket: docket(),
            now: 1_000,
            next: 1,
            tickets: BTreeMap::new(),
            order: Vec::new(),
            stopped: BTreeSet::new(),
            grants: BTreeMap::new(),
            past: BTreeSet::new(),
            coverage: Coverage::default(),
        }
    }

    pub(crate) fn play(&mut self, event: &Event) {
        match event {
            Event::Opens(command) => self.open(command, self.next, Vec::new()),
            Event::OpensOutOfOrder(command) => {
                let (late, early) = (self.next, self.next + 1);
                self.open(command, early, Vec::new());
                self.vote(early, true, true, 0, Answer::Approve(expacti_core::docket::Scope::default()));
                self.open(command, late, Vec::new());
                self.next = early + 1;
            }
            Event::StartsChild(parent, command) => {
                let parents = self.pick(*parent).into_iter().collect();
                self.open(command, self.next, parents);
            }
            Event::OpensAgain(index) => {
                let Some(ticket) = self.pick(*index).filter(|ticket| !self.past.contains(ticket)) else {
                    return;
                };
                let opened = self.tickets[&ticket].opened.clone();
                let was_open = self.tickets[&ticket].end.is_none();
                let effects = self.docket.step(Input::Opened(opened), self.now);
                let news =
                    effects.iter().any(|effect| matches!(effect, Effect::Verdict(v) if v.ticket == ticket));
                assert!(!news || was_open, "ticket {ticket} was answered again");
                self.check(&effects);
            }
            Event::Votes { ticket, right_digest, claims_future, voter, answer } => {
                let Some(ticket) = self.pick(*ticket) else { return };
                self.vote(ticket, *right_digest, *claims_future, usize::from(*voter), *answer);
            }
            Event::Withdraws(index, why) => {
                let Some(ticket) = self.pick(*index) else { return };
                self.step(Input::Withdrawn { ticket, why: *why });
            }
            Event::Finishes(index) => {
                let Some(ticket) = self.pick(*index) else { return };
                self.step(Input::Finished { ticket });
            }
            Event::Waits(ms) => {
                self.now += ms;
                self.step(Input::Tick);
            }
            Event::Stops(agent) => {
                self.stopped.insert(name_of(*agent));
                self.step(Input::AgentStopped { agent: name_of(*agent), by: "alice".into() });
            }
            Event::Resumes(agent) => {
                self.stopped.remove(&name_of(*agent));
                self.step(Input::AgentResumed { agent: name_of(*agent), by: "alice".into() });
            }
            Event::Kills(agent) => {
                self.stopped.insert(name_of(*agent));
                self.step(Input::AgentKilled { agent: name_of(*agent), by: "alice".into() });
            }
            Event::Goes(agent) => {
                self.stopped.remove(&name_of(*agent));
                self.step(Input::AgentGone { agent: name_of(*agent) });
            }
            Event::Revokes(voter) => {
                let name = NAMES[usize::from(*voter)].to_owned();
                for ticket in self.tickets.values_mut().filter(|ticket| ticket.end.is_none()) {
                    ticket.approved_by.remove(&name);
                    ticket.denied_by.remove(&name);
                }
                self.step(Input::ReviewerRevoked { name, by: "root".into() });
            }
            Event::Restarts => self.restart(),
        }
    }

    /// Lets everything run out of time and checks that nothing is left over.
    pub(crate) fn finish(mut self) -> Coverage {
        self.now += 10_000_000;
        self.step(Input::Tick);
        for (number, ticket) in &self.tickets {
            assert!(ticket.end.is_some(), "ticket {number} never ended");
        }
        assert_eq!(self.docket.cards().count(), 0);
        assert_eq!((self.docket.pending("agent-0"), self.docket.pending("agent-1")), (0, 0));
        self.coverage
    }

    fn pick(&self, index: usize) -> Option<u64> {
        // Recent ones more often: most of the older ones have ended.
        let back = (index % 8).min(self.order.len().checked_sub(1)?);
        self.order.get(self.order.len() - 1 - back).copied()
    }

    fn open(&mut self, command: &Command, number: u64, descends_from: Vec<u64>) {
        self.next = self.next.max(number + 1);
        let level = Level::of(command.score);
        let decided_by = if command.by_rule {
            DecidedBy::Rule { name: "r".into(), because: String::new() }
        } else {
            DecidedBy::Threshold
        };
        let evaluation = Evaluation {
            decision: command.decision,
            score: command.score,
            level,
            categories: BTreeSet::new(),
            factors: Vec::new(),
            decided_by,
            approvals: command.approvals,
            roles: command.role.iter().map(|role| (*role).to_owned()).collect(),
            children_ceiling: None,
            rule_generation: 1,
        };
        let opened = Opened {
            ticket: number,
            agent: name_of(command.agent),
            digest: Digest([command.text; 16]),
            request: Arc::new(ExecRequest::default()),
            evaluation: Arc::new(evaluation),
            descends_from,
        };
        let policy = policy(&opened.agent);
        let ticket = Ticket {
            opened: opened.clone(),
            approvals: usize::from(command.approvals.max(policy.approvals.at(level)).max(1)),
            deadline: self.now + policy.timeout_ms.at(level),
            approved_by: BTreeSet::new(),
            denied_by: BTreeSet::new(),
            end: None,
        };
        self.tickets.insert(number, ticket);
        self.order.push(number);
        self.step(Input::Opened(opened));
        // A denial is about all of the card, also about what comes onto it later.
        let denied_by: BTreeSet<String> = (self.tickets_beside(number).iter())
            .flat_map(|beside| self.tickets[beside].denied_by.iter().cloned())
            .collect();
        self.tickets.get_mut(&number).unwrap().denied_by = denied_by;
    }

    fn vote(&mut self, ticket: u64, right_digest: bool, claims_future: bool, voter: usize, answer: Answer) {
        let Some(known) = self.tickets.get(&ticket) else { return };
        let digest = if right_digest { known.opened.digest } else { Digest([0xee; 16]) };
        let shown = self.docket.card(ticket).map_or(ticket, |card| card.newest);
        let newest = if claims_future { u64::MAX } else { shown };
        let vote = Vote {
            id: ticket,
            digest,
            newest,
            voter: Self::voter(voter),
            answer,
            note: None,
            via: "cli".into(),
        };
        let may = self.may_count(&vote, ticket);
        // The docket settles overdue tickets first, and so do the books.
        self.step(Input::Tick);
        let on_card: Vec<u64> = self.tickets_beside(ticket);
        let effects = self.docket.step(Input::Vote(vote.clone()), self.now);
        let refused = effects.iter().any(|effect| matches!(effect, Effect::Refused(_)));
        if refused {
            self.coverage.hit("refused");
            let silent =
                effects.iter().all(|effect| matches!(effect, Effect::Refused(_) | Effect::Record(_)));
            assert!(silent, "a refused vote did something: {effects:?}");
            return;
        }
        assert!(may, "{vote:?} counted");
        for number in on_card {
            let Some(ticket) = self.tickets.get_mut(&number) else { continue };
            match answer {
                Answer::Deny => {
                    ticket.approved_by.remove(&vote.voter.name);
                    ticket.denied_by.insert(vote.voter.name.clone());
                }
                Answer::Approve(_) => {
                    ticket.approved_by.insert(vote.voter.name.clone());
                }
            }
        }
        self.check(&effects);
        let replay = self.docket.step(Input::Vote(vote), self.now);
        assert!(
            replay.iter().any(|effect| matches!(effect, Effect::Refused(_))),
            "a replay counted: {replay:?}"
        );
    }

    /// What any vote needs, whatever else the docket may ask for.
    fn may_count(&self, vote: &Vote, ticket: u64) -> bool {
        let ticket = &self.tickets[&ticket];
        let stopped = self.stopped.contains(&ticket.opened.agent) && vote.answer != Answer::Deny;
        let roles = &ticket.opened.evaluation.roles;
        vote.digest == ticket.opened.digest
            && vote.voter.roles.contains(&Role::Reviewer)
            && (roles.is_empty() || roles.iter().any(|role| vote.voter.holds(role)))
            && !stopped
    }

    /// The tickets that stand on the same card now.
    fn tickets_beside(&self, ticket: u64) -> Vec<u64> {
        let Some(card) = self.docket.card(ticket) else { return Vec::new() };
        let same = |number: &u64| self.docket.card(*number).is_some_and(|other| other.id == card.id);
        self.tickets.iter().filter(|(n, t)| t.end.is_none() && same(n)).map(|(n, _)| *n).collect()
    }

    fn voter(index: usize) -> Voter {
        let role = if index == 4 { Role::Viewer } else { Role::Reviewer };
        let teams =
            if index.is_multiple_of(2) { BTreeSet::from(["dba".to_owned()]) } else { BTreeSet::new() };
        Voter { name: NAMES[index].into(), roles: BTreeSet::from([role]), teams }
    }

    /// The daemon dies and comes back: what waits is adopted with what was left of its time.
    fn restart(&mut self) {
        let votes: BTreeMap<u64, Vec<CastVote>> = self
            .tickets
            .keys()
            .filter_map(|number| self.docket.card(*number).map(|card| (*number, card.votes.clone())))
            .collect();
        let stopped: Vec<String> = self.stopped.iter().cloned().collect();
        self.docket = docket();
        self.grants.clear();
        for agent in stopped {
            let _ = self.docket.step(Input::AgentStopped { agent, by: "alice".into() }, self.now);
        }
        let last_ended = self.order.iter().rev().find(|number| self.tickets[number].end.is_some()).copied();
        self.past = self.tickets.iter().filter(|(_, t)| t.end.is_some()).map(|(n, _)| *n).collect();
        let open: Vec<u64> = self.tickets.keys().filter(|n| !self.past.contains(n)).copied().collect();
        for number in open {
            let ticket = &self.tickets[&number];
            let remaining_ms = ticket.deadline.saturating_sub(self.now);
            let votes = votes.get(&number).cloned().unwrap_or_default();
            let opened = ticket.opened.clone();
            self.step(Input::Adopted { opened, remaining_ms, votes, ended: None });
        }
        if let Some(number) = last_ended {
            self.lose_verdict_of(number);
        }
    }

    /// The daemon died between record and verdict: the kernel gets the recorded answer, and no second record.
    fn lose_verdict_of(&mut self, number: u64) {
        let ticket = &self.tickets[&number];
        let allowed = matches!(ticket.end, Some(Outcome::Allowed { .. }));
        let (opened, ended) = (ticket.opened.clone(), ticket.end.clone());
        let adopted = Input::Adopted { opened, remaining_ms: 1, votes: Vec::new(), ended };
        let effects = self.docket.step(adopted, self.now);
        let mut told = Vec::new();
        for effect in &effects {
            if let Effect::Verdict(verdict) = effect
                && verdict.ticket == number
            {
                told.push(verdict.allow);
            }
        }
        assert_eq!(told, [allowed]);
        let recorded = effects.iter().any(|effect| is_end_of(effect, number));
        assert!(!recorded, "ticket {number} ended twice");
        self.past.remove(&number);
    }

    fn step(&mut self, input: Input) {
        let effects = self.docket.step(input, self.now);
        self.check(&effects);
    }

    /// What must hold for every effect.
    fn check(&mut self, effects: &[Effect]) {
        for (at, effect) in effects.iter().enumerate() {
            match effect {
                Effect::Record(record) => {
                    if let (Change::Ended { outcome, .. }, Some(number)) = (&record.change, record.ticket) {
                        let ticket = self.tickets.get_mut(&number).unwrap();
                        assert_eq!(ticket.end, None, "ticket {number} ended twice");
                        ticket.end = Some(outcome.clone());
                        if matches!(outcome, Outcome::Withdrawn { .. }) {
                            self.coverage.hit("withdrawn");
                        }
                    }
                }
                Effect::Verdict(verdict) => {
                    let recorded = effects[..at].iter().any(|earlier| is_end_of(earlier, verdict.ticket));
                    assert!(recorded, "verdict before its record: {effects:?}");
                    self.check_verdict(verdict);
                }
                Effect::GrantMade(grant) => {
                    self.grants.insert(grant.id, grant.clone());
                }
                Effect::GrantEnded { id, .. } => {
                    assert!(self.grants.remove(id).is_some(), "{id} ended without having begun");
                }
                Effect::CardOpened(_)
                | Effect::CardChanged(_)
                | Effect::CardClosed { .. }
                | Effect::Notify(_)
                | Effect::RuleProposed { .. }
                | Effect::Refused(_) => {}
            }
        }
    }

    fn check_verdict(&mut self, verdict: &Verdict) {
        let ticket = &self.tickets[&verdict.ticket];
        let evaluation = &*ticket.opened.evaluation;
        let denials = usize::from(policy(&ticket.opened.agent).denials);
        assert_eq!(verdict.digest, ticket.opened.digest);
        if let Author::Humans { names } = &verdict.by {
            let distinct: BTreeSet<&String> = names.iter().collect();
            assert_eq!(distinct.len(), names.len(), "one human twice");
            let said = if verdict.allow { &ticket.approved_by } else { &ticket.denied_by };
            assert!(names.iter().all(|name| said.contains(name)), "{names:?} did not all say so");
            let needed = if verdict.allow { ticket.approvals } else { denials };
            assert!(names.len() >= needed, "{} of {needed} humans", names.len());
        }
        if !verdict.allow {
            self.coverage.hit(match &verdict.by {
                Author::Engine { .. } => "engine",
                Author::Humans { names } if names.len() > 1 => "denied by two",
                Author::Humans { .. } => "denied",
                Author::Timeout => "timeout",
                Author::Quota => "quota",
                Author::Stopped { .. } => "stopped",
                Author::Killed { .. } => "killed",
                Author::Grant { .. } => panic!("a grant denied"),
            });
            assert!(verdict.by != Author::Timeout || self.now >= ticket.deadline, "too early");
            return;
        }
        assert!(!self.stopped.contains(&ticket.opened.agent), "a stopped agent ran something");
        assert!(self.now < ticket.deadline, "approved after its time");
        assert!(ticket.denied_by.len() < denials, "approved after a denial");
        match &verdict.by {
            Author::Engine { .. } => {
                assert_eq!(evaluation.decision, Decision::Allow);
                self.coverage.hit("engine");
            }
            Author::Grant { grant } => {
                let grant = self.grants.get(grant).unwrap();
                assert_eq!(grant.agent, ticket.opened.agent);
                assert!(evaluation.score <= grant.ceiling && evaluation.decision == Decision::Hold);
                match grant.id {
                    GrantId::Children(parent) => assert!(ticket.opened.descends_from.contains(&parent)),
                    GrantId::Repeat(_) => assert_eq!(grant.digest, ticket.opened.digest),
                }
                self.coverage.hit("grant");
            }
            Author::Humans { names } => {
                let is_owner_alone = ticket.opened.agent == STRICT && *names == [OWNER];
                assert!(!is_owner_alone, "the owner decided alone");
                assert_eq!(evaluation.decision, Decision::Hold);
                self.coverage.hit(if names.len() > 1 { "two humans" } else { "humans" });
            }
            Author::Timeout | Author::Quota | Author::Stopped { .. } | Author::Killed { .. } => {
                panic!("allowed by {:?}", verdict.by);
            }
        }
    }
}

fn is_end_of(effect: &Effect, number: u64) -> bool {
    matches!(effect, Effect::Record(record)
        if record.ticket == Some(number) && matches!(record.change, Change::Ended { .. }))
}

fn name_of(agent: u8) -> String {
    format!("agent-{agent}")
}
