//! Parking: a waiting process sleeps in a frozen cgroup instead of asking again and again.
//!
//! Parking is only economy. A process that is thawed, moved or continued by somebody else asks again, finds no
//! verdict and waits on; nothing here decides anything.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::cgroup;

/// The frozen child of the process's own cgroup.
pub(super) const FOLDER: &str = "expacti.held";

/// Where a process was before it was parked.
#[derive(Debug)]
pub(crate) struct Parked {
    pid: u32,
    home: PathBuf,
}

/// Parks a process. It freezes when it next comes round.
pub(crate) fn park(pid: u32) -> io::Result<Parked> {
    let mut home = cgroup::folder_of(pid)?;
    if home.ends_with(FOLDER) {
        // Another thread of it waits too, or a daemon before us parked it.
        home.pop();
        return Ok(Parked { pid, home });
    }
    let held = home.join(FOLDER);
    match fs::create_dir(&held) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    fs::write(held.join("cgroup.freeze"), "1")?;
    fs::write(held.join("cgroup.procs"), pid.to_string())?;
    Ok(Parked { pid, home })
}

/// A process that an earlier daemon parked.
pub(crate) fn found_parked(pid: u32) -> Option<Parked> {
    let mut home = cgroup::folder_of(pid).ok()?;
    let parked = home.ends_with(FOLDER);
    home.pop();
    parked.then_some(Parked { pid, home })
}

impl Parked {
    /// Lets it go on where it was. A process that died meanwhile needs nothing.
    pub(crate) fn release(&self) -> io::Result<()> {
        let held = self.home.join(FOLDER);
        match fs::write(self.home.join("cgroup.procs"), self.pid.to_string()) {
            Err(error) if error.raw_os_error() != Some(libc::ESRCH) => return Err(error),
            Ok(()) | Err(_) => {}
        }
        remove_if_empty(&held);
        Ok(())
    }
}

/// A folder of ours must not keep anybody from removing the cgroup around it. While others are parked there it
/// stays, which is what the refusal of the kernel says.
fn remove_if_empty(held: &Path) {
    let _others_wait = fs::remove_dir(held);
}
