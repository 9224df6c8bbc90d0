//! Evidence in one file: some entries of a chain, and the proof that they stood where they say.
//!
//! Lines of JSON. A head; then segments, each with the hash before its first entry and a signed checkpoint of its
//! last one; then the segment's entries in order, each either whole or, where it is nobody's business, as the digest
//! of its body. The chain is hashed so that the digest is enough.

use serde::{Deserialize, Serialize};

use super::attempt::Attempt;
use super::chain::{Envelope, Hash, Unreadable};
use super::signed::{BadStatement, Checkpoint};

/// The version of the format.
pub const FORMAT: u32 = 1;

/// A line of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Line {
    /// The first line.
    Bundle {
        /// [`FORMAT`].
        format: u32,
        /// What it is evidence of, for people.
        of: String,
    },
    /// A segment begins.
    Segment {
        /// The position of its first entry.
        first: u64,
        /// The hash of the entry before that.
        before: Hash,
        /// Signs its last entry.
        checkpoint: String,
    },
    /// An entry, whole.
    Entry(String),
    /// The digest of an entry's body.
    Digest(Hash),
}

/// What is wrong with a bundle, and in which line.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct BadBundle {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// It is no line of a bundle.
    #[error("it is no line of an evidence bundle: {0}")]
    Json(#[from] serde_json::Error),
    /// It is of another version.
    #[error("it has format {0}, this version of expacti reads {FORMAT}")]
    Format(u32),
    /// It stands in the wrong place.
    #[error("a bundle has one head, then segments, then entries")]
    Order,
    /// The checkpoint is not genuine.
    #[error("the checkpoint of this segment is not genuine: {0}")]
    Checkpoint(#[from] BadStatement),
    /// A body cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A body is of another place.
    #[error("its body is of position {found}, not {expected}")]
    Elsewhere {
        /// What the body says.
        found: u64,
        /// Where it stands.
        expected: u64,
    },
    /// The segment does not lead to its checkpoint.
    #[error("what stands before is not what the node signed: an entry was changed, left out or moved")]
    Changed,
    /// The file ends too early.
    #[error("the bundle ends before the position that its checkpoint signs")]
    Cut,
    /// A checkpoint that was kept says otherwise.
    #[error("a checkpoint that was kept signs another history of this node")]
    Rewritten,
    /// It proves nothing.
    #[error("the bundle holds no entry")]
    Empty,
}

/// What a bundle proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What it says it is evidence of.
    pub of: String,
    /// The records in it.
    pub attempts: Vec<Attempt>,
    /// All its whole entries, in order.
    pub entries: Vec<Envelope>,
    /// How many entries are there as digests only.
    pub hidden: u64,
    /// The checkpoints that prove it.
    pub checkpoints: Vec<Checkpoint>,
}

struct Segment {
    checkpoint: Checkpoint,
    position: u64,
    hash: Hash,
}

/// Reads and proves a bundle. `kept` are checkpoints that somebody kept elsewhere.
pub fn verify(text: &str, kept: &[Checkpoint]) -> Result<Evidence, BadBundle> {
    let mut evidence = Evidence {
        of: String::new(),
        attempts: Vec::new(),
        entries: Vec::new(),
        hidden: 0,
        checkpoints: Vec::new(),
    };
    let mut segment: Option<Segment> = None;
    let mut count = 0;
    for (index, text) in text.lines().enumerate() {
        count = index + 1;
        take(&mut evidence, &mut segment, index, text, kept)
            .map_err(|problem| BadBundle { line: count, problem })?;
    }
    let end = end_of(segment.as_ref()).map_err(|problem| BadBundle { line: count, problem });
    end?;
    if evidence.entries.is_empty() {
        return Err(BadBundle { line: count, problem: Problem::Empty });
    }
    let begun: Vec<_> = evidence
        .entries
        .iter()
        .filter(|e| e.change.kind() == "attempted")
        .filter_map(Envelope::attempt)
        .collect();
    for id in begun {
        let own = evidence.entries.iter().filter(|entry| entry.attempt() == Some(id)).cloned();
        evidence.attempts.extend(Attempt::fold(own));
    }
    Ok(evidence)
}

/// A segment must have led to its checkpoint.
fn end_of(segment: Option<&Segment>) -> Result<(), Problem> {
    let Some(segment) = segment else { return Ok(()) };
    match segment.position.cmp(&segment.checkpoint.position) {
        std::cmp::Ordering::Less => Err(Problem::Cut),
        std::cmp::Ordering::Equal if segment.hash == segment.checkpoint.hash => Ok(()),
        std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => Err(Problem::Changed),
    }
}

