//! A terminal that a test types on, and a program that lives in it.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{ioctl_tiocsctty, setsid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::cgroup::Cgroup;
use super::child;
use super::wait::DEADLINE;

/// What is said of processes where one does not do what it should.
const PROCESSES: &str = "pid,ppid,pgid,sid,tpgid,stat,wchan:24,pending,blocked,ignored,args";

/// See the module.
pub struct Terminal {
    ours: File,
    child: Child,
    /// All that was shown.
    shown: String,
    /// How much of it was waited for.
    read: usize,
}

impl Terminal {
    /// Starts a program in a cgroup and in a terminal of 80 by 24.
    #[track_caller]
    pub fn start(cgroup: &Cgroup, mut command: Command) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let theirs: OwnedFd = rustix::fs::open(name, flags, Mode::empty()).unwrap();
        tcsetwinsize(&theirs, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let end = || Stdio::from(theirs.try_clone().unwrap());
        command.stdin(end()).stdout(end()).stderr(end());
        // SAFETY: after the fork it makes two system calls on what is open already, and allocates nothing.
        unsafe {
            std::os::unix::process::CommandExt::pre_exec(&mut command, move || {
                setsid()?;
                ioctl_tiocsctty(io::stdin().as_fd())?;
                Ok(())
            });
        }
        let child = child::inside(cgroup, &mut command).spawn().unwrap();
        Self { ours: File::from(ours), child, shown: String::new(), read: 0 }
    }

    /// The program itself.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The number of the group of processes that keys send signals to.
    pub fn owner(&self) -> Option<String> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).ok()?;
        let (_, fields) = stat.rsplit_once(") ")?;
        fields.split(' ').nth(5).map(str::to_owned)
    }

    /// The name of the first of them.
    pub fn foreground(&self) -> Option<String> {
        let name = fs::read_to_string(format!("/proc/{}/comm", self.owner()?)).ok()?;
        Some(name.trim().to_owned())
    }

    /// Types.
    #[track_caller]
    pub fn types(&mut self, text: &str) {
        self.ours.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until this is shown, after what was waited for before.
    #[track_caller]
    pub fn shows(&mut self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(at) = self.shown[self.read..].find(text) {
                self.read += at + text.len();
                return;
            }
            if !self.look(deadline) {
                let processes = Command::new("ps").args(["-eo", PROCESSES]).output().unwrap();
                let processes = String::from_utf8_lossy(&processes.stdout).into_owned();
                panic!("the terminal does not show {text:?}:\n{}\n---\n{processes}", self.shown);
            }
        }
    }

    /// Waits for the program's end. Gives all that was shown, and the exit code.
    #[track_caller]
    pub fn ends(mut self) -> (String, Option<i32>) {
        let deadline = Instant::now() + DEADLINE;
        while self.look(deadline) {}
        let status = child::wait(&mut self.child);
        (std::mem::take(&mut self.shown), status.code())
    }

    /// False: nobody has it open any more, or the time is over.
    fn look(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).unwrap();
        let mut fds = [PollFd::new(&self.ours, PollFlags::IN)];
        if poll(&mut fds, Some(&left)).unwrap() == 0 {
            return false;
        }
        let mut bytes = [0; 4096];
        // A terminal that nobody has open fails to be read.
        let Ok(count @ 1..) = self.ours.read(&mut bytes) else { return false };
        self.shown.push_str(&String::from_utf8_lossy(&bytes[..count]));
        true
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped_already = self.child.wait();
    }
}
