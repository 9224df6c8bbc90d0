//! Which sequence numbers the database has of a life of the gate.

use expacti_core::record::chain::{Envelope, NodeId};
use expacti_core::record::sequence::Sequences;
use expacti_core::record::{BootId, Change};
use sqlx::Row as _;

use super::LogError;
use super::read::latest_tombstone;
use super::store::{Connection, on, signed, unsigned};

/// How many of the newest numbers are looked at. A daemon judges a gap within seconds, so those before were judged by
/// the ones before this, and looking at all of them would keep a daemon with a long log from starting.
const NEWEST: u64 = 200_000;

/// The boot of the newest attempt of a node, which its gate may still be living.
pub(super) async fn newest_boot(database: &mut Connection, node: NodeId) -> Result<Option<BootId>, LogError> {
    // What ends an attempt of an earlier boot may be written long after it.
    const NEWEST: &str =
        "SELECT boot FROM entries WHERE node = $1 AND kind = 'attempted' ORDER BY position DESC LIMIT 1";
    let boot: Option<Vec<u8>> = on!(Connection, database, sql => {
        sqlx::query_scalar(NEWEST).bind(node.0.to_vec()).fetch_optional(&mut *sql).await?
    });
    let boot = boot.and_then(|boot| <[u8; 16]>::try_from(boot).ok());
    Ok(boot.map(|boot| BootId(u128::from_be_bytes(boot))))
}

/// Adds to `seen` what the database has of a life: numbers, and holes that were recorded. Gaps are said to have
/// shown at `position`.
pub(super) async fn load(
    database: &mut Connection,
    node: NodeId,
    boot: BootId,
    position: u64,
    seen: &mut Sequences,
) -> Result<(), LogError> {
    const LAST: &str = "SELECT max(sequence) FROM entries WHERE boot = $1 AND sequence IS NOT NULL";
    // Where a run of numbers begins, and the end of the run before it. Answered from the index alone.
    const RUNS: &str = "SELECT before, sequence FROM (
            SELECT sequence, lag(sequence, 1, $2) OVER (ORDER BY sequence) AS before FROM (
                SELECT DISTINCT sequence FROM entries WHERE boot = $1 AND sequence IS NOT NULL AND sequence > $2
            ) AS numbers
        ) AS pairs WHERE sequence > before + 1 ORDER BY sequence";
    const HOLES: &str = "SELECT body FROM entries WHERE sequence IS NULL AND kind = 'hole' AND node = $1";
    let (id, bytes) = (node.0.to_vec(), boot.0.to_be_bytes().to_vec());
    let earlier = on!(Connection, &mut *database, sql => latest_tombstone!(sql, node)?);
    if let Some(tombstone) = earlier {
        seen.adopt(boot, &tombstone.sequences);
    }
    let last: Option<i64> = on!(Connection, &mut *database, sql => {
        sqlx::query_scalar(LAST).bind(bytes.clone()).fetch_one(&mut *sql).await?
    });
    let Some(last) = last.map(unsigned) else { return Ok(()) };
    // What was pruned is known from the tombstone; it is not missing.
    let known = seen.highest(boot).unwrap_or(0);
    let judged = last.saturating_sub(NEWEST).max(known);
    let (gaps, holes): (Vec<(u64, u64)>, Vec<String>) = on!(Connection, database, sql => {
        let rows = sqlx::query(RUNS).bind(bytes).bind(signed(judged)).fetch_all(&mut *sql).await?;
        let mut gaps = Vec::with_capacity(rows.len());
        for row in rows {
            gaps.push((unsigned(row.try_get(0)?), unsigned(row.try_get(1)?)));
        }
        (gaps, sqlx::query_scalar(HOLES).bind(id).fetch_all(&mut *sql).await?)
    });
    if judged > known {
        seen.see_all(boot, known + 1, judged, position);
    }
    let mut from = judged + 1;
    for (before, begin) in gaps {
        if before >= from {
            seen.see_all(boot, from, before, position);
        }
        from = begin;
    }
    if last >= from {
        seen.see_all(boot, from, last, position);
    }
    for body in holes {
        // What cannot be read is for `verify` to name.
        let Ok(envelope) = Envelope::read(body.as_bytes()) else { continue };
        if let Change::Hole { boot: of, from, to, .. } = envelope.change
            && of == boot
        {
            seen.excuse(boot, from, to);
        }
    }
    Ok(())
}
