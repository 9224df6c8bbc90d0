//! New cgroups where agents are expected: the first exec in them is gated, whoever makes them.

mod podman;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::wait::until;
use expacti_tests::harness::{child, test};
use libtest_mimic::Trial;
use serde_json::{Value, json};

pub(crate) fn tests() -> Vec<Trial> {
    let mut tests = vec![
        test("containers::the_first_exec_in_a_new_cgroup_is_gated", the_first_exec_in_a_new_cgroup_is_gated),
        test("containers::one_that_is_made_anew_is_gated_anew", one_that_is_made_anew_is_gated_anew),
        test("containers::others_do_not_notice", others_do_not_notice),
        test("containers::without_a_daemon_the_fail_mode_decides", without_a_daemon_the_fail_mode_decides),
        test("containers::a_pods_daemon_keeps_no_next_one_out", a_pods_daemon_keeps_no_next_one_out),
    ];
    tests.extend(podman::tests());
    tests
}

/// A daemon that has time to say whose a cgroup is: guests are emulated.
#[track_caller]
fn patient(agents: &str) -> Daemon {
    Daemon::configured(&format!("[containers]\npatience = \"10s\"\n{agents}"))
}

/// A shell that makes a cgroup, goes there at once, and becomes a program: nothing is left between the making and the exec.
fn born_into(folder: &Path, command: &str) -> Output {
    let folder = folder.display();
    let script = format!("mkdir -p {folder} && echo $$ > {folder}/cgroup.procs && exec {command}");
    Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).output().unwrap()
}

#[track_caller]
fn assert_ran(output: &Output, printed: &str) {
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), printed);
}

fn the_first_exec_in_a_new_cgroup_is_gated() {
    let parent = Cgroup::new("jobs");
    let daemon = patient(
        "[[agent]]\nname = \"job-{cgroup}\"\ncgroup = \"/sys/fs/cgroup/tests/jobs/*\"\n\
         [[agent]]\nname = \"deep-{cgroup}\"\ncgroup = \"/sys/fs/cgroup/tests/deep/*/run-*\"\n",
    );
    assert_ran(&born_into(&parent.path().join("one"), "/bin/echo first"), "first\n");
    let first = daemon.record(&["/bin/echo", "first"], "allowed");
    assert_eq!(
        first["request"]["agent"],
        json!({ "name": "job-one", "cgroup": "/sys/fs/cgroup/tests/jobs/one" })
    );
    // Where nothing of the path was there before.
    let deep = Path::new("/sys/fs/cgroup/tests/deep");
    assert_ran(&born_into(&deep.join("a/run-1"), "/bin/echo deep"), "deep\n");
    assert_eq!(daemon.record(&["/bin/echo", "deep"], "allowed")["request"]["agent"]["name"], "deep-run-1");
    // Below an agent's cgroup there are no others.
    assert_ran(&born_into(&parent.path().join("one/inner"), "/bin/echo inner"), "inner\n");
    assert_eq!(daemon.record(&["/bin/echo", "inner"], "allowed")["request"]["agent"]["name"], "job-one");
    for folder in ["jobs/one/inner", "jobs/one", "deep/a/run-1", "deep/a", "deep"] {
        gone(&Path::new("/sys/fs/cgroup/tests").join(folder));
    }
    until("agents that are gone with their cgroups", || {
        daemon.ask(&["agents"]).starts_with("no agent is gated").then_some(())
    });
}

/// Removes a cgroup that becomes empty about now.
#[track_caller]
fn gone(folder: &Path) {
    until(&format!("an empty {}", folder.display()), || fs::remove_dir(folder).ok());
}

/// As systemd does when it restarts a unit.
fn one_that_is_made_anew_is_gated_anew() {
    // As systemd would, which may not be there.
    let folder = Path::new("/sys/fs/cgroup/system.slice/ci.service");
    let mut daemon = patient("[[agent]]\nname = \"ci\"\nunit = \"ci.service\"\n");
    for round in ["1", "2", "3"] {
        assert_ran(&born_into(folder, &format!("/bin/echo {round}")), &format!("{round}\n"));
        let record = daemon.record(&["/bin/echo", round], "allowed");
        assert_eq!(record["request"]["agent"]["name"], "ci");
        assert_eq!(record["request"]["agent"]["late"], Value::Null, "nothing ran before");
        gone(folder);
    }
    // Held for a human from its first exec on.
    daemon.says("agent ci: /sys/fs/cgroup/system.slice/ci.service is gated");
    let command = super::RISKY.join(" ");
    let shown = folder.display();
    let script = format!("mkdir {shown} && echo $$ > {shown}/cgroup.procs && exec /usr/bin/{command}");
    let mut held = Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).spawn().unwrap();
    let ticket = daemon.card(&format!("/usr/bin/{command}"));
    daemon.ask(&["deny", &ticket]);
    assert_eq!(child::wait(&mut held).code(), Some(126));
    // A daemon that is killed before it has removed its own folder leaves it to the next one.
    gone(folder);
}

