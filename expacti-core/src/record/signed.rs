//! What a node's key says about its chain: checkpoints and tombstones.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::chain::{Hash, Head, NodeId, from_hex, to_hex};
use super::entry::Change;
use super::sequence::Sequences;

/// The key of a node.
pub struct NodeKey(SigningKey);

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeKey({})", self.node())
    }
}

impl NodeKey {
    /// The key that grows from 32 secret bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Its public half.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Its public half, hexadecimal.
    pub fn public_hex(&self) -> String {
        to_hex(&self.public())
    }

    /// The id of the node that holds it.
    pub fn node(&self) -> NodeId {
        NodeId::of(&self.public())
    }

    /// A second secret for masking, from which the first cannot be told.
    pub fn mask_key(&self) -> [u8; 16] {
        let mut key = [0; 16];
        let mut secret = b"expacti-mask-1\n".to_vec();
        secret.extend(self.0.to_bytes());
        key.copy_from_slice(&Hash::of(&secret).0[..16]);
        key
    }

    /// Signs that the chain stood at `head` at the time `at`.
    pub fn checkpoint(&self, head: &Head, at: i64) -> Checkpoint {
        let (position, hash) = (head.position, head.hash);
        let mut checkpoint =
            Checkpoint { node: self.node(), position, hash, at, key: self.public(), signature: [0; 64] };
        checkpoint.signature = self.0.sign(checkpoint.statement().as_bytes()).to_bytes();
        checkpoint
    }

    /// Signs that what `tombstone` describes was pruned on purpose.
    pub fn tombstone(&self, tombstone: &Tombstone) -> Result<Change, serde_json::Error> {
        let statement = serde_json::to_string(tombstone)?;
        let signature = to_hex(&self.0.sign(domain(&statement).as_bytes()).to_bytes());
        Ok(Change::Tombstone { statement, signature })
    }
}

fn domain(statement: &str) -> String {
    format!("expacti-tombstone-1\n{statement}")
}

/// Why a signed statement is worth nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadStatement {
    /// It cannot be read.
    #[error("it is no {0}")]
    Malformed(&'static str),
    /// The key in it belongs to another node than it names.
    #[error("its key is not the key of node {0}")]
    ForeignKey(NodeId),
    /// The signature does not fit.
    #[error("its signature is wrong")]
    Signature,
}

/// A signed claim: "the chain of this node stood here". One line, so that an auditor can keep it anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose chain.
    pub node: NodeId,
    /// The last entry that it covers.
    pub position: u64,
    /// That entry's hash, and with it everything before.
    pub hash: Hash,
    /// When it was signed, in microseconds since the epoch.
    pub at: i64,
    key: [u8; 32],
    signature: [u8; 64],
}

impl Checkpoint {
    fn statement(&self) -> String {
        let Self { node, position, hash, at, key, .. } = self;
        let key = to_hex(key);
        format!("expacti-checkpoint-1 node={node} position={position} hash={hash} at={at} key={key}")
    }

    /// Whether the node's key has signed it. [`FromStr`] has checked this already.
    pub fn check(&self) -> Result<(), BadStatement> {
        if NodeId::of(&self.key) != self.node {
            return Err(BadStatement::ForeignKey(self.node));
        }
        let key = VerifyingKey::from_bytes(&self.key).map_err(|_| BadStatement::Signature)?;
        key.verify_strict(self.statement().as_bytes(), &Signature::from_bytes(&self.signature))
            .map_err(|_| BadStatement::Signature)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sig={}", self.statement(), to_hex(&self.signature))
    }
}

impl FromStr for Checkpoint {
    type Err = BadStatement;

    fn from_str(line: &str) -> Result<Self, BadStatement> {
        const BAD: BadStatement = BadStatement::Malformed("checkpoint line");
        let mut words = line.trim().split(' ');
        if words.next() != Some("expacti-checkpoint-1") {
            return Err(BAD);
        }
        let mut field = |name: &str| {
            let (key, value) = words.next().and_then(|word| word.split_once('=')).ok_or(BAD)?;
            if key == name { Ok(value) } else { Err(BAD) }
        };
        let checkpoint = Self {
            node: field("node")?.parse().map_err(|_| BAD)?,
            position: field("position")?.parse().map_err(|_| BAD)?,
            hash: field("hash")?.parse().map_err(|_| BAD)?,
            at: field("at")?.parse().map_err(|_| BAD)?,
            key: from_hex(field("key")?).map_err(|_| BAD)?,
            signature: from_hex(field("sig")?).map_err(|_| BAD)?,
        };
        if words.next().is_some() || checkpoint.to_string() != line.trim() {
            return Err(BAD);
        }
        checkpoint.check()?;
        Ok(checkpoint)
    }
}

/// What was pruned, and what verification needs to go on behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstone {
    /// Whose chain.
    pub node: NodeId,
    /// The public key that signs, hexadecimal.
    pub key: String,
    /// The last entry that was removed.
    pub position: u64,
    /// Its hash.
    pub hash: Hash,
    /// How many entries this pruning removed.
    pub removed: u64,
    /// The time of the newest entry that was removed.
    pub newest: i64,
    /// Why, such as "retention of 90 days".
    pub because: String,
    /// Which sequence numbers had been seen up to `position`.
    pub sequences: Sequences,
}

impl Tombstone {
    /// Reads and checks the statement of a tombstone entry.
    pub fn read(statement: &str, signature: &str) -> Result<Self, BadStatement> {
        const BAD: BadStatement = BadStatement::Malformed("tombstone");
        let tombstone: Self = serde_json::from_str(statement).map_err(|_| BAD)?;
        let key: [u8; 32] = from_hex(&tombstone.key).map_err(|_| BAD)?;
        if NodeId::of(&key) != tombstone.node {
            return Err(BadStatement::ForeignKey(tombstone.node));
        }
        let signature = Signature::from_bytes(&from_hex(signature).map_err(|_| BAD)?);
        VerifyingKey::from_bytes(&key)
            .and_then(|key| key.verify_strict(domain(statement).as_bytes(), &signature))
            .map_err(|_| BadStatement::Signature)?;
        Ok(tombstone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        NodeKey::from_seed(&[3; 32]).checkpoint(&Head { position: 9, hash: Hash::of(b"x"), at: 1 }, 2)
    }

    #[test]
    fn a_checkpoint_survives_paper() {
        let line = checkpoint().to_string();
        assert_eq!(format!("{line}\n").parse(), Ok(checkpoint()));
    }

    #[test]
    fn no_character_of_a_checkpoint_can_change() {
        let line = checkpoint().to_string();
        for at in 0..line.len() {
            let mut forged = line.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            let forged = String::from_utf8(forged).unwrap();
            assert!(forged.parse::<Checkpoint>().is_err(), "{forged}");
        }
    }

    #[test]
    fn another_key_cannot_speak_for_a_node() {
        let mut forged =
            NodeKey::from_seed(&[4; 32]).checkpoint(&Head { position: 9, hash: Hash::ZERO, at: 1 }, 2);
        forged.node = checkpoint().node;
        assert_eq!(forged.check(), Err(BadStatement::ForeignKey(checkpoint().node)));
    }
}
