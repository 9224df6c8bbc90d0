//! A cgroup that stands for an agent.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;

use super::wait::until;

/// Where tests make theirs.
const PARENT: &str = "/sys/fs/cgroup/tests";

/// A cgroup of its own, which is emptied and removed when dropped.
pub struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    /// A new one. Names must differ within a test.
    #[track_caller]
    pub fn new(name: &str) -> Self {
        Self::at(Path::new(PARENT).join(name))
    }

    /// A new one inside of this one.
    #[track_caller]
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self::at(self.path.join(name))
    }

    #[track_caller]
    fn at(path: PathBuf) -> Self {
        fs::create_dir_all(&path).unwrap_or_else(|error| panic!("cannot make {}: {error}", path.display()));
        Self { path }
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The id by which the kernel's programs know it: its inode.
    pub fn id(&self) -> u64 {
        fs::metadata(&self.path).unwrap().ino()
    }

    /// Processes in it, not counting those in cgroups below.
    pub fn processes(&self) -> Vec<u32> {
        let text = fs::read_to_string(self.path.join("cgroup.procs")).unwrap_or_default();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }

    /// Where processes of it are parked while they wait for an answer.
    pub fn parking(&self) -> PathBuf {
        self.path.join("expacti.held")
    }

    /// Waits until a process of it is parked. Its card is there earlier, while its exec is still tried again and again.
    #[track_caller]
    pub fn until_parked(&self, pid: &str) {
        until("a parked process", || {
            let members = fs::read_to_string(self.parking().join("cgroup.procs")).ok()?;
            let events = fs::read_to_string(self.parking().join("cgroup.events")).ok()?;
            (members.lines().any(|member| member == pid) && events.contains("frozen 1")).then_some(())
        });
    }

    /// Whether anything lives in it or below.
    pub fn is_populated(&self) -> bool {
        fs::read_to_string(self.path.join("cgroup.events")).is_ok_and(|text| text.contains("populated 1"))
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // Also what is frozen below dies by this.
        let _ = fs::write(self.path.join("cgroup.kill"), "1");
        // A second panic would end the whole program.
        if !thread::panicking() {
            until("an empty cgroup after cgroup.kill", || (!self.is_populated()).then_some(()));
        }
        remove_below(&self.path);
    }
}

fn remove_below(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_below(&entry.path());
        }
    }
    let _ = fs::remove_dir(path);
}
