//! Telling an agent why: one line into its own standard error, as it was at the exec.
//!
//! That descriptor is the agent's. Whether it takes a line is asked first, but the agent can change that in between, or
//! serve the file itself and never answer. So each line has a thread of its own, which may be lost.

use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;

use super::sys;

const STDERR: i32 = 2;

/// How long a refusal waits for its line to be written.
const PATIENCE: Duration = Duration::from_millis(100);

/// Threads that may be lost at one time. Beyond this nobody is told until some come back.
const LOST: usize = 64;

/// Who tells.
#[derive(Debug, Default)]
pub(crate) struct Teller {
    /// One reference more for each thread that is not done.
    busy: Arc<()>,
}

impl Teller {
    /// Writes one line, and waits for that only shortly. A refusal stands without its line, so nothing is made of it where
    /// that does not come through.
    pub(crate) fn tell(&self, pid: u32, line: String) {
        if Arc::strong_count(&self.busy) > LOST {
            return;
        }
        let (busy, (done, is_done)) = (Arc::clone(&self.busy), channel());
        let thread = thread::Builder::new().name("tell".to_owned()).spawn(move || {
            // It can close its standard error or die at any time.
            let _untold = tell(pid, &line);
            drop(busy);
            // Nobody waits any more.
            let _late = done.send(());
        });
        if thread.is_ok() {
            let _lost = is_done.recv_timeout(PATIENCE);
        }
    }
}

/// Only into a descriptor that is open for writing and has room.
fn tell(pid: u32, line: &str) -> io::Result<()> {
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
