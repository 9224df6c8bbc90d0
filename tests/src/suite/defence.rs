//! Self-defence: what a member tries against the gate fails with EPERM and leaves a record; others may.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::program::program;
use expacti_tests::harness::wait::until;
use expacti_tests::harness::{Outcome, child, skippable, test};

const PINS: &str = "/sys/fs/bpf/expacti";
const FTRACE: &str = "/proc/sys/kernel/ftrace_enabled";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("defence::the_daemon_gets_no_signals", the_daemon_gets_no_signals),
        test("defence::a_file_cannot_signal_the_daemon", a_file_cannot_signal_the_daemon),
        test("defence::the_daemon_is_not_traced", the_daemon_is_not_traced),
        test("defence::asking_by_the_way_is_no_offence", asking_by_the_way_is_no_offence),
        test("defence::the_daemon_keeps_its_share", the_daemon_keeps_its_share),
        test("defence::members_have_no_bpf", members_have_no_bpf),
        test("defence::cgroups_are_not_written", cgroups_are_not_written),
        skippable("defence::old_cgroups_are_not_written", old_cgroups_are_not_written),
        test("defence::kernel_switches_are_not_written", kernel_switches_are_not_written),
        test("defence::pins_stay", pins_stay),
        test("defence::pins_outlive_what_is_mounted_around_them", pins_outlive_what_is_mounted_around_them),
        test("defence::threads_from_before_are_members_too", threads_from_before_are_members_too),
        test("defence::the_same_offence_does_not_flood", the_same_offence_does_not_flood),
        test("defence::others_may", others_may),
        test("defence::a_gate_that_is_switched_off_is_noticed", a_gate_that_is_switched_off_is_noticed),
        test("defence::a_stopped_agent_stays_stopped", a_stopped_agent_stays_stopped),
    ]
}

/// A daemon with one agent that may run everything, so that only self-defence can refuse.
struct Attacked {
    agent: Cgroup,
    daemon: Daemon,
}

impl Attacked {
    #[track_caller]
    fn new(options: &[&str]) -> Self {
        let agent = Cgroup::new("agent");
        let option = format!("--agent=test={}", agent.path().display());
        let mut daemon = Daemon::start(&[&[option.as_str(), "--observe"], options].concat());
        daemon.says("ready");
        Self { agent, daemon }
    }

    /// Makes the call from inside the agent: it must fail with EPERM, and the record must say `tried`.
    #[track_caller]
    fn refuses(&self, call: &[&str], tried: &str) {
        assert_eq!(attack(&self.agent, call), format!("errno {}\n", libc::EPERM), "{call:?}");
        let record = self.record(call, |record| !alarms(record).is_empty());
        let said = alarms(&record);
        assert!(said.iter().any(|alarm| alarm.contains(tried)), "{call:?}: {said:?}");
        assert!(said.iter().all(|alarm| alarm.contains("agent test: process ")), "{said:?}");
    }

    /// The record of an attack, once it is as wanted.
    #[track_caller]
    fn record(&self, call: &[&str], wanted: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        until(&format!("a record of {call:?}"), || {
            let text = self.daemon.ask(&["log", "--json"]);
            let mut records = text.lines().map(|line| serde_json::from_str(line).unwrap());
            records.find(|record: &serde_json::Value| {
                let argv = record["request"]["argv"].as_array().unwrap();
                argv.len() == call.len() + 1 && argv[1..].iter().eq(call) && wanted(record)
            })
        })
    }

    fn pid(&self) -> String {
        self.daemon.pid().to_string()
    }
}

