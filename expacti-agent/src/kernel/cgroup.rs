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
        let mut found = Vec::new();
        collect(&self.path, &mut found);
        found
    }
}

fn collect(folder: &Path, found: &mut Vec<u32>) {
    // A cgroup that vanishes meanwhile has nobody in it.
    let tids = fs::read_to_string(folder.join("cgroup.threads")).unwrap_or_default();
    found.extend(tids.lines().filter_map(|line| line.parse::<u32>().ok()));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&entry.path(), found);
        }
    }
}

/// Folders of this name anywhere in the hierarchy: systemd calls a unit's cgroup as the unit.
pub(crate) fn named(name: &str) -> Vec<PathBuf> {
    let (mut found, mut waiting) = (Vec::new(), vec![PathBuf::from(MOUNT)]);
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if entry.file_name() == name {
                    found.push(entry.path());
                }
                waiting.push(entry.path());
            }
        }
    }
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
