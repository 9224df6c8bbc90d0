//! What ran is what was approved, byte for byte, or nothing ran.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use libtest_mimic::Trial;

use super::times;

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::child;
use expacti_tests::harness::daemon::{Daemon, rule};
use expacti_tests::harness::program::program;
use expacti_tests::harness::test;
use expacti_tests::harness::wait::until;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("truth::a_thread_that_changes_argv_never_wins", || race("thread")),
        test("truth::a_process_that_shares_memory_never_wins", || race("sibling")),
        test("truth::argv_changed_by_a_sibling_while_held_is_asked_anew", || held_argv("thread")),
        test("truth::argv_changed_by_process_vm_writev_while_held_is_asked_anew", || held_argv("writev")),
        test("truth::argv_changed_by_ptrace_while_held_is_asked_anew", || held_argv("ptrace")),
        test("truth::argv_changed_by_proc_mem_while_held_is_asked_anew", || held_argv("mem")),
        test("truth::argv_changed_by_registers_while_held_is_asked_anew", || held_argv("registers")),
        test("truth::another_directory_while_held_is_asked_anew", held_directory),
        test("truth::in_another_root_the_file_is_not_there", in_another_root),
        test("truth::a_file_of_an_overlay_replaced_while_held_is_asked_anew", held_file_of_an_overlay),
        test("truth::a_file_replaced_while_held_is_asked_anew", held_file),
        test("truth::what_a_shell_reads_is_asked_about", what_a_shell_reads),
    ]
}

fn race(mode: &str) {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::ruled(&agent, &rule("deny", &["show", "BBBB"]), &[]);
    let asked = times(400);
    let mut command = Command::new(program("race"));
    command.args([mode, &asked.to_string()]).arg(program("show"));
    let output = child::run(&agent, &mut command).unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    let count = |name: &str| -> u32 {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|word| *word == name).unwrap_or_else(|| panic!("{line}"));
        words[at + 1].parse().unwrap()
    };
    assert_eq!(count("unasked"), 0, "{line}");
    assert_eq!(count("other"), 0, "{line}");
    assert_eq!(count("asked") + count("refused") + count("killed"), asked, "{line}");
    // The race was one: both words were tried, and what was allowed did run.
    assert!(count("asked") > 0 && count("refused") + count("killed") > 0, "{line}");
    // Each that was killed is an alarm of its attempt.
    let killed = count("killed") as usize;
    until("as many alarms as were killed", || (daemon.alarms() >= killed).then_some(()));
    until("an alarm for each one that was killed", || {
        let alarms = daemon.records().iter().filter(|record| record["alarms"].is_array()).count();
        (alarms == killed).then_some(())
    });
}

/// A child that is held, and somebody who changes what it wants to run. Gives what `meddle` said.
fn meddled(mode: &str, decide: impl FnOnce(&Daemon, &str), check: impl FnOnce(&Daemon, &[String])) {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::ruled(&agent, &rule("review", &["show", "AAAA"]), &[]);
    let mut command = Command::new(program("meddle"));
    command.arg(mode).arg(program("show")).current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut meddler = child::inside(&agent, &mut command).spawn().unwrap();
    let mut lines = BufReader::new(meddler.stdout.take().unwrap()).lines();
    let id = parked(&agent, &daemon);
    meddler.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let mut said = vec![lines.next().unwrap().unwrap()];
    decide(&daemon, &id);
    said.extend(lines.map_while(Result::ok));
    child::wait(&mut meddler);
    check(&daemon, &said);
}

/// The card of `show AAAA`, once its process is parked: before, its exec is tried anew by itself, and what was changed is
/// found without anybody's answer.
#[track_caller]
fn parked(agent: &Cgroup, daemon: &Daemon) -> String {
    let id = daemon.card("show AAAA");
    agent.until_parked(&daemon.record(&["show", "AAAA"], "pending")["pid"].to_string());
    id
}

fn approve(daemon: &Daemon, id: &str) {
    daemon.ask(&["approve", id]);
}

