//! The command line of the review side, as a human types it, against a simulated daemon.
#![expect(clippy::unwrap_used, reason = "helpers of tests; the lints know only functions marked as tests")]

#[path = "support/daemon.rs"]
mod daemon;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use daemon::{Daemon, EXPACTI, is_root};

/// Exit code, standard output and standard error, for snapshots.
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    format!(
        "exit code {}\n{out}{}{err}",
        output.status.code().unwrap_or(-1),
        if err.is_empty() { "" } else { "---\n" }
    )
}

#[test]
fn a_human_lists_shows_approves_and_denies() {
    if !is_root() {
        eprintln!("skipped: needs root, who is a reviewer on the local socket without a token");
        return;
    }
    let daemon = Daemon::start(&["--attempts", "6"]);
    let (alice, bob) = (daemon.token("alice", "reviewer"), daemon.token("bob", "reviewer"));
    let alice = |args: &[&str]| said(&daemon.run(Some(&alice), args));
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r" *\d+m\d\ds", " [time]");
    settings.add_filter(r"\d+s ago", "[time] ago");
    settings.add_filter(r"[0-9a-f]{32}", "[digest]");
    let _bound = settings.bind_to_scope();
    insta::assert_snapshot!("pending", alice(&["pending"]));
    insta::assert_snapshot!("show", alice(&["show", "5"]));
    insta::assert_snapshot!("show_invisible", alice(&["show", "6"]));
    insta::assert_snapshot!("approve", alice(&["approve", "1", "--children", "--note", "go on"]));
    insta::assert_snapshot!("approve_one_of_two", alice(&["approve", "2"]));
    insta::assert_snapshot!("approve_two_of_two", said(&daemon.run(Some(&bob), &["approve", "2"])));
    insta::assert_snapshot!("deny", alice(&["deny", "4", "--note", "not on a Friday"]));
    insta::assert_snapshot!("show_ended", alice(&["show", "4"]));
    insta::assert_snapshot!("too_late", alice(&["approve", "4"]));
    insta::assert_snapshot!("unknown", alice(&["approve", "999"]));
    insta::assert_snapshot!("always_at_high", alice(&["approve", "5", "--always"]));
    insta::assert_snapshot!("other_digest", alice(&["approve", "5", "--digest", "00ff"]));
    insta::assert_snapshot!("not_an_admin", alice(&["kill", "claude"]));
    insta::assert_snapshot!("stop", alice(&["stop", "claude"]));
    insta::assert_snapshot!("no_such_agent", alice(&["stop", "nobody"]));
}

#[test]
fn bad_input_is_two_and_no_daemon_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let socket = dir.path().join("none.sock");
        let output = Command::new(EXPACTI).args(args).env("EXPACTI_SOCKET", socket).output().unwrap();
        output.status.code()
    };
    assert_eq!(run(&["approve", "1", "--for", "1x"]), Some(2));
    assert_eq!(run(&["approve", "one"]), Some(2));
    assert_eq!(run(&["approve", "1", "--session", "--always"]), Some(2));
    assert_eq!(run(&["pending"]), Some(1));
}

#[test]
fn watching_says_what_comes_and_goes() {
    if !is_root() {
        eprintln!("skipped: needs root, who is a reviewer on the local socket without a token");
        return;
    }
    let daemon = Daemon::start(&["--attempts", "1"]);
    let mut watch = Command::new(EXPACTI)
        .args(["pending", "--watch"])
        .env("EXPACTI_SOCKET", daemon.socket())
        .env_remove("EXPACTI_TOKEN")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert!(next().contains("COMMAND"));
    assert!(next().contains("git push origin main"));
    assert!(daemon.run(None, &["deny", "1"]).status.success());
    assert!(next().starts_with("- 1 denied"));
    watch.kill().unwrap();
    watch.wait().unwrap();
}

#[test]
fn an_agent_sees_what_became_of_its_commands() {
    if !is_root() {
        eprintln!("skipped: needs root, who is a reviewer on the local socket without a token");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("own.sock");
    let daemon = Daemon::start(&["--attempts", "4", "--own", &socket.to_string_lossy()]);
    assert!(daemon.run(None, &["deny", "1", "--note", "not today"]).status.success());
    let own = |args: &[&str]| {
        said(
            &Command::new(EXPACTI).arg("own").args(args).env("EXPACTI_OWN_SOCKET", &socket).output().unwrap(),
        )
    };
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\d+m\d\ds", "[time]");
    let _bound = settings.bind_to_scope();
    insta::assert_snapshot!("own", own(&[]));
    insta::assert_snapshot!("own_claim", own(&["--claim", "fixing the slow query"]));
    let shown = said(&daemon.run(None, &["show", "2"]));
    assert!(shown.contains("it claims   fixing the slow query"), "{shown}");
}

#[test]
fn a_reviewer_is_added_listed_and_revoked() {
    if !is_root() {
        eprintln!("skipped: needs root, who is a reviewer on the local socket without a token");
        return;
    }
    let daemon = Daemon::start(&["--attempts", "1"]);
    let alice = daemon.token("alice", "reviewer");
    assert!(daemon.run(Some(&alice), &["pending"]).status.success());
    let listed = said(&daemon.run(None, &["reviewer", "list"]));
    assert!(listed.contains("alice") && listed.contains("last seen") && !listed.contains(&alice), "{listed}");
    assert!(daemon.run(None, &["reviewer", "revoke", "alice"]).status.success());
    assert_eq!(daemon.run(Some(&alice), &["pending"]).status.code(), Some(1));
    let listed = said(&daemon.run(None, &["reviewer", "list"]));
    assert!(listed.contains("revoked"), "{listed}");
}

#[test]
fn manual_pages_and_completions_are_made() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Command::new(EXPACTI).arg("man").arg(dir.path()).status().unwrap().success());
    let page = std::fs::read_to_string(dir.path().join("expacti-approve.1")).unwrap();
    assert!(page.contains("\\-\\-children") && page.contains("Exit codes:"), "{page}");
    for shell in ["bash", "zsh", "fish"] {
        let script = Command::new(EXPACTI).args(["completions", shell]).output().unwrap().stdout;
        assert!(String::from_utf8(script).unwrap().contains("approve"), "{shell}");
    }
}
