//! The configuration of a running daemon.

use std::fs;
use std::path::Path;
use std::process::Command;

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::{child, test};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::expacti;

const DENY_ECHO: &str = "[[rule]]\nname = \"no-echo\"\ndecision = \"deny\"\nbecause = \"we said so\"\nargv = [\"/bin/echo\", \"hi\"]\n";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("config::a_reload_is_all_or_nothing", a_reload_is_all_or_nothing),
        test("config::agents_of_the_file_come_and_go", agents_of_the_file_come_and_go),
        test("config::rules_are_edited_and_the_log_says_by_whom", rules_are_edited_and_the_log_says_by_whom),
    ]
}

fn echo(agent: &Cgroup) -> Result<String, Option<i32>> {
    let output =
        child::run(agent, Command::new("/bin/echo").arg("hi")).map_err(|error| error.raw_os_error())?;
    Ok(String::from_utf8(output.stdout).unwrap())
}

fn written(folder: &Path, text: &str) {
    fs::write(folder.join("expacti.toml"), text).unwrap();
}

/// What the API answers root.
fn api(method: &str, path: &str, body: &Value) -> Value {
    let output = Command::new("curl")
        .args(["--silent", "--unix-socket", "/run/expacti/api.sock", "--request", method, "--data-binary"])
        .args([&body.to_string(), "--header", "content-type: application/json"])
        .arg(format!("http://localhost{path}"))
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn rules_are_edited_and_the_log_says_by_whom() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::gating(&agent, &[]);
    let stored = api("GET", "/v1/rules/stored", &Value::Null);
    // Remembered by the kernel.
    assert_eq!([echo(&agent), echo(&agent)], [Ok("hi\n".to_owned()), Ok("hi\n".to_owned())]);

    let wrong = json!({ "text": "[[rule]]\nname = 7\n", "was": stored["digest"] });
    let problem = api("PUT", "/v1/rules/stored", &wrong);
    assert_eq!(problem["type"], "urn:expacti:problem:bad-input", "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("learned.toml:2:"), "{problem}");
    assert_eq!(echo(&agent), Ok("hi\n".to_owned()));

    let text = format!("{}{DENY_ECHO}", stored["text"].as_str().unwrap());
    let edit = json!({ "text": text, "was": stored["digest"] });
    let kept = api("PUT", "/v1/rules/stored", &edit);
    assert!(kept["generation"].is_u64(), "{kept}");
    assert_eq!(echo(&agent), Err(Some(libc::EPERM)));
    // Who has not seen this edit does not undo it.
    assert_eq!(api("PUT", "/v1/rules/stored", &edit)["type"], "urn:expacti:problem:conflict");
    assert_eq!(api("GET", "/v1/rules/stored", &Value::Null)["text"], json!(text));

    let history = api("GET", "/v1/rules/history", &Value::Null);
    let change = &history[0];
    // The rule's lines, and the one that the file begins with: without a rule it is no source of any.
    assert_eq!((&change["by"], &change["added"], &change["removed"]), (&json!("root"), &json!(6), &json!(0)));
    assert!(change["diff"].as_str().unwrap().contains("\n+name = \"no-echo\"\n"), "{change}");
    assert_eq!(change["generation"], kept["generation"]);

    // The next daemon begins with them, which changes nothing.
    let next = Daemon::gating_in(daemon.kill(), &agent, &[]);
    assert_eq!(echo(&agent), Err(Some(libc::EPERM)));
    assert_eq!(api("GET", "/v1/rules/history", &Value::Null)[0], *change);
    drop(next);
}

fn a_reload_is_all_or_nothing() {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let agent = Cgroup::new("agent");
    let (rules, file) = (folder.path().join("rules.toml"), folder.path().join("expacti.toml"));
    let right = format!(
        "[rules]\nfiles = [\"{}\"]\n[[agent]]\nname = \"a\"\ncgroup = \"{}\"\n",
        rules.display(),
        agent.path().display()
    );
    fs::write(&rules, "").unwrap();
    written(folder.path(), &right);
    let mut daemon = Daemon::start(&["--config", file.to_str().unwrap()]);
    daemon.says("ready");
    // The second time by the kernel's cache.
    assert_eq!([echo(&agent), echo(&agent)], [Ok("hi\n".to_owned()), Ok("hi\n".to_owned())]);

    fs::write(&rules, DENY_ECHO).unwrap();
    assert!(daemon.ask(&["reload"]).starts_with("1 rules are in force"));
    assert_eq!(
        echo(&agent),
        Err(Some(libc::EPERM)),
        "what the kernel remembered ends with the rules it came from"
    );

    written(folder.path(), &format!("grace = 3\n{right}"));
    let (code, said) = expacti(&["reload"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("expacti.toml:1:9: grace: a whole number where a string belongs"), "{said}");
    let (code, checked) = expacti(&["config", "check", file.to_str().unwrap()]);
    assert_eq!(code, 2, "{checked}");

    written(folder.path(), &right);
    fs::write(&rules, "[[rule]]\nnam = 1\n").unwrap();
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(i32::try_from(daemon.pid()).unwrap()).unwrap(),
        rustix::process::Signal::HUP,
    )
    .unwrap();
    daemon.says("nothing was changed");
    assert_eq!(echo(&agent), Err(Some(libc::EPERM)), "the rules before are in force");

    fs::write(&rules, "").unwrap();
    daemon.ask(&["reload"]);
    assert_eq!(echo(&agent), Ok("hi\n".to_owned()));
}

fn agents_of_the_file_come_and_go() {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let (one, two) = (Cgroup::new("one"), Cgroup::new("two"));
    let agent = |name: &str, cgroup: &Cgroup| {
        format!("[[agent]]\nname = \"{name}\"\ncgroup = \"{}\"\nhold_from = 0\n", cgroup.path().display())
    };
    written(folder.path(), &agent("one", &one));
    let file = folder.path().join("expacti.toml");
    let mut daemon = Daemon::start(&["--config", file.to_str().unwrap(), "--review=1"]);
    daemon.says("ready");
    assert_eq!(echo(&one), Err(Some(libc::EPERM)), "everything waits, and nobody answers");
    assert!(echo(&two).is_ok());

    written(folder.path(), &agent("two", &two));
    let said = daemon.ask(&["reload"]);
    assert!(said.contains("two is gated now") && said.contains("one is not gated any more"), "{said}");
    assert_eq!(echo(&two), Err(Some(libc::EPERM)));
    assert!(echo(&one).is_ok());
    let (code, said) = expacti(&["withdraw", "two"]);
    assert_eq!((code, said.contains("is in the configuration")), (1, true), "{said}");
}
