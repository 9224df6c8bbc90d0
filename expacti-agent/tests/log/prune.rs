//! Retention removes what is old, and what is left can still be proven.

use expacti_agent::log::{Checked, Durability};
use expacti_core::record::filter::Filter;

use crate::harness::*;

crate::on_both!(pruning_leaves_a_chain_that_can_be_proven, a_forgery_is_not_pruned_away);

async fn pruning_leaves_a_chain_that_can_be_proven(site: Site) {
    let log = site.open().await;
    for number in 1..=300 {
        log.append(allowed(number, &["git", "status"]), Durability::Batched).unwrap().ignore();
    }
    log.settle().await.unwrap();
    // Numbers count seconds from noon; the beginning of the chain is as old as this test.
    assert_eq!(log.prune(NOON, "nothing is that old").await.unwrap(), 0);
    let home_is_new = log.prune(NOON + 200_000_000, "a test").await.unwrap();
    assert!(home_is_new <= 202, "{home_is_new}");
    put(&log, allowed(301, &["ls"])).await;
    log.settle().await.unwrap();
    let page = log.query(&Filter::default(), None, 1000).await.unwrap();
    let left = page.attempts.len() as u64;
    log.close().await.unwrap();
    assert_eq!(site.proven().await.1, left);
    assert!(site.tamper("DELETE FROM entries WHERE position < 250").await.is_err());
    let log = site.open().await;
    put(&log, allowed(302, &["ls"])).await;
    log.prune(i64::MAX, "all of it").await.unwrap();
    log.close().await.unwrap();
    let (entries, attempts) = site.proven().await;
    assert!(entries >= 2 && attempts == 0, "{entries} {attempts}");
}

async fn a_forgery_is_not_pruned_away(site: Site) {
    let log = site.open().await;
    for number in 1..=20 {
        log.append(allowed(number, &["git", "status"]), Durability::Batched).unwrap().ignore();
    }
    log.close().await.unwrap();
    let off = match site.database() {
        Some(_) => "ALTER TABLE entries DISABLE TRIGGER USER;",
        None => "DROP TRIGGER entries_never_change;",
    };
    site.tamper(&format!("{off} UPDATE entries SET at = at + 1 WHERE position = 5")).await.unwrap();
    let log = site.open().await;
    let refused = log.prune(i64::MAX, "a test").await.unwrap_err().to_string();
    assert!(refused.contains("nothing was pruned") && refused.contains("entry 5 "), "{refused}");
    log.close().await.unwrap();
    assert!(matches!(site.check().await, Checked::Bad(_)));
}
