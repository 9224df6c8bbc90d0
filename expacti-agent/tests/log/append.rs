//! Entries go in, are durable when it is said, and come out as the record of an attempt.

use std::time::{Duration, Instant};

use expacti_agent::log::{Durability, Log, LogError, Place};
use expacti_core::record::attempt::State;
use expacti_core::record::entry::Decider;
use expacti_core::record::{Change, Entry};
use sqlx::Connection as _;

use crate::harness::*;

crate::on_both!(
    a_record_is_the_fold_of_its_entries,
    the_chain_goes_on_after_a_restart,
    bytes_that_are_not_text_are_kept,
    secrets_never_reach_the_database,
    a_batched_entry_waits_only_a_little,
    a_second_daemon_is_refused,
    a_newer_database_is_refused,
    a_thread_without_async_can_append,
);

async fn a_record_is_the_fold_of_its_entries(site: Site) {
    let log = site.open().await;
    put(&log, entry(1, Change::Attempted(Box::new(attempted(request("claude", &["git", "push"]), 45)))))
        .await;
    put(&log, entry(1, Change::Held { approvals: 1, deadline: NOON, after: false })).await;
    let vote = |reviewer: &str| Change::Voted {
        reviewer: reviewer.into(),
        approve: true,
        scope: "once".into(),
        note: "fine".into(),
        via: "cli".into(),
    };
    put(&log, entry(1, vote("alice"))).await;
    let decider = Decider::Reviewers { names: vec!["alice".into()] };
    put(&log, entry(1, Change::Decided(verdict(true, decider)))).await;
    put(&log, entry(1, Change::Started { pid: 100 })).await;
    put(&log, entry(1, Change::Exited { code: Some(0), signal: None, duration: 9 })).await;
    let attempt = log.attempt(id(1)).await.unwrap().unwrap();
    assert_eq!((attempt.state, attempt.held, attempt.started), (State::Allowed, true, true));
    assert_eq!(attempt.votes[0].reviewer, "alice");
    assert_eq!((attempt.exit.unwrap().code, attempt.id.as_str()), (Some(0), "3f2a9c1e-1"));
    assert_eq!(log.last_sequence(BOOT).await.unwrap(), Some(1));
    assert_eq!(log.reader().find("1").await.unwrap(), id(1));
    assert_eq!(log.reader().find("3f2a9c1e-1").await.unwrap(), id(1));
    assert!(matches!(log.reader().find("7").await, Err(LogError::NotFound(_))));
    assert!(matches!(log.reader().find("x-1").await, Err(LogError::BadInput(_))));
    log.close().await.unwrap();
    // Beginning, six changes, one checkpoint at the end.
    assert_eq!(site.proven().await, (8, 1));
}

async fn the_chain_goes_on_after_a_restart(site: Site) {
    for run in 0..3 {
        let log = site.open().await;
        for number in 1..=150 {
            let receipt = log.append(allowed(run * 150 + number, &["ls"]), Durability::Batched).unwrap();
            receipt.ignore();
        }
        assert_eq!(log.last_sequence(BOOT).await.unwrap(), Some(run * 150 + 150));
        log.close().await.unwrap();
    }
    let (_, attempts) = site.proven().await;
    assert_eq!(attempts, 450);
}

async fn bytes_that_are_not_text_are_kept(site: Site) {
    let log = site.open().await;
    let mut odd = request("cl\0aude", &["ls"]);
    odd.argv.push(vec![0xff, 0x00, b'\\', b'"', 0x1b].into());
    odd.cwd = Some(vec![b'/', 0x80].into());
    put(&log, entry(1, Change::Attempted(Box::new(attempted(odd.clone(), 5))))).await;
    log.settle().await.unwrap();
    assert_eq!(log.attempt(id(1)).await.unwrap().unwrap().attempted.request, odd);
    log.close().await.unwrap();
    assert_eq!(site.proven().await.1, 1);
}

