//! The hash chain of one node.
//!
//! An entry's body is compact JSON. `hash(n) = SHA-256("expacti-log-1\n" | hash(n-1) | SHA-256(body(n)))`: the
//! inner digest lets a bundle prove the place of a record without showing its neighbours.

use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::entry::{AttemptId, BootId, Change, Entry};

/// The version of the envelope. A reader refuses any other.
pub const FORMAT: u32 = 1;

/// A SHA-256 value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What stands before the first entry of a chain.
    pub const ZERO: Self = Self([0; 32]);

    /// The digest of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The hash of the entry that follows `self` and whose body has the digest `body`.
    #[must_use]
    pub fn then(&self, body: &Self) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"expacti-log-1\n");
        hasher.update(self.0);
        hasher.update(body.0);
        Self(hasher.finalize().into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is not the expected number of hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {0} hexadecimal digits")]
pub struct NotHex(pub usize);

impl FromStr for Hash {
    type Err = NotHex;

    fn from_str(text: &str) -> Result<Self, NotHex> {
        from_hex(text).map(Self)
    }
}

/// Bytes as lower-case hexadecimal digits.
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Lower-case hexadecimal digits as bytes. Upper case is refused: one value has one spelling.
pub fn from_hex<const N: usize>(text: &str) -> Result<[u8; N], NotHex> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return Err(NotHex(N * 2));
    }
    let digit = |c: u8| match c {
        b'0'..=b'9' => Ok(c - b'0'),
        b'a'..=b'f' => Ok(c - b'a' + 10),
        _ => Err(NotHex(N * 2)),
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(bytes)
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Who keeps a chain: the first half of the SHA-256 of its public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub [u8; 16]);

impl NodeId {
    /// The id of the node that signs with this ed25519 key.
    pub fn of(public_key: &[u8; 32]) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&Hash::of(public_key).0[..16]);
        Self(id)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl FromStr for NodeId {
    type Err = NotHex;

    fn from_str(text: &str) -> Result<Self, NotHex> {
        from_hex(text).map(Self)
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The last entry of a chain so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its position; 0 where there is none yet.
    pub position: u64,
    /// Its hash.
    pub hash: Hash,
    /// Its time; the next one is never earlier than this by accident of threads.
    pub at: i64,
}

/// A chain that grows.
#[derive(Clone, Debug)]
pub struct Chain {
    head: Head,
    /// How every body of this node begins.
    opening: String,
    /// Where bodies are put together, so that each costs one allocation of its own size.
    scratch: String,
}

/// An entry that has its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Counts up from 1 without gaps.
    pub position: u64,
    /// The entry's time.
    pub at: i64,
    /// The entry's kind.
    pub kind: &'static str,
    /// The attempt it belongs to.
    pub attempt: Option<AttemptId>,
    /// See the module's head.
    pub hash: Hash,
    /// The very bytes that were hashed. Shared, because a database's driver and the spool both want them.
    pub body: Arc<str>,
}

/// What goes into an entry's body before its place is known.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The entry's time.
    pub at: i64,
    /// The attempt it belongs to.
    pub attempt: Option<AttemptId>,
    /// The entry's kind.
    pub kind: &'static str,
    /// The change as JSON.
    pub json: String,
}

impl Draft {
    /// Encodes an entry.
    pub fn new(entry: &Entry) -> Result<Self, serde_json::Error> {
        let (at, attempt) = (entry.at, entry.attempt);
        // Most changes fit, so that the text does not grow step by step.
        let mut json = Vec::with_capacity(2048);
        serde_json::to_writer(&mut json, &entry.change)?;
        let json = String::from_utf8(json).map_err(serde::ser::Error::custom)?;
        Ok(Self { at, attempt, kind: entry.change.kind(), json })
    }

    /// The attempt that begins with it.
    pub fn begins(&self) -> Option<AttemptId> {
        // The variant itself is gone by now.
        self.attempt.filter(|_| self.kind == "attempted")
    }
}

