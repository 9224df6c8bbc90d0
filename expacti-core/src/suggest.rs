//! Rules out of what happened: from a log of attempts to the few narrow rules that would have saved most questions.
//!
//! A proposal is made of commands that ran, because humans approved them or because their agent was only observed. It
//! takes what was seen: words that differed become a list of those words, and only numbers, paths below one folder and
//! URLs of a few hosts become holes. Each comes with how often it would have matched, and with what lies beside it. It
//! never takes what was refused, unless the very same words were both.

mod judged;
mod pattern;
mod seen;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;

use self::judged::Judged;
use self::seen::{Member, Shape};
use crate::policy::Policy;
use crate::request::ExecRequest;
use crate::rules::{Assess, RuleSet, Source};
use crate::time::Timestamp;

/// How many proposals are made at most.
const MOST: usize = 200;
/// How many examples, neighbours and refusals a proposal shows.
const SHOWN: usize = 5;

/// One attempt of the past.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// What was asked for, without its secrets.
    pub request: &'a ExecRequest,
    /// How its agent is treated now.
    pub policy: &'a Policy,
    /// What became of it.
    pub fate: Fate,
    /// Something in its words was a secret. No rule is made of those: rules are kept in clear.
    pub has_secrets: bool,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Humans approved it.
    Approved,
    /// It ran without being asked about: observed only, covered by a rule or a grant, or of too little risk.
    Ran,
    /// A human or a rule refused it.
    Refused,
    /// It ended otherwise, such as unanswered, or it still waits.
    Open,
}

/// What proposals are measured against.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The rules in force.
    pub rules: &'a RuleSet,
    /// What commands come to.
    pub assess: Assess<'a>,
    /// When.
    pub now: Timestamp,
}

/// Everything that could be proposed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Attempts that would wait for humans under the rules in force.
    pub asked: u64,
    /// Of them, those that would not if all proposals were accepted.
    pub saved: u64,
    /// The one that matches most comes first; those with `refused` come last.
    pub proposals: Vec<Proposal>,
}

/// A rule that could be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Its name. The same pattern has the same name; another pattern has another.
    pub name: String,
    /// Its TOML: one `[[rule]]`, with examples.
    pub text: String,
    /// What it takes, on one line.
    pub pattern: String,
    /// Attempts in which it would have vouched for a command.
    pub matched: u64,
    /// Of them, those that humans approved.
    pub approved: u64,
    /// Attempts that nobody would have been asked about with this rule alone.
    pub saves: u64,
    /// Up to which score it allows.
    pub score: u8,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// What it takes, as places in the past.
    pub examples: Vec<usize>,
    /// What lies near and is not taken, refused ones first.
    pub beside: Vec<usize>,
    /// What was refused and would be taken: the very same words that at another time ran.
    pub refused: Vec<usize>,
}

/// Proposes rules that would have matched at least so many attempts.
pub fn suggest_rules<'a>(past: &'a [Past<'a>], ground: &Ground<'_>, at_least: u64) -> Report {
    let judged: Vec<Judged<'_>> = past.iter().map(|past| Judged::of(past, ground)).collect();
    let mut shapes: BTreeMap<Shape, Vec<Member<'_>>> = BTreeMap::new();
    for (place, one) in judged.iter().enumerate() {
        for member in one.members(place) {
            shapes.entry(member.shape()).or_default().push(member);
        }
    }
    let workshop = Workshop { judged: &judged, ground, at_least };
    let mut proposals = Vec::new();
    for members in shapes.into_values() {
        workshop.propose(&members, &mut proposals);
    }
    proposals.sort_by(|a, b| {
        let order = |p: &Proposal| (!p.refused.is_empty(), u64::MAX - p.saves, u64::MAX - p.matched);
        order(a).cmp(&order(b)).then_with(|| a.name.cmp(&b.name))
    });
    proposals.truncate(MOST);
    let all: String = proposals.iter().filter(|p| p.refused.is_empty()).map(|p| p.text.as_str()).collect();
    let saved = workshop.load(&all).map_or(0, |all| workshop.saved(&all, 0..judged.len()));
    let asked = judged.iter().filter(|one| one.waits).count() as u64;
    Report { asked, saved, proposals }
}

