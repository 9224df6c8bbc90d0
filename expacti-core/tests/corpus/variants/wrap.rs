//! Programs that run another program: put in front of every program of a command, and paths that lead to the same file.

use super::Variant;
use super::quote::join;
use super::reading::{Reading, Word, is_builtin};
use crate::entry::Command;

const WRAPPERS: [(&str, &[&str]); 34] = [
    ("wrapper/env", &["env"]),
    ("wrapper/env-setting", &["/usr/bin/env", "-u", "LANG", "MODE=x"]),
    ("wrapper/nohup", &["nohup"]),
    ("wrapper/sudo", &["sudo"]),
    ("wrapper/sudo-user", &["sudo", "-n", "-u", "root"]),
    ("wrapper/sudo-env", &["sudo", "-E", "--"]),
    ("wrapper/doas", &["doas", "-u", "root"]),
    ("wrapper/timeout", &["timeout", "30"]),
    ("wrapper/timeout-options", &["timeout", "-k", "5", "--signal=KILL", "1m"]),
    ("wrapper/nice", &["nice"]),
    ("wrapper/nice-level", &["nice", "-n", "19"]),
    ("wrapper/ionice", &["ionice", "-c", "3"]),
    ("wrapper/setsid", &["setsid", "--wait"]),
    ("wrapper/stdbuf", &["stdbuf", "-oL"]),
    ("wrapper/time", &["/usr/bin/time", "-p"]),
    ("wrapper/taskset", &["taskset", "-c", "0"]),
    ("wrapper/chrt", &["chrt", "--idle", "0"]),
    ("wrapper/setarch", &["setarch", "x86_64", "-R"]),
    ("wrapper/prlimit", &["prlimit", "--nofile=1024"]),
    ("wrapper/flock", &["flock", "-s", "/tmp/lock"]),
    ("wrapper/strace", &["strace", "-f", "-o", "/dev/null"]),
    ("wrapper/setpriv", &["setpriv", "--no-new-privs"]),
    ("wrapper/runuser", &["runuser", "-u", "root", "--"]),
    ("wrapper/systemd-run", &["systemd-run", "--wait", "--pipe"]),
    ("wrapper/systemd-inhibit", &["systemd-inhibit"]),
    ("wrapper/unshare", &["unshare", "--user", "--map-root-user"]),
    ("wrapper/tini", &["tini", "--"]),
    ("wrapper/direnv", &["direnv", "exec", "."]),
    ("wrapper/uv-run", &["uv", "run", "--"]),
    ("wrapper/poetry-run", &["poetry", "run"]),
    ("wrapper/bundle-exec", &["bundle", "exec"]),
    ("wrapper/pnpm-exec", &["pnpm", "exec"]),
    ("wrapper/stack", &["sudo", "env", "-u", "LANG", "nice", "-n", "5", "timeout", "60"]),
    (
        "wrapper/deep-stack",
        &["env", "env", "nohup", "nice", "nice", "setsid", "sudo", "sudo", "timeout", "9", "env"],
    ),
];

/// Wrappers that are part of the shell.
const SHELL_WRAPPERS: [(&str, &str); 5] = [
    ("wrapper/assignment", "LC_ALL=C _A='x y' "),
    ("wrapper/command", "command "),
    ("wrapper/command-path", "command -p "),
    ("wrapper/shell-time", "time "),
    ("wrapper/negated", "! "),
];

/// Wrappers that read standard input or end the shell, so for one simple command only.
const SIMPLE_WRAPPERS: [(&str, &str); 5] = [
    ("wrapper/exec", "exec "),
    ("wrapper/exec-name", "exec -a status "),
    ("wrapper/xargs", "xargs -a /dev/null "),
    ("wrapper/xargs-options", "xargs -0 -P1 --max-args 1 < /dev/null "),
    ("wrapper/background", "nohup setsid "),
];

const PATHS: [(&str, &str); 7] = [
    ("path/usr-bin", "/usr/bin/"),
    ("path/bin", "/bin/"),
    ("path/usr-local", "/usr/local/bin/"),
    ("path/slashes", "//usr///bin//"),
    ("path/dots", "/usr/share/../bin/./"),
    ("path/proc-root", "/proc/self/root/usr/bin/"),
    ("path/other-folder", "/opt/tools/bin/"),
];

