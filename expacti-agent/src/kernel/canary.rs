//! The canary: an exec that the gate must refuse. While it is refused, the gate is in force.
//!
//! It lives in a cgroup of its own, which the kernel programs know by a flag: its execs have no number and no record,
//! they are refused and reported. A child is born into that cgroup, tries to become `expacti canary`, and ends.

use std::ffi::CStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::path::PathBuf;
use std::ptr;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Signal, WaitId, WaitIdOptions};
use thiserror::Error;

use super::cgroup::{self, Cgroup, CgroupError};

/// The daemon's canary's folder, below the daemon's own.
pub(crate) const FOLDER: &str = "expacti.canary";

const OURSELVES: &CStr = c"/proc/self/exe";
const ARGUMENTS: [&CStr; 2] = [c"expacti", c"canary"];

/// Why there is no canary.
#[derive(Debug, Error)]
pub(crate) enum CanaryError {
    /// Its cgroup cannot be made.
    #[error("cannot make a cgroup for the canary: {}: {source}", path.display())]
    Folder {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its cgroup is not what it should be.
    #[error("the canary's cgroup: {0}")]
    Cgroup(#[from] CgroupError),
}

/// What became of the canary's exec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flight {
    /// Refused, as it must be.
    Refused,
    /// It ran: nothing holds agents back.
    Ran,
    /// It failed with another error number, so it says nothing.
    Failed(i32),
    /// Neither within the time it had.
    Hangs,
}

/// See the module.
pub(crate) struct Canary {
    pub(super) cgroup: Cgroup,
    folder: File,
}

impl Canary {
    /// Makes its cgroup below the one that we are in.
    pub(crate) fn new(folder: &str) -> Result<Self, CanaryError> {
        let own = PathBuf::from("/proc/self/cgroup");
        let own = cgroup::folder_of(std::process::id())
            .map_err(|source| CanaryError::Folder { path: own, source })?;
        let path = own.join(folder);
        let failed = |source| CanaryError::Folder { path: path.clone(), source };
        match fs::create_dir(&path) {
            // Of a daemon before us.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
            Ok(()) | Err(_) => {}
        }
        Ok(Self { cgroup: Cgroup::at(&path)?, folder: File::open(&path).map_err(failed)? })
    }

    /// Lets it try once.
    pub(crate) fn fly(&self, limit: Duration) -> io::Result<Flight> {
        let child = born_into(self.folder.as_fd())?;
        let deadline = Instant::now() + limit;
        let ended = wait(child.as_fd(), deadline)?;
        if !ended {
            rustix::process::pidfd_send_signal(&child, Signal::KILL)?;
        }
        let status = rustix::process::waitid(WaitId::PidFd(child.as_fd()), WaitIdOptions::EXITED)?
            .and_then(|status| status.exit_status());
        Ok(match status {
            _ if !ended => Flight::Hangs,
            Some(0) => Flight::Ran,
            Some(libc::EPERM) => Flight::Refused,
            Some(error) => Flight::Failed(error),
            // Killed by somebody.
            None => Flight::Hangs,
        })
    }

    /// Removes its cgroup, where nobody else uses it.
    pub(crate) fn remove(self) {
        // What is left of a child that hangs; `expacti daemon --unload` finds it.
        let _populated = fs::remove_dir(&self.cgroup.path);
    }
}

/// Whether the process ended in time.
fn wait(process: BorrowedFd<'_>, deadline: Instant) -> io::Result<bool> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
        let mut fds = [PollFd::from_borrowed_fd(process, PollFlags::IN)];
        match rustix::event::poll(&mut fds, Some(&timeout)) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Arguments of `clone3`, from `include/uapi/linux/sched.h`.
#[derive(Default)]
#[repr(C)]
struct CloneArguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// A child in a cgroup, which tries to become the canary and ends with the number of the error, or with zero from there.
///
/// Born there and not moved there: moving takes a lock that all forks of the host wait for.
fn born_into(cgroup: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    const CLONE_PIDFD: u64 = 0x1000;
    const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

    let mut pidfd: RawFd = -1;
    let arguments = CloneArguments {
        flags: CLONE_PIDFD | CLONE_INTO_CGROUP,
        pidfd: (&raw mut pidfd).expose_provenance() as u64,
        exit_signal: libc::SIGCHLD.cast_unsigned().into(),
        cgroup: cgroup.as_raw_fd().cast_unsigned().into(),
        ..CloneArguments::default()
    };
    let argv = [ARGUMENTS[0].as_ptr(), ARGUMENTS[1].as_ptr(), ptr::null()];
    let envp = [ptr::null::<libc::c_char>()];
    // SAFETY: the layout is the kernel's. Without CLONE_VM the child has its own copy of everything, and between its birth
    // and its end it makes two system calls and allocates nothing, so locks that other threads held do not matter.
    unsafe {
        let pid = libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<CloneArguments>());
        if pid == 0 {
            libc::execve(OURSELVES.as_ptr(), argv.as_ptr(), envp.as_ptr());
            libc::_exit(*libc::__errno_location());
        }
        if pid < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(pidfd)) }
    }
}