#[track_caller]
fn attack(from: &Cgroup, call: &[&str]) -> String {
    let output = child::run(from, Command::new(program("attack")).args(call)).unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn alarms(record: &serde_json::Value) -> Vec<String> {
    let alarms = record["alarms"].as_array();
    alarms.into_iter().flatten().map(|alarm| alarm.as_str().unwrap().to_owned()).collect()
}

/// Entries of the log that belong to no attempt.
fn loose_alarms(daemon: &Daemon) -> Vec<String> {
    let question = "select body from entries where kind = 'alarm' and sequence is null order by id";
    let output = Command::new("sqlite3").arg(daemon.file("log.db")).arg(question).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn the_daemon_gets_no_signals() {
    let attacked = Attacked::new(&[]);
    let pid = attacked.pid();
    for call in ["kill", "tgkill", "pidfd_send_signal"] {
        attacked.refuses(&[call, &pid, "9"], "signal the daemon or its canary (signal 9)");
    }
    attacked.refuses(&["kill", &pid, "19"], "(signal 19)");
    // Only whether it is there.
    assert_eq!(attack(&attacked.agent, &["kill", &pid, "0"]), "errno 0\n");
}

fn a_file_cannot_signal_the_daemon() {
    let attacked = Attacked::new(&[]);
    assert_eq!(attack(&attacked.agent, &["sigio", &attacked.pid(), "9"]), "errno 0\n");
    // It would have died of it before it could answer this.
    attacked.record(&["sigio", &attacked.pid(), "9"], |_| true);
    attacked.refuses(&["kill", &attacked.pid(), "10"], "(signal 10)");
}

fn the_daemon_is_not_traced() {
    let attacked = Attacked::new(&[]);
    let pid = attacked.pid();
    for call in ["seize", "attach", "pidfd_getfd", "writev"] {
        attacked.refuses(&[call, &pid], "trace the daemon");
    }
    let of = |file: &str| format!("/proc/{pid}/{file}");
    // In the words of procfs.
    let refused = format!("errno {}\n", libc::EACCES);
    let memory = ["read", &of("mem")];
    assert_eq!(attack(&attacked.agent, &memory), refused);
    let record = attacked.record(&memory, |record| !alarms(record).is_empty());
    assert!(alarms(&record)[0].contains("trace the daemon"), "{record}");
    // Who only looks is refused without a record, because `ps` looks at every process.
    for file in ["exe", "fd/0", "root"] {
        assert_eq!(attack(&attacked.agent, &["readlink", &of(file)]), refused, "{file}");
    }
    // From 6.14 on the kernel does not ask when CAP_PERFMON only reads: not covered there.
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let asked = release.starts_with("6.1.") || release.starts_with("6.12.");
    for file in ["environ", "maps"] {
        let said = attack(&attacked.agent, &["read", &of(file)]);
        assert_eq!(said, if asked { &*refused } else { "errno 0\n" }, "{file} on {release}");
    }
}

fn asking_by_the_way_is_no_offence() {
    let attacked = Attacked::new(&[]);
    let output = child::run(&attacked.agent, Command::new("ps").args(["-e", "-o", "pid=,comm="])).unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains(&attacked.pid()));
    let record = until("the record of ps", || {
        let text = attacked.daemon.ask(&["log", "--json", "--exe", "ps"]);
        text.lines().next().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
    });
    assert_eq!(alarms(&record), Vec::<String>::new());
}

fn the_daemon_keeps_its_share() {
    let attacked = Attacked::new(&[]);
    let pid = attacked.pid();
    attacked.refuses(&["prlimit", &pid], "limit the daemon's resources");
    attacked.refuses(&["affinity", &pid], "priority or processors");
    attacked.refuses(&["nice", &pid], "priority or processors");
    let of = |file: &str| format!("/proc/{pid}/{file}");
    for file in ["oom_score_adj", &format!("task/{pid}/oom_score_adj"), "comm"] {
        attacked.refuses(&["write", &of(file)], "open a file of the daemon in /proc");
    }
    // Its own it may write.
    let own = "echo 5 > /proc/self/oom_score_adj && cat /proc/self/oom_score_adj";
    let output = child::run(&attacked.agent, Command::new("sh").args(["-c", own])).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "5\n");
}

