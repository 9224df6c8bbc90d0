//! The cgroup namespace of the host. In a container of its own the daemon would see every cgroup by another path than the
//! kernel programs and everybody else.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd as _;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

const OWN: &str = "/proc/self/ns/cgroup";
/// Of the host, where its process numbers are seen; else of whoever began this container, which is the same as our own.
const FIRST: &str = "/proc/1/ns/cgroup";

/// Goes there. Before any thread is started: each has its own namespaces, inherited from who starts it.
pub(crate) fn enter_hosts_cgroups() -> io::Result<()> {
    let Ok(first) = fs::read_link(FIRST) else {
        // Not for us to look at: then it is not for us to gate, either, and that is said elsewhere.
        return Ok(());
    };
    if first == fs::read_link(OWN)? {
        return Ok(());
    }
    let first = File::open(FIRST)?;
    Ok(move_into_link_name_space(first.as_fd(), Some(LinkNameSpaceType::ControlGroup))?)
}
