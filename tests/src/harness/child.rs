//! Children that live in an agent's cgroup from before their exec.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use super::cgroup::Cgroup;
use super::wait::until;

/// Lets the command's process join a cgroup after the fork, so that its exec is already the agent's.
pub fn inside<'c>(cgroup: &Cgroup, command: &'c mut Command) -> &'c mut Command {
    let members = OpenOptions::new().write(true).open(cgroup.path().join("cgroup.procs")).unwrap();
    let join = move || {
        rustix::io::write(&members, b"0").map_err(io::Error::from)?;
        Ok(())
    };
    // SAFETY: after the fork it makes one `write` on a descriptor that is open already, and allocates nothing.
    unsafe { command.pre_exec(join) }
}

/// Starts it in the cgroup, with its output to be read.
#[track_caller]
pub fn start(cgroup: &Cgroup, command: &mut Command) -> io::Result<Child> {
    inside(cgroup, command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped())).spawn()
}

/// Runs it in the cgroup to its end.
pub fn run(cgroup: &Cgroup, command: &mut Command) -> io::Result<Output> {
    start(cgroup, command)?.wait_with_output()
}

/// Waits for a child's end, but not for ever.
#[track_caller]
pub fn wait(child: &mut Child) -> ExitStatus {
    until("the end of a child", || child.try_wait().unwrap())
}

/// What it printed, once it has ended.
#[track_caller]
pub fn printed(child: &mut Child) -> String {
    wait(child);
    let mut text = String::new();
    child.stdout.take().expect("its output is piped").read_to_string(&mut text).unwrap();
    text
}
