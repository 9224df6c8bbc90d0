//! Children that live in an agent's cgroup from before their exec.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;

use super::cgroup::Cgroup;
use super::wait::{DEADLINE, until};

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

/// A child whose exec may be held. Starting it waits for the exec, so that happens aside.
pub struct Held {
    ending: Receiver<io::Result<Output>>,
}

/// Runs it in the cgroup to its end, aside.
pub fn run_aside(cgroup: &Cgroup, mut command: Command) -> Held {
    command.stdin(Stdio::null());
    run_aside_with_input(cgroup, command)
}

/// The same with the input that the command has.
pub fn run_aside_with_input(cgroup: &Cgroup, mut command: Command) -> Held {
    inside(cgroup, command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    // Until its exec it keeps open whatever was open at its birth, such as pipes that are meant for others. So nothing
    // else is started before it is born.
    let (mut born, cry) = io::pipe().unwrap();
    // SAFETY: after the fork it makes one `write` on a descriptor that is open already, and allocates nothing.
    unsafe { command.pre_exec(move || rustix::io::write(&cry, b"!").map(drop).map_err(io::Error::from)) };
    let (sender, ending) = channel();
    thread::spawn(move || sender.send(command.spawn().and_then(Child::wait_with_output)));
    born.read_exact(&mut [0]).unwrap();
    Held { ending }
}

impl Held {
    /// What came of it, within the deadline.
    #[track_caller]
    pub fn ending(&self) -> io::Result<Output> {
        self.ending.recv_timeout(DEADLINE).expect("a held child ends once it is answered")
    }

    /// Whether it still runs, or waits to run.
    pub fn goes_on(&self) -> bool {
        matches!(self.ending.try_recv(), Err(TryRecvError::Empty))
    }
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
