//! Cgroups of the v2 hierarchy.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Where the hierarchy is mounted.
pub(crate) const MOUNT: &str = "/sys/fs/cgroup";

/// Why a cgroup cannot be used.
#[derive(Debug, Error)]
pub(crate) enum CgroupError {
    /// Not there, or not readable.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Elsewhere.
    #[error("{} is not a cgroup below {MOUNT}; give the path of a cgroup v2 folder", .0.display())]
    NotACgroup(PathBuf),
}

/// One cgroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cgroup {
    /// Its folder.
    pub(crate) path: PathBuf,
    /// Its id, which is its folder's inode number.
    pub(crate) id: u64,
    /// How deep it lies; the root is 0.
    pub(crate) level: u32,
}

impl Cgroup {
    /// The cgroup of a folder.
    pub(crate) fn at(path: &Path) -> Result<Self, CgroupError> {
        let path = path.canonicalize().map_err(|source| CgroupError::Io { path: path.to_owned(), source })?;
        let below = path.strip_prefix(MOUNT).map_err(|_| CgroupError::NotACgroup(path.clone()))?;
        let level = u32::try_from(below.components().count()).unwrap_or(u32::MAX);
        if !path.join("cgroup.procs").exists() {
            return Err(CgroupError::NotACgroup(path));
        }
        let id = fs::metadata(&path).map_err(|source| CgroupError::Io { path: path.clone(), source })?.ino();
        Ok(Self { path, id, level })
    }

    /// Whether a process is in it or below it.
    pub(crate) fn contains(&self, pid: u32) -> bool {
        folder_of(pid).is_ok_and(|folder| folder.starts_with(&self.path))
    }

    /// Every thread in it and below it.
    pub(crate) fn threads(&self) -> Vec<u32> {
        let all = std::iter::once(self.path.clone()).chain(below(&self.path, usize::MAX));
        // A cgroup that vanishes meanwhile has nobody in it.
        let tids = all.map(|folder| fs::read_to_string(folder.join("cgroup.threads")).unwrap_or_default());
        tids.flat_map(|tids| tids.lines().filter_map(|line| line.parse().ok()).collect::<Vec<u32>>())
            .collect()
    }
}

/// Every cgroup below a folder down to a depth, 1 being directly in it; each comes before those inside of it. One that
/// vanishes meanwhile has nothing in it.
pub(crate) fn below(folder: &Path, depth: usize) -> impl Iterator<Item = PathBuf> + use<> {
    let mut waiting = directly_in(folder, depth);
    std::iter::from_fn(move || {
        let (folder, depth) = waiting.pop()?;
        waiting.extend(directly_in(&folder, depth));
        Some(folder)
    })
}

/// With each the depth that is left.
fn directly_in(folder: &Path, depth: usize) -> Vec<(PathBuf, usize)> {
    let Some(left) = depth.checked_sub(1) else { return Vec::new() };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| (entry.path(), left)).collect()
}

/// Folders of this name anywhere in the hierarchy: systemd calls a unit's cgroup as the unit.
pub(crate) fn named(name: &str) -> Vec<PathBuf> {
    let all = below(Path::new(MOUNT), usize::MAX);
    let mut found: Vec<PathBuf> =
        all.filter(|folder| folder.file_name().is_some_and(|found| found == name)).collect();
    found.sort();
    found
}

/// The folder of a process's cgroup.
pub(crate) fn folder_of(pid: u32) -> io::Result<PathBuf> {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup"))?;
    let path = text
        .lines()
        .find_map(|line| line.strip_prefix("0::/"))
        .ok_or_else(|| io::Error::other("the process is in no cgroup of the v2 hierarchy"))?;
    Ok(Path::new(MOUNT).join(path))
}
