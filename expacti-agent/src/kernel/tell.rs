//! Telling an agent why: one line into its own standard error, as it was at the exec.

use std::io;
use std::os::fd::AsFd as _;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;

use super::sys;

const STDERR: i32 = 2;

/// Writes one line where that does not block: only into a descriptor that is open for writing and has room.
pub(crate) fn tell(pid: u32, line: &str) -> io::Result<()> {
    let process = sys::pidfd(pid)?;
    let stderr = sys::descriptor_of(process.as_fd(), STDERR)?;
    if !rustix::fs::fcntl_getfl(&stderr)?.intersects(OFlags::WRONLY | OFlags::RDWR) {
        return Ok(());
    }
    let mut ready = [PollFd::new(&stderr, PollFlags::OUT)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    if rustix::event::poll(&mut ready, Some(&at_once))? == 1 && ready[0].revents().contains(PollFlags::OUT) {
        rustix::io::write(&stderr, line.as_bytes())?;
    }
    Ok(())
}
