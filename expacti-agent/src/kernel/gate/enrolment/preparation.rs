//! Services that systemd prepares at this moment.
//!
//! Its program for that goes into the service's cgroup by writing there, which no member of an agent may. One that is made
//! where an agent is expected is known from its birth on; one that is met in the middle of it is let finish, or the
//! service would fail to start.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::thread;
use std::time::{Duration, Instant};

use crate::kernel::cgroup::Cgroup;

/// It takes milliseconds, on a host that has time for it. Whoever only calls itself so delays its own enrolment.
const LIMIT: Duration = Duration::from_secs(2);

/// Waits until nothing is prepared in a cgroup. Not for one that is held back: there it would wait for itself.
pub(super) fn wait_for_its_end(cgroup: &Cgroup) {
    let start = Instant::now();
    while start.elapsed() < LIMIT && cgroup.threads().into_iter().any(prepares) {
        thread::sleep(Duration::from_millis(2));
    }
}

/// Since systemd 254; a thread that has ended prepares nothing.
fn prepares(tid: u32) -> bool {
    let runs_it =
        fs::read_link(format!("/proc/{tid}/exe")).is_ok_and(|exe| exe.ends_with("systemd/systemd-executor"));
    runs_it || is_made_by_init(tid)
}

/// Whether it is a copy of process 1, which made it: it has executed nothing since.
pub(super) fn is_made_by_init(tid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{tid}/status")).unwrap_or_default();
    status.lines().any(|line| line == "PPid:\t1")
        && executable(tid).is_some_and(|own| Some(own) == executable(1))
}

/// Device and inode of what it runs.
fn executable(tid: u32) -> Option<(u64, u64)> {
    fs::metadata(format!("/proc/{tid}/exe")).ok().map(|file| (file.dev(), file.ino()))
}
