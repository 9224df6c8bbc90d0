//! Proves a chain entry by entry, and names the first one that is wrong.

use std::fmt;

use super::chain::{Envelope, Hash, Head, NodeId, Unreadable, from_hex};
use super::entry::{AttemptId, Change};
use super::sequence::{Gap, Sequences};
use super::signed::{BadStatement, Checkpoint, Tombstone};

/// An entry as a store or a file holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its place, as the store says.
    pub position: u64,
    /// Its body.
    pub body: Vec<u8>,
    /// What else the store says; none where only bodies were kept.
    pub columns: Option<Columns>,
}

/// What a store keeps beside the body, to find entries quickly. It must agree with the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Whose chain.
    pub node: NodeId,
    /// When.
    pub at: i64,
    /// What kind.
    pub kind: String,
    /// Which attempt.
    pub attempt: Option<AttemptId>,
    /// The hash that the entry got when it was written.
    pub hash: Vec<u8>,
}

/// What is wrong with an entry.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A position is skipped.
    #[error("the entries before it are missing: after position {after} comes {found}")]
    Missing {
        /// The last position that is there.
        after: u64,
        /// The one that comes next.
        found: u64,
    },
    /// The body cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The body is of another place or chain than where it lies.
    #[error("its body belongs to {0}")]
    Elsewhere(String),
    /// The bytes are not those that were written, or not in this order.
    #[error("its hash is wrong: it, or an entry before it, was changed")]
    Hash,
    /// A column says something else than the body.
    #[error("the store's column '{0}' disagrees with its body")]
    Column(&'static str),
    /// A signed statement is wrong.
    #[error("{what}: {problem}")]
    Statement {
        /// Which kind of statement.
        what: &'static str,
        /// What is wrong with it.
        problem: BadStatement,
    },
    /// A checkpoint signs another history.
    #[error("the checkpoint of position {0} signs another hash: the history before it was rewritten")]
    Rewritten(u64),
    /// The chain ends before a checkpoint that was kept.
    #[error("the chain ends here, but a checkpoint signs position {0}: its end was cut off")]
    CutOff(u64),
    /// A sequence number is used twice.
    #[error("attempt {0} was recorded before")]
    Twice(AttemptId),
    /// Sequence numbers are missing and no hole says so.
    #[error("sequence numbers {from} to {to} are missing before it, and no hole was recorded")]
    Gap {
        /// The first one.
        from: u64,
        /// The last one.
        to: u64,
    },
    /// The chain does not begin at its beginning, and no tombstone says why.
    #[error("the chain begins here, and no signed tombstone says what was before")]
    NoBeginning,
    /// The first entry must name the key.
    #[error("the first entry of a chain must begin it with the key of its node")]
    NoKey,
}

/// The first entry that is wrong.
#[derive(Debug)]
pub struct BadRecord {
    /// Whose chain.
    pub node: NodeId,
    /// Where in it.
    pub position: u64,
    /// What is wrong.
    pub problem: Problem,
}

impl std::error::Error for BadRecord {}

impl fmt::Display for BadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} of node {}: {}", self.position, self.node, self.problem)
    }
}

/// What was proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Whose chain.
    pub node: NodeId,
    /// The first position that is still there.
    pub first: u64,
    /// Where it ends.
    pub head: Head,
    /// How many entries.
    pub entries: u64,
    /// How many attempts.
    pub attempts: u64,
    /// How many holes were recorded.
    pub holes: u64,
    /// The last position that a signature in the chain or a kept checkpoint covers.
    pub signed: u64,
}

/// Walks a chain.
#[derive(Debug)]
pub struct Verifier {
    proven: Proven,
    sequences: Sequences,
    kept: Vec<Checkpoint>,
}

impl Verifier {
    /// Begins at the beginning of a chain, or behind what `tombstone` says was pruned. `kept` are checkpoints that
    /// somebody kept elsewhere; those of other nodes are ignored.
    pub fn new(node: NodeId, tombstone: Option<&Tombstone>, kept: &[Checkpoint]) -> Self {
        let nothing = Head { position: 0, hash: Hash::ZERO, at: i64::MIN };
        let head = tombstone.map_or(nothing, |t| Head { position: t.position, hash: t.hash, at: t.newest });
        let proven =
            Proven { node, first: head.position + 1, head, entries: 0, attempts: 0, holes: 0, signed: 0 };
        let sequences = tombstone.map(|t| t.sequences.clone()).unwrap_or_default();
        let kept = kept.iter().filter(|checkpoint| checkpoint.node == node).cloned().collect();
        Self { proven, sequences, kept }
    }

    /// Which sequence numbers were seen so far.
    pub fn sequences(&self) -> &Sequences {
        &self.sequences
    }

    /// Where the walk stands.
    pub fn head(&self) -> Head {
        self.proven.head
    }