/// Where proposals are made.
struct Workshop<'a> {
    judged: &'a [Judged<'a>],
    ground: &'a Ground<'a>,
    at_least: u64,
}

impl<'a> Workshop<'a> {
    /// Makes one proposal of commands of one shape, or several narrower ones.
    fn propose(&self, members: &[Member<'a>], proposals: &mut Vec<Proposal>) {
        if (members.len() as u64) < self.at_least {
            return;
        }
        if let Some(parts) = pattern::too_wide(members) {
            return self.propose_each(parts, proposals);
        }
        let draft = write::Draft::of(members, self.judged, self.ground);
        let Some(rules) = self.load(&draft.text(&[])) else { return };
        let taken = self.taken(&rules, draft.program());
        let refused: Vec<usize> =
            taken.iter().copied().filter(|place| self.judged[*place].was_refused).collect();
        if !refused.is_empty()
            && let Some(parts) = pattern::narrower(members)
        {
            return self.propose_each(parts, proposals);
        }
        let ran: Vec<usize> = taken.iter().copied().filter(|place| self.judged[*place].ran()).collect();
        if (ran.len() as u64) < self.at_least {
            return;
        }
        let beside = self.beside(&taken, draft.program());
        let counter: Vec<&Judged<'_>> = beside.iter().map(|place| &self.judged[*place]).collect();
        let with_counter = draft.text(&counter);
        // An example that does not come out as written is no example.
        let text = if self.load(&with_counter).is_some() { with_counter } else { draft.text(&[]) };
        let is_approved = |place: &&usize| self.judged[**place].past.fate == Fate::Approved;
        proposals.push(Proposal {
            name: draft.name.clone(),
            text,
            pattern: draft.pattern.shown.clone(),
            matched: ran.len() as u64,
            approved: ran.iter().filter(is_approved).count() as u64,
            saves: self.saved(&rules, ran.iter().copied()),
            score: draft.score,
            expires: draft.expires,
            examples: self.distinct(&ran),
            beside,
            refused: self.distinct(&refused),
        });
    }

    fn propose_each(&self, parts: Vec<Vec<Member<'a>>>, proposals: &mut Vec<Proposal>) {
        for part in parts {
            self.propose(&part, proposals);
        }
    }

    fn load(&self, text: &str) -> Option<RuleSet> {
        RuleSet::load(&[Source::stored("suggestion", text)], 0, self.ground.assess).ok()
    }

    /// Attempts in which these rules vouch for a command of this program.
    fn taken(&self, rules: &RuleSet, program: &str) -> Vec<usize> {
        let all = self.judged.iter().enumerate();
        all.filter(|(_, one)| one.is_taken(rules, program, self.ground)).map(|(place, _)| place).collect()
    }

    /// How many of these attempts wait now and would run with these rules in force, too.
    fn saved(&self, rules: &RuleSet, places: impl IntoIterator<Item = usize>) -> u64 {
        let together = self.ground.rules.joined(rules);
        let saved = places.into_iter().filter_map(|place| self.judged.get(place));
        saved.filter(|one| one.waits && one.would_run(&together, self.ground)).count() as u64
    }

    /// The same program, and not taken: refused ones first, then those that ran.
    fn beside(&self, taken: &[usize], program: &str) -> Vec<usize> {
        let mut beside: Vec<usize> = (0..self.judged.len())
            .filter(|place| taken.binary_search(place).is_err() && self.judged[*place].runs(program))
            .collect();
        beside.sort_by_key(|place| (!self.judged[*place].was_refused, *place));
        self.distinct(&beside)
    }

    /// The first few that are different commands.
    fn distinct(&self, places: &[usize]) -> Vec<usize> {
        let mut shown: Vec<usize> = Vec::new();
        for place in places {
            let argv = |place: usize| &self.judged[place].past.request.argv;
            if shown.len() < SHOWN && shown.iter().all(|other| argv(*other) != argv(*place)) {
                shown.push(*place);
            }
        }
        shown
    }
}
