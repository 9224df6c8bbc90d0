//! What reaches the disk.

use std::collections::BTreeMap;
use std::path::Path;

use expacti_agent::log::{Config, Place};
use expacti_core::docket::{CastVote, Role, Voter};
use expacti_core::evaluation::Decision;
use expacti_core::request::ExecRequest;

use super::*;
use crate::desk::simulation::held;

const TOKEN: &str = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
const PASSWORD: &str = "correct-horse-battery";
const KEY: &str = "s3cr3t-of-the-environment";

fn boot() -> BootId {
    BootId(7)
}

fn every_byte_in(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            bytes.extend(every_byte_in(&entry.path()));
        } else {
            bytes.extend(std::fs::read(entry.path()).unwrap());
        }
    }
    bytes
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn no_secret_reaches_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Sqlite(folder.path().join("log.db"));
    let log = ExecLog::open(Config::new(place, folder.path().join("home"))).await.unwrap();
    let ledger = Ledger::new(log.clone(), boot());
    let request = ExecRequest {
        argv: ["git", "clone", &format!("https://x:{TOKEN}@github.com/a/b")].map(Into::into).to_vec(),
        env: BTreeMap::from([
            ("AWS_SECRET_ACCESS_KEY".into(), KEY.into()),
            ("DATABASE_URL".into(), format!("postgres://app:{PASSWORD}@db/prod").into()),
        ]),
        ..ExecRequest::default()
    };
    let mut evaluation = held(45, &format!("sends {TOKEN} away"));
    evaluation.decision = Decision::Hold;
    ledger.note(Some(1), attempted(5, 4, request, evaluation, None));
    let voter = Voter {
        name: "alice".into(),
        roles: [Role::Reviewer].into(),
        teams: std::collections::BTreeSet::new(),
    };
    let vote = CastVote {
        voter,
        newest: 1,
        answer: Answer::Deny,
        note: Some(format!("leaks {TOKEN}")),
        via: "cli".into(),
    };
    let record = |change| Record { ticket: Some(1), agent: Some("claude".into()), at_ms: 0, change };
    let denied = Outcome::Denied {
        by: Author::Humans { names: vec!["alice".into()] },
        reason: format!("denied by alice: leaks {TOKEN}"),
    };
    let records = vec![
        record(Docketed::Voted { card: 1, vote }),
        record(Docketed::Ended { outcome: denied, held_ms: 5 }),
    ];
    Log::append(&ledger, records, true).await.unwrap();
    log.settle().await.unwrap();

    let id = AttemptId { boot: boot(), sequence: 1 };
    let stored = format!("{:?}", log.attempt(id).await.unwrap().unwrap());
    log.close().await.unwrap();
    for kept in ["github.com/a/b", "DATABASE_URL", "[masked:", "sends", "leaks"] {
        assert!(stored.contains(kept), "{kept} is not in {stored}");
    }
    // Whatever else there is on the disk, such as the index, holds none either.
    let bytes = every_byte_in(folder.path());
    for secret in [TOKEN, PASSWORD, KEY] {
        assert!(!stored.contains(secret) && !holds(&bytes, secret), "{secret} is on the disk");
    }
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_pending() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Sqlite(folder.path().join("log.db"));
    let log = ExecLog::open(Config::new(place, folder.path().join("home"))).await.unwrap();
    let at = |boot: BootId, sequence| AttemptId { boot, sequence };
    let earlier = BootId(6);
    let begin = |id: AttemptId, verdict: Option<Verdict>| {
        let request = ExecRequest { argv: vec!["ls".into()], ..ExecRequest::default() };
        let mut evaluation = held(45, "test");
        evaluation.decision = Decision::Hold;
        Ledger::new(log.clone(), id.boot)
            .note(Some(id.sequence), attempted(5, 4, request, evaluation, verdict));
    };
    let allowed =
        Verdict { allow: true, decider: Decider::Threshold, because: String::new(), held: 0, review: None };
    begin(at(earlier, 1), None);
    begin(at(earlier, 2), Some(allowed.clone()));
    begin(at(boot(), 1), None);
    begin(at(boot(), 2), None);
    begin(at(boot(), 3), Some(allowed));
    log.settle().await.unwrap();

    let ledger = Ledger::new(log.clone(), boot());
    assert_eq!(ledger.end_forgotten(&HashSet::from([2])).await.unwrap(), 2);
    log.settle().await.unwrap();
    let mut states = Vec::new();
    for id in [at(earlier, 1), at(earlier, 2), at(boot(), 1), at(boot(), 2), at(boot(), 3)] {
        states.push(log.attempt(id).await.unwrap().unwrap().state);
    }
    let (withdrawn, allowed, pending) = (State::Withdrawn, State::Allowed, State::Pending);
    assert_eq!(states, [withdrawn, allowed, withdrawn, pending, allowed]);
    // Nothing is ended twice.
    assert_eq!(ledger.end_forgotten(&HashSet::from([2])).await.unwrap(), 0);
    log.close().await.unwrap();
}
