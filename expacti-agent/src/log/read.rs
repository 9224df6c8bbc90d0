//! Reading, without any right to write.

use expacti_core::record::chain::{Envelope, NodeId};
use expacti_core::record::signed::{BadStatement, Checkpoint, Tombstone};
use expacti_core::record::verify::Stored;
use expacti_core::record::{Attempt, AttemptId, BootId, Change};
use sqlx::{AssertSqlSafe, Row as _};

use super::store::{Pool, on, signed, unsigned};
use super::{LogError, Place};

/// Reads a log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(super) pool: Pool,
}

/// Rows of `entries` as they are, for proving. Columns: id, node, position, at, kind, boot, sequence, hash, body.
macro_rules! stored {
    ($executor:expr, $sql:expr, $node:expr, $after:expr, $limit:expr) => {{
        async {
            let query = sqlx::query(sqlx::AssertSqlSafe(String::from($sql)));
            let rows =
                query.bind($node.0.to_vec()).bind($after).bind($limit).fetch_all(&mut *$executor).await?;
            let mut stored = Vec::with_capacity(rows.len());
            for row in rows {
                let boot: Option<Vec<u8>> = row.try_get(5)?;
                stored.push($crate::log::read::raw(
                    (unsigned(row.try_get(2)?), row.try_get(3)?, row.try_get(4)?, row.try_get(6)?),
                    [row.try_get(1)?, boot.unwrap_or_default(), row.try_get(7)?, row.try_get_unchecked(8)?],
                ));
            }
            Ok::<_, $crate::log::LogError>(stored)
        }
        .await
    }};
}
pub(super) use stored;

/// The newest tombstone of a node, checked.
macro_rules! latest_tombstone {
    ($executor:expr, $node:expr) => {{
        async {
            let sql = "SELECT body FROM entries WHERE sequence IS NULL AND kind = 'tombstone' AND node = $1 ORDER BY position DESC LIMIT 1";
            let body: Option<String> = sqlx::query_scalar(sql).bind($node.0.to_vec()).fetch_optional(&mut *$executor).await?;
            body.map(|body| $crate::log::read::tombstone(&body)).transpose()
        }
        .await
    }};
}
pub(super) use latest_tombstone;

type Numbers = (u64, i64, String, Option<i64>);

/// What a row says; what does not even have the right length will disagree with the body.
pub(super) fn raw((position, at, kind, sequence): Numbers, [node, boot, hash, body]: [Vec<u8>; 4]) -> Stored {
    use expacti_core::record::verify::Columns;
    let boot = <[u8; 16]>::try_from(boot).ok().map(|boot| BootId(u128::from_be_bytes(boot)));
    let attempt = boot.zip(sequence).map(|(boot, sequence)| AttemptId { boot, sequence: unsigned(sequence) });
    let node = NodeId(<[u8; 16]>::try_from(node).unwrap_or_default());
    Stored { position, body, columns: Some(Columns { node, at, kind, attempt, hash }) }
}

pub(super) fn tombstone(body: &str) -> Result<Tombstone, LogError> {
    let bad =
        |why: String| LogError::BadInput(format!("the newest tombstone of the log is not genuine: {why}"));
    let envelope = Envelope::read(body.as_bytes()).map_err(|error| bad(error.to_string()))?;
    let Change::Tombstone { statement, signature } = envelope.change else {
        return Err(bad("its column says tombstone, its body does not".into()));
    };
    Tombstone::read(&statement, &signature).map_err(|error| bad(error.to_string()))
}

impl Reader {
    /// Opens a log for reading.
    pub async fn open(place: &Place) -> Result<Self, LogError> {
        Ok(Self { pool: Pool::open(place).await? })
    }

    /// Lets go of its connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// The nodes that have a chain here.
    pub async fn nodes(&self) -> Result<Vec<NodeId>, LogError> {
        // Jumps from node to node in the index; DISTINCT would walk all of it.
        const NEXT: &str = "SELECT node FROM entries WHERE node > $1 ORDER BY node LIMIT 1";
        let mut nodes: Vec<NodeId> = Vec::new();
        loop {
            let after = nodes.last().map(|node| node.0.to_vec()).unwrap_or_default();
            let next: Option<Vec<u8>> = on!(Pool, &self.pool, pool => {
                sqlx::query_scalar(NEXT).bind(after).fetch_optional(pool).await?
            });
            let Some(next) = next else { return Ok(nodes) };
            let id = next
                .try_into()
                .map_err(|_| LogError::Entry { id: 0, why: "its node is no node id".into() })?;
            nodes.push(NodeId(id));
        }
    }