async fn secrets_never_reach_the_database(site: Site) {
    let log = site.open().await;
    let mut secret = request("claude", &["psql", "postgres://app:hunter2hunter2@db/prod"]);
    secret.env = [("PGPASSWORD".into(), "hunter2hunter2".into())].into();
    put(&log, entry(1, Change::Attempted(Box::new(attempted(secret, 5))))).await;
    log.settle().await.unwrap();
    let attempt = log.attempt(id(1)).await.unwrap().unwrap();
    assert_eq!(attempt.attempted.masked, ["url-password", "env-pgpassword"]);
    assert!(!serde_json::to_string(&attempt).unwrap().contains("hunter2"));
    log.close().await.unwrap();
    for file in std::fs::read_dir(site.folder.path()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(7).any(|window| window == b"hunter2"), "{}", path.display());
        }
    }
}

async fn a_batched_entry_waits_only_a_little(site: Site) {
    let log = site.open().await;
    let began = Instant::now();
    log.append(allowed(1, &["ls"]), Durability::Batched).unwrap().await.unwrap();
    let waited = began.elapsed();
    // 50 ms of waiting for company; the rest is room for a busy machine.
    assert!(waited >= Duration::from_millis(45) && waited < Duration::from_secs(2), "{waited:?}");
    log.close().await.unwrap();
}

async fn a_second_daemon_is_refused(site: Site) {
    let log = site.open().await;
    let refused = Log::open(site.config()).await.unwrap_err().to_string();
    assert!(refused.contains("another daemon"), "{refused}");
    log.close().await.unwrap();
}

async fn a_newer_database_is_refused(site: Site) {
    site.open().await.close().await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        SELECT 99, 'later', success, checksum, 0 FROM _sqlx_migrations";
    site.tamper(newer).await.unwrap();
    let refused = Log::open(site.config()).await.unwrap_err();
    assert!(matches!(refused, LogError::Newer { found: 99, known: 1, .. }), "{refused}");
    let refused = expacti_agent::log::Reader::open(&site.place).await.unwrap_err();
    assert!(matches!(refused, LogError::Newer { found: 99, known: 1, .. }), "{refused}");
}

async fn a_thread_without_async_can_append(site: Site) {
    let log = site.open().await;
    let handle = log.clone();
    let position =
        std::thread::spawn(move || handle.append(allowed(1, &["ls"]), Durability::Durable).unwrap().wait());
    assert_eq!(position.join().unwrap(), Ok(2));
    log.close().await.unwrap();
    let closed = log_after_close(&site).await;
    assert_eq!(
        closed.append(allowed(2, &["ls"]), Durability::Durable).unwrap_err().to_string(),
        "the exec log is closed"
    );
}

async fn log_after_close(site: &Site) -> Log {
    let log = site.open().await;
    let left = log.clone();
    log.close().await.unwrap();
    // The encoder goes once it has passed the close on.
    for _ in 0..500 {
        let alarm = Change::Alarm { name: "x".into(), text: "y".into() };
        if left.append(Entry { at: 1, attempt: None, change: alarm }, Durability::Batched).is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    left
}

#[test]
fn a_file_with_smaller_pages_goes_on_as_it_is() {
    let site = Site::sqlite();
    let Place::Sqlite(path) = &site.place else { unreachable!() };
    run(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let mut old = sqlx::SqliteConnection::connect_with(&options.page_size(4096)).await.unwrap();
        sqlx::raw_sql("PRAGMA journal_mode = wal; CREATE TABLE t (a); DROP TABLE t")
            .execute(&mut old)
            .await
            .unwrap();
        old.close().await.unwrap();
        let log = site.open().await;
        for number in 1..=300 {
            put(&log, allowed(number, &["ls"])).await;
        }
        log.close().await.unwrap();
        assert_eq!(site.proven().await.1, 300);
        let mut old = sqlx::SqliteConnection::connect(&path.display().to_string()).await.unwrap();
        let page: i64 = sqlx::query_scalar("PRAGMA page_size").fetch_one(&mut old).await.unwrap();
        assert_eq!(page, 4096);
    });
}
