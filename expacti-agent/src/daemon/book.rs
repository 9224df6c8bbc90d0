//! The agents that were enrolled while the daemon ran, so that the next one gates them too.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::wire::ModeWord;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) cgroup: PathBuf,
    /// The cgroup's inode: a folder that was made anew is another one.
    pub(super) id: u64,
    pub(super) policy: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mode: Option<ModeWord>,
    /// Who enrolled it.
    pub(super) by: String,
}

/// All of them, in a file of the home.
pub(super) struct Book {
    path: PathBuf,
    pub(super) entries: Vec<Entry>,
}

impl Book {
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
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Vec<Entry>)) -> io::Result<()> {
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
            policy: "default".into(),
            mode: Some(ModeWord::Shadow),
            by: "alice".into(),
        };
        let mut book = Book::open(path.clone()).unwrap();
        book.change(|entries| entries.push(entry.clone())).unwrap();
        assert_eq!(Book::open(path.clone()).unwrap().entries, [entry]);
        std::fs::write(&path, "{").unwrap();
        assert!(Book::open(path).is_err(), "a book that cannot be read is not an empty one");
    }
}