    /// Entries of a chain behind a position, as they are stored.
    pub async fn stored(&self, node: NodeId, after: u64, limit: u32) -> Result<Vec<Stored>, LogError> {
        const SQLITE: &str =
            "SELECT id, node, position, at, CAST(kind AS TEXT), boot, sequence, hash, CAST(body AS BLOB)
            FROM entries WHERE node = $1 AND position > $2 ORDER BY position LIMIT $3";
        const POSTGRES: &str =
            "SELECT id, node, position, at, kind, boot, sequence, hash, convert_to(body, 'UTF8')
            FROM entries WHERE node = $1 AND position > $2 ORDER BY position LIMIT $3";
        let (after, limit) = (signed(after), i64::from(limit));
        match &self.pool {
            Pool::Sqlite(pool) => {
                let mut connection = pool.acquire().await?;
                stored!(connection, SQLITE, node, after, limit)
            }
            Pool::Postgres(pool) => {
                let mut connection = pool.acquire().await?;
                stored!(connection, POSTGRES, node, after, limit)
            }
        }
    }

    /// The newest tombstone of a node.
    pub async fn tombstone(&self, node: NodeId) -> Result<Option<Tombstone>, LogError> {
        on!(Pool, &self.pool, pool => {
            let mut connection = pool.acquire().await?;
            latest_tombstone!(connection, node)
        })
    }

    /// The first signed checkpoint of a node that covers a position, or the last one where `position` is none.
    pub async fn checkpoint(
        &self,
        node: NodeId,
        position: Option<u64>,
    ) -> Result<Option<Checkpoint>, LogError> {
        let order = if position.is_some() { "ASC" } else { "DESC" };
        let sql = format!(
            "SELECT body FROM entries WHERE sequence IS NULL AND kind = 'checkpoint' AND node = $1 AND position > $2
             ORDER BY position {order} LIMIT 1"
        );
        let body: Option<String> = on!(Pool, &self.pool, pool => {
            let query = sqlx::query_scalar(AssertSqlSafe(sql));
            query.bind(node.0.to_vec()).bind(signed(position.unwrap_or(0))).fetch_optional(pool).await?
        });
        let Some(body) = body else { return Ok(None) };
        let bad = |why: String| LogError::BadInput(format!("a checkpoint of the log is not genuine: {why}"));
        let envelope = Envelope::read(body.as_bytes()).map_err(|error| bad(error.to_string()))?;
        let Change::Checkpoint { line } = envelope.change else {
            return Err(bad("its column says checkpoint, its body does not".into()));
        };
        line.parse().map(Some).map_err(|error: BadStatement| bad(error.to_string()))
    }

    /// The highest sequence number of a life of the gate.
    pub async fn last_sequence(&self, boot: BootId) -> Result<Option<u64>, LogError> {
        const LAST: &str = "SELECT max(sequence) FROM entries WHERE boot = $1 AND sequence IS NOT NULL";
        let boot = boot.0.to_be_bytes().to_vec();
        let last: Option<i64> =
            on!(Pool, &self.pool, pool => sqlx::query_scalar(LAST).bind(boot).fetch_one(pool).await?);
        Ok(last.map(unsigned))
    }

    /// One attempt.
    pub async fn attempt(&self, id: AttemptId) -> Result<Option<Attempt>, LogError> {
        const ENTRIES: &str = "SELECT body FROM entries WHERE boot = $1 AND sequence = $2 ORDER BY position";
        let bodies: Vec<String> = on!(Pool, &self.pool, pool => {
            let query = sqlx::query_scalar(ENTRIES).bind(id.boot.0.to_be_bytes().to_vec());
            query.bind(signed(id.sequence)).fetch_all(pool).await?
        });
        fold(&bodies)
    }

