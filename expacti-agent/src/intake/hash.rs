//! SHA-256 of what runs, remembered as long as the file stays as it is.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use expacti_core::request::Executable;
use sha2::{Digest as _, Sha256};

use crate::clock::epoch_seconds;

/// A larger file is not read: it would take too long while somebody waits.
const LARGEST: u64 = 256 << 20;

/// Files that are remembered.
const REMEMBERED: usize = 4_096;

/// A file as it is: device, inode, change time.
type Identity = (u64, u64, i64);

/// What is remembered.
#[derive(Debug, Default)]
pub(crate) struct Hashes(Mutex<HashMap<Identity, String>>);

impl Hashes {
    /// Fills in what is known of a file without touching it.
    pub(crate) fn recall(&self, file: &mut Executable) {
        if file.sha256.is_none() && !file.unlinked && !file.unstable {
            file.sha256 = self.known().get(&(file.dev, file.ino, file.ctime_ns)).cloned();
        }
    }

    /// The hash of a file, in hexadecimal. Fails where it is too large, changes meanwhile, or time is up.
    pub(super) fn of(&self, mut file: &File, until: Instant) -> io::Result<String> {
        let before = file.metadata()?;
        let identity = (before.dev(), before.ino(), change_time(&before));
        if let Some(known) = self.known().get(&identity) {
            return Ok(known.clone());
        }
        if before.size() > LARGEST {
            return Err(io::Error::other("it is too large"));
        }
        file.rewind()?;
        let mut hasher = Sha256::new();
        let mut left = LARGEST;
        let mut buffer = vec![0; 1 << 18];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
            left = left.saturating_sub(read as u64);
            if left == 0 || Instant::now() > until {
                return Err(io::Error::other("it took too long"));
            }
        }
        let after = file.metadata()?;
        if change_time(&after) != identity.2 {
            return Err(io::Error::other("it is being changed"));
        }
        let hash = hexadecimal(&hasher.finalize());
        // The clock of change times has a coarse tick: a file that was just written may change unseen within it.
        if after.ctime().cast_unsigned() + 2 < epoch_seconds() {
            let mut known = self.known();
            if known.len() >= REMEMBERED {
                known.clear();
            }
            known.insert(identity, hash.clone());
        }
        Ok(hash)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<Identity, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn change_time(metadata: &std::fs::Metadata) -> i64 {
    metadata.ctime().saturating_mul(1_000_000_000).saturating_add(metadata.ctime_nsec())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_hash_is_that_of_the_content_now() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let hashes = Hashes::default();
        let hash = |until| hashes.of(&File::open(&path).unwrap(), until);
        let soon = Instant::now() + Duration::from_mins(1);
        std::fs::write(&path, "abc").unwrap();
        // printf abc | sha256sum
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash(soon).unwrap(), expected);
        // Too new to be remembered: it could change within a tick of the clock.
        assert!(hashes.known().is_empty());
        std::fs::write(&path, "abd").unwrap();
        assert_ne!(hash(soon).unwrap(), expected);
        assert!(hash(Instant::now()).is_err(), "time was up");
    }
}
