//! `expacti log verify`: proves every chain in a log, and that the index speaks the truth about it.

use std::collections::HashMap;

use expacti_core::record::AttemptId;
use expacti_core::record::attempt::State;
use expacti_core::record::chain::NodeId;
use expacti_core::record::signed::Checkpoint;
use expacti_core::record::verify::{BadRecord, Proven, Verifier};
use sqlx::{AssertSqlSafe, Row as _};

use super::encode::{Trace, What, trace_of};
use super::index::{code, rank};
use super::store::{on, signed};
use super::{LogError, Reader};

const CHUNK: u32 = 2000;

/// Time, level, score; agent, executable, program, folder.
type Shown = (i64, i64, i64, [String; 4]);

/// What a check found.
#[derive(Debug)]
pub enum Checked {
    /// Everything is as it was written.
    Whole(Vec<Proven>),
    /// This entry is the first that is not.
    Bad(BadRecord),
    /// The chain is whole, but the tables that find attempts say something else.
    Misleading {
        /// The attempt that is shown wrong.
        attempt: AttemptId,
        /// What is wrong.
        what: String,
    },
}

/// Proves all chains of a log, or that of one node. `kept` are checkpoints that were kept elsewhere.
pub async fn check(reader: &Reader, only: Option<NodeId>, kept: &[Checkpoint]) -> Result<Checked, LogError> {
    let mut nodes = reader.nodes().await?;
    nodes.extend(kept.iter().map(|checkpoint| checkpoint.node));
    nodes.sort_unstable();
    nodes.dedup();
    if let Some(only) = only {
        nodes.retain(|node| *node == only);
        if nodes.is_empty() {
            return Err(LogError::NotFound(format!("node {only} has no chain in this log")));
        }
    }
    let mut proven = Vec::with_capacity(nodes.len());
    for node in nodes {
        match one(reader, node, kept).await? {
            Ok(chain) => proven.push(chain),
            Err(bad) => return Ok(bad),
        }
    }
    Ok(Checked::Whole(proven))
}

async fn one(
    reader: &Reader,
    node: NodeId,
    kept: &[Checkpoint],
) -> Result<Result<Proven, Checked>, LogError> {
    let tombstone = reader.tombstone(node).await?;
    let mut verifier = Verifier::new(node, tombstone.as_ref(), kept);
    let mut late: HashMap<AttemptId, State> = HashMap::new();
    let indexed = reader.indexed(node).await?;
    loop {
        let entries = reader.stored(node, verifier.head().position, CHUNK).await?;
        if entries.is_empty() {
            break;
        }
        let mut traces = Vec::new();
        for entry in &entries {
            match verifier.next(entry) {
                Ok(envelope) if envelope.position <= indexed => traces.extend(trace_of(&envelope)),
                Ok(_) => {}
                Err(bad) => return Ok(Err(Checked::Bad(bad))),
            }
        }
        let mut begun = Vec::new();
        for trace in traces {
            match &trace.what {
                What::Begun(_) => begun.push(trace),
                What::Decided(decided) => drop(late.insert(trace.attempt, decided.state)),
                What::Withdrawn => drop(late.insert(trace.attempt, State::Withdrawn)),
                What::Held | What::Voted(_) => {}
            }
        }
        if let Some(misleading) = reader.compare(begun).await? {
            return Ok(Err(misleading));
        }
    }
    if let Some(misleading) = reader.compare_states(late.into_iter().collect()).await? {
        return Ok(Err(misleading));
    }
    Ok(verifier.finish().map_err(Checked::Bad))
}

impl Reader {
    /// Up to which position the index of a node is made.
    async fn indexed(&self, node: NodeId) -> Result<u64, LogError> {
        const PROGRESS: &str = "SELECT position FROM progress WHERE node = $1";
        let position: Option<i64> = on!(Pool, &self.pool, pool => {
            sqlx::query_scalar(PROGRESS).bind(node.0.to_vec()).fetch_optional(pool).await?
        });
        Ok(super::store::unsigned(position.unwrap_or(0)))
    }

    async fn compare(&self, begun: Vec<Trace>) -> Result<Option<Checked>, LogError> {
        const ROW: &str = "SELECT a.at, a.level, a.score, g.text, x.text, p.text, c.text FROM entries e
            JOIN attempts a ON a.id = e.id
            JOIN names g ON g.id = a.agent JOIN names x ON x.id = a.exe
            JOIN names p ON p.id = a.program JOIN names c ON c.id = a.cwd
            WHERE e.boot = $1 AND e.sequence = $2 AND e.kind = 'attempted'";
        for trace in begun {
            let What::Begun(expected) = &trace.what else { continue };
            let boot = trace.attempt.boot.0.to_be_bytes().to_vec();
            let found: Option<Shown> = on!(Pool, &self.pool, pool => {
                let row = sqlx::query(ROW).bind(boot).bind(signed(trace.attempt.sequence)).fetch_optional(pool).await?;
                match row {
                    Some(row) => {
                        let texts = [row.try_get(3)?, row.try_get(4)?, row.try_get(5)?, row.try_get(6)?];
                        Some((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, texts))
                    }
                    None => None,
                }
            });
            let texts = [&expected.agent, &expected.exe, &expected.program, &expected.cwd]
                .map(|text| text.replace('\0', "\u{fffd}"));
            let wanted = (trace.at, rank(expected.level), i64::from(expected.score), texts);
            let what = match found {
                Some(found) if found == wanted => continue,
                Some(_) => "the index shows it otherwise than its entry".to_owned(),
                None => "the index does not show it".to_owned(),
            };
            return Ok(Some(Checked::Misleading { attempt: trace.attempt, what }));
        }
        Ok(None)
    }

    /// Attempts that were decided later must show how.
    async fn compare_states(&self, states: Vec<(AttemptId, State)>) -> Result<Option<Checked>, LogError> {
        const STATE: &str = "SELECT a.state FROM entries e JOIN attempts a ON a.id = e.id
            WHERE e.boot = $1 AND e.sequence = $2 AND e.kind = 'attempted'";
        for (attempt, state) in states {
            let boot = attempt.boot.0.to_be_bytes().to_vec();
            let found: Option<i64> = on!(Pool, &self.pool, pool => {
                let query = sqlx::query_scalar(AssertSqlSafe(STATE)).bind(boot);
                query.bind(signed(attempt.sequence)).fetch_optional(pool).await?
            });
            if found.is_some_and(|found| found != code(state)) {
                let what = format!("the index does not say that it was {}", state.name());
                return Ok(Some(Checked::Misleading { attempt, what }));
            }
        }
        Ok(None)
    }
}
