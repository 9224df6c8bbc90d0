//! The folder of a node: its key, the lock that keeps a second writer away, and the anchor.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use expacti_core::record::signed::{Checkpoint, NodeKey};

use super::LogError;

/// A node's own folder.
#[derive(Debug)]
pub struct Home {
    path: PathBuf,
    key: NodeKey,
    /// Held as long as this lives: one writer per node.
    lock: Option<File>,
}

/// Closing is not enough: a child that this process starts at the moment has the file until its exec, and the lock with it.
impl Drop for Home {
    fn drop(&mut self) {
        if let Some(lock) = &self.lock {
            // Who has no child at the moment loses it anyway.
            let _ = lock.unlock();
        }
    }
}

impl Home {
    /// Makes the folder and the key where they are missing, and locks out any other writer.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| file(path, &error))?;
        let lock_path = path.join("writer.lock");
        let lock = private().create(true).write(true).truncate(false).open(&lock_path);
        let lock = lock.map_err(|error| file(&lock_path, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let why = "another daemon writes this node's log: stop it first, or give this one a folder of its own";
                return Err(LogError::File { path: lock_path.display().to_string(), why: why.into() });
            }
            Err(fs::TryLockError::Error(error)) => return Err(file(&lock_path, &error)),
        }
        let key = path.join("node.key");
        if !key.exists() {
            make_key(&key).map_err(|error| file(&key, &error))?;
        }
        Ok(Self { path: path.to_owned(), key: read_key(&key)?, lock: Some(lock) })
    }

    /// Reads the key of a node whose log somebody else writes.
    pub fn look(path: &Path) -> Result<Self, LogError> {
        Ok(Self { path: path.to_owned(), key: read_key(&path.join("node.key"))?, lock: None })
    }

    /// The node's key.
    pub fn key(&self) -> &NodeKey {
        &self.key
    }

    /// Where entries go while the database is away.
    pub(super) fn spool(&self) -> PathBuf {
        self.path.join("spool")
    }

    /// Keeps a checkpoint beside the key, so that whoever can write only the database cannot cut the chain unseen.
    pub(super) fn keep(&self, checkpoint: &Checkpoint) -> Result<(), LogError> {
        let (new, path) = (self.path.join("anchor.new"), self.path.join("anchor"));
        let written = private().create(true).write(true).truncate(true).open(&new).and_then(|mut file| {
            writeln!(file, "{checkpoint}")?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            File::open(&self.path)?.sync_all()
        });
        written.map_err(|error| file(&path, &error))
    }

    /// The checkpoint that was kept last.
    pub fn anchor(&self) -> Result<Option<Checkpoint>, LogError> {
        let path = self.path.join("anchor");
        match fs::read_to_string(&path) {
            Ok(line) => line.parse().map(Some).map_err(|error| file(&path, &error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(file(&path, &error)),
        }
    }
}

/// Readable for its owner alone, and never through a planted link.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC);
    options
}

pub(super) fn file(path: &Path, error: &dyn std::fmt::Display) -> LogError {
    LogError::File { path: path.display().to_string(), why: error.to_string() }
}

fn make_key(path: &Path) -> std::io::Result<()> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(std::io::Error::other)?;
    let new = path.with_extension("new");
    let mut file = private().create(true).write(true).truncate(true).open(&new)?;
    file.write_all(&seed)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn read_key(path: &Path) -> Result<NodeKey, LogError> {
    let mut opened = private().read(true).open(path).map_err(|error| file(path, &error))?;
    let metadata = opened.metadata().map_err(|error| file(path, &error))?;
    if metadata.mode() & 0o077 != 0 {
        let mode = metadata.mode() & 0o777;
        let why = format!(
            "others than its owner can use it (mode {mode:o}): the log's signatures are worth nothing; make a new node folder"
        );
        return Err(LogError::File { path: path.display().to_string(), why });
    }
    let mut seed = Vec::new();
    opened.read_to_end(&mut seed).map_err(|error| file(path, &error))?;
    let seed: [u8; 32] =
        seed.try_into().map_err(|_| file(path, &"it is no key of a node: 32 bytes are expected"))?;
    Ok(NodeKey::from_seed(&seed))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("home");
        let node = Home::open(&path).unwrap().key().node();
        assert_eq!(Home::open(&path).unwrap().key().node(), node);
        let key = path.join("node.key");
        assert_eq!(fs::metadata(&key).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(Home::open(&path).unwrap_err().to_string().contains("mode 640"));
    }

    #[test]
    fn a_second_writer_is_kept_out() {
        let folder = tempfile::tempdir().unwrap();
        let first = Home::open(folder.path()).unwrap();
        assert!(Home::open(folder.path()).unwrap_err().to_string().contains("another daemon"));
        let of_a_child = first.lock.as_ref().unwrap().try_clone().unwrap();
        drop(first);
        Home::open(folder.path()).unwrap();
        drop(of_a_child);
        assert!(Home::look(folder.path()).is_ok());
    }
}
