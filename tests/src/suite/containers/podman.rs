//! Containers of podman: chosen by label or name, gated before their first exec, and named in every record.

use std::fs;
use std::process::{Command, Output, Stdio};

use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::wait::until;
use expacti_tests::harness::{child, test};
use libtest_mimic::Trial;
use serde_json::{Value, json};

/// Emulated and under load, podman's database may take longer than on any real host.
const CONFIGURATION: &str = "
[containers]
patience = \"10s\"
[policy.asking]
hold_from = 0
[[agent]]
name = \"ci-{container}\"
select = { container_labels = [\"agent=yes\"] }
";

const IMAGE: &str = "localhost/busybox:1";

pub(super) fn tests() -> Vec<Trial> {
    vec![
        test("containers::podman_by_label_from_its_first_exec_on", by_label_from_its_first_exec_on),
        test("containers::podman_held_from_the_first_exec_on", held_from_the_first_exec_on),
    ]
}

/// An image of nothing but busybox, made without a network.
fn image() {
    let root = "/var/tmp/image";
    fs::create_dir_all(format!("{root}/bin")).unwrap();
    fs::copy("/usr/bin/busybox", format!("{root}/bin/busybox")).unwrap();
    let made =
        Command::new("sh").args(["-c", &format!("tar -C {root} -c . | podman import -q - {IMAGE}")]).output();
    let made = made.unwrap();
    assert!(made.status.success(), "{made:?}");
}

fn podman(options: &[&str], command: &[&str]) -> Command {
    let mut podman = Command::new("podman");
    podman.args(["run", "--rm", "--network=none", "--cgroup-manager=cgroupfs"]);
    podman.args(options).arg(IMAGE).args(command).stdin(Stdio::null());
    podman
}

#[track_caller]
fn ran(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn by_label_from_its_first_exec_on() {
    image();
    let daemon = Daemon::configured(CONFIGURATION);
    let inside = ["/bin/busybox", "echo", "inside"];
    let other =
        podman(&["--name", "other", "--label", "agent=no"], &["/bin/busybox", "echo", "other"]).output();
    assert_eq!(ran(&other.unwrap()), "other\n");
    let output = podman(&["--name", "worker", "--label", "agent=yes", "--label", "team=a"], &inside).output();
    assert_eq!(ran(&output.unwrap()), "inside\n");
    let record = daemon.record(&inside, "allowed");
    assert_eq!(record["request"]["agent"]["name"], "ci-worker");
    assert_eq!(record["request"]["agent"]["late"], Value::Null, "it was gated before its first exec");
    let container = &record["request"]["container"];
    assert_eq!(
        [&container["runtime"], &container["name"], &container["image"], &container["labels"]],
        [&json!("podman"), &json!("worker"), &json!(IMAGE), &json!({ "agent": "yes", "team": "a" })]
    );
    assert_eq!(container["id"].as_str().unwrap().len(), 64);
    assert_eq!(daemon.records().len(), 1, "the other one is nobody's: {:?}", daemon.records());
    let shown = daemon.ask(&["log", "show", record["id"].as_str().unwrap()]);
    assert!(shown.contains(&format!("podman worker ({IMAGE})")), "{shown}");
    until("an agent that is gone with its container", || {
        daemon.ask(&["agents"]).starts_with("no agent is gated").then_some(())
    });
}

fn held_from_the_first_exec_on() {
    image();
    let daemon = Daemon::configured(
        &CONFIGURATION
            .replace("{ container_labels", "{ container = \"*\", container_labels")
            .replace("[[agent]]\n", "[[agent]]\npolicy = \"asking\"\n"),
    );
    let inside = ["/bin/busybox", "echo", "held"];
    let mut command = podman(&["--name", "held", "--label", "agent=yes"], &inside);
    let mut held = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let ticket = daemon.card("/bin/busybox echo held");
    let shown = daemon.ask(&["show", &ticket]);
    assert!(shown.contains(&format!("podman held ({IMAGE})")), "{shown}");
    daemon.ask(&["approve", &ticket]);
    assert_eq!(child::printed(&mut held), "held\n");
}
