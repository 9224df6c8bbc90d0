//! `expacti log`, as its users call it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use expacti_core::record::entry::{Decider, RuleSource};
use expacti_core::record::{Change, Entry};

use crate::harness::*;

fn expacti(site: &Site, arguments: &[&str]) -> Output {
    let expacti_agent::log::Place::Sqlite(path) = &site.place else { unreachable!() };
    Command::new(env!("CARGO_BIN_EXE_expacti"))
        .arg("log")
        .args(arguments)
        .env("EXPACTI_LOG", path)
        .env("EXPACTI_HOME", site.home())
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap()
}

/// What it printed, and its exit code.
fn said(site: &Site, arguments: &[&str]) -> (String, i32) {
    let output = expacti(site, arguments);
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (text, output.status.code().unwrap())
}

fn filled() -> Site {
    let site = Site::sqlite();
    run(async {
        let log = site.open().await;
        let rules = Change::RulesLoaded {
            generation: 1,
            sources: vec![RuleSource { path: "/r.toml".into(), text: "x = 1".into() }],
            by: String::new(),
        };
        put(&log, Entry { at: NOON, attempt: None, change: rules }).await;
        put(&log, allowed(1, &["git", "status"])).await;
        let danger = attempted(request("claude", &["psql", "-c", "DROP TABLE \u{202e}users"]), 95);
        put(&log, entry(2, Change::Attempted(Box::new(danger)))).await;
        put(&log, entry(2, Change::Held { approvals: 2, deadline: NOON, after: false })).await;
        let vote = Change::Voted {
            reviewer: "alice".into(),
            approve: false,
            scope: "once".into(),
            note: "no".into(),
            via: "cli".into(),
        };
        put(&log, entry(2, vote)).await;
        put(
            &log,
            entry(2, Change::Decided(verdict(false, Decider::Reviewers { names: vec!["alice".into()] }))),
        )
        .await;
        put(&log, allowed(3, &["ls", "-l"])).await;
        log.settle().await.unwrap();
        log.close().await.unwrap();
    });
    site
}

#[test]
fn a_list_is_one_line_each_and_safe_to_look_at() {
    let site = filled();
    let (text, code) = said(&site, &[]);
    assert_eq!(code, 0);
    let expected = "\
2026-11-20 12:00:03 3f2a9c1e-3       5 LOW      allowed   cache        claude     ls -l
2026-11-20 12:00:02 3f2a9c1e-2      95 CRITICAL denied    alice        claude     psql -c 'DROP TABLE \\u{202e}users'
2026-11-20 12:00:01 3f2a9c1e-1       5 LOW      allowed   cache        claude     git status
";
    assert_eq!(text, expected);
    assert_eq!(
        said(&site, &["--level", "high", "--by", "alice", "--grep", "drop table", "--json"])
            .0
            .lines()
            .count(),
        1
    );
    assert_eq!(said(&site, &["decision:denied", "drop"]).0.lines().count(), 1);
    let (page, _) = said(&site, &["-n", "2"]);
    let cursor = page.lines().last().unwrap().rsplit(' ').next().unwrap();
    assert_eq!(
        said(&site, &["-n", "2", "--after", cursor]).0,
        expected.lines().last().unwrap().to_owned() + "\n"
    );
    let (csv, _) = said(&site, &["--csv", "--exe", "ls"]);
    assert!(csv.starts_with("id,node,boot,") && csv.lines().count() == 2, "{csv}");
}