impl Chain {
    /// A chain that goes on after `head`.
    pub fn new(node: NodeId, head: Option<Head>) -> Self {
        let head = head.unwrap_or(Head { position: 0, hash: Hash::ZERO, at: i64::MIN });
        let opening = format!(r#"{{"v":{FORMAT},"node":"{node}","position":"#);
        Self { head, opening, scratch: String::new() }
    }

    /// Where it stands.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Takes the chain back to where it stood, for entries that could not be stored anywhere.
    pub fn rewind(&mut self, head: Head) {
        self.head = head;
    }

    /// Gives an entry its place.
    pub fn seal(&mut self, draft: &Draft) -> Sealed {
        let position = self.head.position + 1;
        let body = &mut self.scratch;
        body.clear();
        body.push_str(&self.opening);
        // Writing to a String cannot fail.
        let _ = write!(body, r#"{position},"at":{},"#, draft.at);
        if let Some(id) = draft.attempt {
            let _ = write!(body, r#""boot":"{}","sequence":{},"#, id.boot, id.sequence);
        }
        body.push_str(r#""change":"#);
        body.push_str(&draft.json);
        body.push('}');
        let hash = self.head.hash.then(&Hash::of(body.as_bytes()));
        self.head = Head { position, hash, at: draft.at };
        let body = Arc::from(body.as_str());
        Sealed { position, at: draft.at, kind: draft.kind, attempt: draft.attempt, hash, body }
    }
}

/// A body, read back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    v: u32,
    /// Whose chain it is in.
    pub node: NodeId,
    /// Its place there.
    pub position: u64,
    /// When it happened, in microseconds since the epoch.
    pub at: i64,
    #[serde(default)]
    boot: Option<BootId>,
    #[serde(default)]
    sequence: Option<u64>,
    /// What happened.
    pub change: Change,
}

/// Why a body cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is no entry at all, or one that this version does not know.
    #[error("its body is no entry that this version of expacti can read: {0}")]
    Json(#[from] serde_json::Error),
    /// Another version of the envelope.
    #[error("its body has format {0}, this version of expacti reads {FORMAT}")]
    Format(u32),
    /// A boot id without a sequence number or the other way round.
    #[error("its body names half an attempt")]
    HalfAttempt,
}

impl Envelope {
    /// Reads a body.
    pub fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let envelope: Self = serde_json::from_slice(body)?;
        if envelope.v != FORMAT {
            return Err(Unreadable::Format(envelope.v));
        }
        if envelope.boot.is_some() != envelope.sequence.is_some() {
            return Err(Unreadable::HalfAttempt);
        }
        Ok(envelope)
    }

    /// The attempt it belongs to.
    pub fn attempt(&self) -> Option<AttemptId> {
        Some(AttemptId { boot: self.boot?, sequence: self.sequence? })
    }

    /// The entry without its place.
    pub fn into_entry(self) -> Entry {
        Entry { at: self.at, attempt: self.attempt(), change: self.change }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_hash_and_place_are_what_the_document_says() {
        let mut chain = Chain::new(NodeId([1; 16]), None);
        let alarm = Change::Alarm { name: "x".into(), text: "y".into() };
        let id = AttemptId { boot: BootId(7), sequence: 3 };
        let sealed = chain.seal(&Draft::new(&Entry { at: 5, attempt: Some(id), change: alarm }).unwrap());
        assert_eq!(
            &*sealed.body,
            r#"{"v":1,"node":"01010101010101010101010101010101","position":1,"at":5,"boot":"00000000000000000000000000000007","sequence":3,"change":{"alarm":{"name":"x","text":"y"}}}"#
        );
        let mut preimage = b"expacti-log-1\n".to_vec();
        preimage.extend([0; 32]);
        preimage.extend(Hash::of(sealed.body.as_bytes()).0);
        assert_eq!(sealed.hash, Hash::of(&preimage));
        let read = Envelope::read(sealed.body.as_bytes()).unwrap();
        assert_eq!((read.position, read.attempt()), (1, Some(id)));
    }

    #[test]
    fn an_ambiguous_body_is_refused() {
        let node = NodeId([1; 16]);
        let good = r#""at":5,"change":{"alarm":{"name":"x","text":"y"}}}"#;
        for head in [
            format!(r#"{{"v":2,"node":"{node}","position":1,"#),
            format!(r#"{{"v":1,"node":"{node}","position":1,"position":1,"#),
            format!(r#"{{"v":1,"node":"{node}","position":1,"extra":1,"#),
            format!(r#"{{"v":1,"node":"{node}","position":1,"sequence":1,"#),
        ] {
            assert!(Envelope::read(format!("{head}{good}").as_bytes()).is_err(), "{head}");
        }
    }

    #[test]
    fn one_value_has_one_spelling() {
        assert!(from_hex::<1>("aF").is_err());
        assert_eq!(from_hex::<2>("00ff"), Ok([0, 255]));
        assert_eq!("2f".repeat(32).parse::<Hash>().unwrap().to_string(), "2f".repeat(32));
    }
}
