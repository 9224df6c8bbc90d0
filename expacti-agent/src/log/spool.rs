//! Where entries go while the database cannot take them.
//!
//! Frames of length, CRC-32 and body, appended and synced. The body says its place in the chain, so what is read
//! back can be put into the database in order and without doubles. A frame that was cut by a crash was never
//! answered for and is dropped.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use expacti_core::record::chain::{Envelope, Hash, Head, NodeId, Sealed};

use super::LogError;
use super::home::file;

/// No entry is this long; a length beyond it is a broken frame.
const LONGEST: u32 = 64 << 20;

/// An append-only file of entries.
#[derive(Debug)]
pub(super) struct Spool {
    path: PathBuf,
    file: File,
    len: u64,
    entries: u64,
    limit: u64,
    head: Option<Head>,
}

impl Spool {
    /// Opens the spool and reads what an earlier daemon left in it.
    pub(super) fn open(path: &Path, limit: u64) -> Result<Self, LogError> {
        let mut options = OpenOptions::new();
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC);
        let opened = options.create(true).truncate(false).read(true).write(true).open(path);
        let opened = opened.map_err(|error| file(path, &error))?;
        let mut spool = Self { path: path.to_owned(), file: opened, len: 0, entries: 0, limit, head: None };
        spool.recover().map_err(|error| file(path, &error))?;
        Ok(spool)
    }

    /// How many entries are in it.
    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    /// How many bytes it has.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The end of the chain, as far as it is in here.
    pub(super) fn head(&self) -> Option<Head> {
        self.head
    }

    fn recover(&mut self) -> io::Result<()> {
        let mut reader = Frames { file: &self.file, at: 0 };
        let mut last = None;
        while let Some(frame) = reader.next()? {
            self.entries += 1;
            last = Some((frame, reader.at));
            self.len = reader.at;
        }
        if let Some(((hash, body), _)) = last {
            let envelope = Envelope::read(&body).map_err(io::Error::other)?;
            self.head = Some(Head { position: envelope.position, hash, at: envelope.at });
        }
        self.cut(self.len)
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)?;
        self.file.sync_all()
    }

    /// Takes entries, all or none, and syncs.
    pub(super) fn append(&mut self, sealed: &[Sealed], head: Head) -> io::Result<()> {
        let mut frames = Vec::new();
        for entry in sealed {
            let mut payload = entry.hash.0.to_vec();
            payload.extend_from_slice(entry.body.as_bytes());
            let len = u32::try_from(payload.len()).ok().filter(|&len| len <= LONGEST);
            let len = len.ok_or_else(|| io::Error::other("an entry is longer than the spool can keep"))?;
            frames.extend_from_slice(&len.to_le_bytes());
            frames.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
            frames.extend_from_slice(&payload);
        }
        let grown = self.len + frames.len() as u64;
        if grown > self.limit {
            return Err(io::Error::other(format!("the spool has reached its limit of {} bytes", self.limit)));
        }
        if let Err(error) = self.file.write_all_at(&frames, self.len).and_then(|()| self.file.sync_data()) {
            // What was written in part is written over by the next batch, but must not come back if there is none.
            self.cut(self.len)?;
            return Err(error);
        }
        self.len = grown;
        self.entries += sealed.len() as u64;
        self.head = Some(head);
        Ok(())
    }

    /// Entries from byte `at`, at most about `bytes` of them, and where the next ones begin.
    pub(super) fn read(&self, node: NodeId, at: u64, bytes: usize) -> Result<(Vec<Sealed>, u64), LogError> {
        let mut frames = Frames { file: &self.file, at };
        let (mut entries, mut size) = (Vec::new(), 0);
        while size < bytes && frames.at < self.len {
            let next = frames.next().map_err(|error| file(&self.path, &error))?;
            let (hash, body) =
                next.ok_or_else(|| file(&self.path, &"a frame that was whole is broken now"))?;
            size += body.len();
            entries.push(sealed(node, hash, body).map_err(|why| file(&self.path, &why))?);
        }
        Ok((entries, frames.at))
    }

    /// Everything is in the database.
    pub(super) fn clear(&mut self) -> Result<(), LogError> {
        self.cut(0).map_err(|error| file(&self.path, &error))?;
        (self.len, self.entries, self.head) = (0, 0, None);
        Ok(())
    }
}

