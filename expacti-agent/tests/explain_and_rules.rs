//! `expacti explain` and `expacti rules` as a user runs them: output, exit codes, and what is said of bad input.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn expacti(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_expacti"))
        .args(args)
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads no input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

#[test]
fn a_command_is_explained_in_json() {
    let answer = expacti(
        &[
            "explain",
            "--json",
            "--starter",
            "all",
            "--cwd",
            "/work",
            "--",
            "git",
            "push",
            "--force",
            "origin",
            "main",
        ],
        "",
    );
    assert_eq!(code(&answer), 0, "{}", err(&answer));
    let json: Value = serde_json::from_str(&out(&answer)).unwrap();
    assert_eq!(json["decision"], "deny");
    assert_eq!(json["level"], "HIGH");
    assert_eq!(json["decided_by"]["name"], "never-allow/force-push-protected");
    assert_eq!(json["request"]["cwd"], "/work");
    assert_eq!(json["executable_assumed"], true);
    let points =
        json["factors"].as_array().unwrap().iter().map(|f| f["points"].as_i64().unwrap()).sum::<i64>();
    assert_eq!(json["score"].as_i64().unwrap(), points.clamp(0, 100));
}

#[test]
fn a_pipe_gets_no_colour_and_no_raw_bytes() {
    let answer = expacti(&["explain", "--shell", "echo '\u{202e}\u{1b}[2J' | wc"], "");
    let text = out(&answer);
    assert!(text.starts_with("sh -c 'echo"), "{text}");
    assert!(text.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)), "{text}");
}

#[test]
fn each_line_gets_its_answer_also_behind_a_bad_one() {
    let lines = "{\"argv\":[\"git\",\"status\"]}\n\nno json\n{\"argv\":[]}\n{\"shell\":\"ls | wc -l\"}\n{\"argv\":[\"ls\"],\"oops\":1}\n{\"argv\":[\"a\"],\"shell\":\"b\"}\n";
    let answer = expacti(&["explain", "--jsonl"], lines);
    assert_eq!(code(&answer), 2);
    let answers: Vec<Value> = out(&answer).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let lines: Vec<Option<u64>> = answers.iter().map(|answer| answer["line"].as_u64()).collect();
    assert_eq!(lines, [None, Some(3), Some(4), None, Some(6), Some(7)]);
    assert_eq!(answers[0]["score"], 5);
    assert_eq!(answers[3]["commands"].as_array().unwrap().len(), 3);
    let fine =
        expacti(&["explain", "--jsonl"], "{\"argv\":[\"ls\"],\"env\":{\"A\":\"b\"},\"stdin\":\"pipe\"}\n");
    assert_eq!(code(&fine), 0);
}

#[test]
fn a_request_reads_back_byte_for_byte() {
    let line = r#"{"argv":["echo",{"base64":"//4="},"a\u202eb"]}"#;
    let answer: Value = serde_json::from_str(&out(&expacti(&["explain", "--jsonl"], line))).unwrap();
    assert_eq!(answer["request"]["argv"], serde_json::json!(["echo", {"base64": "//4="}, "a\u{202e}b"]));
}

#[test]
fn wrong_options_say_what_to_do() {
    for (args, hint) in [
        (&["explain"][..], "write it behind --"),
        (&["explain", "--env", "X", "--", "ls"], "write NAME=VALUE"),
        (&["explain", "--stdin", "tube", "--", "ls"], "pipe"),
        (&["explain", "--starter", "nothing", "--", "ls"], "read-only"),
        (&["explain", "--rules", "/nonexistent.toml", "--", "ls"], "/nonexistent.toml"),
        (&["rules", "check", "/nonexistent.toml"], "/nonexistent.toml"),
        (&["explain", "--jsno", "--", "ls"], "--json"),
    ] {
        let answer = expacti(args, "");
        assert_eq!(code(&answer), 2, "{args:?}");
        assert!(err(&answer).contains(hint), "{args:?}: {}", err(&answer));
    }
}

#[test]
fn a_bad_rule_file_is_told_by_line_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.toml");
    std::fs::write(&file, "[[rule]]\nname = \"a\"\ndescision = \"deny\"\nbecause = \"b\"\nargv = [\"ls\"]\n")
        .unwrap();
    let answer = expacti(&["rules", "check", folder.path().to_str().unwrap()], "");
    assert_eq!(code(&answer), 2);
    let said = err(&answer);
    assert!(
        said.contains("bad.toml:3:1: rule[0].descision: unknown key; did you mean `decision`?"),
        "{said}"
    );
    assert!(out(&answer).is_empty());
}

#[test]
fn failing_examples_and_idle_rules_are_a_no() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.toml");
    let rule = |name: &str, example: &str| {
        format!(
            "[[rule]]\nname = \"{name}\"\ndecision = \"deny\"\nbecause = \"b\"\nargv = [\"ls\", \"...\"]\nmatch = [\"{example}\"]\n"
        )
    };
    let path = file.to_str().unwrap();
    std::fs::write(&file, rule("a", "cat x")).unwrap();
    let answer = expacti(&["rules", "test", path], "");
    assert_eq!(code(&answer), 1);
    assert!(out(&answer).contains("`cat x` should match and does not"), "{}", out(&answer));
    std::fs::write(&file, rule("a", "ls") + &rule("b", "ls -l")).unwrap();
    assert_eq!(code(&expacti(&["rules", "test", path], "")), 0);
    let answer = expacti(&["rules", "check", path], "");
    assert_eq!(code(&answer), 1);
    assert!(out(&answer).contains("rule b says the same as a"), "{}", out(&answer));
    assert!(out(&expacti(&["rules", "list", path], "")).contains("says the same as a"));
    assert_eq!(code(&expacti(&["rules", "check", "--starter", "all"], "")), 0);
}

#[test]
fn the_past_is_judged_by_new_rules() {
    let past = "{\"request\":{\"argv\":[\"git\",\"status\"]},\"decision\":\"allow\",\"seq\":1}\n{\"request\":{\"argv\":[\"git\",\"push\",\"-f\",\"origin\",\"main\"]},\"decision\":\"hold\"}\n";
    let same = expacti(&["rules", "simulate"], past);
    assert_eq!((code(&same), out(&same).as_str()), (0, "2 execs, 2 decided alike\n"));
    let answer = expacti(&["rules", "simulate", "--starter", "never-allow"], past);
    assert_eq!(code(&answer), 1);
    let text = out(&answer);
    assert!(
        text.contains("hold -> deny  (rule never-allow/force-push-protected)  git push -f origin main"),
        "{text}"
    );
    assert!(text.ends_with("2 execs, 1 decided alike\n     1  hold -> deny\n"), "{text}");
    assert_eq!(code(&expacti(&["rules", "simulate"], "nonsense\n")), 2);
}
