//! What `/proc` tells of the waiting task.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;

use expacti_abi::file::DirId;
use expacti_core::request::{Ancestor, Stdin};
use expacti_core::untrusted::Untrusted;
use rustix::fs::{Mode, OFlags, open, openat, readlinkat};
use rustix::io::read;

/// Parents that are looked at. A longer line of them is a fork chain made to hide something, and its near end shows.
const MAX_LINEAGE: usize = 16;

/// Bytes of a `stat` file in which the fields lie that are looked at.
const STAT: usize = 256;

/// One task.
pub(super) struct Process {
    pid: u32,
    /// Its folder. None: it is gone, which is the rule where it did not wait for us, and not looked for again.
    folder: Option<OwnedFd>,
}

impl Process {
    pub(super) fn new(pid: u32, tid: u32) -> Self {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Self { pid, folder: open(format!("/proc/{pid}/task/{tid}"), flags, Mode::empty()).ok() }
    }

    /// Where a link of the task leads.
    pub(super) fn link(&self, name: &str) -> Option<Untrusted> {
        let target = readlinkat(self.folder.as_ref()?, name, Vec::new()).ok()?;
        Some(target.as_bytes().into())
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
        let stat =
            openat(self.folder.as_ref()?, "stat", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let mut text = [0; STAT];
        let read = read(stat, &mut text).ok()?;
        let number: u32 = field(text.get(..read)?, 7)?.parse().ok()?;
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

/// A process's working directory, where it is this very one and seen among the same mounts: what a task that is gone
/// had in common with its parent. This asks the folder's file system, which may be the agent's.
pub(super) fn folder_of(pid: u32, folder: &DirId, mount_namespace: u32) -> Option<Untrusted> {
    let cwd = format!("/proc/{pid}/cwd");
    let (found, mounts) = (fs::metadata(&cwd).ok()?, fs::metadata(format!("/proc/{pid}/ns/mnt")).ok()?);
    let is_it = found.ino() == folder.ino
        && found.dev() == rustix::fs::makedev(folder.dev >> 20, folder.dev & 0xf_ffff)
        && mounts.ino() == u64::from(mount_namespace);
    link(&cwd).filter(|_| is_it)
}

fn parent_of(pid: u32) -> Option<u32> {
    field(&fs::read(format!("/proc/{pid}/stat")).ok()?, 4)?.parse().ok()
}

/// A field of `/proc/PID/stat` by its number in proc_pid_stat(5). The second is the process's name, which may hold
/// anything, so fields are counted from its closing parenthesis.
fn field(stat: &[u8], number: usize) -> Option<&str> {
    let name_ends = stat.iter().rposition(|byte| *byte == b')')?;
    std::str::from_utf8(stat.get(name_ends + 1..)?).ok()?.split_whitespace().nth(number.checked_sub(3)?)
}

fn link(path: &str) -> Option<Untrusted> {
    fs::read_link(path).ok().map(|target| target.as_os_str().as_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_same_folder_is_told() {
        let cwd = fs::metadata(".").unwrap();
        let device = rustix::fs::major(cwd.dev()) << 20 | rustix::fs::minor(cwd.dev());
        let folder = DirId { ino: cwd.ino(), dev: device, ..DirId::default() };
        let mounts = u32::try_from(fs::metadata("/proc/self/ns/mnt").unwrap().ino()).unwrap();
        let ours = std::env::current_dir().unwrap().as_os_str().as_bytes().into();
        let own = std::process::id();
        assert_eq!(folder_of(own, &folder, mounts), Some(ours));
        assert_eq!(folder_of(own, &DirId { ino: cwd.ino() + 1, ..folder }, mounts), None);
        assert_eq!(folder_of(own, &DirId { dev: device ^ 1, ..folder }, mounts), None);
        assert_eq!(folder_of(own, &folder, mounts ^ 1), None, "other mounts");
    }
}
