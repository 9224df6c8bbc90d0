//! The Debian package as users meet it: installed into a clean system whose process 1 is systemd, run from there,
//! restarted, upgraded and removed. In the order in which that happens: each test goes on where the one before ended.

mod image;
mod pod;

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use expacti_tests::harness::wait::until;
use expacti_tests::harness::{Outcome, child, skippable, test};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::{RISKY, expacti};

/// Where the guest has it.
const PACKAGE: &str = "/opt/expacti/expacti.deb";
/// Where the gate is pinned.
const PINS: &str = "/sys/fs/bpf/expacti";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("package::it_installs_and_the_gate_is_in_force", it_installs_and_the_gate_is_in_force),
        test("package::a_command_runs_in_a_gate_of_its_own", a_command_runs_in_a_gate_of_its_own),
        test("package::a_unit_is_gated_from_its_first_exec_on", a_unit_is_gated_from_its_first_exec_on),
        test("package::what_waits_waits_on_through_a_restart", what_waits_waits_on_through_a_restart),
        test("package::what_waits_waits_on_through_an_upgrade", what_waits_waits_on_through_an_upgrade),
        test("package::systemd_reloads_it_and_feels_its_pulse", systemd_reloads_it_and_feels_its_pulse),
        skippable("package::prometheus_reads_what_it_counts", prometheus_reads_what_it_counts),
        skippable("package::a_pods_first_exec_is_in_the_log", pod::a_pods_first_exec_is_in_the_log),
    ]
}

/// The end of it, behind everything that needs it installed.
pub(crate) fn last() -> Vec<Trial> {
    vec![
        test("package::removed_it_leaves_the_log_and_no_gate", removed_it_leaves_the_log_and_no_gate),
        test(
            "package::the_image_gates_with_what_the_daemonset_gives",
            image::gates_with_what_the_daemonset_gives,
        ),
    ]
}

/// Has the package installed, where an earlier test did not leave it so.
#[track_caller]
pub(crate) fn installed() {
    if !Path::new("/usr/bin/expacti").exists() {
        ran("dpkg", &["--install", PACKAGE]);
    }
}