    /// Finds an attempt by what people write: `42` (the newest life of a gate) or `3f2a9c1e-42`.
    pub async fn find(&self, text: &str) -> Result<AttemptId, LogError> {
        let bad = || {
            LogError::BadInput(format!("'{text}' is no id of an attempt: give one such as 42 or 3f2a9c1e-42"))
        };
        let none = || LogError::NotFound(format!("there is no attempt {text} in the log"));
        let (boot, number) =
            text.rsplit_once('-').map_or((None, text), |(boot, number)| (Some(boot), number));
        let sequence: u64 = number.parse().map_err(|_| bad())?;
        let boots = self.boots(sequence).await?;
        let Some(boot) = boot else {
            return boots.last().map(|&boot| AttemptId { boot, sequence }).ok_or_else(none);
        };
        let prefix = boot.replace('-', "");
        if prefix.len() < 8 || !prefix.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(bad());
        }
        let mut fitting =
            boots.into_iter().filter(|boot| boot.to_string().starts_with(&prefix.to_ascii_lowercase()));
        let found = fitting.next().ok_or_else(none)?;
        if fitting.next().is_some() {
            return Err(LogError::BadInput(format!(
                "'{text}' fits more than one attempt: give more digits of the boot id"
            )));
        }
        Ok(AttemptId { boot: found, sequence })
    }

    /// The lives of gates that counted to this number, in the order of the log.
    async fn boots(&self, sequence: u64) -> Result<Vec<BootId>, LogError> {
        const NEXT: &str =
            "SELECT boot FROM entries WHERE sequence IS NOT NULL AND boot > $1 ORDER BY boot LIMIT 1";
        const HAS: &str = "SELECT id FROM entries WHERE boot = $1 AND sequence = $2 ORDER BY id LIMIT 1";
        let (mut found, mut after) = (Vec::new(), Vec::new());
        loop {
            let next: Option<Vec<u8>> = on!(Pool, &self.pool, pool => {
                sqlx::query_scalar(NEXT).bind(after).fetch_optional(pool).await?
            });
            let Some(boot) = next else { break };
            let id: Option<i64> = on!(Pool, &self.pool, pool => {
                sqlx::query_scalar(HAS).bind(boot.clone()).bind(signed(sequence)).fetch_optional(pool).await?
            });
            if let (Some(id), Ok(bytes)) = (id, <[u8; 16]>::try_from(boot.as_slice())) {
                found.push((id, BootId(u128::from_be_bytes(bytes))));
            }
            after = boot;
        }
        found.sort_unstable();
        Ok(found.into_iter().map(|(_, boot)| boot).collect())
    }

    /// Attempts by their rows, in the order given.
    pub(super) async fn attempts(&self, ids: &[i64]) -> Result<Vec<Attempt>, LogError> {
        let mut attempts = Vec::with_capacity(ids.len());
        for ids in ids.chunks(500) {
            let list: Vec<String> = ids.iter().map(i64::to_string).collect();
            let sql = format!(
                "SELECT f.id, e.body FROM entries f
                 JOIN entries e ON e.boot = f.boot AND e.sequence = f.sequence AND e.sequence IS NOT NULL
                 WHERE f.id IN ({}) ORDER BY f.id, e.position",
                list.join(", ")
            );
            let mut bodies: std::collections::HashMap<i64, Vec<String>> = std::collections::HashMap::new();
            on!(Pool, &self.pool, pool => {
                for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(pool).await? {
                    bodies.entry(row.try_get(0)?).or_default().push(row.try_get(1)?);
                }
            });
            for id in ids {
                // Pruned between the two questions.
                let Some(bodies) = bodies.get(id) else { continue };
                let folded =
                    fold(bodies).map_err(|error| LogError::Entry { id: *id, why: error.to_string() })?;
                attempts.extend(folded);
            }
        }
        Ok(attempts)
    }
}

fn fold(bodies: &[String]) -> Result<Option<Attempt>, LogError> {
    let mut envelopes = Vec::with_capacity(bodies.len());
    for body in bodies {
        let envelope = Envelope::read(body.as_bytes());
        envelopes.push(envelope.map_err(|error| LogError::BadInput(error.to_string()))?);
    }
    Ok(Attempt::fold(envelopes))
}
