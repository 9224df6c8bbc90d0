//! What was enrolled while the daemon ran, so that the next one gates it too.

use std::io;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::containers::{Identity, Selector};
use crate::wire::ModeWord;

/// An agent that was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) cgroup: PathBuf,
    /// The cgroup's inode: a folder that was made anew is another one.
    pub(super) id: u64,
    /// The unit of systemd that it is, and stays when its cgroup is made anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unit: Option<String>,
    pub(super) policy: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mode: Option<ModeWord>,
    /// Who enrolled it.
    pub(super) by: String,
}

/// A selector that was: it stands for many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    /// How the names of its agents are made.
    pub(super) name: String,
    pub(super) select: Selector,
    pub(super) policy: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mode: Option<ModeWord>,
    /// Who enrolled it.
    pub(super) by: String,
}

/// An agent that came by what stands for many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Instance {
    pub(super) name: String,
    /// The name of what it came by.
    pub(super) class: String,
    pub(super) cgroup: PathBuf,
    /// The cgroup's inode.
    pub(super) id: u64,
    /// What its runtime said of it, where it is a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) identity: Option<Identity>,
}

/// All of one kind, in a file of the home.
pub(super) struct Book<T> {
    path: PathBuf,
    pub(super) entries: Vec<T>,
}

impl<T: Clone + Serialize + DeserializeOwned> Book<T> {
    /// Opens it. One that is not there is empty.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let entries = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { path, entries })
    }

    /// Changes it, on disk first. A crash leaves the old or the new one.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Vec<T>)) -> io::Result<()> {
        let mut entries = self.entries.clone();
        change(&mut entries);
        let new = self.path.with_extension("new");
        let mut file = std::fs::File::create(&new)?;
        io::Write::write_all(&mut file, &serde_json::to_vec_pretty(&entries)?)?;
        file.sync_all()?;
        std::fs::rename(&new, &self.path)?;
        self.entries = entries;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agents.json");
        let entry = Entry {
            name: "a".into(),
            cgroup: "/sys/fs/cgroup/a".into(),
            id: 7,
            unit: None,
            policy: "default".into(),
            mode: Some(ModeWord::Shadow),
            by: "alice".into(),
        };
        let mut book = Book::open(path.clone()).unwrap();
        book.change(|entries| entries.push(entry.clone())).unwrap();
        assert_eq!(Book::<Entry>::open(path.clone()).unwrap().entries, [entry]);
        std::fs::write(&path, "{").unwrap();
        assert!(Book::<Entry>::open(path).is_err(), "a book that cannot be read is not an empty one");
    }
}
