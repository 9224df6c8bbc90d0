//! What only PostgreSQL needs.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use expacti_core::record::chain::{NodeId, Sealed};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgConnection, PgPool};

use super::signed;
use crate::log::LogError;
use crate::log::index::Row;

fn options(url: &str) -> Result<PgConnectOptions, LogError> {
    // The text of the error may repeat the URL with its password.
    let bad = |_: sqlx::Error| LogError::BadInput("the PostgreSQL URL of the log cannot be read".into());
    let options: PgConnectOptions = url.parse().map_err(bad)?;
    Ok(options.application_name("expacti"))
}

/// Connects the writer.
pub(crate) async fn connect(url: &str) -> Result<PgConnection, LogError> {
    Ok(options(url)?.connect().await?)
}

/// Connects readers.
pub(crate) fn read(url: &str) -> Result<PgPool, LogError> {
    let pool =
        PgPoolOptions::new().max_connections(4).min_connections(0).acquire_timeout(Duration::from_secs(5));
    Ok(pool.connect_lazy_with(options(url)?))
}

/// The transactions that add entries at this moment.
const WRITERS: &str = "SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = 'entries'::regclass AND mode = 'RowExclusiveLock' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
/// A daemon gives a transaction up long before this, see [`crate::log::Config::patience`].
const LONGEST: Duration = Duration::from_secs(10);

/// Waits until what others are adding at this moment is there or given up. Ids are given out before the commit, so
/// what another daemon is about to commit may stand before what can be seen already.
pub(crate) async fn writers_done(pool: &PgPool) -> Result<(), LogError> {
    let began = Instant::now();
    let mut before: Vec<String> = sqlx::query_scalar(WRITERS).fetch_all(pool).await?;
    while !before.is_empty() && began.elapsed() < LONGEST {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let now: Vec<String> = sqlx::query_scalar(WRITERS).fetch_all(pool).await?;
        before.retain(|writer| now.contains(writer));
    }
    Ok(())
}

const APPEND: &str = "INSERT INTO entries (node, position, at, kind, boot, sequence, hash, body)
    SELECT $1, e.* FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::bytea[], $6::bigint[], $7::bytea[], $8::text[]) AS e";
const COPY: &str =
    "COPY entries (node, position, at, kind, boot, sequence, hash, body) FROM STDIN (FORMAT binary)";
/// From this many entries on, the two more round trips of `COPY` are won back.
const MANY: usize = 16;
/// How many entries are sent at once.
const PIECE: usize = 256;

/// See [`super::Connection::append`].
pub(crate) async fn append(
    connection: &mut PgConnection,
    node: NodeId,
    mut entries: impl ExactSizeIterator<Item = Sealed>,
) -> Result<(), LogError> {
    if entries.len() >= MANY {
        return copy(connection, node, &mut entries).await;
    }
    let entries: Vec<Sealed> = entries.collect();
    let boot = |entry: &Sealed| entry.attempt.map(|id| id.boot.0.to_be_bytes().to_vec());
    sqlx::query(APPEND)
        .bind(node.0.to_vec())
        .bind(entries.iter().map(|entry| signed(entry.position)).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.at).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.kind).collect::<Vec<_>>())
        .bind(entries.iter().map(boot).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.attempt.map(|id| signed(id.sequence))).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.hash.0.to_vec()).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| &*entry.body).collect::<Vec<&str>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// By `COPY`, in pieces: the server is at one while the next one is put together.
async fn copy(
    connection: &mut PgConnection,
    node: NodeId,
    entries: &mut impl ExactSizeIterator<Item = Sealed>,
) -> Result<(), LogError> {
    let mut copy = connection.copy_in_raw(COPY).await?;
    // Signature, no flags, no extension.
    let mut rows = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    while entries.len() > 0 {
        add(&mut rows, node, entries.take(PIECE));
        copy.send(rows.as_slice()).await?;
        rows.clear();
    }
    // The end.
    copy.send((-1i16).to_be_bytes().as_slice()).await?;
    copy.finish().await?;
    Ok(())
}

/// Rows as the binary format of `COPY` has them: <https://www.postgresql.org/docs/15/sql-copy.html>.
fn add(rows: &mut Vec<u8>, node: NodeId, entries: impl Iterator<Item = Sealed>) {
    for entry in entries {
        rows.extend_from_slice(&8i16.to_be_bytes());
        field(rows, &node.0);
        field(rows, &signed(entry.position).to_be_bytes());
        field(rows, &entry.at.to_be_bytes());
        field(rows, entry.kind.as_bytes());
        if let Some(id) = entry.attempt {
            field(rows, &id.boot.0.to_be_bytes());
            field(rows, &signed(id.sequence).to_be_bytes());
        } else {
            // Two NULLs.
            rows.extend_from_slice(&[0xff; 8]);
        }
        field(rows, &entry.hash.0);
        field(rows, entry.body.as_bytes());
    }
}

fn field(row: &mut Vec<u8>, value: &[u8]) {
    // No value is longer than an entry can be, 64 MiB; the database refuses a length that is wrong.
    row.extend_from_slice(&i32::try_from(value.len()).unwrap_or(i32::MAX).to_be_bytes());
    row.extend_from_slice(value);
}

const ADD: &str = "INSERT INTO attempts SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[],
    $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
    $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[])";
const WORDS: &str = "INSERT INTO attempts_text SELECT id, words::tsvector FROM unnest($1::bigint[], $2::text[]) AS w (id, words)";

/// Adds rows that find attempts.
pub(crate) async fn add_rows(connection: &mut PgConnection, rows: &[Row]) -> Result<(), LogError> {
    let mut query = sqlx::query(ADD);
    let values: Vec<_> = rows.iter().map(Row::values).collect();
    for column in 0..16 {
        query = query.bind(values.iter().map(|row| row[column]).collect::<Vec<_>>());
    }
    query.execute(&mut *connection).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let words: Vec<String> = rows.iter().map(|row| vector(&row.words)).collect();
    sqlx::query(WORDS).bind(ids).bind(words).execute(connection).await?;
    Ok(())
}

/// Words as the text form of a `tsvector`, with their places. They hold letters, digits and `_` only.
fn vector(words: &[String]) -> String {
    let mut text = String::new();
    for (place, word) in words.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(text, "'{word}':{} ", place + 1);
    }
    text
}
