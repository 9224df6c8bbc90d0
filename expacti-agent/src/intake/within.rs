//! Files as a task sees them, opened without ever leaving its root.
//!
//! The file systems are the agent's: they may be slow, or its own. Whoever calls this may have to wait for ever, so
//! only threads that can be lost do. Nothing but regular files is ever opened for reading: a FIFO or a device can do
//! things when it is.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileTypeExt as _;

use rustix::fs::{Mode, OFlags, ResolveFlags, open, openat2};

/// A task's root.
pub(super) struct Within {
    root: OwnedFd,
    /// Where that is in the task's mount namespace: `/`, unless it is in a chroot.
    place: Vec<u8>,
}

impl Within {
    pub(super) fn of(pid: u32, tid: u32) -> io::Result<Self> {
        let link = format!("/proc/{pid}/task/{tid}/root");
        let place = std::fs::read_link(&link)?.as_os_str().as_bytes().to_vec();
        let root = open(&link, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { root, place })
    }

    /// What `/proc` says of a place, as a path from the root.
    pub(super) fn seen_from_root(&self, path: &[u8]) -> Vec<u8> {
        let rest = if self.place == b"/" { None } else { path.strip_prefix(self.place.as_slice()) };
        match rest {
            Some([]) => b"/".to_vec(),
            Some(rest) if rest.starts_with(b"/") => rest.to_vec(),
            Some(_) | None => path.to_vec(),
        }
    }

    /// Whatever has this name, not opened. Links lead no further than the root; those of `/proc` nowhere.
    pub(super) fn find(&self, path: &[u8]) -> io::Result<OwnedFd> {
        let bounds = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        Ok(openat2(&self.root, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), bounds)?)
    }

    /// A regular file.
    pub(super) fn open(&self, path: &[u8]) -> io::Result<File> {
        readable(self.find(path)?.as_fd())
    }

    /// The first bytes of a regular file.
    pub(super) fn read(&self, path: &[u8], most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(path)?.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Whether a folder has this name.
    pub(super) fn is_folder(&self, path: &[u8]) -> bool {
        self.find(path).and_then(|found| File::from(found).metadata()).is_ok_and(|found| found.is_dir())
    }
}

/// The regular file that a task has open under this number.
pub(super) fn descriptor(pid: u32, tid: u32, number: u32) -> io::Result<File> {
    let link = format!("/proc/{pid}/task/{tid}/fd/{number}");
    readable(open(link, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?.as_fd())
}

/// Opens what was found, if it is a regular file.
fn readable(found: BorrowedFd<'_>) -> io::Result<File> {
    let kind = File::from(found.try_clone_to_owned()?).metadata()?.file_type();
    if !kind.is_file() || kind.is_fifo() {
        return Err(io::Error::other("it is no regular file"));
    }
    // A lease must not keep us either.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(File::from(open(format!("/proc/self/fd/{}", found.as_raw_fd()), flags, Mode::empty())?))
}

#[cfg(test)]
pub(super) mod tests {
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;

    /// A folder as a task would see it that has it for its root.
    pub(in crate::intake) fn rooted(folder: &Path) -> Within {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Within { root: open(folder, flags, Mode::empty()).unwrap(), place: b"/".to_vec() }
    }

    #[test]
    fn links_do_not_lead_out() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("passwd"), "inside").unwrap();
        symlink("/passwd", folder.path().join("absolute")).unwrap();
        symlink("../../../../../passwd", folder.path().join("above")).unwrap();
        symlink("/etc/hostname", folder.path().join("out")).unwrap();
        let within = rooted(folder.path());
        assert_eq!(within.read(b"absolute", 100).unwrap(), b"inside");
        assert_eq!(within.read(b"above", 3).unwrap(), b"ins");
        assert!(within.read(b"out", 100).is_err());
        assert!(within.is_folder(b"/") && !within.is_folder(b"/passwd"));
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RUSR, 0).unwrap();
        let within = rooted(folder.path());
        assert!(within.open(b"fifo").is_err() && within.open(b"/").is_err());
    }

    #[test]
    fn places_in_a_chroot_are_seen_from_its_root() {
        let within = Within { place: b"/srv/jail".to_vec(), ..rooted(Path::new("/")) };
        assert_eq!(within.seen_from_root(b"/srv/jail/work"), b"/work");
        assert_eq!(within.seen_from_root(b"/srv/jail"), b"/");
        assert_eq!(within.seen_from_root(b"/srv/jailbreak"), b"/srv/jailbreak");
    }
}