/// After the change it runs as what it has become, asked about by its own right and with a record of its own. What was
/// approved does not run.
fn held_argv(mode: &str) {
    meddled(mode, approve, |daemon, said| {
        assert_eq!(said, ["changed", "EVIL", "exit 0"]);
        daemon.record(&["show", "EVIL"], "allowed");
        assert_eq!(daemon.record(&["show", "AAAA"], "allowed")["started"], false);
    });
}

/// What was approved is looked up anew, in the root that it has by then.
fn in_another_root() {
    meddled("chroot", approve, |daemon, said| {
        assert_eq!(said, ["changed", "exit 101"]);
        assert_eq!(daemon.record(&["show", "AAAA"], "allowed")["started"], false);
    });
}

fn held_directory() {
    let elsewhere = |daemon: &Daemon, id: &str| {
        daemon.ask(&["approve", id]);
        // The same words elsewhere are another question.
        let number: u64 = id.parse().unwrap();
        let again = until("another card", || daemon.pending().into_iter().find(|card| card["id"] != number));
        daemon.ask(&["deny", &again["id"].to_string()]);
    };
    meddled("chdir", elsewhere, |_, said| assert_eq!(said, ["changed", "exit 100"]));
}

fn held_file() {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    fs::copy(program("show"), folder.path().join("show")).unwrap();
    replaced_while_held(&folder.path().join("show"));
}

/// The file that runs lies in the lower layer; writing to it makes another one, in the upper layer.
fn held_file_of_an_overlay() {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let layer = |name: &str| folder.path().join(name);
    for name in ["lower", "upper", "work", "merged"] {
        fs::create_dir(layer(name)).unwrap();
    }
    fs::copy(program("show"), layer("lower/show")).unwrap();
    let options =
        ["lower", "upper", "work"].map(|name| format!("{name}dir={}", layer(name).display())).join(",");
    let mount = ["-t", "overlay", "overlay", "-o", &options];
    assert!(Command::new("mount").args(mount).arg(layer("merged")).status().unwrap().success());
    replaced_while_held(&layer("merged/show"));
    assert!(Command::new("umount").args(["-l"]).arg(layer("merged")).status().unwrap().success());
}

fn replaced_while_held(copy: &std::path::Path) {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::ruled(&agent, &rule("review", &["show", "AAAA"]), &[]);
    let mut command = Command::new(copy);
    std::os::unix::process::CommandExt::arg0(command.arg("AAAA"), "show");
    let held = child::run_aside(&agent, command);
    let id = parked(&agent, &daemon);
    // Other bytes in the same inode, while nothing runs from it yet: parked, nobody keeps the file from being written.
    let mut bytes = fs::read(copy).unwrap();
    bytes.push(0);
    fs::write(copy, &bytes).unwrap();
    daemon.ask(&["approve", &id]);
    let number: u64 = id.parse().unwrap();
    let again = until("another card", || daemon.pending().into_iter().find(|card| card["id"] != number));
    daemon.ask(&["deny", &again["id"].to_string()]);
    assert_eq!(held.ending().unwrap_err().raw_os_error(), Some(libc::EPERM));
}

/// A rule that lets a shell run says nothing about a program that comes to it by a pipe.
fn what_a_shell_reads() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::ruled(&agent, &rule("allow", &["sh"]), &[]);
    let proof = daemon.file("proof");
    let mut alone = Command::new("sh");
    assert!(child::run(&agent, &mut alone).unwrap().status.success());
    daemon.record(&["sh"], "allowed");

    let (read, mut write) = std::io::pipe().unwrap();
    let mut command = Command::new("sh");
    command.stdin(read);
    let fed = child::run_aside_with_input(&agent, command);
    write.write_all(format!("echo > {}\n", proof.display()).as_bytes()).unwrap();
    drop(write);
    let id = daemon.card("sh");
    assert_eq!(daemon.record(&["sh"], "pending")["request"]["stdin"], "pipe");
    daemon.ask(&["deny", &id]);
    assert_eq!(fed.ending().unwrap_err().raw_os_error(), Some(libc::EPERM));
    assert!(!proof.exists());
}
