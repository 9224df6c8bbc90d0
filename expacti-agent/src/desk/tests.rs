//! The desk with a simulated kernel edge and log.

use std::collections::BTreeSet;

use expacti_core::docket::{
    Answer, Author, CastVote, Change, GrantId, Policy, Refusal, Repeat, Role, Scope, Vote, Voter,
};
use expacti_core::evaluation::{Decision, Evaluation};
use expacti_core::request::{Agent, ExecRequest, Script};

use super::simulation::{Simulation, held};
use super::{DeskError, News, Version};

async fn vote(simulation: &Simulation, ticket: u64, name: &str, answer: Answer) -> Result<usize, DeskError> {
    let card = simulation.desk.card(ticket).await.unwrap().unwrap();
    let voter = Voter { name: name.into(), roles: BTreeSet::from([Role::Reviewer]), teams: BTreeSet::new() };
    let (digest, newest) = (card.digest, card.newest);
    let vote = Vote { id: ticket, digest, newest, voter, answer, note: None, via: "test".into() };
    simulation.desk.vote(vote).await.map(|done| done.ended.len())
}

fn once() -> Answer {
    Answer::Approve(Scope::default())
}

#[tokio::test]
async fn a_human_approves_and_the_kernel_hears_of_it() {
    let simulation = Simulation::start(&["claude"], Policy::default());
    let ticket = simulation.attempt("claude", &["git", "push"], 45);
    assert_eq!(vote(&simulation, ticket, "alice", once()).await.unwrap(), 1);
    let verdict = simulation.kernel.verdict(ticket).await;
    assert!(verdict.allow);
    assert_eq!(verdict.reason, "approved by alice");
    let kinds: Vec<bool> =
        simulation.log.records().iter().map(|record| matches!(record.change, Change::Ended { .. })).collect();
    assert_eq!(kinds, [false, false, false, true], "opened, held, voted, ended");
    assert!(simulation.log.was_urgent());
}

#[tokio::test]
async fn nobody_is_shown_a_card_that_a_crash_would_number_anew() {
    let simulation = Simulation::start(&["claude"], Policy::default());
    let shown =
        || simulation.desk.look(|view| view.cards_after(None).map(|card| card.id).collect::<Vec<_>>());
    simulation.log.stall(true);
    let ticket = simulation.attempt("claude", &["git", "push"], 45);
    assert!(simulation.desk.card(ticket).await.unwrap().is_some(), "the docket has it");
    assert_eq!(shown().await.unwrap(), [0; 0]);
    let mut news = simulation.desk.live().follow(0);
    simulation.log.stall(false);
    assert!(matches!(&*news.next().await.unwrap()[0].1, News::CardOpened(card) if card.id == ticket));
    assert_eq!(shown().await.unwrap(), [ticket]);
}

#[tokio::test]
async fn what_needs_no_human_is_answered_at_once() {
    let simulation = Simulation::start(&["claude"], Policy::default());
    let mut request = ExecRequest { argv: vec!["ls".into()], ..ExecRequest::default() };
    request.agent.name = "claude".into();
    let mut evaluation = held(5, "reads a folder");
    evaluation.decision = Decision::Allow;
    let ticket = simulation.kernel.attempt(&simulation.desk, request, evaluation);
    assert!(simulation.kernel.verdict(ticket).await.allow);
    assert_eq!(simulation.log.records().len(), 2);
    assert!(!simulation.log.was_urgent(), "a commit for each command is most of what it costs");
}

#[tokio::test]
async fn a_log_that_cannot_be_written_lets_nothing_run() {
    let simulation = Simulation::start(&["claude"], Policy::default());
    let ticket = simulation.attempt("claude", &["git", "push"], 45);
    let _ = simulation.desk.card(ticket).await.unwrap();
    simulation.log.fail(true);
    let with_children = Answer::Approve(Scope { children: true, repeat: Repeat::Session });
    let failed = vote(&simulation, ticket, "alice", with_children).await;
    assert!(matches!(failed, Err(DeskError::Log(_))));
    let verdict = simulation.kernel.verdict(ticket).await;
    assert!(!verdict.allow);
    assert_eq!(verdict.reason, "the exec log cannot be written: no space left on device");
    let grants = simulation.desk.look(|view| view.docket.grants().count()).await.unwrap();
    assert_eq!(grants, 0, "a grant without a record");
}

#[tokio::test]
async fn a_log_that_fails_stops_even_what_needs_no_human() {
    let simulation = Simulation::start(&["claude"], Policy::default());
    simulation.log.fail(true);
    let mut evaluation = held(5, "reads a folder");
    evaluation.decision = Decision::Allow;
    let ticket = simulation.kernel.attempt(&simulation.desk, ExecRequest::default(), evaluation);
    assert!(!simulation.kernel.verdict(ticket).await.allow);
}

#[tokio::test(start_paused = true)]
async fn silence_denies_in_time() {
    let simulation = Simulation::start(&["claude"], Policy::default());
    let ticket = simulation.attempt("claude", &["git", "push"], 45);
    let verdict = simulation.kernel.verdict(ticket).await;
    assert_eq!((verdict.allow, verdict.by), (false, Author::Timeout));
}

#[tokio::test]
async fn a_stopped_agent_stands_still_until_it_is_resumed() {
    let simulation = Simulation::start(&["claude"], Policy::default());
    let waiting = simulation.attempt("claude", &["git", "push"], 45);
    simulation.desk.stop("claude".into(), "alice".into()).await.unwrap();
    assert!(simulation.kernel.is_frozen("claude"));
    let refused = vote(&simulation, waiting, "bob", once()).await;
    assert!(matches!(refused, Err(DeskError::Refused(Refusal::Stopped { .. }))));
    simulation.desk.resume("claude".into(), "alice".into()).await.unwrap();
    assert!(!simulation.kernel.is_frozen("claude"));
    vote(&simulation, waiting, "bob", once()).await.unwrap();
    assert!(matches!(
        simulation.desk.stop("nobody".into(), "alice".into()).await,
        Err(DeskError::Kernel(super::KernelRefused::UnknownAgent(_)))
    ));
}

