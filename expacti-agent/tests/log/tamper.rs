//! Nobody changes the log unseen, and not by accident at all.

use expacti_agent::log::{Checked, Config, Durability, Log, check};
use expacti_core::record::Change;
use expacti_core::record::entry::Decider;
use expacti_core::record::signed::Checkpoint;

use crate::harness::*;

crate::on_both!(
    the_database_refuses_changes,
    every_kind_of_tampering_is_found,
    a_cut_end_shows_against_the_anchor,
    an_index_that_lies_is_found,
    missing_numbers_are_found,
    several_daemons_share_one_database,
);

async fn fill(site: &Site, count: u64) -> Log {
    let log = site.open().await;
    for number in 1..=count {
        log.append(allowed(number, &["git", "status"]), Durability::Batched).unwrap().ignore();
    }
    log.settle().await.unwrap();
    log
}

async fn the_database_refuses_changes(site: Site) {
    fill(&site, 10).await.close().await.unwrap();
    for sql in [
        "UPDATE entries SET at = 1",
        "UPDATE entries SET body = 'x' WHERE position = 3",
        "DELETE FROM entries",
        "DELETE FROM entries WHERE position = 3",
        "UPDATE attempts SET agent = 1",
        "UPDATE attempts SET level = 0, score = 0",
    ] {
        let refused = site.tamper(sql).await.unwrap_err().to_string();
        assert!(refused.contains("never changed") || refused.contains("only deleted"), "{sql}: {refused}");
    }
    assert_eq!(site.proven().await.1, 10);
}

async fn every_kind_of_tampering_is_found(first: Site) {
    // What somebody does who owns the database: the triggers go first.
    let cases = [
        ("UPDATE entries SET body = replace(body, 'git', 'gut') WHERE position = 5", "entry 5 "),
        ("UPDATE entries SET at = at + 1 WHERE position = 5", "column 'at'"),
        ("UPDATE entries SET kind = 'held' WHERE position = 5", "column 'kind'"),
        ("UPDATE entries SET sequence = sequence + 100 WHERE position = 5", "column 'boot, sequence'"),
        ("UPDATE entries SET boot = node WHERE position = 5", "column 'boot, sequence'"),
        ("UPDATE entries SET hash = boot WHERE position = 5", "entry 5 "),
        ("DELETE FROM entries WHERE position = 5", "entry 6 "),
        ("DELETE FROM entries WHERE position <= 5", "entry 6 "),
        (
            "UPDATE entries SET position = 1000 WHERE position = 5; UPDATE entries SET position = 5 WHERE position = 6; UPDATE entries SET position = 6 WHERE position = 1000",
            "entry 5 ",
        ),
        (
            "UPDATE entries SET body = (SELECT body FROM entries o WHERE o.position = 6) WHERE position = 5",
            "entry 5 ",
        ),
    ];
    for (sql, said) in cases {
        let site = first.another();
        fill(&site, 10).await.close().await.unwrap();
        let off = match site.database() {
            Some(_) => "ALTER TABLE entries DISABLE TRIGGER USER;",
            None => "DROP TRIGGER entries_never_change; DROP TRIGGER entries_are_only_pruned;",
        };
        site.tamper(&format!("{off} {sql}")).await.unwrap();
        let found = match site.check().await {
            Checked::Bad(bad) => bad.to_string(),
            other => panic!("{sql}: {other:?}"),
        };
        assert!(found.contains(said), "{sql}: {found}");
    }
}

async fn a_cut_end_shows_against_the_anchor(site: Site) {
    fill(&site, 10).await.close().await.unwrap();
    let home = expacti_agent::log::Home::look(&site.home()).unwrap();
    let kept: Checkpoint = home.anchor().unwrap().unwrap();
    let off = match site.database() {
        Some(_) => "ALTER TABLE entries DISABLE TRIGGER USER;",
        None => "DROP TRIGGER entries_are_only_pruned;",
    };
    site.tamper(&format!("{off} DELETE FROM entries WHERE position > 8")).await.unwrap();
    let reader = site.reader().await;
    match check(&reader, None, &[kept]).await.unwrap() {
        Checked::Bad(bad) => assert!(bad.to_string().contains("its end was cut off"), "{bad}"),
        other => panic!("{other:?}"),
    }
    // The daemon itself sees it when it starts, and says so in the chain.
    let log = site.open().await;
    log.close().await.unwrap();
    let alarms = reader.stored(home.key().node(), 8, 10).await.unwrap();
    assert!(String::from_utf8_lossy(&alarms[0].body).contains("log-cut-off"));
}

async fn an_index_that_lies_is_found(site: Site) {
    let log = fill(&site, 10).await;
    put(&log, entry(11, Change::Attempted(Box::new(attempted(request("claude", &["rm"]), 80))))).await;
    put(&log, entry(11, Change::Decided(verdict(false, Decider::Timeout)))).await;
    log.settle().await.unwrap();
    log.close().await.unwrap();
    site.tamper("UPDATE attempts SET state = 1 WHERE state = 2").await.unwrap();
    assert!(matches!(site.check().await, Checked::Misleading { attempt, .. } if attempt == id(11)));
    site.tamper("UPDATE attempts SET state = 2 WHERE score = 80").await.unwrap();
    assert!(matches!(site.check().await, Checked::Whole(_)));
    site.tamper("DELETE FROM attempts WHERE score = 80").await.unwrap();
    assert!(matches!(site.check().await, Checked::Misleading { .. }));
}

async fn missing_numbers_are_found(site: Site) {
    let log = site.open().await;
    for number in [1, 2, 5] {
        put(&log, allowed(number, &["ls"])).await;
    }
    assert!(matches!(site.check().await, Checked::Bad(bad) if bad.to_string().contains("3 to 4")));
    let hole = Change::Hole { boot: BOOT, from: 3, to: 4, because: "ring lost".into() };
    put(&log, expacti_core::record::Entry { at: NOON, attempt: None, change: hole }).await;
    log.close().await.unwrap();
    assert_eq!(site.proven().await.1, 3);
}

async fn several_daemons_share_one_database(site: Site) {
    let first = fill(&site, 20).await;
    let second = site.folder.path().join("other");
    let config = Config { node_name: "node-b".into(), ..Config::new(site.place.clone(), second) };
    let second = Log::open(config).await.unwrap();
    let mut other = allowed(1, &["ls"]);
    other.attempt =
        Some(expacti_core::record::AttemptId { boot: expacti_core::record::BootId(7), sequence: 1 });
    put(&second, other).await;
    put(&first, allowed(21, &["ls"])).await;
    second.settle().await.unwrap();
    first.close().await.unwrap();
    second.close().await.unwrap();
    match site.check().await {
        Checked::Whole(chains) => assert_eq!(chains.iter().map(|chain| chain.attempts).sum::<u64>(), 22),
        bad => panic!("{bad:?}"),
    }
}
