//! kill -9 in the middle of batches loses nothing that was answered for.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use expacti_agent::log::{Config, Durability, Log, Place};

use crate::harness::*;

const ROUNDS: u64 = 100;
const CHILD: &str = "EXPACTI_TEST_KILL_CHILD";

mod sqlite {
    #[test]
    fn a_kill_in_the_middle_loses_nothing() {
        crate::harness::run(super::kill_again_and_again(crate::harness::Site::sqlite()));
    }
}

mod postgres {
    #[test]
    fn a_kill_in_the_middle_loses_nothing() {
        let Some(site) = crate::harness::Site::postgres() else {
            return eprintln!("skipped: EXPACTI_TEST_POSTGRES names no PostgreSQL server");
        };
        crate::harness::run(super::kill_again_and_again(site));
    }
}

/// The victim: appends as fast as it can and prints the number of every attempt that was answered for.
#[test]
#[ignore = "started by the tests of this file"]
fn victim() {
    let Ok(place) = std::env::var(CHILD) else { return };
    let (place, home) = place.split_once('|').unwrap();
    run(async {
        let mut config = Config::new(place.parse().unwrap(), home);
        (config.node_name, config.checkpoint_every) = ("node-a".into(), 50);
        let log = Log::open(config).await.unwrap();
        let mut number = log.last_sequence(BOOT).await.unwrap().unwrap_or(0);
        let mut out = std::io::stdout();
        writeln!(out, "\nready").unwrap();
        loop {
            let mut receipts = Vec::new();
            for _ in 0..20 {
                number += 1;
                receipts
                    .push((number, log.append(allowed(number, &["ls", "-l"]), Durability::Batched).unwrap()));
            }
            number += 1;
            receipts.push((number, log.append(allowed(number, &["rm", "x"]), Durability::Durable).unwrap()));
            for (number, receipt) in receipts {
                receipt.await.unwrap();
                writeln!(out, "{number}").unwrap();
            }
        }
    });
}

async fn kill_again_and_again(site: Site) {
    let place = match &site.place {
        Place::Sqlite(path) => path.display().to_string(),
        Place::Postgres(url) => url.clone(),
    };
    let mut answered = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::victim", "--ignored", "--nocapture"])
            .env(CHILD, format!("{place}|{}", site.home().display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        lines.by_ref().find(|line| line == "ready").expect("the victim died by itself");
        // Anywhere within the first batches, their commits and the indexing of them.
        std::thread::sleep(Duration::from_micros(round * 7919 % 40_000));
        child.kill().unwrap();
        child.wait().unwrap();
        answered.extend(lines.filter_map(|line| line.parse::<u64>().ok()));
    }
    let log = site.open().await;
    let stored = log.last_sequence(BOOT).await.unwrap().unwrap();
    log.close().await.unwrap();
    // Whole, without gaps, and proven; so everything up to the last number is there.
    let (_, attempts) = site.proven().await;
    assert_eq!(attempts, stored);
    assert!(
        answered.last().is_none_or(|&last| last <= stored),
        "{:?} was answered, {stored} is the last",
        answered.last()
    );
    assert!(answered.len() > 100, "the victims answered for {} only", answered.len());
}
