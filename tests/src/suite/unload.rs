//! `expacti daemon --unload` leaves nothing behind, and nothing runs because of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use super::RISKY;

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::program::program;
use expacti_tests::harness::wait::until;
use expacti_tests::harness::{child, test};

const PINS: &str = "/sys/fs/bpf/expacti";
/// Some of our programs.
const PROGRAMS: [&str; 6] = ["check", "committed", "task_alloc", "file_open", "task_kill", "sb_umount"];

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("unload::it_removes_everything_and_says_so", it_removes_everything_and_says_so),
        test("unload::nobody_waits_for_what_is_on_its_way_out", nobody_waits_for_what_is_on_its_way_out),
        test("unload::it_refuses_while_a_daemon_runs", it_refuses_while_a_daemon_runs),
        test("unload::what_is_held_does_not_run", what_is_held_does_not_run),
        test("unload::what_stands_still_does_not_run_either", what_stands_still_does_not_run_either),
        test("unload::who_goes_on_starting_programs_does_not_hinder_it", who_goes_on_does_not_hinder_it),
    ]
}

fn gated(agent: &Cgroup, options: &[&str]) -> Daemon {
    let option = format!("--agent=test={}", agent.path().display());
    let mut daemon = Daemon::start(&[&[option.as_str()], options].concat());
    daemon.says("ready");
    daemon
}

fn unload(options: &[&str]) -> (Output, String) {
    let output = Command::new("expacti").args(["daemon", "--unload"]).args(options).output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output, said)
}

/// Every program of the kernel that has one of our names.
fn programs() -> Vec<String> {
    let output = Command::new("bpftool").args(["--json", "prog"]).output().unwrap();
    let all: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let names = all.iter().filter_map(|program| program["name"].as_str());
    names.filter(|name| PROGRAMS.contains(name)).map(str::to_owned).collect()
}

fn cgroups_of_ours(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if entry.file_name().to_string_lossy().starts_with("expacti.") {
                found.push(entry.path());
            }
            cgroups_of_ours(&entry.path(), found);
        }
    }
}

#[track_caller]
fn nothing_is_left() {
    assert!(!Path::new(PINS).exists());
    // The kernel frees programs a moment after their last link.
    until("a kernel without our programs", || programs().is_empty().then_some(()));
    let mut found = Vec::new();
    cgroups_of_ours(Path::new("/sys/fs/cgroup"), &mut found);
    assert_eq!(found, Vec::<PathBuf>::new());
}

fn it_removes_everything_and_says_so() {
    let agent = Cgroup::new("agent");
    let daemon = gated(&agent, &["--grace=1"]);
    child::run(&agent, Command::new("/bin/echo").arg("known")).unwrap();
    let _folder = daemon.kill();
    assert!(!programs().is_empty());
    let (output, said) = unload(&[]);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("18 programs and 10 maps"), "{said}");
    assert!(said.contains("removed the cgroup") && said.contains("expacti.canary"), "{said}");
    nothing_is_left();
    // Nobody is gated.
    assert!(child::run(&agent, Command::new("/bin/echo").arg("new")).is_ok());
    let (output, said) = unload(&[]);
    assert_eq!((output.status.code(), said.as_str()), (Some(0), "nothing of expacti is in the kernel\n"));
    // And it can begin anew.
    let daemon = gated(&agent, &[]);
    assert!(child::run(&agent, Command::new("/bin/echo").arg("new")).is_ok());
    drop(daemon);
}

/// Programs leave the kernel one after the other, some time after their pins.
fn nobody_waits_for_what_is_on_its_way_out() {
    let agent = Cgroup::new("agent");
    let daemon = gated(&agent, &["--grace=20"]);
    let _folder = daemon.kill();
    let (output, said) = unload(&[]);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for number in 1..=5 {
        let start = Instant::now();
        assert!(child::run(&agent, Command::new("/bin/echo").arg(number.to_string())).is_ok());
        // Far less than the grace, within which a daemon could come back.
        assert!(start.elapsed() < Duration::from_secs(5), "exec {number} took {:?}", start.elapsed());
    }
    nothing_is_left();
}

fn it_refuses_while_a_daemon_runs() {
    let agent = Cgroup::new("agent");
    let daemon = gated(&agent, &["--observe"]);
    let (output, said) = unload(&[]);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("(process {}) runs", daemon.pid())), "{said}");
    assert!(Path::new(PINS).exists() && !programs().is_empty());
    let (output, said) = unload(&["--force"]);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("still runs") && !Path::new(PINS).exists(), "{said}");
    let _folder = daemon.kill();
    let (output, said) = unload(&[]);
    assert_eq!(output.status.code(), Some(0), "{said}");
    nothing_is_left();
}

/// Starts a command that is held, and waits until it is parked.
fn held(agent: &Cgroup) -> thread::JoinHandle<std::io::Result<Output>> {
    let mut command = Command::new(RISKY[0]);
    command.args(&RISKY[1..]);
    child::inside(agent, &mut command);
    let waits = thread::spawn(move || command.output());
    let parked = agent.parking().join("cgroup.procs");
    until("a parked process", || {
        fs::read_to_string(&parked).is_ok_and(|text| !text.is_empty()).then_some(())
    });
    waits
}

fn what_is_held_does_not_run() {
    let agent = Cgroup::new("agent");
    let daemon = gated(&agent, &["--review=300"]);
    let waits = held(&agent);
    let _folder = daemon.kill();
    let (output, said) = unload(&[]);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("denied 1 commands"), "{said}");
    assert_eq!(waits.join().unwrap().unwrap_err().raw_os_error(), Some(libc::EPERM));
    nothing_is_left();
}

fn what_stands_still_does_not_run_either() {
    let agent = Cgroup::new("agent");
    let daemon = gated(&agent, &["--review=300"]);
    let waits = held(&agent);
    let _folder = daemon.kill();
    fs::write(agent.path().join("cgroup.freeze"), "1").unwrap();
    let (output, said) = unload(&[]);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("killed 1 processes"), "{said}");
    assert!(said.contains(&format!("cgroup {} is frozen", agent.path().display())), "{said}");
    nothing_is_left();
    fs::write(agent.path().join("cgroup.freeze"), "0").unwrap();
    // Killed inside its exec: it ran nothing, and whoever waits for the exec's outcome sees the end of it.
    let output = waits.join().unwrap().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&output.status), Some(libc::SIGKILL));
    assert!(output.stderr.is_empty());
}

/// Tickets come and go while it denies those that wait.
fn who_goes_on_does_not_hinder_it() {
    let agent = Cgroup::new("agent");
    let daemon = gated(&agent, &["--grace=60"]);
    let mut storm = Command::new(program("storm"));
    storm.args(["until", "0", "8"]).arg(program("show")).arg("WORD");
    storm.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut storm = child::inside(&agent, &mut storm).spawn().unwrap();
    daemon.record(&["show", "WORD"], "allowed");
    let _folder = daemon.kill();
    let (output, said) = unload(&[]);
    assert_eq!(output.status.code(), Some(0), "{said}");
    nothing_is_left();
    // Its input ends, and so does it.
    drop(storm.stdin.take());
    let output = storm.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.starts_with(b"WORD ran "), "{output:?}");
}