#[test]
fn one_record_shows_everything() {
    let site = filled();
    let (text, code) = said(&site, &["show", "2"]);
    assert_eq!(code, 0, "{text}");
    for part in [
        "argv[2]      DROP TABLE \\u{202e}users",
        "vote         alice denied (once) by cli",
        "rules 1, engine",
        "before it in the session",
        "git status",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let (json, _) = said(&site, &["show", "3f2a9c1e-2", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["attempt"]["votes"][0]["reviewer"], "alice");
    let (stats, code) = said(&site, &["stats"]);
    assert!(
        code == 0 && stats.starts_with("3 decided: 2 allowed, 1 denied, 0 withdrawn\n100% of the allowed"),
        "{stats}"
    );
}

#[test]
fn a_rewrite_shows_against_a_kept_checkpoint() {
    let site = filled();
    let (line, code) = said(&site, &["checkpoint"]);
    assert!(code == 0 && line.starts_with("expacti-checkpoint-1 node="), "{line}");
    let kept = site.folder.path().join("kept");
    std::fs::write(&kept, &line).unwrap();
    let kept = kept.to_str().unwrap();
    let (text, code) = said(&site, &["verify", "--against", kept]);
    assert!(code == 0 && text.contains(": whole. ") && text.contains("(3 attempts"), "{text}");
    run(async {
        site.tamper("DROP TRIGGER entries_are_only_pruned; DELETE FROM entries WHERE position > 6")
            .await
            .unwrap();
    });
    let (text, code) = said(&site, &["verify", "--against", kept]);
    assert!(code == 1 && text.contains("NOT WHOLE: entry 6 of node") && text.contains("cut off"), "{text}");
}

#[test]
fn a_bundle_is_accepted_elsewhere_and_a_forged_one_is_not() {
    let site = filled();
    let bundle = site.folder.path().join("evidence");
    let path = bundle.to_str().unwrap();
    let (text, code) = said(&site, &["bundle", "2", "-o", path]);
    assert_eq!((text.as_str(), code), ("", 0));
    let (line, _) = said(&site, &["checkpoint"]);
    let elsewhere = Site::sqlite();
    let (text, code) = said(&elsewhere, &["verify", path]);
    assert!(code == 0 && text.starts_with("genuine: attempts 2: 1 records, 5 entries shown"), "{text}");
    let whole = std::fs::read_to_string(&bundle).unwrap();
    assert!(
        whole.contains("x = 1") && !whole.contains("git"),
        "the rules belong to it, the neighbours do not"
    );
    std::fs::write(&bundle, whole.replace("alice", "alise")).unwrap();
    let (text, code) = said(&elsewhere, &["verify", path]);
    assert!(code == 1 && text.starts_with("NOT GENUINE"), "{text}");
    std::fs::write(&bundle, "{}").unwrap();
    let (text, code) = said(&elsewhere, &["verify", path]);
    assert!(code == 2 && text.contains("line 1: it is no line of an evidence bundle"), "{text}");
    let kept = site.folder.path().join("kept");
    std::fs::write(&kept, line).unwrap();
    std::fs::write(&bundle, whole).unwrap();
    assert_eq!(said(&elsewhere, &["verify", path, "--against", kept.to_str().unwrap()]).1, 0);
    assert_eq!(said(&site, &["bundle", "--session", "claude"]).0.matches("\"entry\"").count(), 7);
}

#[test]
fn every_format_is_written() {
    let site = filled();
    for (format, lines) in [("jsonl", 3), ("csv", 4), ("ocsf", 3), ("cef", 3), ("otlp", 1)] {
        let (text, code) = said(&site, &["export", "--format", format]);
        assert_eq!((text.lines().count(), code), (lines, 0), "{format}: {text}");
    }
    let path = site.folder.path().join("x.parquet");
    let (text, code) = said(
        &site,
        &["export", "--format", "parquet", "-o", path.to_str().unwrap(), "--since", "2026-11-20T12:00:02"],
    );
    assert_eq!((text.as_str(), code), ("", 0));
    assert_eq!(&std::fs::read(&path).unwrap()[..4], b"PAR1");
    let (text, code) = said(&site, &["export", "--format", "csv", "-o", path.to_str().unwrap()]);
    assert!(code == 2 && text.contains("exists"), "{text}");
}

/// Answers one request, and gives its head and body.
fn answered(server: &TcpListener, status: &str) -> std::io::Result<(String, serde_json::Value)> {
    let (stream, _) = server.accept()?;
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let before = head.len();
        if reader.read_line(&mut head)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(value) = head[before..].strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    // In one piece: a client that has seen the status may be gone before the next one.
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
    reader.get_mut().write_all(answer.as_bytes())?;
    Ok((head, serde_json::from_slice(&body).unwrap()))
}

#[test]
fn a_collector_gets_every_record_once() {
    let site = filled();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/logs", server.local_addr().unwrap());
    // Too busy for the first request, then it takes.
    let collector = std::thread::spawn(move || {
        let mut taken = Vec::new();
        for status in ["429 Too Many Requests", "200 OK"] {
            // A connection that the client gave up is no request.
            let request = std::iter::repeat_with(|| answered(&server, status)).find_map(Result::ok);
            taken.push(request.unwrap());
        }
        taken
    });
    let secret = site.folder.path().join("headers");
    std::fs::write(&secret, "authorization: Bearer x\n").unwrap();
    let header = format!("@{}", secret.display());
    let (text, code) = said(&site, &["export", "--format", "otlp", "--to", &url, "--header", &header]);
    assert_eq!((text, code), (format!("{url} took 3 records\n"), 0));
    let taken = collector.join().unwrap();
    assert_eq!(taken[0].1, taken[1].1);
    let (head, body) = &taken[1];
    assert!(head.starts_with("POST /v1/logs HTTP/1.1\r\n") && head.contains("authorization: Bearer x\r\n"));
    let records = body["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap();
    let ids: Vec<_> = records.iter().map(|record| &record["attributes"][1]["value"]["stringValue"]).collect();
    assert_eq!(ids, ["3f2a9c1e-1", "3f2a9c1e-2", "3f2a9c1e-3"]);
    // Nobody listens any more.
    let (text, code) = said(&site, &["export", "--format", "otlp", "--to", &url]);
    assert!(code == 1 && text.contains("took 0 records"), "{text}");
}

#[test]
fn pruning_is_done_when_it_is_meant() {
    let site = filled();
    let prune = |more: &[&str]| said(&site, &[&["prune", "--because", "a test"], more].concat());
    let (text, code) = prune(&["--before", "1d"]);
    assert!(code == 2 && text.contains("add --yes"), "{text}");
    let (text, code) = prune(&["--before", "soon", "--yes"]);
    assert!(code == 2 && text.contains("before cannot be 'soon'"), "{text}");
    let (text, code) = prune(&["--before", "1d", "--yes", "--home", "/nonexistent"]);
    assert!(code == 2 && text.contains("only the node itself"), "{text}");
    run(async {
        let log = site.open().await;
        let (text, code) = prune(&["--before", "1d", "--yes"]);
        assert!(code == 1 && text.contains("another daemon writes"), "{text}");
        log.close().await.unwrap();
    });
    // The chain began when this test did, so nothing is a day old.
    let (text, code) = prune(&["--before", "1d", "--yes"]);
    assert!(code == 0 && text.starts_with("0 entries before "), "{text}");
    let (text, code) = prune(&["--before", "0s", "--yes"]);
    assert!(code == 0 && !text.starts_with("0 ") && text.contains(" entries before "), "{text}");
    let (text, code) = said(&site, &["verify"]);
    assert!(code == 0 && text.contains(": whole. "), "{text}");
}

#[test]
fn bad_input_is_named_and_nothing_is_written() {
    let site = filled();
    let missing = Path::new("/nonexistent/log.db").to_str().unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["--level", "hihg"], "level cannot be 'hihg': give low, medium, high or critical"),
        (&["agnet:x"], "there is no field 'agnet'; did you mean 'agent'?"),
        (&["--since", "soon"], "since cannot be 'soon'"),
        (&["--since", "1h", "--until", "2h"], "'until' is not later than 'since'"),
        (&["show", "x"], "'x' is no id of an attempt"),
        (&["--log", missing], "there is no log at /nonexistent/log.db"),
        (&["--log", "mysql://h/d"], "'mysql://h/d' is no place for a log"),
        (&["verify", "/nonexistent"], "/nonexistent: No such file"),
        (&["verify", "--against", "/dev/null"], "there is no checkpoint in it"),
        (&["verify", "--node", "x"], "'x' is no node id"),
        (&["stats", "--level", "high"], "statistics can be limited by"),
        (&["export", "--format", "xml"], "invalid value 'xml'"),
        (
            &["export", "--format", "otlp", "--to", "http://example.com/v1/logs"],
            "is no address to send records to",
        ),
        (&["export", "--format", "csv", "--to", "http://127.0.0.1:1/"], "--to posts OTLP"),
        (
            &["export", "--format", "otlp", "--to", "http://127.0.0.1:1/", "--header", "x"],
            "a header is NAME: VALUE",
        ),
    ];
    for (arguments, expected) in cases {
        let (text, code) = said(&site, arguments);
        assert!(code == 2 && text.contains(expected), "{arguments:?}: {code} {text}");
    }
    assert_eq!(said(&site, &["show", "77"]), ("expacti: there is no attempt 77 in the log\n".to_owned(), 1));
    run(async {
        site.tamper("INSERT INTO _sqlx_migrations SELECT 99, 'later', installed_on, success, checksum, 0 FROM _sqlx_migrations").await.unwrap();
    });
    let (text, code) = said(&site, &[]);
    assert!(code == 2 && text.contains("newer version of expacti (schema 99"), "{text}");
}

#[test]
fn the_past_in_the_log_is_judged_by_new_rules() {
    let site = filled();
    let expacti_agent::log::Place::Sqlite(path) = &site.place else { unreachable!() };
    let simulate = |arguments: &[&str]| {
        let path = path.to_str().unwrap();
        let mut all = vec!["rules", "simulate", "--exec-log", path];
        all.extend(arguments);
        let output = Command::new(env!("CARGO_BIN_EXE_expacti")).args(all).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        (text, output.status.code().unwrap())
    };
    let deny = site.folder.path().join("deny.toml");
    std::fs::write(
        &deny,
        "[[rule]]\nname = \"no-lists\"\ndecision = \"deny\"\nbecause = \"tried out\"\nargv = [\"ls\", \"...\"]\n",
    )
    .unwrap();
    let deny = deny.to_str().unwrap();
    let (text, code) = simulate(&["--rules", deny]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("3f2a9c1e-3: allow -> deny  (rule no-lists)  ls -l"), "{text}");
    assert!(text.contains("3 execs, "), "{text}");
    let (text, _) = simulate(&["--rules", deny, "--json", "ls"]);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(r#""attempt":"3f2a9c1e-3""#), "{text}");
    let (text, code) = simulate(&["colour:blue"]);
    assert_eq!(code, 2, "{text}");
}
