//! Memory and files that let whoever reads them wait for ever: that is the agent's own trouble, and nobody else's.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::child;
use expacti_tests::harness::daemon::{Daemon, rule};
use expacti_tests::harness::program::program;
use expacti_tests::harness::test;
use expacti_tests::harness::wait::until;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("stalls::a_page_that_never_comes_is_waited_for_by_nobody", a_page_that_never_comes),
        test("stalls::a_script_that_never_comes_is_waited_for_by_nobody", a_script_that_never_comes),
        test(
            "stalls::a_standard_error_that_takes_nothing_is_waited_for_by_nobody",
            a_standard_error_that_takes_nothing,
        ),
        test("stalls::a_file_that_its_server_makes_up_is_not_vouched_for", a_file_that_its_server_makes_up),
    ]
}

/// The argv is read by the kernel, and then its page is gone: the daemon, which has to read it too, could wait for ever.
/// These kernels give it an error at once.
fn a_page_that_never_comes() {
    let agent = Cgroup::new("agent");
    let rules = [rule("allow", &["stall", "..."]), rule("allow", &["/bin/true"])].concat();
    let daemon = Daemon::ruled(&agent, &rules, &[]);
    let mut command = Command::new(program("stall"));
    command.arg0("stall").arg(program("show")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut staller = child::inside(&agent, &mut command).spawn().unwrap();
    let mut lines = BufReader::new(staller.stdout.take().unwrap()).lines().map_while(Result::ok);

    // A verdict can come while its process is being parked, and a daemon that stands still frees nobody.
    until("a program that runs, and is parked no more", || {
        let started = daemon.records().iter().any(|record| record["started"] == true);
        (started && !agent.parking().exists()).then_some(())
    });
    let pid = Pid::from_raw(daemon.pid().cast_signed()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    let mut tell = staller.stdin.take().unwrap();
    tell.write_all(b"exec\n").unwrap();
    assert_eq!(lines.next().as_deref(), Some("round"), "the exec waits for the daemon");
    tell.write_all(b"stall\n").unwrap();
    assert!(lines.any(|line| line == "gone"));
    kill_process(pid, Signal::CONT).unwrap();

    let card = is_held_and_nobody_else(&agent, &daemon, "the argument vector: Input/output error");
    // What nobody read is not harmless, and no rule can be made of it.
    assert_eq!((&card["level"], &card["always_offered"]), (&json!("HIGH"), &json!(false)), "{card}");
    staller.kill().unwrap();
    child::wait(&mut staller);
    until("no card any more", || daemon.pending().is_empty().then_some(()));
}

fn a_script_that_never_comes() {
    let agent = Cgroup::new("agent");
    let rules = [rule("allow", &["bash", "..."]), rule("allow", &["/bin/true"])].concat();
    let daemon = Daemon::ruled(&agent, &rules, &[]);
    let served = Served::new("-", Path::new("/bin/true"));
    let mut command = Command::new("bash");
    command.arg(served.file());
    let held = child::run_aside(&agent, command);
    let card = is_held_and_nobody_else(&agent, &daemon, "a closer look: its files did not answer in time");
    daemon.ask(&["deny", &card["id"].to_string()]);
    assert_eq!(held.ending().unwrap_err().raw_os_error(), Some(libc::EPERM));
}

/// What is denied is told why, and here it never takes the line. Then it is denied without, and others are told.
fn a_standard_error_that_takes_nothing() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::ruled(&agent, &rule("deny", &["show", "..."]), &[]);
    let served = Served::new("-", Path::new("/bin/true"));
    let denied = |stderr: Stdio| {
        let mut command = Command::new(program("show"));
        command.arg0("show").stdin(Stdio::null()).stderr(stderr);
        child::inside(&agent, &mut command).spawn().unwrap_err().raw_os_error()
    };
    for _ in 0..3 {
        let deaf = fs::OpenOptions::new().write(true).open(served.file()).unwrap();
        assert_eq!(denied(deaf.into()), Some(libc::EPERM));
    }
    let (mut told, stderr) = std::io::pipe().unwrap();
    assert_eq!(denied(stderr.into()), Some(libc::EPERM));
    let mut line = String::new();
    told.read_to_string(&mut line).unwrap();
    assert!(line.starts_with("expacti: denied"), "{line}");
    // The other way round the daemon would not end: the kernel lets nobody go whose request a server has in its hands.
    drop(served);
    drop(daemon);
}

/// Waits for the card of what could not be looked at. Meanwhile others are decided about.
fn is_held_and_nobody_else(agent: &Cgroup, daemon: &Daemon, why: &str) -> Value {
    let others = |daemon: &Daemon| {
        assert!(child::run(agent, &mut Command::new("/bin/true")).unwrap().status.success());
        daemon.pending()
    };
    let card = until("a card of what could not be read", || others(daemon).into_iter().next());
    let record = daemon.records().into_iter().find(|record| record["state"] == "pending").unwrap();
    assert!(record["request"]["missing"].to_string().contains(why), "{record}");
    card
}

/// A rule allows the program, and whoever reads the file finds that very program; the kernel gets another one.
fn a_file_that_its_server_makes_up() {
    let agent = Cgroup::new("agent");
    let daemon = Daemon::ruled(&agent, &rule("allow", &["show", "A"]), &[]);
    let honest = daemon.file("show");
    fs::copy(program("show"), &honest).unwrap();
    let run = |file: &Path| {
        let mut command = Command::new(file);
        command.arg0("show").arg("A");
        child::run_aside(&agent, command)
    };
    assert_eq!(run(&honest).ending().unwrap().stdout, b"A\n");

    let served = Served::new(honest.to_str().unwrap(), Path::new("/bin/echo"));
    let held = run(&served.file());
    let id = daemon.card("show A");
    let exe = &daemon.record(&["show", "A"], "pending")["request"]["exe"];
    assert_eq!((&exe["unstable"], &exe["sha256"]), (&Value::Bool(true), &Value::Null), "{exe}");
    daemon.ask(&["deny", &id]);
    assert_eq!(held.ending().unwrap_err().raw_os_error(), Some(libc::EPERM));
}

/// A file system of our own with one file in it.
struct Served {
    server: Child,
    folder: tempfile::TempDir,
}

impl Served {
    /// The daemon is shown one file, and everybody else runs the other.
    fn new(shown: &str, run: &Path) -> Self {
        assert!(Command::new("modprobe").arg("fuse").status().unwrap().success());
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let mut server = Command::new(program("fuse"))
            .args([folder.path(), Path::new(shown), run])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "mounted\n");
        Self { server, folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("prog")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Its end aborts what still waits for it.
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}
