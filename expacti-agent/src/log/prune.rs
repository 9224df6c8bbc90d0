//! Retention: old entries go, and a signed tombstone in the chain says what went.

use expacti_core::record::chain::{NodeId, Sealed};
use expacti_core::record::signed::{NodeKey, Tombstone};
use expacti_core::record::verify::Verifier;
use sqlx::Row as _;

use super::LogError;
use super::read::{latest_tombstone, stored};
use super::store::{Connection, on, signed, unsigned};

/// One tombstone covers at most this many entries, so that no transaction grows without bound.
const MOST: u64 = 20_000;
/// How many entries are read at once.
const CHUNK: i64 = 2000;

/// What the next tombstone would say of entries up to position `last`; none where nothing is old enough. What is to go is proven first: a tombstone
/// must not cover a forgery.
pub(super) async fn plan(
    database: &mut Connection,
    key: &NodeKey,
    before: i64,
    last: u64,
    because: &str,
) -> Result<Option<(Tombstone, u64)>, LogError> {
    const NEXT: &str =
        "SELECT id, node, position, at, kind, boot, sequence, hash, CAST(body AS BLOB) FROM entries
        WHERE node = $1 AND position > $2 ORDER BY position LIMIT $3";
    let node = key.node();
    let earlier = on!(Connection, &mut *database, sql => latest_tombstone!(sql, node)?);
    let mut verifier = Verifier::new(node, earlier.as_ref(), &[]);
    let mut removed = 0;
    'reading: while removed < MOST {
        let after = signed(verifier.head().position);
        let next = match database {
            Connection::Sqlite(sql, _) => stored!(sql, NEXT, node, after, CHUNK)?,
            Connection::Postgres(sql) => stored!(
                sql,
                &NEXT.replace("CAST(body AS BLOB)", "convert_to(body, 'UTF8')"),
                node,
                after,
                CHUNK
            )?,
        };
        if next.is_empty() {
            break;
        }
        for entry in next {
            let young = entry.columns.as_ref().is_none_or(|columns| columns.at >= before);
            if young || entry.position > last || removed >= MOST {
                break 'reading;
            }
            let proven = verifier.next(&entry);
            proven.map_err(|bad| {
                LogError::BadInput(format!("nothing was pruned, because the log is not whole: {bad}"))
            })?;
            removed += 1;
        }
    }
    if removed == 0 {
        return Ok(None);
    }
    let head = verifier.head();
    let tombstone = Tombstone {
        node,
        key: key.public_hex(),
        position: head.position,
        hash: head.hash,
        removed,
        newest: head.at,
        because: because.to_owned(),
        sequences: verifier.sequences().clone(),
    };
    Ok(Some((tombstone, removed)))
}

/// Removes what the tombstone says and adds its entry, in one transaction.
pub(super) async fn carry_out(
    database: &mut Connection,
    node: NodeId,
    tombstone: &Tombstone,
    entry: &Sealed,
) -> Result<(), LogError> {
    const OLD: &str = "(SELECT id FROM entries WHERE node = $1 AND position <= $2 AND kind = 'attempted')";
    let words = match database {
        Connection::Sqlite(..) => "DELETE FROM attempts_text WHERE rowid IN ",
        Connection::Postgres(_) => "DELETE FROM attempts_text WHERE id IN ",
    };
    let statements = [
        "INSERT INTO pruning (node, position) VALUES ($1, $2)".to_owned(),
        format!("{words}{OLD}"),
        format!("DELETE FROM votes WHERE attempt IN {OLD}"),
        format!("DELETE FROM attempts WHERE id IN {OLD}"),
        "DELETE FROM entries WHERE node = $1 AND position <= $2".to_owned(),
        "DELETE FROM pruning WHERE node = $1 AND position = $2".to_owned(),
    ];
    database.begin().await?;
    database.append(node, std::iter::once(entry.clone())).await?;
    on!(Connection, &mut *database, sql => {
        for statement in statements {
            let query = sqlx::query(sqlx::AssertSqlSafe(statement));
            query.bind(node.0.to_vec()).bind(signed(tombstone.position)).execute(&mut *sql).await?;
        }
    });
    database.commit().await
}
