//! The guest is what the other suites and its users take it for: its tools work, its file systems are mounted.

use std::fs;
use std::process::{Command, Stdio};

use libtest_mimic::Trial;

use expacti_tests::harness::{Outcome, skippable, test};

/// A command for each tool, and words that it prints.
const TOOLS: &[(&str, &str)] = &[
    ("bash -c 'echo ${BASH_VERSION%%.*} bash'", "bash"),
    ("zsh -c 'echo $ZSH_NAME'", "zsh"),
    ("dash -c 'echo dash'", "dash"),
    ("busybox sh -c 'echo busybox'", "busybox"),
    ("ls --version", "coreutils"),
    ("script -qec 'tty' /dev/null", "/dev/pts/"),
    ("ps -o comm= -p $$", "sh"),
    ("git init -q /tmp/repo && git -C /tmp/repo status", "No commits yet"),
    ("python3 -c 'print(6 * 7)'", "42"),
    ("perl -e 'print 6 * 7'", "42"),
    ("node -e 'console.log(6 * 7)'", "42"),
    ("printf 'all:\\n\\t@echo made\\n' | make -f -", "made"),
    ("echo 'int main(void) { return 7; }' | gcc -x c - -o /var/tmp/seven; /var/tmp/seven; echo $?", "7"),
    ("strace -e trace=execve true 2>&1", "execve("),
    ("gdb -batch -ex 'print 6 * 7'", "42"),
    ("curl --version", "https"),
    ("wget --version", "GNU Wget"),
    ("echo '{\"a\": 42}' | jq .a", "42"),
    ("sqlite3 :memory: 'select 6 * 7'", "42"),
    ("psql --version", "PostgreSQL"),
    ("ssh -V 2>&1", "OpenSSH"),
    ("crun --version", "crun"),
    ("podman --version", "podman"),
    (
        "tmux -L test new-session -d 'sleep 100' && tmux -L test list-sessions && tmux -L test kill-server",
        "1 windows",
    ),
    ("sudo -u agent id -un", "agent"),
    ("systemctl --version", "systemd"),
    ("dbus-daemon --version", "D-Bus"),
    ("ip -br link show lo", "lo"),
    ("lsmod", "Module"),
    ("fusermount3 --version", "fusermount3"),
    ("objdump --version", "GNU objdump"),
    ("bpftool version", "bpftool"),
    ("getcap -v /bin/ping", "/bin/ping"),
    ("setfattr --version", "setfattr"),
    ("setfacl --version", "setfacl"),
    ("nft --version", "nftables"),
    ("socat -V", "socat"),
    ("unshare --mount --pid --fork echo apart", "apart"),
];

/// Where what is mounted, in the words of /proc/mounts.
const MOUNTS: &[(&str, &str)] = &[
    ("/", "ext4"),
    ("/proc", "proc"),
    ("/sys", "sysfs"),
    ("/dev", "devtmpfs"),
    ("/dev/pts", "devpts"),
    ("/dev/shm", "tmpfs"),
    ("/run", "tmpfs"),
    ("/tmp", "tmpfs"),
    ("/sys/fs/cgroup", "cgroup2"),
    ("/sys/fs/bpf", "bpf"),
    ("/sys/kernel/security", "securityfs"),
    ("/sys/kernel/tracing", "tracefs"),
];

pub(crate) fn tests() -> Vec<Trial> {
    let mut tests = vec![
        test("guest::file_systems_are_mounted", file_systems_are_mounted),
        test("guest::bpf_is_among_the_security_modules", bpf_is_among_the_security_modules),
        test("guest::the_kernel_has_btf", the_kernel_has_btf),
        test("guest::cgroups_have_controllers", cgroups_have_controllers),
        test("guest::modules_load", modules_load),
        test("guest::loopback_works", loopback_works),
        test("guest::podman_runs_a_container", podman_runs_a_container),
    ];
    for (command, words) in TOOLS {
        let tool = command.split([' ', '\'']).next().unwrap();
        let tool = if ["echo", "printf"].contains(&tool) { piped_into(command) } else { tool };
        tests.push(skippable(&format!("guest::tool_{tool}"), move || {
            let printed = shell(command);
            assert!(printed.contains(words), "`{command}` printed:\n{printed}");
            Outcome::Held
        }));
    }
    tests
}

/// The program behind the first pipe.
fn piped_into(command: &str) -> &str {
    command.split_once("| ").and_then(|(_, rest)| rest.split(' ').next()).unwrap_or(command)
}

/// What a shell prints, on both streams.
fn shell(command: &str) -> String {
    let output = Command::new("sh").arg("-c").arg(command).stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn file_systems_are_mounted() {
    let text = fs::read_to_string("/proc/mounts").unwrap();
    for (place, kind) in MOUNTS {
        let mounted = text.lines().any(|line| {
            let mut words = line.split(' ').skip(1);
            words.next() == Some(place) && words.next() == Some(kind)
        });
        assert!(mounted, "no {kind} at {place}:\n{text}");
    }
}

fn bpf_is_among_the_security_modules() {
    let list = fs::read_to_string("/sys/kernel/security/lsm").unwrap();
    assert!(list.split(',').any(|name| name.trim() == "bpf"), "{list}");
}

fn the_kernel_has_btf() {
    // Magic of BTF, little endian.
    assert_eq!(fs::read("/sys/kernel/btf/vmlinux").unwrap()[..2], [0x9f, 0xeb]);
}

fn cgroups_have_controllers() {
    let list = fs::read_to_string("/sys/fs/cgroup/cgroup.subtree_control").unwrap();
    for controller in ["cpu", "memory", "pids"] {
        assert!(list.split_whitespace().any(|name| name == controller), "{controller} is missing: {list}");
    }
}

fn modules_load() {
    assert_eq!(shell("modprobe overlay && grep -cw overlay /proc/filesystems"), "1\n");
}

fn loopback_works() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
}

fn podman_runs_a_container() {
    let rootfs = "/var/tmp/rootfs";
    fs::create_dir_all(format!("{rootfs}/bin")).unwrap();
    fs::copy("/usr/bin/busybox", format!("{rootfs}/bin/busybox")).unwrap();
    let run = "podman run --rm --network=none --cgroup-manager=cgroupfs --rootfs /var/tmp/rootfs \
               /bin/busybox sh -c 'echo in $(/bin/busybox hostname | /bin/busybox wc -l)'";
    let printed = shell(run);
    assert!(printed.contains("in 1\n"), "{printed}");
}