fn members_have_no_bpf() {
    let attacked = Attacked::new(&[]);
    // MAP_CREATE, OBJ_GET, MAP_GET_FD_BY_ID, LINK_DETACH
    for command in ["0", "7", "14", "34"] {
        attacked.refuses(&["bpf", command], &format!("use bpf() (command {command})"));
    }
    let map = format!("{}/CONTROL", layout().display());
    let output = child::run(&attacked.agent, Command::new("bpftool").args(["map", "dump", "pinned", &map]));
    assert!(!output.unwrap().status.success());
}

fn cgroups_are_not_written() {
    let attacked = Attacked::new(&[]);
    let own = attacked.agent.path().to_owned();
    let inner = attacked.agent.child("inner");
    for file in ["cgroup.procs", "cgroup.freeze", "cgroup.kill", "cgroup.subtree_control"] {
        for folder in [Path::new("/sys/fs/cgroup/tests"), &own, inner.path()] {
            let path = folder.join(file);
            attacked.refuses(&["write", path.to_str().unwrap()], "open a cgroup file for writing");
        }
    }
    assert_eq!(attack(&attacked.agent, &["read", own.join("cgroup.procs").to_str().unwrap()]), "errno 0\n");
    // Through a mount of its own too.
    let script = "unshare --mount --cgroup sh -c 'mount -t cgroup2 none /mnt && echo 0 > /mnt/cgroup.procs'";
    let output = child::run(&attacked.agent, Command::new("sh").args(["-c", script])).unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("Operation not permitted"), "{said}");
}

/// The kernel starts what the first version's `release_agent` names.
fn old_cgroups_are_not_written() -> Outcome {
    let folder = "/run/old-cgroups";
    fs::create_dir_all(folder).unwrap();
    let mount = Command::new("mount").args(["-t", "cgroup", "-o", "none,name=old", "none", folder]).output();
    if !mount.unwrap().status.success() {
        return Outcome::Skipped { missing: "cgroups of the first version".to_owned() };
    }
    let attacked = Attacked::new(&[]);
    attacked.refuses(&["write", &format!("{folder}/release_agent")], "open a cgroup file for writing");
    assert!(Command::new("umount").arg(folder).status().unwrap().success());
    Outcome::Held
}

fn kernel_switches_are_not_written() {
    let attacked = Attacked::new(&[]);
    let of = |name: &str| format!("/proc/sys/kernel/{name}");
    for name in ["ftrace_enabled", "core_pattern", "modprobe"] {
        attacked.refuses(&["write", &of(name)], "switches the gate off");
    }
    attacked.refuses(&["write", "/proc/self/root/proc/sys/kernel/ftrace_enabled"], "switches the gate off");
    if Path::new("/sys/kernel/uevent_helper").exists() {
        attacked.refuses(&["write", "/sys/kernel/uevent_helper"], "switches the gate off");
    }
    // A procfs of its own has the same switches.
    let script = "unshare --mount sh -c 'mount -t proc none /mnt && echo 0 > /mnt/sys/kernel/ftrace_enabled'";
    let output = child::run(&attacked.agent, Command::new("sh").args(["-c", script])).unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("Operation not permitted"), "{said}");
    assert_eq!(fs::read_to_string(FTRACE).unwrap().trim(), "1");
    // Others are its own business, and a file elsewhere may have any name.
    assert_eq!(attack(&attacked.agent, &["write", "/proc/sys/vm/swappiness"]), "errno 0\n");
    let folder = attacked.daemon.file("kernel");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("ftrace_enabled");
    fs::write(&file, "").unwrap();
    assert_eq!(attack(&attacked.agent, &["write", file.to_str().unwrap()]), "errno 0\n");
}

/// The folder that the running daemon pins in: there is one, unless an earlier layout was left.
fn layout() -> PathBuf {
    let mut folders: Vec<PathBuf> = fs::read_dir(PINS).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.pop().unwrap()
}

