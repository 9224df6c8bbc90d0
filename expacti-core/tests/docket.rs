//! What humans and agents meet at the docket, one case each.

use std::collections::BTreeSet;
use std::sync::Arc;

use expacti_core::docket::{
    Answer, Author, Digest, Docket, Effect, GrantId, Input, NoticeKind, Opened, Outcome, Policy, Refusal,
    Repeat, Role, Scope, Verdict, Vote, Voter,
};
use expacti_core::evaluation::{DecidedBy, Decision, Evaluation, Factor, Level};
use expacti_core::request::ExecRequest;

fn opened(ticket: u64, score: u8) -> Opened {
    let because = "drops a table in production".to_owned();
    let evaluation = Evaluation {
        decision: Decision::Hold,
        score,
        level: Level::of(score),
        categories: BTreeSet::new(),
        factors: vec![Factor { name: "drop".into(), points: 85, because }],
        decided_by: DecidedBy::Threshold,
        approvals: 1,
        roles: BTreeSet::new(),
        children_ceiling: None,
        rule_generation: 1,
    };
    Opened {
        ticket,
        agent: "claude".into(),
        digest: Digest([7; 16]),
        request: Arc::new(ExecRequest { argv: vec!["psql".into()], ..ExecRequest::default() }),
        evaluation: Arc::new(evaluation),
        descends_from: Vec::new(),
    }
}

fn vote(id: u64, name: &str, answer: Answer) -> Vote {
    let voter = Voter { name: name.into(), roles: BTreeSet::from([Role::Reviewer]), teams: BTreeSet::new() };
    Vote { id, digest: Digest([7; 16]), newest: id, voter, answer, note: None, via: "cli".into() }
}

fn approve(id: u64, name: &str) -> Input {
    Input::Vote(vote(id, name, Answer::Approve(Scope::default())))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one effect among many")]
fn verdicts(effects: &[Effect]) -> Vec<(u64, bool, String)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Verdict(Verdict { ticket, allow, reason, .. }) => Some((*ticket, *allow, reason.clone())),
            _ => None,
        })
        .collect()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one effect among many")]
fn refusal(effects: &[Effect]) -> Option<&Refusal> {
    effects.iter().find_map(|effect| match effect {
        Effect::Refused(why) => Some(why),
        _ => None,
    })
}

#[test]
fn a_critical_command_needs_two_humans() {
    let mut docket = Docket::default();
    let _ = docket.step(Input::Opened(opened(1, 95)), 0);
    assert_eq!(verdicts(&docket.step(approve(1, "alice"), 1)), []);
    let again = docket.step(approve(1, "alice"), 2);
    assert_eq!(refusal(&again), Some(&Refusal::AlreadyVoted { card: 1, name: "alice".into() }));
    let effects = docket.step(approve(1, "bob"), 3);
    assert_eq!(verdicts(&effects), [(1, true, "approved by alice, bob".to_owned())]);
}

#[test]
fn a_denial_says_why() {
    let mut docket = Docket::default();
    let _ = docket.step(Input::Opened(opened(1, 95)), 0);
    let no = Vote { note: Some("not on a Friday".into()), ..vote(1, "alice", Answer::Deny) };
    let effects = docket.step(Input::Vote(no), 1);
    let reason = "risk 95 CRITICAL: drops a table in production; denied by alice (not on a Friday)";
    assert_eq!(verdicts(&effects), [(1, false, reason.to_owned())]);
}

#[test]
fn silence_denies_and_is_told_apart_from_a_human() {
    let mut docket = Docket::default();
    let _ = docket.step(Input::Opened(opened(1, 40)), 0);
    assert_eq!(docket.next_deadline(), Some(300_000));
    assert_eq!(verdicts(&docket.step(Input::Tick, 299_999)), []);
    let effects = docket.step(approve(1, "alice"), 300_000);
    let reason = "nobody answered in time; risk 40 MEDIUM: drops a table in production";
    assert_eq!(verdicts(&effects), [(1, false, reason.to_owned())]);
    assert!(matches!(docket.outcome(1), Some(Outcome::TimedOut { .. })));
    assert!(matches!(refusal(&effects), Some(Refusal::Ended { .. })));
    let told =
        |effect: &Effect| matches!(effect, Effect::Notify(notice) if notice.kind == NoticeKind::TimedOut);
    assert!(effects.iter().any(told));
}

