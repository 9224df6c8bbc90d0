//! A sequence number that never comes is recorded as a hole, and a human is told.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::time::Duration;

use expacti_agent::log::{Config, Durability, Log, Place};
use expacti_core::record::Change;
use expacti_core::record::chain::Envelope;

use crate::harness::*;

crate::on_both!(
    a_number_that_never_comes_is_told,
    a_number_that_is_late_is_no_hole,
    a_gap_that_a_killed_daemon_left_is_told_by_the_next,
    a_number_that_was_given_up_may_still_come,
);

async fn open(site: &Site, patience: u64) -> Log {
    Log::open(Config { hole_patience: Duration::from_millis(patience), ..site.config() }).await.unwrap()
}

async fn put_all(log: &Log, numbers: &[u64]) {
    for &number in numbers {
        put(log, allowed(number, &["ls"])).await;
    }
}

/// The holes that are recorded, and the texts of the alarms.
async fn told(site: &Site) -> (Vec<(u64, u64)>, Vec<String>) {
    let reader = site.reader().await;
    let (mut holes, mut alarms) = (Vec::new(), Vec::new());
    let node = reader.nodes().await.unwrap()[0];
    for stored in reader.stored(node, 0, 10_000).await.unwrap() {
        match Envelope::read(&stored.body).unwrap().change {
            Change::Hole { from, to, .. } => holes.push((from, to)),
            Change::Alarm { name, text } if name == "log-hole" => alarms.push(text),
            _ => {}
        }
    }
    (holes, alarms)
}

async fn until_told(site: &Site, count: usize) {
    for _ in 0..500 {
        if told(site).await.1.len() >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("after 10 s: {:?}", told(site).await);
}

async fn a_number_that_never_comes_is_told(site: Site) {
    let log = open(&site, 50).await;
    put_all(&log, &[1, 2, 5, 6, 8]).await;
    until_told(&site, 2).await;
    let (holes, alarms) = told(&site).await;
    assert_eq!(holes, [(3, 4), (7, 7)]);
    assert!(alarms[0].starts_with("attempts 3 to 4 of boot 3f2a9c1e") && alarms[1].starts_with("attempt 7 "));
    log.close().await.unwrap();
    assert_eq!(site.proven().await.1, 5);
}

async fn a_number_that_is_late_is_no_hole(site: Site) {
    let log = open(&site, 60_000).await;
    put_all(&log, &[1, 4, 3, 2]).await;
    log.close().await.unwrap();
    let log = open(&site, 60_000).await;
    put_all(&log, &[6, 5]).await;
    log.close().await.unwrap();
    assert_eq!(told(&site).await.0, []);
    assert_eq!(site.proven().await.1, 6);
}

const VICTIM: &str = "EXPACTI_TEST_HOLE_VICTIM";

/// Leaves a gap and dies before it tells.
#[test]
#[ignore = "started by a_gap_that_a_killed_daemon_left_is_told_by_the_next"]
fn victim() {
    let Ok(place) = std::env::var(VICTIM) else { return };
    let (place, home) = place.split_once('|').unwrap();
    run(async {
        let log = Log::open(Config::new(place.parse().unwrap(), home)).await.unwrap();
        put_all(&log, &[1, 2, 4]).await;
        std::process::abort();
    });
}

async fn a_gap_that_a_killed_daemon_left_is_told_by_the_next(site: Site) {
    let place = match &site.place {
        Place::Sqlite(path) => path.display().to_string(),
        Place::Postgres(url) => url.clone(),
    };
    let killed = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holes::victim", "--ignored"])
        .env(VICTIM, format!("{place}|{}", site.home().display()))
        .output()
        .unwrap();
    assert_eq!(killed.status.signal(), Some(6), "{killed:?}");
    assert_eq!(told(&site).await.0, []);
    let log = open(&site, 50).await;
    put_all(&log, &[7]).await;
    until_told(&site, 2).await;
    assert_eq!(told(&site).await.0, [(3, 3), (5, 6)]);
    log.close().await.unwrap();
    assert_eq!(site.proven().await.1, 4);
}

async fn a_number_that_was_given_up_may_still_come(site: Site) {
    let log = open(&site, 50).await;
    put_all(&log, &[1, 3]).await;
    until_told(&site, 1).await;
    log.append(allowed(2, &["late"]), Durability::Durable).unwrap().await.unwrap();
    log.close().await.unwrap();
    assert_eq!(site.proven().await.1, 3);
}