    /// Proves the next entry and hands back what it says.
    pub fn next(&mut self, stored: &Stored) -> Result<Envelope, BadRecord> {
        self.prove(stored).map_err(|problem| self.bad(stored.position, problem))
    }

    fn bad(&self, position: u64, problem: Problem) -> BadRecord {
        BadRecord { node: self.proven.node, position, problem }
    }

    fn prove(&mut self, stored: &Stored) -> Result<Envelope, Problem> {
        let before = self.proven.head;
        if stored.position != before.position + 1 {
            let (after, found) = (before.position, stored.position);
            let nothing_yet = self.proven.entries == 0;
            return Err(if nothing_yet { Problem::NoBeginning } else { Problem::Missing { after, found } });
        }
        let hash = before.hash.then(&Hash::of(&stored.body));
        if stored.columns.as_ref().is_some_and(|columns| columns.hash != hash.0) {
            return Err(Problem::Hash);
        }
        let envelope = Envelope::read(&stored.body)?;
        if envelope.node != self.proven.node || envelope.position != stored.position {
            return Err(Problem::Elsewhere(format!(
                "position {} of node {}",
                envelope.position, envelope.node
            )));
        }
        if let Some(columns) = &stored.columns {
            agree(columns, &envelope)?;
        }
        self.meaning(&envelope, &before)?;
        self.proven.head = Head { position: stored.position, hash, at: envelope.at };
        self.proven.entries += 1;
        self.compare_kept()?;
        Ok(envelope)
    }

    fn meaning(&mut self, envelope: &Envelope, before: &Head) -> Result<(), Problem> {
        let what = envelope.change.kind();
        let statement = |problem| Problem::Statement { what, problem };
        if (envelope.position == 1) != matches!(envelope.change, Change::ChainStarted { .. }) {
            return Err(Problem::NoKey);
        }
        #[expect(clippy::wildcard_enum_match_arm, reason = "only these say something about the chain itself")]
        match &envelope.change {
            Change::ChainStarted { public_key, .. } => {
                let key: [u8; 32] = from_hex(public_key).map_err(|_| Problem::NoKey)?;
                if NodeId::of(&key) != self.proven.node {
                    return Err(statement(BadStatement::ForeignKey(self.proven.node)));
                }
            }
            Change::Attempted(_) => {
                let id = envelope.attempt().ok_or(Unreadable::HalfAttempt)?;
                if !self.sequences.see(id.boot, id.sequence, envelope.position) {
                    return Err(Problem::Twice(id));
                }
                self.proven.attempts += 1;
            }
            Change::Hole { boot, from, to, .. } => {
                self.sequences.excuse(*boot, *from, *to);
                self.proven.holes += 1;
            }
            Change::Checkpoint { line } => {
                let checkpoint: Checkpoint = line.parse().map_err(statement)?;
                if checkpoint.node != self.proven.node {
                    return Err(statement(BadStatement::ForeignKey(self.proven.node)));
                }
                if (checkpoint.position, checkpoint.hash) != (before.position, before.hash) {
                    return Err(Problem::Rewritten(checkpoint.position));
                }
                self.proven.signed = before.position;
            }
            Change::Tombstone { statement: text, signature } => {
                let tombstone = Tombstone::read(text, signature).map_err(statement)?;
                if tombstone.node != self.proven.node {
                    return Err(statement(BadStatement::ForeignKey(self.proven.node)));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn compare_kept(&mut self) -> Result<(), Problem> {
        let head = self.proven.head;
        for checkpoint in self.kept.iter().filter(|checkpoint| checkpoint.position == head.position) {
            if checkpoint.hash != head.hash {
                return Err(Problem::Rewritten(checkpoint.position));
            }
            self.proven.signed = self.proven.signed.max(head.position);
        }
        Ok(())
    }

    /// The chain has no more entries.
    pub fn finish(self) -> Result<Proven, BadRecord> {
        let end = self.proven.head.position;
        if let Some(checkpoint) = self.kept.iter().find(|checkpoint| checkpoint.position > end) {
            return Err(self.bad(end, Problem::CutOff(checkpoint.position)));
        }
        let first = self.sequences.gaps().min_by_key(|gap| gap.shown_at);
        if let Some(Gap { from, to, shown_at, .. }) = first {
            return Err(self.bad(shown_at, Problem::Gap { from, to }));
        }
        Ok(self.proven)
    }
}

fn agree(columns: &Columns, envelope: &Envelope) -> Result<(), Problem> {
    let checks = [
        ("node", columns.node == envelope.node),
        ("at", columns.at == envelope.at),
        ("kind", columns.kind == envelope.change.kind()),
        ("boot, sequence", columns.attempt == envelope.attempt()),
    ];
    checks.iter().find(|(_, same)| !same).map_or(Ok(()), |(name, _)| Err(Problem::Column(name)))
}

#[cfg(test)]
mod tests;
