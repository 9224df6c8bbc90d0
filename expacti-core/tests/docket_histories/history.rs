//! What a random history is made of.

use proptest::prelude::*;

use expacti_core::docket::{Answer, Repeat, Scope, Withdrawal};
use expacti_core::evaluation::Decision;

/// A command as the engine sees it.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) agent: u8,
    pub(crate) text: u8,
    pub(crate) decision: Decision,
    pub(crate) score: u8,
    pub(crate) approvals: u8,
    pub(crate) role: Option<&'static str>,
    pub(crate) by_rule: bool,
}

/// One event. Tickets are picked by index into those known so far.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Opens(Command),
    OpensAgain(usize),
    /// Two tickets reach the daemon in the wrong order.
    OpensOutOfOrder(Command),
    StartsChild(usize, Command),
    Votes {
        ticket: usize,
        right_digest: bool,
        claims_future: bool,
        voter: u8,
        answer: Answer,
    },
    Withdraws(usize, Withdrawal),
    Finishes(usize),
    Waits(u64),
    Stops(u8),
    Resumes(u8),
    Kills(u8),
    Goes(u8),
    Revokes(u8),
    Restarts,
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let ticket = 0..64_usize;
    prop_oneof![
        8 => command().prop_map(Event::Opens),
        1 => ticket.clone().prop_map(Event::OpensAgain),
        1 => command().prop_map(Event::OpensOutOfOrder),
        2 => (ticket.clone(), command()).prop_map(|(parent, command)| Event::StartsChild(parent, command)),
        12 => (ticket.clone(), prop::bool::weighted(0.9), prop::bool::weighted(0.1), 0..5_u8, answer())
            .prop_map(|(ticket, right_digest, claims_future, voter, answer)| Event::Votes {
                ticket, right_digest, claims_future, voter, answer
            }),
        1 => (ticket.clone(), prop_oneof![Just(Withdrawal::Died), Just(Withdrawal::Changed)])
            .prop_map(|(ticket, why)| Event::Withdraws(ticket, why)),
        1 => ticket.prop_map(Event::Finishes),
        3 => (0..120_000_u64).prop_map(Event::Waits),
        1 => (0..2_u8).prop_map(Event::Stops),
        1 => (0..2_u8).prop_map(Event::Resumes),
        1 => prop::bool::weighted(0.2).prop_map(|kill| if kill { Event::Kills(0) } else { Event::Goes(0) }),
        1 => (0..5_u8).prop_map(Event::Revokes),
        1 => Just(Event::Restarts),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    let decision =
        prop_oneof![1 => Just(Decision::Allow), 8 => Just(Decision::Hold), 1 => Just(Decision::Deny)];
    let role = prop_oneof![4 => Just(None), 1 => Just(Some("dba"))];
    (
        0..2_u8,
        0..3_u8,
        decision,
        prop_oneof![Just(20_u8), Just(40), Just(70), Just(95)],
        0..3_u8,
        role,
        any::<bool>(),
    )
        .prop_map(|(agent, text, decision, score, approvals, role, by_rule)| Command {
            agent,
            text,
            decision,
            score,
            approvals,
            role,
            by_rule,
        })
}

fn answer() -> impl Strategy<Value = Answer> {
    let repeat = prop_oneof![
        4 => Just(Repeat::Once),
        1 => (0..200_000_000_u64).prop_map(Repeat::For),
        1 => Just(Repeat::Session),
        1 => Just(Repeat::Always),
    ];
    prop_oneof![
        5 => (any::<bool>(), repeat).prop_map(|(children, repeat)| Answer::Approve(Scope { children, repeat })),
        1 => Just(Answer::Deny),
    ]
}