fn pins_stay() {
    let attacked = Attacked::new(&[]);
    let layout = layout();
    let mut pins: Vec<PathBuf> = fs::read_dir(&layout).unwrap().map(|entry| entry.unwrap().path()).collect();
    let links = pins.iter().find(|path| path.is_dir()).unwrap().clone();
    pins.retain(|path| path.is_file());
    pins.push(links.join("check"));
    for pin in [&layout.join("CONTROL"), &links.join("check")] {
        let pin = pin.to_str().unwrap();
        attacked.refuses(&["unlink", pin], "remove or rename what is pinned");
        attacked.refuses(&["rename", pin, "/sys/fs/bpf/elsewhere"], "remove or rename what is pinned");
    }
    attacked.refuses(&["umount", "/sys/fs/bpf"], "unmount a BPF file system");
    assert!(pins.iter().all(|pin| pin.exists()));
}

/// `umount --lazy /sys` would take the BPF file system below with it, and with that the programs.
fn pins_outlive_what_is_mounted_around_them() {
    let attacked = Attacked::new(&[]);
    let script = "set -e
        mkdir -p /mnt/around && mount -t tmpfs none /mnt/around && mount --make-private /mnt/around
        mkdir /mnt/around/bpf && mount --move /sys/fs/bpf /mnt/around/bpf";
    let done = Command::new("sh").args(["-c", script]).status().unwrap();
    assert!(done.success());
    let call = ["umount", "/mnt/around"];
    let said = attack(&attacked.agent, &call);
    let restored = Command::new("mount").args(["-t", "bpf", "none", "/sys/fs/bpf"]).status().unwrap();
    assert!(restored.success());
    assert_eq!(said, "errno 0\n");
    // It still gates: everything is logged, and self-defence refuses.
    attacked.record(&call, |_| true);
    attacked.refuses(&["bpf", "0"], "use bpf()");
}

/// A process may have threads when it is enrolled; each of them is a task of its own.
fn threads_from_before_are_members_too() {
    let agent = Cgroup::new("agent");
    let script = "import threading, os, sys
go = threading.Event()
said = []
def attack():
    go.wait()
    try: os.kill(int(sys.argv[1]), 10)
    except OSError as error: said.append(error.errno)
thread = threading.Thread(target=attack)
thread.start()
print('born', flush=True)
sys.stdin.readline()
go.set()
thread.join()
print(said, flush=True)";
    // The victim must be known before the daemon is there: it tells of its own parent.
    let folder = tempfile::Builder::new().prefix("threads-").tempdir_in("/var/tmp").unwrap();
    let pid = folder.path().join("pid");
    let script = script.replace("int(sys.argv[1])", "int(open(sys.argv[1]).read())");
    let mut command = Command::new("python3");
    command.arg("-c").arg(&script).arg(&pid);
    child::inside(&agent, &mut command);
    let mut python =
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(python.stdout.take().unwrap()));
    assert_eq!(lines.next().unwrap().unwrap(), "born");
    let option = format!("--agent=test={}", agent.path().display());
    let mut daemon = Daemon::start(&[&option, "--observe"]);
    daemon.says("ready");
    fs::write(&pid, daemon.pid().to_string()).unwrap();
    std::io::Write::write_all(&mut python.stdin.take().unwrap(), b"\n").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "[1]");
    child::wait(&mut python);
}

fn the_same_offence_does_not_flood() {
    let attacked = Attacked::new(&[]);
    let script = "import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for _ in range(20000): libc.syscall(321, 0, None, 0)
print(ctypes.get_errno())";
    let call = ["-c", script];
    let output = child::run(&attacked.agent, Command::new("python3").args(call)).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n");
    let record = attacked.record(&call, |record| !alarms(record).is_empty());
    assert!(alarms(&record).len() < 2000, "{} alarms", alarms(&record).len());
}