fn take(
    evidence: &mut Evidence,
    segment: &mut Option<Segment>,
    index: usize,
    text: &str,
    kept: &[Checkpoint],
) -> Result<(), Problem> {
    let line: Line = serde_json::from_str(text)?;
    if (index == 0) != matches!(line, Line::Bundle { .. }) {
        return Err(Problem::Order);
    }
    let digest = match line {
        Line::Bundle { format, of } if format == FORMAT => {
            evidence.of = of;
            return Ok(());
        }
        Line::Bundle { format, .. } => return Err(Problem::Format(format)),
        Line::Segment { first, before, checkpoint } => {
            end_of(segment.as_ref())?;
            let checkpoint: Checkpoint = checkpoint.parse()?;
            let position = first.checked_sub(1).ok_or(Problem::Order)?;
            evidence.checkpoints.push(checkpoint.clone());
            *segment = Some(Segment { checkpoint, position, hash: before });
            return Ok(());
        }
        Line::Entry(body) => {
            let segment = segment.as_ref().ok_or(Problem::Order)?;
            let envelope = Envelope::read(body.as_bytes())?;
            let expected = segment.position + 1;
            if envelope.position != expected || envelope.node != segment.checkpoint.node {
                return Err(Problem::Elsewhere { found: envelope.position, expected });
            }
            evidence.entries.push(envelope);
            Hash::of(body.as_bytes())
        }
        Line::Digest(digest) => {
            evidence.hidden += 1;
            digest
        }
    };
    let segment = segment.as_mut().ok_or(Problem::Order)?;
    segment.position += 1;
    segment.hash = segment.hash.then(&digest);
    if segment.position > segment.checkpoint.position {
        return Err(Problem::Changed);
    }
    let contradicts = |kept: &&Checkpoint| {
        kept.node == segment.checkpoint.node && kept.position == segment.position && kept.hash != segment.hash
    };
    if kept.iter().any(|kept| contradicts(&kept)) {
        return Err(Problem::Rewritten);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::chain::{Chain, Draft};
    use crate::record::entry::{Change, Entry};
    use crate::record::signed::NodeKey;

    fn bundle() -> String {
        let key = NodeKey::from_seed(&[1; 32]);
        let mut chain = Chain::new(key.node(), None);
        let mut before = Hash::ZERO;
        let mut lines = Vec::new();
        for number in 0..8 {
            let change = Change::Alarm { name: "x".into(), text: number.to_string() };
            let sealed = chain.seal(&Draft::new(&Entry { at: number, attempt: None, change }).unwrap());
            match number {
                0 | 1 => before = sealed.hash,
                2 | 5 => lines.push(Line::Entry(sealed.body.to_string())),
                _ => lines.push(Line::Digest(Hash::of(sealed.body.as_bytes()))),
            }
        }
        let checkpoint = key.checkpoint(&chain.head(), 9).to_string();
        lines.insert(0, Line::Segment { first: 3, before, checkpoint });
        lines.insert(0, Line::Bundle { format: FORMAT, of: "a test".into() });
        lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect()
    }

    #[test]
    fn a_bundle_proves_what_it_shows() {
        let evidence = verify(&bundle(), &[]).unwrap();
        assert_eq!((evidence.entries.len(), evidence.hidden, evidence.of.as_str()), (2, 4, "a test"));
        let forged = NodeKey::from_seed(&[1; 32])
            .checkpoint(&crate::record::chain::Head { position: 6, hash: Hash::ZERO, at: 0 }, 9);
        assert!(matches!(verify(&bundle(), &[forged]).unwrap_err().problem, Problem::Rewritten));
    }

    proptest! {
        #[test]
        fn no_byte_of_it_can_change(at: usize, bit in 0u8..7) {
            let mut forged = bundle().into_bytes();
            // What it says it is evidence of is not signed: it is the sender's title.
            let body = forged.iter().position(|&b| b == b'\n').unwrap();
            let at = body + 1 + at % (forged.len() - body - 2);
            forged[at] ^= 1 << bit;
            // Hexadecimal digits in upper case, blanks between lines: none of it is taken.
            prop_assert!(String::from_utf8(forged).map_or(true, |forged| verify(&forged, &[]).is_err()));
        }

        #[test]
        fn no_line_can_be_left_out_or_moved(one in 0usize..8, other in 0usize..8) {
            let text = bundle();
            let lines: Vec<&str> = text.lines().collect();
            let mut without = lines.clone();
            without.remove(one);
            prop_assert!(verify(&without.join("\n"), &[]).is_err());
            prop_assume!(lines[one] != lines[other]);
            let mut moved = lines.clone();
            moved.swap(one, other);
            prop_assert!(verify(&moved.join("\n"), &[]).is_err());
        }
    }
}
