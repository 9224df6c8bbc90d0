//! Makes evidence bundles: see [`expacti_core::record::bundle`].

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use expacti_core::record::bundle::{FORMAT, Line};
use expacti_core::record::chain::{Envelope, Hash, Head, NodeId};
use expacti_core::record::entry::RuleSource;
use expacti_core::record::signed::{Checkpoint, NodeKey};
use expacti_core::record::verify::Stored;
use expacti_core::record::{Attempt, Change};

use super::store::{on, signed, unsigned};
use super::{LogError, Reader};

/// How many entries are read at once.
const CHUNK: u32 = 2000;

/// Writes the evidence of some attempts: all their entries, the rules that were in force, and the proof. Where the
/// end of the chain is not signed yet, `key` signs it.
pub async fn bundle(
    reader: &Reader,
    attempts: &[Attempt],
    of: &str,
    key: Option<&NodeKey>,
    out: &mut (dyn Write + Send),
) -> Result<(), LogError> {
    let mut wanted: BTreeMap<NodeId, BTreeSet<u64>> = BTreeMap::new();
    for attempt in attempts {
        let positions = wanted.entry(attempt.node).or_default();
        positions.extend(reader.positions(attempt).await?);
        positions.extend(reader.rules_entry(attempt).await?.map(|envelope| envelope.position));
    }
    write(out, &Line::Bundle { format: FORMAT, of: of.to_owned() })?;
    for (node, positions) in wanted {
        let mut end = 0;
        for &first in &positions {
            if first <= end {
                continue;
            }
            let checkpoint = reader.signed_behind(node, first, key).await?;
            end = checkpoint.position;
            segment(reader, &checkpoint, first, &positions, out).await?;
        }
    }
    Ok(out.flush()?)
}

async fn segment(
    reader: &Reader,
    checkpoint: &Checkpoint,
    first: u64,
    wanted: &BTreeSet<u64>,
    out: &mut (dyn Write + Send),
) -> Result<(), LogError> {
    let before = match reader.entry(checkpoint.node, first - 1).await? {
        Some(entry) => hash(&entry)?,
        None => match reader.tombstone(checkpoint.node).await? {
            Some(tombstone) if tombstone.position == first - 1 => tombstone.hash,
            _ => Hash::ZERO,
        },
    };
    write(out, &Line::Segment { first, before, checkpoint: checkpoint.to_string() })?;
    let mut at = first - 1;
    while at < checkpoint.position {
        let entries = reader.stored(checkpoint.node, at, CHUNK).await?;
        let missing = || {
            LogError::BadInput(format!(
                "the log ends before its own checkpoint of position {}",
                checkpoint.position
            ))
        };
        at = entries.last().ok_or_else(missing)?.position;
        for entry in entries.iter().take_while(|entry| entry.position <= checkpoint.position) {
            let body = String::from_utf8_lossy(&entry.body).into_owned();
            let whole = wanted.contains(&entry.position);
            write(out, &if whole { Line::Entry(body) } else { Line::Digest(Hash::of(&entry.body)) })?;
        }
    }
    Ok(())
}

fn hash(entry: &Stored) -> Result<Hash, LogError> {
    let hash = entry.columns.as_ref().and_then(|columns| <[u8; 32]>::try_from(columns.hash.as_slice()).ok());
    hash.map(Hash).ok_or_else(|| LogError::BadInput(format!("entry {} has no hash", entry.position)))
}

fn write(out: &mut (dyn Write + Send), line: &Line) -> Result<(), LogError> {
    let json = serde_json::to_string(line).map_err(std::io::Error::other)?;
    Ok(writeln!(out, "{json}")?)
}

impl Reader {
    async fn entry(&self, node: NodeId, position: u64) -> Result<Option<Stored>, LogError> {
        let Some(before) = position.checked_sub(1) else { return Ok(None) };
        let entries = self.stored(node, before, 1).await?;
        Ok(entries.into_iter().next().filter(|entry| entry.position == position))
    }

    async fn positions(&self, attempt: &Attempt) -> Result<Vec<u64>, LogError> {
        const POSITIONS: &str =
            "SELECT position FROM entries WHERE boot = $1 AND sequence = $2 AND node = $3";
        let positions: Vec<i64> = on!(Pool, &self.pool, pool => {
            let query = sqlx::query_scalar(POSITIONS).bind(attempt.key.boot.0.to_be_bytes().to_vec());
            query.bind(signed(attempt.key.sequence)).bind(attempt.node.0.to_vec()).fetch_all(pool).await?
        });
        Ok(positions.into_iter().map(unsigned).collect())
    }

    /// What the rules were made from that an attempt was judged by, where the log has it: with the request in the
    /// record, all that is needed to judge it again.
    pub async fn rules_of(&self, attempt: &Attempt) -> Result<Option<Vec<RuleSource>>, LogError> {
        let loaded = self.rules_entry(attempt).await?.map(|envelope| envelope.change);
        let Some(Change::RulesLoaded { sources, .. }) = loaded else { return Ok(None) };
        Ok(Some(sources))
    }

    /// Where the rules came into force that an attempt was judged by.
    async fn rules_entry(&self, attempt: &Attempt) -> Result<Option<Envelope>, LogError> {
        const RULES: &str = "SELECT body FROM entries
            WHERE sequence IS NULL AND kind = 'rules-loaded' AND node = $1 AND position < $2 ORDER BY position DESC LIMIT 100";
        let bodies: Vec<String> = on!(Pool, &self.pool, pool => {
            let query = sqlx::query_scalar(RULES).bind(attempt.node.0.to_vec());
            query.bind(signed(attempt.position)).fetch_all(pool).await?
        });
        let wanted = attempt.attempted.evaluation.rule_generation;
        let in_force = |envelope: &Envelope| matches!(envelope.change, Change::RulesLoaded { generation, .. } if generation == wanted);
        let envelopes = bodies.iter().filter_map(|body| Envelope::read(body.as_bytes()).ok());
        Ok(envelopes.into_iter().find(in_force))
    }

    /// A signature that covers a position.
    async fn signed_behind(
        &self,
        node: NodeId,
        position: u64,
        key: Option<&NodeKey>,
    ) -> Result<Checkpoint, LogError> {
        if let Some(checkpoint) = self.checkpoint(node, Some(position)).await? {
            return Ok(checkpoint);
        }
        let unsigned = "the end of the chain is not signed yet: wait for the daemon's next checkpoint (a minute at most), or run this where the node's key can be read";
        let key = key.filter(|key| key.node() == node).ok_or_else(|| LogError::NotFound(unsigned.into()))?;
        let head = self
            .head(node)
            .await?
            .ok_or_else(|| LogError::NotFound(format!("node {node} has no chain here")))?;
        Ok(key.checkpoint(&head, head.at))
    }

    /// The end of a node's chain.
    pub async fn head(&self, node: NodeId) -> Result<Option<Head>, LogError> {
        const LAST: &str = "SELECT position FROM entries WHERE node = $1 ORDER BY position DESC LIMIT 1";
        let last: Option<i64> = on!(Pool, &self.pool, pool => {
            sqlx::query_scalar(LAST).bind(node.0.to_vec()).fetch_optional(pool).await?
        });
        let Some(last) = last.map(unsigned) else { return Ok(None) };
        let Some(entry) = self.entry(node, last).await? else { return Ok(None) };
        let at = entry.columns.as_ref().map_or(0, |columns| columns.at);
        Ok(Some(Head { position: last, hash: hash(&entry)?, at }))
    }
}
