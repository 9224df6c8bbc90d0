//! Who is compared, and how each is switched on.

use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::daemon::Daemon;

use super::service::Service;

/// One way in which execs are looked at, as one service may know several.
pub(super) struct Arm {
    pub(super) name: &'static str,
    pub(super) setup: &'static str,
    /// What the program is started by.
    pub(super) wrapper: &'static [&'static str],
    /// Each exec has an argument of its own.
    pub(super) numbered: bool,
    /// In a cgroup that is not enrolled.
    pub(super) outside: bool,
}

impl Arm {
    const fn new(name: &'static str, setup: &'static str) -> Self {
        Self { name, setup, wrapper: &[], numbered: false, outside: false }
    }
}

/// What has to run for some arms.
enum Switch {
    /// Nothing: the program is started by another.
    Nothing,
    /// The gate.
    Expacti,
    /// A service, and what it says once it is there.
    Service(&'static [&'static str], &'static str),
    /// Commands that switch it on, and off.
    Commands(&'static [&'static [&'static str]], &'static [&'static [&'static str]]),
}

/// Arms that are switched on together.
pub(super) struct Group {
    pub(super) name: &'static str,
    /// The command that says its version.
    version: &'static [&'static str],
    switch: Switch,
    pub(super) arms: Vec<Arm>,
}

/// What runs, until it is stopped.
pub(super) enum Running {
    Nothing,
    Expacti(Box<Daemon>),
    Service(Service),
    Commands(&'static [&'static [&'static str]]),
}

const BPFTRACE: &str = "tracepoint:syscalls:sys_enter_execve { printf(\"%d %s \", pid, comm); join(args.argv); } BEGIN { printf(\"ready\\n\"); }";

/// All of them. auditd comes last: once it was on, every later task is slower.
pub(super) fn groups() -> Vec<Group> {
    let group = |name, version, switch, arms| Group { name, version, switch, arms };
    vec![
        group(
            "expacti",
            &["expacti", "--version"],
            Switch::Expacti,
            vec![
                Arm {
                    outside: true,
                    ..Arm::new(
                        "expacti, not enrolled",
                        "the gate is loaded, the program runs outside of agents",
                    )
                },
                Arm::new(
                    "expacti, cached allow",
                    "in an enrolled cgroup, default policy; each exec has its record",
                ),
                Arm {
                    numbered: true,
                    ..Arm::new("expacti, allowed by the daemon", "the same, with another argument each time")
                },
            ],
        ),
        group(
            "fanotify",
            &["uname", "-r"],
            Switch::Service(&["/opt/expacti/programs/fanotify", "/"], "ready"),
            vec![Arm::new(
                "bare fanotify responder",
                "FAN_OPEN_EXEC_PERM, bench/programs/fanotify.c; sees a file, no argv",
            )],
        ),
        group(
            "seccomp",
            &["uname", "-r"],
            Switch::Nothing,
            vec![Arm {
                wrapper: &["/opt/expacti/programs/notify"],
                ..Arm::new(
                    "bare seccomp responder",
                    "SECCOMP_RET_USER_NOTIF, bench/programs/notify.c; looks at nothing",
                )
            }],
        ),
        group(
            "fapolicyd",
            &["cat", "/opt/peers/versions/fapolicyd"],
            Switch::Commands(&[&["fapolicyd-start"]], &[&["fapolicyd-stop"]]),
            vec![Arm::new("fapolicyd", "one rule that allows everything, trust in a file, its caches warm")],
        ),
        group(
            "strace",
            &["strace", "--version"],
            Switch::Nothing,
            vec![Arm {
                wrapper: &["strace", "-f", "--seccomp-bpf", "-e", "trace=execve", "-o", "/dev/null"],
                ..Arm::new("strace --seccomp-bpf", "-f -e trace=execve -o /dev/null")
            }],
        ),
        group(
            "sudo",
            &["sudo", "--version"],
            Switch::Nothing,
            vec![Arm {
                wrapper: &["sudo", "-E", "--"],
                ..Arm::new(
                    "sudo intercept",
                    "Defaults intercept, intercept_type=trace; root may run everything",
                )
            }],
        ),
        group(
            "bpftrace",
            &["cat", "/opt/peers/versions/bpftrace"],
            Switch::Service(&["bpftrace", "-e", BPFTRACE], "ready"),
            vec![Arm::new("bpftrace execsnoop", "a tracepoint that prints argv to a file; it cannot refuse")],
        ),
        group(
            "auditd",
            &["cat", "/opt/peers/versions/auditd"],
            Switch::Commands(
                &[
                    // It runs from the first time on; what is switched is the rule.
                    &["sh", "-c", "test -e /run/auditd.pid || auditd"],
                    &["auditctl", "-D"],
                    &["auditctl", "-a", "always,exit", "-F", "arch=b64", "-S", "execve"],
                ],
                &[&["auditctl", "-D"], &["auditctl", "-a", "never,task"]],
            ),
            vec![Arm::new("auditd", "auditd runs; -a always,exit -F arch=b64 -S execve; it cannot refuse")],
        ),
    ]
}

impl Group {
    /// Whether switching it on changes what a machine does for others than us.
    pub(super) fn takes_over(&self) -> bool {
        matches!(self.switch, Switch::Commands(..)) || self.name == "sudo"
    }

    pub(super) fn version(&self) -> String {
        let output = self.version.split_first().and_then(|(program, arguments)| {
            Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()
        });
        let said = output.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
        let said = String::from_utf8_lossy(&said).into_owned();
        said.lines().next().unwrap_or("not there").trim().to_owned()
    }

    /// Switches it on for what runs in a cgroup.
    pub(super) fn start(&self, agent: &Cgroup) -> anyhow::Result<Running> {
        match &self.switch {
            Switch::Nothing => Ok(Running::Nothing),
            Switch::Expacti => {
                let folder = tempfile::tempdir_in("/var/tmp")?;
                Ok(Running::Expacti(Box::new(Daemon::gating_in(folder, agent, &[]))))
            }
            Switch::Service(command, ready) => Service::start(command, ready).map(Running::Service),
            Switch::Commands(on, off) => {
                on.iter().try_for_each(|command| call(command))?;
                Ok(Running::Commands(off))
            }
        }
    }
}

impl Running {
    /// Lets what was just seen for the first time become known.
    pub(super) fn settle(&self) {
        if let Self::Expacti(daemon) = self {
            // An answer of the daemon comes behind everything that it did before.
            daemon.ask(&["agents"]);
        }
    }

    pub(super) fn stop(self) -> anyhow::Result<()> {
        match self {
            Self::Nothing => Ok(()),
            Self::Expacti(daemon) => {
                drop(daemon.kill());
                call(&["expacti", "daemon", "--unload", "--force"])
            }
            Self::Service(service) => {
                drop(service);
                Ok(())
            }
            Self::Commands(off) => off.iter().try_for_each(|command| call(command)),
        }
    }
}

fn call(command: &[&str]) -> anyhow::Result<()> {
    let (program, arguments) = command.split_first().context("no command")?;
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{program} does not start"))?;
    if !output.status.success() {
        bail!("{command:?}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