fn others_may() {
    let attacked = Attacked::new(&[]);
    let other = Cgroup::new("other");
    // Nobody else is guarded from members, and nobody else is held back. The victims show that these calls do kill.
    for call in ["kill", "pidfd_send_signal", "sigio"] {
        let mut victim = Command::new("sleep").arg("100").spawn().unwrap();
        let pid = victim.id().to_string();
        assert_eq!(attack(&attacked.agent, &["nice", &pid]), "errno 0\n");
        assert_eq!(attack(&attacked.agent, &[call, &pid, "9"]), "errno 0\n");
        assert_eq!(child::wait(&mut victim).signal(), Some(libc::SIGKILL), "{call}");
    }
    let daemon = attacked.pid();
    assert_eq!(attack(&other, &["seize", &daemon]), "errno 0\n");
    assert_eq!(attack(&other, &["affinity", &daemon]), "errno 0\n");
    assert_eq!(attack(&other, &["bpf", "0"]), format!("errno {}\n", libc::EINVAL));
    assert_eq!(attack(&other, &["write", "/sys/fs/cgroup/tests/cgroup.procs"]), "errno 0\n");
    assert_eq!(attack(&other, &["write", FTRACE]), "errno 0\n");
    let pin = layout().join("left-alone");
    fs::create_dir(&pin).unwrap();
    let renamed = layout().join("left-alone-too");
    assert_eq!(attack(&other, &["rename", pin.to_str().unwrap(), renamed.to_str().unwrap()]), "errno 0\n");
    fs::remove_dir(renamed).unwrap();
}

/// Turns the switch back on, whatever happens in between: later tests need the gate.
pub(super) struct SwitchedOff;

impl SwitchedOff {
    pub(super) fn new() -> Self {
        fs::write(FTRACE, "0").unwrap();
        Self
    }
}

impl Drop for SwitchedOff {
    fn drop(&mut self) {
        let _ = fs::write(FTRACE, "1");
    }
}

fn is_frozen(agent: &Cgroup) -> bool {
    fs::read_to_string(agent.path().join("cgroup.events")).is_ok_and(|text| text.contains("frozen 1"))
}

fn a_gate_that_is_switched_off_is_noticed() {
    let mut attacked = Attacked::new(&["--canary=1"]);
    let mut sleeper = child::start(&attacked.agent, Command::new("sleep").arg("1000")).unwrap();
    let off = SwitchedOff::new();
    attacked.daemon.says("ALARM: the gate does not fire: the canary's command ran");
    until("a frozen agent", || is_frozen(&attacked.agent).then_some(()));
    drop(off);
    attacked.daemon.says("ALARM: the gate fires again");
    until("a thawed agent", || (!is_frozen(&attacked.agent)).then_some(()));
    attacked.refuses(&["bpf", "0"], "use bpf()");
    let entries = until("both alarms in the log", || {
        let entries = loose_alarms(&attacked.daemon);
        (entries.len() == 2).then_some(entries)
    });
    assert!(entries[0].contains("gate-off") && entries[1].contains("gate-on"), "{entries:?}");
    sleeper.kill().unwrap();
    child::wait(&mut sleeper);
}

/// The canary thaws only what it froze itself.
fn a_stopped_agent_stays_stopped() {
    let mut attacked = Attacked::new(&["--canary=1"]);
    let mut sleeper = child::start(&attacked.agent, Command::new("sleep").arg("1000")).unwrap();
    attacked.daemon.ask(&["stop", "test"]);
    until("a frozen agent", || is_frozen(&attacked.agent).then_some(()));
    let off = SwitchedOff::new();
    attacked.daemon.says("ALARM: the gate does not fire");
    drop(off);
    attacked.daemon.says("ALARM: the gate fires again");
    assert!(is_frozen(&attacked.agent));
    attacked.daemon.ask(&["resume", "test"]);
    until("a thawed agent", || (!is_frozen(&attacked.agent)).then_some(()));
    sleeper.kill().unwrap();
    child::wait(&mut sleeper);
}