#[tokio::test]
async fn a_killed_agent_gets_no_verdict_but_no() {
    let simulation = Simulation::start(&["claude"], Policy::default());
    let waiting = simulation.attempt("claude", &["git", "push"], 45);
    simulation.desk.kill("claude".into(), "alice".into()).await.unwrap();
    assert!(simulation.kernel.is_killed("claude"));
    let verdict = simulation.kernel.verdict(waiting).await;
    assert_eq!((verdict.allow, verdict.reason.as_str()), (false, "agent ended by alice"));
}

#[tokio::test]
async fn watchers_see_a_card_come_and_go() {
    let simulation = Simulation::start(&["claude"], Policy::default());
    let mut follower = simulation.desk.live().follow(0);
    let ticket = simulation.attempt("claude", &["git", "push"], 95);
    vote(&simulation, ticket, "alice", once()).await.unwrap();
    vote(&simulation, ticket, "bob", Answer::Deny).await.unwrap();
    let mut seen = Vec::new();
    while seen.last() != Some(&"closed") {
        for (_, news) in follower.next().await.unwrap() {
            seen.push(match &*news {
                News::CardOpened(_) => "opened",
                News::CardChanged(_) => "changed",
                News::CardClosed { .. } => "closed",
                News::GrantMade(_) | News::GrantEnded { .. } | News::AgentChanged { .. } => "other",
            });
        }
    }
    assert_eq!(seen, ["opened", "changed", "closed"]);
}

#[tokio::test]
async fn what_ran_before_is_there_to_be_looked_at() {
    let simulation = Simulation::start(&["claude"], Policy::default());
    let first = simulation.attempt("claude", &["git", "add", "."], 45);
    vote(&simulation, first, "alice", once()).await.unwrap();
    let second = simulation.attempt("claude", &["git", "push"], 45);
    let before = simulation.desk.look(move |view| view.recent.before("claude", second)).await.unwrap();
    let lines: Vec<String> = before.iter().map(|past| past.request.argv[1].to_string()).collect();
    assert_eq!(lines, ["add"]);
}

#[tokio::test]
async fn the_version_of_a_script_that_people_approved_is_kept() {
    let simulation = Simulation::start(&["claude"], Policy::default());
    let script = |text: &str| Script { path: "/x.sh".into(), text: text.into(), ..Script::default() };
    let run = |text: &str, decision| {
        let request = ExecRequest {
            argv: vec!["/x.sh".into()],
            agent: Agent { name: "claude".into(), ..Agent::default() },
            script: Some(script(text)),
            ..ExecRequest::default()
        };
        let evaluation = Evaluation { decision, ..held(45, "looks risky") };
        simulation.kernel.attempt(&simulation.desk, request, evaluation)
    };
    let version = async || {
        let any = script("");
        simulation.desk.look(move |view| view.recent.last_version("claude", &any)).await.unwrap().unwrap()
    };
    run("one", Decision::Allow);
    assert_eq!(version().await, Version { script: script("one"), by: Vec::new() });
    vote(&simulation, run("two", Decision::Hold), "alice", once()).await.unwrap();
    run("three", Decision::Allow);
    assert_eq!(version().await, Version { script: script("two"), by: vec!["alice".into()] });
}

#[tokio::test]
async fn a_grant_is_taken_back() {
    let simulation = Simulation::start(&["claude"], Policy::default());
    let ticket = simulation.attempt("claude", &["npm", "test"], 45);
    let for_session = Answer::Approve(Scope { children: false, repeat: Repeat::Session });
    vote(&simulation, ticket, "alice", for_session).await.unwrap();
    let again = simulation.attempt("claude", &["npm", "test"], 45);
    assert!(simulation.kernel.verdict(again).await.allow);
    simulation.desk.revoke_grant(GrantId::Repeat(ticket), "bob".into()).await.unwrap();
    let third = simulation.attempt("claude", &["npm", "test"], 45);
    assert!(simulation.desk.card(third).await.unwrap().is_some());
    assert_eq!(simulation.kernel.verdict_now(third), None);
}

#[tokio::test]
async fn votes_are_recorded_for_each_ticket_they_cover() {
    let simulation = Simulation::start(&["claude"], Policy::default());
    let first = simulation.attempt("claude", &["npm", "test"], 45);
    let second = simulation.attempt("claude", &["npm", "test"], 45);
    assert_eq!(vote(&simulation, first, "alice", once()).await.unwrap(), 2);
    let voted: Vec<Option<u64>> = simulation
        .log
        .records()
        .into_iter()
        .filter(|record| matches!(&record.change, Change::Voted { vote: CastVote { via, .. }, .. } if via == "test"))
        .map(|record| record.ticket)
        .collect();
    assert_eq!(voted, [Some(first), Some(second)]);
}

#[tokio::test]
async fn what_an_agent_claims_is_kept_once() {
    let simulation = Simulation::start(&["claude"], Policy::default());
    for text in ["fixing the query", "fixing the query", ""] {
        simulation.desk.claim("claude".into(), text.into()).unwrap();
    }
    simulation.desk.look(|_| ()).await.unwrap();
    let claims: Vec<String> =
        simulation
            .log
            .records()
            .into_iter()
            .filter_map(|record| {
                if let Change::Claimed { text } = record.change { Some(text.to_string()) } else { None }
            })
            .collect();
    assert_eq!(claims, ["fixing the query", ""]);
}
