//! Whether the votes on a card are enough. Pure counting, apart from everything that changes state.

use std::collections::BTreeSet;

use super::policy::Policy;
use super::voter::{Answer, CastVote, Scope};

/// What the votes say about one ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tally {
    /// Not enough yet.
    Open,
    /// Enough humans said yes, and this is what all of them said.
    Approved {
        /// Who, in the order of their votes.
        names: Vec<String>,
        /// The narrowest of what they allowed.
        scope: Scope,
    },
    /// Enough humans said no.
    Denied {
        /// Who, in the order of their votes.
        names: Vec<String>,
    },
}

/// Counts the votes that cover `ticket`. A denial covers every ticket, an approval only what its author was shown.
pub(super) fn tally(votes: &[CastVote], ticket: u64, approvals: u8, policy: &Policy) -> Tally {
    let denials = distinct(votes.iter().filter(|vote| vote.answer == Answer::Deny));
    if denials.len() >= usize::from(policy.denials.max(1)) {
        return Tally::Denied { names: denials };
    }
    let covering: Vec<&CastVote> = votes
        .iter()
        .filter(|vote| matches!(vote.answer, Answer::Approve(_)) && vote.covers(ticket))
        .collect();
    let names = distinct(covering.iter().copied());
    if names.len() < usize::from(approvals.max(1)) || is_owner_alone(&names, policy) {
        return Tally::Open;
    }
    let scope = covering
        .iter()
        .filter_map(|vote| match vote.answer {
            Answer::Approve(scope) => Some(scope),
            Answer::Deny => None,
        })
        .reduce(Scope::narrowest)
        .unwrap_or_default();
    Tally::Approved { names, scope }
}

fn is_owner_alone(names: &[String], policy: &Policy) -> bool {
    !policy.owner_alone && policy.owner.as_ref().is_some_and(|owner| names.iter().all(|name| name == owner))
}

fn distinct<'a>(votes: impl Iterator<Item = &'a CastVote>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    votes.map(|vote| &vote.voter.name).filter(|name| seen.insert(name.as_str())).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docket::{Repeat, Voter};

    fn vote(name: &str, answer: Answer, newest: u64) -> CastVote {
        let voter = Voter { name: name.into(), roles: BTreeSet::new(), teams: BTreeSet::new() };
        CastVote { voter, answer, newest, note: None, via: "cli".into() }
    }

    fn yes(name: &str) -> CastVote {
        vote(name, Answer::Approve(Scope::default()), 9)
    }

    #[test]
    fn one_human_twice_is_one() {
        let votes = [yes("alice"), yes("alice")];
        assert_eq!(tally(&votes, 1, 2, &Policy::default()), Tally::Open);
    }

    #[test]
    fn what_came_after_the_look_is_not_covered() {
        assert_eq!(tally(&[yes("alice")], 10, 1, &Policy::default()), Tally::Open);
    }

    #[test]
    fn several_approvals_reach_as_far_as_the_narrowest() {
        let far = Answer::Approve(Scope { children: true, repeat: Repeat::Session });
        let near = Answer::Approve(Scope { children: true, repeat: Repeat::For(5) });
        let votes = [vote("alice", far, 9), vote("bob", near, 9)];
        let scope = Scope { children: true, repeat: Repeat::For(5) };
        let names = vec!["alice".to_owned(), "bob".to_owned()];
        assert_eq!(tally(&votes, 1, 2, &Policy::default()), Tally::Approved { names, scope });
    }

    #[test]
    fn zero_approvals_still_need_a_human() {
        assert_eq!(tally(&[], 1, 0, &Policy::default()), Tally::Open);
    }

    #[test]
    fn an_owner_who_may_not_decide_alone_needs_another() {
        let policy = Policy { owner: Some("alice".into()), owner_alone: false, ..Policy::default() };
        assert_eq!(tally(&[yes("alice")], 1, 1, &policy), Tally::Open);
        assert!(matches!(tally(&[yes("alice"), yes("bob")], 1, 1, &policy), Tally::Approved { .. }));
    }

    #[test]
    fn denials_are_counted_as_configured() {
        let policy = Policy { denials: 2, ..Policy::default() };
        let no = |name| vote(name, Answer::Deny, 0);
        assert_eq!(tally(&[no("alice"), no("alice")], 1, 1, &policy), Tally::Open);
        let names = vec!["alice".to_owned(), "bob".to_owned()];
        assert_eq!(tally(&[no("alice"), no("bob"), yes("carol")], 1, 1, &policy), Tally::Denied { names });
    }
}
