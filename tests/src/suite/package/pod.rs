//! A pod that containerd runs, asked for over its CRI socket as the kubelet asks: gated by an annotation, before its first
//! process execs. There is no API server, and none is needed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use expacti_tests::harness::Outcome;
use expacti_tests::harness::wait::until;
use serde_json::{Value, json};

use super::{installed, json_of, ran, said};

/// Where the guest has containerd, which is not part of it.
const CONTAINERD: &str = "/opt/expacti/containerd";
const SOCKET: &str = "/run/containerd/containerd.sock";
const UNIT: &str = "containerd.service";
const IMAGE: &str = "localhost/busybox:1";
const CONFIGURATION: &str = "/etc/expacti/expacti.toml";
const AGENTS: &str = "{namespace}.{pod}.{container}";

pub(super) fn a_pods_first_exec_is_in_the_log() -> Outcome {
    if !Path::new(CONTAINERD).is_dir() {
        return Outcome::Skipped { missing: "containerd beside it".to_owned() };
    }
    installed();
    let before = fs::read_to_string(CONFIGURATION).unwrap();
    // Emulated and under load, containerd may take longer to answer than on any real host.
    let patient = before.replacen("patience = \"1s\"", "patience = \"10s\"", 1);
    assert_ne!(patient, before, "the default is written in it");
    fs::write(CONFIGURATION, patient).unwrap();
    ran("expacti", &["reload"]);
    ran("expacti", &["enroll", AGENTS, "--pod-annotation", "expacti/gate=yes"]);
    start_containerd();

    // The other one first: it is nobody's.
    let inside = ["/bin/busybox", "echo", "inside"];
    pod("expacti/gate=no", &["/bin/busybox", "echo", "other"]);
    let id = pod("expacti/gate=yes,team=a", &inside);
    let record = until("the record of its first exec", || {
        let records = json_of(&["log", "--json"]);
        records.into_iter().find(|record| record["request"]["argv"] == json!(inside))
    });
    let request = &record["request"];
    assert_eq!(request["agent"]["name"], "shop.web-1.app", "{record}");
    assert_eq!(request["agent"]["late"], Value::Null, "it was gated before its first exec: {record}");
    let container = &request["container"];
    assert_eq!(
        ["runtime", "name", "image", "pod", "namespace", "id"].map(|key| &container[key]),
        ["cri", "app", IMAGE, "web-1", "shop", id.as_str()],
        "{record}"
    );
    assert_eq!(container["labels"]["app"], "web", "{record}");
    let of_pods = json_of(&["log", "--json", "--agent", "shop.web-1.app"]);
    let first = of_pods.last().unwrap();
    assert_eq!(first["request"]["argv"], json!(inside), "nothing of it ran before: {of_pods:?}");
    let all = json_of(&["log", "--json"]);
    assert!(all.iter().all(|record| record["request"]["argv"][2] != "other"), "{all:?}");

    ran("expacti", &["withdraw", AGENTS]);
    ran("systemctl", &["stop", UNIT]);
    fs::write(CONFIGURATION, before).unwrap();
    ran("expacti", &["reload"]);
    Outcome::Held
}

fn start_containerd() {
    let folder = Path::new("/var/tmp/containerd");
    fs::create_dir_all(folder).unwrap();
    // Copies instead of layers, and crun instead of runc, because the guest has that.
    let text = format!(
        "version = 2\nroot = \"/var/tmp/containerd/root\"\nstate = \"/run/containerd\"\n\
         disabled_plugins = [\"io.containerd.snapshotter.v1.btrfs\", \"io.containerd.snapshotter.v1.devmapper\", \
         \"io.containerd.snapshotter.v1.zfs\", \"io.containerd.internal.v1.tracing\"]\n\
         [grpc]\naddress = \"{SOCKET}\"\n\
         [plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"{IMAGE}\"\n\
         [plugins.\"io.containerd.grpc.v1.cri\".containerd]\nsnapshotter = \"native\"\ndefault_runtime_name = \"crun\"\n\
         [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.crun]\nruntime_type = \"io.containerd.runc.v2\"\n\
         [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.crun.options]\nBinaryName = \"/usr/bin/crun\"\n"
    );
    let configuration = folder.join("config.toml");
    fs::write(&configuration, text).unwrap();
    let path = format!("--setenv=PATH={CONTAINERD}:/usr/sbin:/usr/bin:/sbin:/bin");
    let daemon = format!("{CONTAINERD}/containerd");
    ran(
        "systemd-run",
        &[
            "--quiet",
            "--collect",
            "--unit",
            UNIT,
            "--property=Delegate=yes",
            &path,
            &daemon,
            "--config",
            configuration.to_str().unwrap(),
        ],
    );
    let answers = || ctr(&["version"]).output().unwrap().status.success().then_some(());
    until("an answer of containerd", answers);
    let archive = image(folder);
    let imported = ctr(&["images", "import", "--snapshotter", "native", &archive]).output().unwrap();
    assert!(imported.status.success(), "{}", said(&imported));
}

fn ctr(arguments: &[&str]) -> Command {
    let mut ctr = Command::new(format!("{CONTAINERD}/ctr"));
    ctr.args(["--address", SOCKET, "--namespace", "k8s.io"]).args(arguments).stdin(Stdio::null());
    ctr
}

/// An image of nothing but busybox, which waits where nothing else is asked of it: so it is the pod's own, too.
fn image(folder: &Path) -> String {
    let root = folder.join("image/bin");
    fs::create_dir_all(&root).unwrap();
    fs::copy("/usr/bin/busybox", root.join("busybox")).unwrap();
    let script = "cd $1 && tar -C image -cf layer.tar . && sum=$(sha256sum layer.tar | cut -d' ' -f1) && \
        printf '{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Entrypoint\":[\"/bin/busybox\",\"sleep\",\"1000\"]},\
        \"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:%s\"]}}' $sum > config.json && \
        printf '[{\"Config\":\"config.json\",\"RepoTags\":[\"%s\"],\"Layers\":[\"layer.tar\"]}]' $2 > manifest.json && \
        tar -cf image.tar manifest.json config.json layer.tar";
    ran("sh", &["-ec", script, "sh", folder.to_str().unwrap(), IMAGE]);
    folder.join("image.tar").display().to_string()
}

/// Runs a pod of one container to its end; gives the container's id.
#[track_caller]
fn pod(annotations: &str, command: &[&str]) -> String {
    let mut arguments = vec!["/opt/expacti/cri.py", SOCKET, IMAGE, annotations];
    arguments.extend(command);
    ran("python3", &arguments).trim().to_owned()
}