const APPLETS: [&str; 22] = [
    "cat",
    "chmod",
    "chown",
    "chroot",
    "cp",
    "crontab",
    "dd",
    "find",
    "kill",
    "killall",
    "mkfs.ext2",
    "mount",
    "mv",
    "nc",
    "nsenter",
    "pkill",
    "reboot",
    "rm",
    "sed",
    "shred",
    "umount",
    "wget",
];

/// The program that a kind of wrapper needs.
pub(crate) fn program_of(kind: &str) -> Option<&'static str> {
    match kind {
        "wrapper/busybox" => Some("busybox"),
        "wrapper/loader" => Some("/lib64/ld-linux-x86-64.so.2"),
        _ => WRAPPERS.iter().find(|(name, _)| *name == kind).map(|(_, words)| words[0]),
    }
}

pub(super) fn of(command: &Command) -> Vec<Variant> {
    match command {
        Command::Argv(words) => of_words(words),
        Command::Shell(text) => of_text(text),
    }
}

fn of_words(words: &[String]) -> Vec<Variant> {
    let Some(program) = words.first() else { return Vec::new() };
    let mut variants: Vec<Variant> = WRAPPERS
        .iter()
        .map(|(kind, wrapper)| {
            let wrapper = wrapper.iter().map(|word| (*word).to_owned());
            let argv = wrapper.chain(words.iter().cloned()).collect();
            Variant { kind: (*kind).into(), command: Command::Argv(argv) }
        })
        .collect();
    if !program.contains('/') {
        variants.extend(PATHS.iter().map(|(kind, folder)| {
            let mut argv = words.to_vec();
            argv[0] = format!("{folder}{program}");
            Variant { kind: (*kind).into(), command: Command::Argv(argv) }
        }));
    }
    let mut loaded = vec!["/lib64/ld-linux-x86-64.so.2".to_owned()];
    loaded.extend_from_slice(words);
    if !program.contains('/') {
        loaded[1] = format!("/usr/bin/{program}");
    }
    variants.push(Variant { kind: "wrapper/loader".into(), command: Command::Argv(loaded) });
    if APPLETS.contains(&program.as_str()) {
        let mut applet = vec!["/bin/busybox".to_owned()];
        applet.extend_from_slice(words);
        variants.push(Variant { kind: "wrapper/busybox".into(), command: Command::Argv(applet) });
    }
    variants
}

fn of_text(text: &str) -> Vec<Variant> {
    let Some(reading) = Reading::of(text) else { return Vec::new() };
    let program = |word: &Word| word.head && word.plain && !is_builtin(reading.source(word));
    let bare = |word: &Word| program(word) && !reading.source(word).contains('/');
    let applet = |word: &Word| word.head && APPLETS.contains(&reading.source(word));
    let in_front = |kind: &str, wanted: &dyn Fn(&Word) -> bool, front: &str| {
        Some(Variant::shell(kind, reading.respell(wanted, |word| format!("{front}{word}"))?))
    };
    let mut variants = Vec::new();
    for (kind, wrapper) in WRAPPERS {
        let words: Vec<String> = wrapper.iter().map(|word| (*word).to_owned()).collect();
        variants.extend(in_front(kind, &program, &(join(&words) + " ")));
    }
    for (kind, wrapper) in SHELL_WRAPPERS {
        // `time` and `!` are words of the grammar: they may stand at the start of a pipeline only.
        if reading.simple || !matches!(kind, "wrapper/shell-time" | "wrapper/negated") {
            variants.extend(in_front(kind, &program, wrapper));
        }
    }
    if reading.simple {
        variants.extend(SIMPLE_WRAPPERS.iter().filter_map(|(kind, front)| in_front(kind, &program, front)));
    }
    variants.extend(PATHS.iter().filter_map(|(kind, folder)| in_front(kind, &bare, folder)));
    variants.extend(in_front("path/pattern", &bare, "/usr/b[i]n/"));
    variants.extend(in_front("wrapper/loader", &bare, "/lib64/ld-linux-x86-64.so.2 /usr/bin/"));
    variants.extend(in_front("wrapper/busybox", &applet, "busybox "));
    variants
}