/// What a program says, where it must succeed.
#[track_caller]
pub(crate) fn ran(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn said(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A service of systemd that does nothing, from when it does that.
#[track_caller]
pub(crate) fn sleeping(unit: &str) {
    let options = ["--quiet", "--collect", "--property", "Type=exec", "--unit", unit];
    ran("systemd-run", &[&options[..], &["sleep", "infinity"]].concat());
}

/// A shell that goes into a unit's cgroup and becomes the risky command there.
fn risky_in(unit: &str) -> Child {
    in_unit(unit, &RISKY)
}

/// The same with any program of `/usr/bin`.
pub(crate) fn in_unit(unit: &str, command: &[&str]) -> Child {
    let line = format!(
        "echo $$ > /sys/fs/cgroup/system.slice/{unit}/cgroup.procs && exec /usr/bin/{}",
        command.join(" ")
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).current_dir("/").stderr(Stdio::null()).spawn().unwrap()
}

fn property(name: &str) -> String {
    ran("systemctl", &["show", "--property", name, "--value", "expacti.service"]).trim().to_owned()
}

#[track_caller]
fn json_of(arguments: &[&str]) -> Vec<Value> {
    ran("expacti", arguments).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn it_installs_and_the_gate_is_in_force() {
    assert!(!Path::new("/usr/bin/expacti").exists() && !Path::new(PINS).exists(), "the guest is clean");
    ran("dpkg", &["--install", PACKAGE]);
    assert_eq!(property("ActiveState"), "active", "{}", ran("journalctl", &["-u", "expacti", "--no-pager"]));
    assert!(Path::new(PINS).is_dir());
    let (code, text) = expacti(&["doctor"]);
    assert_eq!(code, 0, "{text}");
    ran("expacti", &["config", "check"]);
    assert!(ran("expacti", &["agents"]).starts_with("no agent is gated"));
    // A small system may leave out manuals, so what is packed is looked at.
    let packed = ran("dpkg", &["--contents", PACKAGE]);
    for file in ["/usr/share/man/man1/expacti.1.gz", "/usr/share/doc/expacti/copyright"] {
        assert!(packed.contains(file), "{file} is not in\n{packed}");
    }
}

/// By sudo, from the account of somebody who may use it.
fn a_command_runs_in_a_gate_of_its_own() {
    std::fs::write("/etc/sudoers.d/agent", "agent ALL=(ALL) NOPASSWD: ALL\n").unwrap();
    let script = "id -un; git --version > /dev/null && echo ran; exit 7";
    let mut run = Command::new("runuser");
    run.args(["-u", "agent", "--", "sudo", "expacti", "run", "--name", "first", "--", "bash", "-c", script]);
    let output = run.current_dir("/").stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", said(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "agent\nran\n");
    let record = until("the record of its first command", || {
        let records = json_of(&["log", "--json", "--agent", "first"]);
        records.into_iter().find(|record| record["request"]["argv"] == json!(["bash", "-c", script]))
    });
    assert_eq!(record["state"], "allowed", "{record}");
    assert_eq!(record["request"]["exe"]["path"], "/usr/bin/bash", "{record}");
}

/// What systemd does in a service's cgroup before it becomes the service is let be, and then nothing of that kind is. In a
/// slice of its own, where only who has seen it there expects it again.
fn a_unit_is_gated_from_its_first_exec_on() {
    installed();
    let unit = "made-anew.service";
    let start = |command: &[&str], properties: &[&str]| {
        let options =
            ["--quiet", "--collect", "--slice", "made.slice", "--unit", unit, "--property", "Type=exec"];
        ran("systemd-run", &[&options[..], properties, command].concat());
    };
    start(&["sleep", "infinity"], &[]);
    ran("expacti", &["enroll", "made-anew", "--unit", unit]);
    ran("systemctl", &["stop", unit]);
    // Two programs: systemd prepares each of them.
    start(&["sleep", "infinity"], &["--property", "ExecStartPre=/bin/true"]);
    let records = until("all of it in the log", || {
        let records = json_of(&["log", "--json", "--agent", "made-anew"]);
        (records.len() >= 4).then_some(records)
    });
    let programs: Vec<_> =
        records.iter().rev().filter_map(|record| record["request"]["exe"]["path"].as_str()).collect();
    let executor = "/usr/lib/systemd/systemd-executor";
    assert_eq!(programs, [executor, "/usr/bin/true", executor, "/usr/bin/sleep"]);
    assert!(records.iter().all(|record| record["request"]["agent"]["late"].is_null()), "{records:?}");
    ran("expacti", &["withdraw", "made-anew"]);

    // Observed, because it would wait for two humans. What defends the gate does not depend on the mode.
    ran("expacti", &["enroll", "made-anew", "--unit", unit, "--mode", "observe"]);
    ran("systemctl", &["stop", unit]);
    let freezer = "/sys/fs/cgroup/made.slice/made-anew.service/cgroup.freeze";
    let script = format!("echo 0 > {freezer} && echo written; exec sleep infinity");
    start(&["sh", "-c", &script], &[]);
    let said = until("what the shell said", || {
        let said = ran("journalctl", &["--unit", unit, "--no-pager", "--output", "cat"]);
        (said.contains("Operation not permitted") || said.lines().any(|line| line == "written"))
            .then_some(said)
    });
    assert!(said.contains("Operation not permitted"), "{said}");
    ran("expacti", &["withdraw", "made-anew"]);
    ran("systemctl", &["stop", unit]);
}

/// A unit of systemd that is gated, with a risky command in it that waits for a human.
struct Waiting {
    unit: String,
    child: Child,
    ticket: u64,
}

impl Waiting {
    fn begin(name: &str) -> Self {
        let unit = format!("{name}.service");
        sleeping(&unit);
        ran("expacti", &["enroll", name, "--unit", &unit]);
        let child = risky_in(&unit);
        let held = std::panic::catch_unwind(|| until("a held command", || pending().first().copied()));
        let Ok(ticket) = held else {
            let state = "expacti agents; expacti log --limit 9; ps -eo pid,ppid,stat,cgroup:60,args; journalctl -u expacti -n 30";
            panic!("nothing is held:\n{}", ran("sh", &["-c", state]));
        };
        Self { unit, child, ticket }
    }

    /// The same ticket still waits; approved, it runs.
    fn goes_on(mut self) {
        assert_eq!(until("the held command again", || pending().first().copied()), self.ticket);
        assert!(self.child.try_wait().unwrap().is_none(), "it waits on");
        ran("expacti", &["approve", &self.ticket.to_string()]);
        assert_eq!(child::wait(&mut self.child).code(), Some(128), "git ran, and found no repository");
        let name = self.unit.trim_end_matches(".service").to_owned();
        let record = until("its record", || {
            let records = json_of(&["log", "--json", "--agent", &name, "--decision", "held"]);
            records.into_iter().find(|record| record["state"] == "allowed")
        });
        assert_eq!(record["verdict"]["decider"]["by"], "reviewers", "{record}");
        ran("expacti", &["withdraw", &name]);
        ran("systemctl", &["stop", &self.unit]);
    }
}

pub(crate) fn pending() -> Vec<u64> {
    let (code, text) = expacti(&["pending", "--json"]);
    let ids = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()?["id"].as_u64());
    if code == 0 { ids.collect() } else { Vec::new() }
}

fn what_waits_waits_on_through_a_restart() {
    let waiting = Waiting::begin("through-restart");
    let before = property("MainPID");
    ran("systemctl", &["restart", "expacti"]);
    assert_ne!(property("MainPID"), before);
    waiting.goes_on();
}

fn what_waits_waits_on_through_an_upgrade() {
    let waiting = Waiting::begin("through-upgrade");
    let before = property("MainPID");
    let config = "/etc/expacti/expacti.toml";
    let mine = format!("{}# mine\n", std::fs::read_to_string(config).unwrap());
    std::fs::write(config, &mine).unwrap();
    ran("dpkg", &["--install", "--force-confold", PACKAGE]);
    assert_ne!(property("MainPID"), before, "an upgrade starts the new daemon");
    assert_eq!(std::fs::read_to_string(config).unwrap(), mine, "an operator's changes stay");
    waiting.goes_on();
}

fn systemd_reloads_it_and_feels_its_pulse() {
    let before = property("MainPID");
    ran("systemctl", &["reload", "expacti"]);
    until("the record of a reload", || {
        let journal = ran("journalctl", &["-u", "expacti", "--no-pager", "--output", "cat"]);
        journal.contains("configuration and rules were read again").then_some(())
    });
    assert_eq!(property("MainPID"), before, "a reload is no restart");
    assert_eq!(property("WatchdogUSec"), "20s");
    until("a sign of life", || {
        property("WatchdogTimestampMonotonic").parse::<u64>().ok().filter(|at| *at > 0)
    });
    // Whoever leaves it without a pulse gets a new one: nobody waits for ever.
    ran("kill", &["-STOP", &before]);
    let patience = std::time::Instant::now();
    let next = loop {
        let now = property("MainPID");
        if now != before && now != "0" && property("ActiveState") == "active" {
            break now;
        }
        assert!(patience.elapsed().as_secs() < 60, "the watchdog did not bite");
        std::thread::sleep(std::time::Duration::from_millis(200));
    };
    assert_ne!(next, before);
}

/// By Prometheus' own parser; and dashboard and alerts ask for nothing that is not there.
fn prometheus_reads_what_it_counts() -> Outcome {
    let modules = Path::new("/opt/expacti/python");
    if !modules.exists() {
        return Outcome::Skipped { missing: "prometheus_client, from PyPI".to_owned() };
    }
    let mut python = Command::new("python3");
    python.arg("/opt/expacti/scrape.py").env("PYTHONPATH", modules);
    python.args(["/opt/expacti/alerts.yml", "/opt/expacti/grafana-dashboard.json"]);
    let output = python.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    Outcome::Held
}

fn removed_it_leaves_the_log_and_no_gate() {
    ran("dpkg", &["--remove", "expacti"]);
    assert!(!Path::new(PINS).exists() && !Path::new("/usr/bin/expacti").exists());
    assert!(Path::new("/var/lib/expacti/log.db").exists(), "the exec log is evidence");
    let units = ran("systemctl", &["list-units", "--all", "--no-legend", "expacti.service"]);
    assert!(!units.contains("running"), "{units}");
}