#[test]
fn identical_tickets_are_one_card_and_one_answer() {
    let mut docket = Docket::default();
    for ticket in 1..=3 {
        let _ = docket.step(Input::Opened(opened(ticket, 40)), 0);
    }
    let card = docket.card(2).unwrap();
    assert_eq!((card.id, card.count, card.newest), (1, 3, 3));
    // Whoever looked when two were there approves two.
    let seen = Vote { newest: 2, ..vote(1, "alice", Answer::Approve(Scope::default())) };
    let effects = docket.step(Input::Vote(seen), 1);
    assert_eq!(verdicts(&effects).iter().map(|v| v.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(docket.card(3).unwrap().count, 1);
}

#[test]
fn more_than_the_quota_is_denied_with_the_reason() {
    let mut docket = Docket::new(Policy { max_pending: 1, ..Policy::default() });
    let _ = docket.step(Input::Opened(opened(1, 40)), 0);
    let effects = docket.step(Input::Opened(opened(2, 40)), 0);
    let reason = "too many pending; risk 40 MEDIUM: drops a table in production";
    assert_eq!(verdicts(&effects), [(2, false, reason.to_owned())]);
}

#[test]
fn what_an_approved_command_starts_runs_under_its_ceiling_until_it_exits() {
    let mut docket = Docket::default();
    let _ = docket.step(Input::Opened(opened(1, 40)), 0);
    let with_children = Answer::Approve(Scope { children: true, repeat: Repeat::Once });
    let _ = docket.step(Input::Vote(vote(1, "alice", with_children)), 1);
    let child = |ticket, score| Opened { descends_from: vec![1], ..opened(ticket, score) };
    assert_eq!(verdicts(&docket.step(Input::Opened(child(2, 59)), 2)).len(), 1);
    assert_eq!(verdicts(&docket.step(Input::Opened(child(3, 60)), 3)), []);
    let _ = docket.step(Input::Finished { ticket: 1 }, 4);
    assert_eq!(verdicts(&docket.step(Input::Opened(child(4, 59)), 5)), []);
}

#[test]
fn a_review_rule_stands_above_what_a_parent_was_granted() {
    let mut docket = Docket::default();
    let _ = docket.step(Input::Opened(opened(1, 40)), 0);
    let with_children = Answer::Approve(Scope { children: true, repeat: Repeat::Once });
    let _ = docket.step(Input::Vote(vote(1, "alice", with_children)), 1);
    let mut child = Opened { descends_from: vec![1], digest: Digest([8; 16]), ..opened(2, 20) };
    Arc::make_mut(&mut child.evaluation).decided_by =
        DecidedBy::Rule { name: "r".into(), because: "x".into() };
    assert_eq!(verdicts(&docket.step(Input::Opened(child), 2)), []);
}

#[test]
fn the_same_command_runs_again_for_as_long_as_was_said() {
    let mut docket = Docket::default();
    let _ = docket.step(Input::Opened(opened(1, 40)), 0);
    let for_a_second = Answer::Approve(Scope { children: false, repeat: Repeat::For(1_000) });
    let _ = docket.step(Input::Vote(vote(1, "alice", for_a_second)), 0);
    let effects = docket.step(Input::Opened(opened(2, 40)), 999);
    let by_grant = |effect: &Effect| matches!(effect, Effect::Verdict(v) if v.allow && v.by == Author::Grant { grant: GrantId::Repeat(1) });
    assert!(effects.iter().any(by_grant));
    let effects = docket.step(Input::Opened(opened(3, 40)), 1_000);
    assert_eq!(verdicts(&effects), []);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::GrantEnded { .. })));
}

#[test]
fn always_is_not_offered_where_it_hurts() {
    let mut docket = Docket::default();
    let _ = docket.step(Input::Opened(opened(1, 60)), 0);
    let always = Answer::Approve(Scope { children: false, repeat: Repeat::Always });
    let effects = docket.step(Input::Vote(vote(1, "alice", always)), 1);
    assert_eq!(refusal(&effects), Some(&Refusal::AlwaysNotOffered { level: Level::High }));
}

#[test]
fn always_proposes_a_rule() {
    let mut docket = Docket::default();
    let _ = docket.step(Input::Opened(opened(1, 20)), 0);
    let always = Answer::Approve(Scope { children: false, repeat: Repeat::Always });
    let effects = docket.step(Input::Vote(vote(1, "alice", always)), 1);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::RuleProposed { ticket: 1, .. })));
}

#[test]
fn nothing_of_a_stopped_agent_runs_and_what_waited_goes_on_later() {
    let mut docket = Docket::default();
    let _ = docket.step(Input::Opened(opened(1, 20)), 0);
    let _ = docket.step(Input::AgentStopped { agent: "claude".into(), by: "alice".into() }, 1);
    let effects = docket.step(Input::Opened(opened(2, 20)), 2);
    assert_eq!(verdicts(&effects), [(2, false, "agent stopped by alice".to_owned())]);
    let effects = docket.step(approve(1, "bob"), 3);
    assert_eq!(refusal(&effects), Some(&Refusal::Stopped { agent: "claude".into() }));
    let _ = docket.step(Input::AgentResumed { agent: "claude".into(), by: "alice".into() }, 4);
    assert_eq!(verdicts(&docket.step(approve(1, "bob"), 5)).len(), 1);
}

#[test]
fn a_revoked_human_takes_their_vote_along() {
    let mut docket = Docket::default();
    let _ = docket.step(Input::Opened(opened(1, 95)), 0);
    let _ = docket.step(approve(1, "alice"), 1);
    let _ = docket.step(Input::ReviewerRevoked { name: "alice".into(), by: "root".into() }, 2);
    assert_eq!(verdicts(&docket.step(approve(1, "bob"), 3)), []);
}

#[test]
fn ten_thousand_pending_tickets_stay_quick() {
    let mut docket = Docket::new(Policy { max_pending: 20_000, ..Policy::default() });
    for ticket in 0..10_000_u64 {
        let mut one = opened(ticket, 40);
        one.digest.0[..8].copy_from_slice(&ticket.to_le_bytes());
        let _ = docket.step(Input::Opened(one), 0);
    }
    assert_eq!(docket.cards().count(), 10_000);
    let effects = docket.step(Input::Tick, 300_000);
    assert_eq!(verdicts(&effects).len(), 10_000);
    assert_eq!(docket.next_deadline(), None);
}

#[test]
fn a_rule_may_let_the_children_of_what_it_allows_run() {
    let mut docket = Docket::default();
    let mut parent = opened(1, 20);
    let evaluation = Arc::make_mut(&mut parent.evaluation);
    evaluation.decision = Decision::Allow;
    evaluation.children_ceiling = Some(40);
    let _ = docket.step(Input::Opened(parent), 0);
    let child = |ticket, score| Opened { descends_from: vec![1], ..opened(ticket, score) };
    assert_eq!(verdicts(&docket.step(Input::Opened(child(2, 40)), 1)).len(), 1);
    assert_eq!(verdicts(&docket.step(Input::Opened(child(3, 41)), 1)), []);
}
