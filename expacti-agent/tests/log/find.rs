//! Questions and their answers, the same on both databases.

use expacti_agent::log::{Cursor, Durability, Log};
use expacti_core::record::entry::Decider;
use expacti_core::record::filter::Filter;
use expacti_core::record::{Change, Entry};

use crate::harness::*;

crate::on_both!(
    every_field_finds_what_it_should,
    pages_follow_each_other,
    a_follower_misses_nothing,
    the_tree_shows_what_was_started,
    statistics_count_what_was_decided,
    an_answer_is_complete_before_the_index_is_made,
);

/// Numbers 1 to 8, all different.
fn history() -> Vec<Entry> {
    let attempt = |agent: &str, argv: &[&str], score| Box::new(attempted(request(agent, argv), score));
    let mut all = Vec::new();
    let mut add = |number: u64, change| all.push(entry(number, change));
    add(1, Change::Attempted(attempt("claude", &["git", "status"], 5)));
    add(1, Change::Decided(verdict(true, Decider::Rule { name: "git-read".into() })));
    add(2, Change::Attempted(attempt("claude", &["psql", "-c", "DROP TABLE users"], 95)));
    add(2, Change::Held { approvals: 2, deadline: NOON, after: false });
    let vote = |reviewer: &str, approve| Change::Voted {
        reviewer: reviewer.into(),
        approve,
        scope: "once".into(),
        note: String::new(),
        via: "cli".into(),
    };
    add(2, vote("alice", true));
    add(2, vote("bob", false));
    add(2, Change::Decided(verdict(false, Decider::Reviewers { names: vec!["bob".into()] })));
    add(3, Change::Attempted(attempt("codex", &["git", "push", "--force"], 62)));
    add(3, Change::Held { approvals: 1, deadline: NOON, after: false });
    add(3, Change::Decided(verdict(false, Decider::Timeout)));
    add(4, Change::Attempted(attempt("codex", &["rm", "-rf", "/srv"], 91)));
    add(4, Change::Held { approvals: 2, deadline: NOON, after: false });
    add(5, Change::Attempted(attempt("codex", &["sleep", "1"], 3)));
    add(5, Change::Withdrawn { because: "the process died".into() });
    let mut deep = attempt("claude", &["make", "update_users"], 35);
    deep.request.cwd = Some("/srv/app/deep/er".into());
    add(6, Change::Attempted(deep));
    add(6, Change::Decided(verdict(true, Decider::Threshold)));
    let mut other = attempt("claude", &["git", "update", "users"], 35);
    other.request.exe.path = "/opt/bin/git".into();
    other.request.cwd = Some("/srv/application".into());
    add(7, Change::Attempted(other));
    add(7, Change::Decided(verdict(true, Decider::Cache)));
    all.push(allowed(8, &["ls"]));
    all
}

async fn fill(log: &Log) {
    for entry in history() {
        log.append(entry, Durability::Batched).unwrap().ignore();
    }
    log.settle().await.unwrap();
}

fn filter(question: &str) -> Filter {
    Filter::parse(question, NOON + 100_000_000).unwrap()
}

/// Questions, and the numbers that they find.
const QUESTIONS: &[(&str, &[u64])] = &[
    ("", &[8, 7, 6, 5, 4, 3, 2, 1]),
    ("agent:codex", &[5, 4, 3]),
    ("agent:nobody", &[]),
    ("node:node-a level:critical", &[4, 2]),
    ("level:high", &[4, 3, 2]),
    ("level:low", &[8, 7, 6, 5, 4, 3, 2, 1]),
    ("decision:denied", &[3, 2]),
    ("decision:allowed", &[8, 7, 6, 1]),
    ("decision:held", &[4, 3, 2]),
    ("decision:pending", &[4]),
    ("decision:withdrawn", &[5]),
    ("decision:timeout", &[3]),
    ("by:alice", &[2]),
    ("by:rule:git-read", &[1]),
    ("by:cache", &[8, 7]),
    ("exe:git", &[7, 3, 1]),
    ("exe:/opt/bin/git", &[7]),
    ("exe:/usr/bin/git", &[3, 1]),
    ("cwd:/srv/app", &[8, 6, 5, 4, 3, 2, 1]),
    ("cwd:/srv/app/deep", &[6]),
    ("cwd:/srv", &[8, 7, 6, 5, 4, 3, 2, 1]),
    ("drop table", &[2]),
    ("table drop", &[]),
    ("upd", &[7, 6]),
    ("update us", &[7]),
    ("git agent:codex", &[3]),
    ("git agent:codex decision:allowed", &[]),
    // Numbers are seconds after noon; "now" is 100 s after it.
    ("since:95s", &[8, 7, 6, 5]),
    ("since:95s until:93s", &[6, 5]),
    ("until:98s git", &[1]),
];

async fn every_field_finds_what_it_should(site: Site) {
    let log = site.open().await;
    fill(&log).await;
    ask(&log, "").await;
    log.close().await.unwrap();
}

async fn ask(log: &Log, when: &str) {
    for (question, expected) in QUESTIONS {
        let page = log.query(&filter(question), None, 50).await.unwrap();
        let found: Vec<u64> = page.attempts.iter().map(|attempt| attempt.sequence).collect();
        assert_eq!(found, *expected, "{question} {when}");
    }
}

/// From now on the index of this site cannot be made.
async fn stop_index(site: &Site) {
    let stop = match site.database() {
        Some(_) => {
            "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'stopped'; END $$;
            CREATE TRIGGER stop BEFORE INSERT OR UPDATE ON progress FOR EACH ROW EXECUTE FUNCTION stop();"
        }
        None => {
            "CREATE TRIGGER stop BEFORE UPDATE ON progress BEGIN SELECT RAISE(ABORT, 'stopped'); END;
            CREATE TRIGGER stop_first BEFORE INSERT ON progress BEGIN SELECT RAISE(ABORT, 'stopped'); END;"
        }
    };
    site.tamper(stop).await.unwrap();
}

