//! Which rules came into force when.

use expacti_core::record::Change;
use expacti_core::record::chain::{Envelope, NodeId};
use expacti_core::record::entry::RuleSource;

use super::store::on;
use super::{LogError, Reader};

/// Rules that came into force.
#[derive(Clone, Debug)]
pub struct InForce {
    /// On which node.
    pub node: NodeId,
    /// When, in microseconds since the epoch.
    pub at: i64,
    /// Their number there.
    pub generation: u64,
    /// What they were made from.
    pub sources: Vec<RuleSource>,
    /// Who changed something for it; empty where a daemon began.
    pub by: String,
}

impl Reader {
    /// What was in force on each node, newest first; at most so many.
    pub async fn rules_in_force(&self, most: u32) -> Result<Vec<InForce>, LogError> {
        // There are few of them, and an index that leads to them.
        let sql = "SELECT body FROM entries WHERE sequence IS NULL AND kind = 'rules-loaded' ORDER BY id DESC LIMIT $1";
        let bodies: Vec<String> = on!(Pool, &self.pool, pool => {
            sqlx::query_scalar(sql).bind(i64::from(most)).fetch_all(pool).await?
        });
        let read = |body: &String| {
            let Envelope { node, at, change, .. } = Envelope::read(body.as_bytes()).ok()?;
            let Change::RulesLoaded { generation, sources, by } = change else { return None };
            Some(InForce { node, at, generation, sources, by })
        };
        Ok(bodies.iter().filter_map(read).collect())
    }
}