fn sealed(node: NodeId, hash: Hash, body: Vec<u8>) -> Result<Sealed, String> {
    let envelope = Envelope::read(&body).map_err(|error| error.to_string())?;
    if envelope.node != node {
        return Err(format!("it holds entries of node {}, not of this one", envelope.node));
    }
    let body = String::from_utf8(body).map_err(|error| error.to_string())?;
    let (kind, body) = (envelope.change.kind(), body.into());
    Ok(Sealed { position: envelope.position, at: envelope.at, kind, attempt: envelope.attempt(), hash, body })
}

struct Frames<'a> {
    file: &'a File,
    at: u64,
}

impl Frames<'_> {
    /// The next whole frame; none where the file ends or is broken.
    fn next(&mut self) -> io::Result<Option<(Hash, Vec<u8>)>> {
        let mut head = [0; 8];
        if !filled(self.file, &mut head, self.at)? {
            return Ok(None);
        }
        let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let crc = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        if !(32..=LONGEST).contains(&len) {
            return Ok(None);
        }
        let mut payload = vec![0; len as usize];
        if !filled(self.file, &mut payload, self.at + 8)? || crc32fast::hash(&payload) != crc {
            return Ok(None);
        }
        self.at += 8 + u64::from(len);
        let mut hash = [0; 32];
        hash.copy_from_slice(&payload[..32]);
        payload.drain(..32);
        Ok(Some((Hash(hash), payload)))
    }
}

/// Reads at a place of its own: reading and appending share the file, and must not move each other.
fn filled(file: &File, buffer: &mut [u8], at: u64) -> io::Result<bool> {
    match file.read_exact_at(buffer, at) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use expacti_core::record::chain::{Chain, Draft};
    use expacti_core::record::{Change, Entry};

    use super::*;

    const NODE: NodeId = NodeId([1; 16]);

    fn seal(chain: &mut Chain, count: usize) -> Vec<Sealed> {
        let alarm = || Change::Alarm { name: "x".into(), text: "y".into() };
        let draft = || Draft::new(&Entry { at: 1, attempt: None, change: alarm() }).unwrap();
        (0..count).map(|_| chain.seal(&draft())).collect()
    }

    #[test]
    fn what_was_taken_comes_back_in_order_after_any_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool");
        let mut chain = Chain::new(NODE, None);
        let (first, second) = (seal(&mut chain, 3), seal(&mut chain, 2));
        let mut spool = Spool::open(&path, 1 << 20).unwrap();
        spool.append(&first, chain.head()).unwrap();
        let whole = spool.len();
        spool.append(&second, chain.head()).unwrap();
        drop(spool);
        let bytes = std::fs::read(&path).unwrap();
        for len in usize::try_from(whole).unwrap()..=bytes.len() {
            std::fs::write(&path, &bytes[..len]).unwrap();
            let spool = Spool::open(&path, 1 << 20).unwrap();
            let (read, end) = spool.read(NODE, 0, usize::MAX).unwrap();
            assert!(read.starts_with(&first) && end == spool.len());
            assert_eq!(spool.head().unwrap().position, read.len() as u64);
            assert!(read.len() <= 5 && read[3..] == second[..read.len() - 3]);
        }
    }

    #[test]
    fn a_batch_beyond_the_limit_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool");
        let mut chain = Chain::new(NODE, None);
        let entries = seal(&mut chain, 3);
        let mut spool = Spool::open(&path, 300).unwrap();
        spool.append(&entries[..1], chain.head()).unwrap();
        assert!(spool.append(&entries[1..], chain.head()).unwrap_err().to_string().contains("limit"));
        assert_eq!(spool.read(NODE, 0, usize::MAX).unwrap().0, entries[..1]);
        spool.limit = 1 << 20;
        // Reading does not move where the next batch goes.
        spool.append(&entries[1..], chain.head()).unwrap();
        assert_eq!(spool.read(NODE, 0, usize::MAX).unwrap().0, entries);
        spool.clear().unwrap();
        assert_eq!((spool.entries(), spool.len(), spool.head()), (0, 0, None));
    }
}