async fn an_answer_is_complete_before_the_index_is_made(site: Site) {
    let mut wanted = None;
    // The index ends before everything, between an attempt and its end, late, and nowhere.
    for indexed in [0, 1, 5, 9, 15, history().len()] {
        let site = site.another();
        let log = site.open().await;
        for entry in history().drain(..indexed) {
            put(&log, entry).await;
        }
        log.settle().await.unwrap();
        stop_index(&site).await;
        for entry in history().split_off(indexed) {
            put(&log, entry).await;
        }
        let when = format!("with {indexed} entries in the index");
        ask(&log, &when).await;
        for question in ["", "level:low", "git"] {
            let (mut paged, mut after) = (Vec::new(), None);
            loop {
                let page = log.query(&filter(question), after, 3).await.unwrap();
                paged.extend(page.attempts.iter().map(|attempt| attempt.sequence));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            let all = QUESTIONS.iter().find(|(other, _)| *other == question);
            let all = all.map_or(vec![7, 3, 1], |(_, all)| all.to_vec());
            assert_eq!(paged, all, "{question}, page by page, {when}");
        }
        let (newer, _) = log.reader().newer(&filter("agent:codex"), Cursor(0), 50).await.unwrap();
        assert_eq!(newer.iter().map(|attempt| attempt.sequence).collect::<Vec<_>>(), [3, 4, 5], "{when}");
        let stats = log.reader().stats(&Filter::default()).await.unwrap();
        assert_eq!(*wanted.get_or_insert_with(|| stats.clone()), stats, "{when}");
        log.close().await.unwrap();
    }
}

async fn pages_follow_each_other(site: Site) {
    let log = site.open().await;
    fill(&log).await;
    for question in ["", "cwd:/srv", "level:low", "git"] {
        let all = log.query(&filter(question), None, 50).await.unwrap().attempts;
        let (mut paged, mut after): (Vec<_>, Option<Cursor>) = (Vec::new(), None);
        loop {
            let page = log.query(&filter(question), after, 3).await.unwrap();
            paged.extend(page.attempts);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(paged, all, "{question}");
    }
    log.close().await.unwrap();
}

async fn a_follower_misses_nothing(site: Site) {
    let log = site.open().await;
    fill(&log).await;
    let from = log.reader().newest().await.unwrap();
    for number in 9..=20 {
        let argv: &[&str] = if number % 2 == 0 { &["git", "log"] } else { &["ls"] };
        put(&log, allowed(number, argv)).await;
    }
    log.settle().await.unwrap();
    let (mut seen, mut at) = (Vec::new(), from);
    loop {
        let (attempts, next) = log.reader().newer(&filter("exe:git"), at, 2).await.unwrap();
        seen.extend(attempts.iter().map(|attempt| attempt.sequence));
        if next == at {
            break;
        }
        at = next;
    }
    assert_eq!(seen, [10, 12, 14, 16, 18, 20]);
    log.close().await.unwrap();
}

async fn the_tree_shows_what_was_started(site: Site) {
    let log = site.open().await;
    let run = |number: u64, pid: u32, parents: &[u32], program: &str| {
        let mut attempt = attempted(request("claude", &[program]), 5);
        attempt.pid = pid;
        attempt.ppid = parents.first().copied().unwrap_or(1);
        attempt.request.lineage = parents.iter().map(|&pid| parent(pid)).collect();
        attempt.verdict = Some(verdict(true, Decider::Threshold));
        entry(number, Change::Attempted(Box::new(attempt)))
    };
    let ended = Change::Exited { code: Some(0), signal: None, duration: 10_000_000 };
    let all: Vec<Entry> = vec![
        run(1, 50, &[10], "ls"),
        run(2, 60, &[10], "make"),
        run(3, 61, &[60, 10], "sh"),
        // 62 never ran a program of its own.
        run(4, 63, &[62, 61, 60, 10], "cc"),
        run(5, 70, &[10], "vim"),
        entry(2, ended),
        run(20, 99, &[60, 10], "late"),
    ];
    for entry in all {
        put(&log, entry).await;
    }
    log.settle().await.unwrap();
    let make = log.attempt(id(2)).await.unwrap().unwrap();
    let around = log.reader().around(&make, 10).await.unwrap();
    assert_eq!(around.before.iter().map(|attempt| attempt.sequence).collect::<Vec<_>>(), [1]);
    let [shell] = around.started.as_slice() else { panic!("{:?}", around.started) };
    assert_eq!((shell.attempt.sequence, shell.started[0].attempt.sequence, shell.started.len()), (3, 4, 1));
    log.close().await.unwrap();
}

async fn statistics_count_what_was_decided(site: Site) {
    let log = site.open().await;
    fill(&log).await;
    let stats = log.reader().stats(&Filter::default()).await.unwrap();
    assert_eq!((stats.total, stats.allowed, stats.denied, stats.withdrawn), (7, 4, 2, 1));
    assert!((stats.allowed_without_a_human_percent - 100.0).abs() < f64::EPSILON);
    assert_eq!((stats.days[0].date.as_str(), stats.days[0].agent.as_str()), ("2026-11-20", "claude"));
    assert_eq!((stats.days[1].denied, stats.days[1].reviewed), (1, 1));
    assert_eq!((stats.reviews.count, stats.commands[0].count), (2, 1));
    let none = log.reader().stats(&filter("agent:codex since:10s")).await.unwrap();
    assert_eq!(none.total, 2, "a day counts whole");
    assert!(log.reader().stats(&filter("level:high")).await.is_err());
    log.close().await.unwrap();
}
