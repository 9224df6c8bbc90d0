//! What the gate does not cover. Each probe shows one thing that docs/bypasses.md says so: a probe that fails means that
//! something got better, and that page is wrong.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use libtest_mimic::Trial;

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::child;
use expacti_tests::harness::observed::Observed;
use expacti_tests::harness::program::program;
use expacti_tests::harness::test;
use expacti_tests::harness::wait::until;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("probes::what_a_shell_does_itself_is_not_seen", what_a_shell_does_itself_is_not_seen),
        test(
            "probes::what_an_interpreter_does_itself_is_not_seen",
            what_an_interpreter_does_itself_is_not_seen,
        ),
        test(
            "probes::somebody_outside_who_is_asked_is_not_gated",
            somebody_outside_who_is_asked_is_not_gated,
        ),
        test("probes::what_others_run_later_is_not_gated", what_others_run_later_is_not_gated),
        test("probes::a_descriptor_from_outside_can_be_written", a_descriptor_from_outside_can_be_written),
        test("probes::modules_are_not_refused", modules_are_not_refused),
        test(
            "probes::what_is_refused_before_the_gate_is_not_seen",
            what_is_refused_before_the_gate_is_not_seen,
        ),
        test("probes::no_operation_of_io_uring_starts_programs", no_operation_of_io_uring_starts_programs),
    ]
}

fn what_a_shell_does_itself_is_not_seen() {
    let observed = Observed::new();
    let folder = observed.daemon.folder().display().to_string();
    let own = [
        format!("echo x > {folder}/written"),
        format!("cd {folder} && echo y >> written"),
        format!("exec 3< {folder}/written && read line <&3"),
        "kill -0 $$".to_owned(),
        "umask 077 && ulimit -n 64".to_owned(),
        format!("printf '%s' secret > {folder}/printed"),
        format!("while read line; do :; done < {folder}/written"),
        format!(": > {folder}/emptied"),
        format!("echo 'hidden=1' > {folder}/sourced && . {folder}/sourced && [ $hidden = 1 ]"),
    ];
    for script in &own {
        observed.shell(script);
    }
    // One record for each shell, and none for what it did.
    assert_eq!(observed.count("after the shells"), own.len());
    assert!(fs::read_to_string(format!("{folder}/written")).unwrap().contains('y'));
    // busybox runs its own applets without an exec.
    let applets = format!("cp {folder}/written {folder}/copied && rm {folder}/printed");
    assert!(observed.run(&["busybox", "sh", "-c", &applets]).status.success());
    assert!(
        fs::exists(format!("{folder}/copied")).unwrap() && !fs::exists(format!("{folder}/printed")).unwrap()
    );
    let own = own.len() + 2; // the shells, the mark and busybox itself
    assert_eq!(observed.count("after busybox"), own);
}

fn what_an_interpreter_does_itself_is_not_seen() {
    let observed = Observed::new();
    let folder = observed.daemon.folder().display().to_string();
    let file = |name: &str| format!("{folder}/{name}");
    let runs: [Vec<String>; 4] = [
        vec!["python3".into(), "-c".into(), format!("open('{}', 'w').write('x')", file("python"))],
        vec!["perl".into(), "-e".into(), format!("open(F, '>', '{}')", file("perl"))],
        vec!["awk".into(), format!("BEGIN {{ print \"x\" > \"{}\" }}", file("awk"))],
        vec!["node".into(), "-e".into(), format!("require('fs').writeFileSync('{}', 'x')", file("node"))],
    ];
    for run in &runs {
        let run: Vec<&str> = run.iter().map(String::as_str).collect();
        assert!(observed.run(&run).status.success(), "{run:?}");
        assert!(fs::exists(file(run[0].trim_end_matches('3'))).unwrap(), "{run:?}");
    }
    assert_eq!(observed.count("after the interpreters"), runs.len());
}