fn others_do_not_notice() {
    let jobs = Cgroup::new("jobs");
    let other = Cgroup::new("other");
    let daemon = patient("[[agent]]\nname = \"job-{cgroup}\"\ncgroup = \"/sys/fs/cgroup/tests/jobs/ci-*\"\n");
    assert_ran(&born_into(&jobs.path().join("web"), "/bin/echo web"), "web\n");
    assert_ran(&born_into(&jobs.path().join("ci-1/deeper"), "/bin/echo ci"), "ci\n");
    assert_ran(&born_into(&other.path().join("ci-2"), "/bin/echo other"), "other\n");
    daemon.record(&["/bin/echo", "ci"], "allowed");
    assert_eq!(daemon.records().len(), 1, "{:?}", daemon.records());
    // A dead daemon is nothing to them either.
    let folder = daemon.kill();
    assert_ran(&born_into(&jobs.path().join("web-2"), "/bin/echo web"), "web\n");
    assert_ran(&born_into(&other.path().join("ci-3"), "/bin/echo other"), "other\n");
    drop(folder);
}

fn without_a_daemon_the_fail_mode_decides() {
    let closed = Cgroup::new("closed");
    let open = Cgroup::new("open");
    let configuration = "grace = \"2s\"\n\
         [[agent]]\nname = \"closed-{cgroup}\"\ncgroup = \"/sys/fs/cgroup/tests/closed/*\"\n\
         [[agent]]\nname = \"open-{cgroup}\"\ncgroup = \"/sys/fs/cgroup/tests/open/*\"\nfail_mode = \"open\"\n";
    let folder = Daemon::configured(configuration).kill();
    let refused = born_into(&closed.path().join("1"), "/bin/echo closed");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Operation not permitted"), "{refused:?}");
    let script = format!(
        "mkdir {0} && echo $$ > {0}/cgroup.procs && /bin/echo open && exec sleep 1000",
        open.path().join("1").display()
    );
    let mut open_shell =
        Command::new("sh").args(["-c", &script]).stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
    let mut line = [0; 5];
    std::io::Read::read_exact(open_shell.stdout.as_mut().unwrap(), &mut line).unwrap();
    assert_eq!(&line, b"open\n");

    let next = Daemon::configured_in(folder);
    let denied = next.record(&["/bin/echo", "closed"], "denied");
    assert_eq!(denied["verdict"]["because"], "it was not known in time whether the new cgroup is an agent's");
    let ran = next.record(&["/bin/echo", "open"], "allowed");
    assert_eq!(ran["verdict"]["decider"]["by"], "fail-mode");
    let agent = until("the agent of the open cgroup", || {
        let agents = next.ask(&["agents", "--json"]);
        agents
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .find(|agent| agent["name"] == "open-1")
    });
    assert_eq!(agent["late"], true, "it ran before it was told whose it is");
    open_shell.kill().unwrap();
    child::wait(&mut open_shell);
}

/// What would refuse every new container while no daemon runs would refuse the daemon's own next pod.
fn a_pods_daemon_keeps_no_next_one_out() {
    let slice = Path::new("/sys/fs/cgroup/kubepods.slice");
    let pod = slice.join("kubepods-burstable.slice/kubepods-burstable-pod1.slice");
    let container = pod.join(format!("cri-containerd-{}.scope", "ab".repeat(32)));
    let configuration = |fail_mode: &str| {
        format!(
            "[[agent]]\nname = \"all-{{container}}\"\nselect = {{ image = \"*\" }}\nfail_mode = \"{fail_mode}\"\n"
        )
    };
    fs::create_dir_all(&container).unwrap();
    let daemon = Daemon::configured(&configuration("open"));
    let file = daemon.file("expacti.toml");
    // As a service of the host it may be closed.
    fs::write(&file, configuration("closed")).unwrap();
    daemon.ask(&["reload"]);
    fs::write(container.join("cgroup.procs"), daemon.pid().to_string()).unwrap();
    let (code, said) = super::expacti(&["reload"]);
    assert_eq!((code, said.contains("refuse the next pod of this daemon")), (1, true), "{said}");
    fs::write(&file, configuration("open")).unwrap();
    daemon.ask(&["reload"]);
    // It is in a container that its own selector means, and gates itself not.
    assert!(daemon.ask(&["agents"]).starts_with("no agent is gated"));
    let folder = daemon.kill();

    fs::write(folder.path().join("expacti.toml"), configuration("closed")).unwrap();
    let home = folder.path().display();
    let command = format!("expacti daemon --home {home} --config {home}/expacti.toml");
    let refused = born_into(&container, &command);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(said.contains("refuse the next pod of this daemon"), "{said}");
    for folder in [&container, &pod, pod.parent().unwrap(), slice] {
        gone(folder);
    }
}
