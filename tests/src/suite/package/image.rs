//! The container image, loaded and run with the rights that the DaemonSet gives.

use std::fs;
use std::process::{Command, Stdio};

use expacti_tests::harness::child;
use expacti_tests::harness::wait::until;
use serde_json::Value;

use super::{ran, risky_in, said, sleeping};

/// The capabilities and mounts of `deploy/kubernetes/daemonset.yaml`, given by podman: with a read-only root, the process
/// numbers of the host, and a cgroup namespace of the container's own.
pub(super) fn gates_with_what_the_daemonset_gives() {
    const NODE: &str = "expacti-node";
    for folder in ["/var/lib/expacti-node", "/run/expacti-node"] {
        fs::create_dir_all(folder).unwrap();
    }
    let loaded = ran("podman", &["load", "--quiet", "--input", "/opt/expacti/expacti.oci.tar.gz"]);
    let image = loaded.trim().rsplit(' ').next().unwrap().to_owned();
    let manifest = fs::read_to_string("/opt/expacti/daemonset.yaml").unwrap();
    let added = manifest.split_once("add:").unwrap().1.split_once("volumeMounts").unwrap().0;
    let capabilities: Vec<&str> = added.lines().filter_map(|line| line.trim().strip_prefix("- ")).collect();
    assert!(capabilities.len() > 3, "{added}");
    let capabilities = format!("--cap-add={}", capabilities.join(","));
    #[rustfmt::skip]
    ran("podman", &[
        "run", "--detach", "--name", NODE, "--pid=host", "--cgroupns=private", "--network=none", "--read-only",
        "--security-opt=no-new-privileges", "--cap-drop=all", &capabilities,
        "--volume=/sys/fs/bpf:/sys/fs/bpf", "--volume=/sys/fs/cgroup:/sys/fs/cgroup",
        "--volume=/sys/kernel/security:/sys/kernel/security:ro",
        "--volume=/var/lib/expacti-node:/var/lib/expacti", "--volume=/run/expacti-node:/run/expacti", &image,
    ]);
    let inside = |arguments: &[&str]| {
        let mut podman = Command::new("podman");
        podman.args(["exec", NODE, "/usr/bin/expacti"]).args(arguments).stdin(Stdio::null()).output().unwrap()
    };
    let answers = || inside(&["agents"]).status.success().then_some(());
    let answered = std::panic::catch_unwind(|| until("an answer of the daemon in the container", answers));
    assert!(answered.is_ok(), "it does not answer:\n{}", ran("sh", &["-c", "podman logs expacti-node 2>&1"]));
    let unit = "in-the-pod.service";
    sleeping(unit);
    let enrolled = inside(&["enroll", "pod", "--cgroup", "/sys/fs/cgroup/system.slice/in-the-pod.service"]);
    assert!(enrolled.status.success(), "{}", said(&enrolled));
    let mut child = risky_in(unit);
    let ticket = until("a held command", || {
        let listed = inside(&["pending", "--json"]);
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        text.lines().find_map(|line| serde_json::from_str::<Value>(line).ok()?["id"].as_u64())
    });
    let approved = inside(&["approve", &ticket.to_string()]);
    assert!(approved.status.success(), "{}", said(&approved));
    assert_eq!(child::wait(&mut child).code(), Some(128), "git ran, and found no repository");
    ran("podman", &["rm", "--force", "--time", "5", NODE]);
}
