//! What `/proc` tells of the waiting task.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use expacti_core::request::{Ancestor, Stdin};
use expacti_core::untrusted::Untrusted;

/// Parents that are looked at. A longer line of them is a fork chain made to hide something, and its near end shows.
const MAX_LINEAGE: usize = 16;

/// One task.
pub(super) struct Process {
    pid: u32,
    tid: u32,
}

impl Process {
    pub(super) fn new(pid: u32, tid: u32) -> Self {
        Self { pid, tid }
    }

    /// Where a link of the task leads.
    pub(super) fn link(&self, name: &str) -> Option<Untrusted> {
        link(&format!("/proc/{}/task/{}/{name}", self.pid, self.tid))
    }

    /// What descriptor 0 is.
    pub(super) fn stdin(&self) -> Stdin {
        let Some(target) = self.link("fd/0") else { return Stdin::Closed };
        let bytes = target.as_bytes();
        if bytes == b"/dev/null" {
            Stdin::Null
        } else if bytes.starts_with(b"/dev/pts/")
            || bytes.starts_with(b"/dev/tty")
            || bytes == b"/dev/console"
        {
            Stdin::Terminal
        } else if bytes.starts_with(b"pipe:") {
            Stdin::Pipe
        } else if bytes.starts_with(b"socket:") {
            Stdin::Socket
        } else if bytes.starts_with(b"/") && !bytes.starts_with(b"/dev/") {
            Stdin::File { path: target }
        } else {
            Stdin::Other
        }
    }

    /// The controlling terminal.
    pub(super) fn terminal(&self) -> Option<Untrusted> {
        const PTY_SLAVES: std::ops::RangeInclusive<u32> = 136..=143;
        let number: u32 = stat_field(self.pid, 7)?.parse().ok()?;
        let (major, minor) = (number >> 8 & 0xfff, number & 0xff | number >> 12 & 0xf_ff00);
        match major {
            0 => None,
            major if PTY_SLAVES.contains(&major) => {
                Some(format!("/dev/pts/{}", (major - PTY_SLAVES.start()) * 256 + minor).into())
            }
            4 => Some(format!("/dev/tty{minor}").into()),
            _ => Some(format!("device {major}:{minor}").into()),
        }
    }

    /// Parents, nearest first, as far as they are in an agent's hands: up to the first that left no trace.
    pub(super) fn lineage(&self) -> Vec<Ancestor> {
        let mut found = Vec::new();
        let mut pid = parent_of(self.pid);
        while let Some(parent) = pid.filter(|pid| *pid > 1) {
            if found.len() == MAX_LINEAGE {
                break;
            }
            let argv = fs::read(format!("/proc/{parent}/cmdline")).unwrap_or_default();
            let argv = argv.strip_suffix(&[0]).unwrap_or(&argv);
            found.push(Ancestor {
                pid: parent,
                exe: link(&format!("/proc/{parent}/exe")).unwrap_or_default(),
                argv: argv.split(|byte| *byte == 0).map(Untrusted::from).collect(),
            });
            pid = parent_of(parent);
        }
        found
    }
}

fn parent_of(pid: u32) -> Option<u32> {
    stat_field(pid, 4)?.parse().ok()
}

/// A field of `/proc/PID/stat` by its number in proc_pid_stat(5). The second is the process's name, which may hold
/// anything, so fields are counted from its closing parenthesis.
fn stat_field(pid: u32, number: usize) -> Option<String> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_whitespace().nth(number.checked_sub(3)?).map(str::to_owned)
}

fn link(path: &str) -> Option<Untrusted> {
    fs::read_link(path).ok().map(|target| target.as_os_str().as_bytes().into())
}