/// A server that was there before: systemd, docker, ssh, a terminal multiplexer, a build daemon.
fn somebody_outside_who_is_asked_is_not_gated() {
    let observed = Observed::new();
    let other = Cgroup::new("other");
    let queue = observed.daemon.file("queue");
    let done = observed.daemon.file("done");
    assert!(Command::new("mkfifo").arg(&queue).status().unwrap().success());
    let serve = format!("while read -r command; do eval \"$command\"; done < {}", queue.display());
    let mut server = child::start(&other, Command::new("sh").args(["-c", &serve])).unwrap();
    observed.shell(&format!("echo '/bin/touch {}' > {}", done.display(), queue.display()));
    until("the work of somebody else", || done.exists().then_some(()));
    child::wait(&mut server);
    assert_eq!(observed.count("after asking"), 1);
}

fn what_others_run_later_is_not_gated() {
    let observed = Observed::new();
    let other = Cgroup::new("other");
    let (profile, done) = (observed.daemon.file("profile"), observed.daemon.file("done"));
    observed.shell(&format!("echo '/bin/touch {}' >> {}", done.display(), profile.display()));
    let human = format!(". {}", profile.display());
    assert!(child::run(&other, Command::new("sh").args(["-c", &human])).unwrap().status.success());
    assert!(done.exists());
    assert_eq!(observed.count("after the human"), 1);
}

/// What was opened by somebody outside is not asked for again. Leaving by it does not help: the mark sticks.
fn a_descriptor_from_outside_can_be_written() {
    let observed = Observed::new();
    let other = Cgroup::new("other");
    let procs = fs::OpenOptions::new().write(true).open(other.path().join("cgroup.procs")).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", "read go; echo $$ >&1; exec cat /proc/self/cgroup >&2"]).stdin(Stdio::piped());
    let mut shell =
        child::inside(&observed.agent, shell.stdout(procs).stderr(Stdio::piped())).spawn().unwrap();
    shell.stdin.take().unwrap().write_all(b"\n").unwrap();
    let output = shell.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "0::/tests/other\n");
    let record = observed.record(&["cat", "/proc/self/cgroup"]);
    assert_eq!(record["request"]["agent"]["name"], "test");
}

/// Root on the host can do anything to the kernel, if its capabilities are not taken away.
fn modules_are_not_refused() {
    let observed = Observed::new();
    let attack = program("attack");
    let said = observed.run(&[attack.to_str().unwrap(), "module"]).stdout;
    assert_eq!(String::from_utf8_lossy(&said), format!("errno {}\n", libc::EBADF));
}

/// By the file's mode, by a mount, or by another security module: nothing ran, and nothing is recorded.
fn what_is_refused_before_the_gate_is_not_seen() {
    let observed = Observed::new();
    let folder = observed.daemon.folder().display().to_string();
    // Landlock: a set of rules that handles execution and allows it nowhere.
    let landlock = "import ctypes, os, struct
call = ctypes.CDLL(None, use_errno=True).syscall
rules = call(444, struct.pack('Q', 1), 8, 0)
assert rules >= 0, ctypes.get_errno()
assert call(157, 38, 1, 0, 0, 0) == 0 and call(446, rules, 0) == 0
try: os.execv('/bin/echo', ['echo', 'refused'])
except PermissionError as error: print(error.errno)";
    let output = observed.run(&["python3", "-c", landlock]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "13\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    observed
        .shell(&format!("cp /bin/echo {folder}/plain; chmod 644 {folder}/plain; ! {folder}/plain refused"));
    // python, the shell, cp and chmod.
    assert_eq!(observed.count("after the refusals"), 4);
}

/// The highest operation that somebody has looked at: none up to it starts a program.
fn no_operation_of_io_uring_starts_programs() {
    let output = Command::new(program("ring_operations")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let last: u32 = text.trim().parse().unwrap();
    assert!(last <= LOOKED_AT, "operation {last} is new: does it start programs?");
}

/// `IORING_OP_PIPE`, 6.16's and later kernels' last one.
const LOOKED_AT: u32 = 64;
