//! What only SQLite needs.

pub(crate) mod wal;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use expacti_core::record::BootId;
use expacti_core::record::chain::{NodeId, Sealed};
use sqlx::query::Query;
use sqlx::sqlite::{
    Sqlite, SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, SqliteConnection, SqlitePool};

use self::wal::Wal;
use super::signed;
use crate::log::LogError;
use crate::log::home::file;
use crate::log::index::Row;

/// A statement for many rows costs little more than one for a single row, and every statement is a trip to the
/// driver's thread and back. Larger than this they run out of the processor's caches, and the driver's thread
/// waits longer for the first one of a batch. These sizes are prepared once each.
const SIZES: [usize; 3] = [128, 16, 1];

/// How large a page of a new file is. An entry of usual size takes a quarter of what is in one of SQLite's own choice,
/// and every page has its cost wherever it is written.
const PAGE: u32 = 8 << 10;

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        // One that is there keeps its own.
        .page_size(PAGE)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        .row_buffer_size(1000)
        .pragma("cache_size", "-65536")
        .pragma("mmap_size", "1073741824")
        .pragma("temp_store", "memory")
        .pragma("trusted_schema", "off")
}

/// Opens the file for writing; a new one is readable for its owner alone.
pub(crate) async fn create(path: &Path) -> Result<(SqliteConnection, Wal), LogError> {
    let mut create = OpenOptions::new();
    create.mode(0o600).create(true).append(true).custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC);
    create.open(path).map_err(|error| file(path, &error))?;
    let options = options(path).create_if_missing(false);
    let mut connection = options.connect().await?;
    let wal = Wal::of(&mut connection, path, options).await?;
    Ok((connection, wal))
}

/// Opens the file for reading.
pub(crate) async fn read(path: &Path) -> Result<SqlitePool, LogError> {
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => {}
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(file(path, &error)),
        _ => return Err(LogError::Absent(path.display().to_string())),
    }
    let options = options(path).create_if_missing(false).pragma("query_only", "on");
    // In-order, and no connection is kept waiting for long: readers never block the writer in WAL mode.
    Ok(SqlitePoolOptions::new().max_connections(4).min_connections(0).connect_with(options).await?)
}

/// `INSERT ... VALUES (...), (...)` for each of [`SIZES`].
struct Insert([Arc<str>; SIZES.len()]);

impl Insert {
    /// With a parameter for every column of every row.
    fn new(head: &str, columns: usize) -> Self {
        // Numbered parameters would be looked up by name, each in all the others.
        let row = format!("({})", vec!["?"; columns].join(", "));
        Self::with(head, |_, _| row.clone())
    }

    /// With rows made of their number and how many there are.
    fn with(head: &str, row: impl Fn(usize, usize) -> String) -> Self {
        Self(SIZES.map(|size| {
            let rows: Vec<String> = (0..size).map(|number| row(number, size)).collect();
            format!("{head} VALUES {}", rows.join(", ")).into()
        }))
    }

    /// The statement for the most of so many rows, and for how many it is.
    fn piece(&self, rows: usize) -> Option<(&Arc<str>, usize)> {
        let which = SIZES.iter().position(|&size| size <= rows)?;
        Some((&self.0[which], SIZES[which]))
    }

    /// Splits `rows` into pieces of the prepared sizes, largest first.
    fn pieces<'a, T>(&'a self, mut rows: &'a [T]) -> impl Iterator<Item = (&'a Arc<str>, &'a [T])> {
        std::iter::from_fn(move || {
            let (sql, size) = self.piece(rows.len())?;
            let (piece, rest) = rows.split_at(size);
            rows = rest;
            Some((sql, piece))
        })
    }
}

const ENTRIES: &str = "INSERT INTO entries (node, position, at, kind, boot, sequence, hash, body)";
static APPEND: LazyLock<Insert> = LazyLock::new(|| Insert::with(ENTRIES, entry));
static ATTEMPTS: LazyLock<Insert> = LazyLock::new(|| Insert::new("INSERT INTO attempts", 16));
static WORDS: LazyLock<Insert> = LazyLock::new(|| Insert::new("INSERT INTO attempts_text (rowid, words)", 2));

/// See [`super::Connection::append`].
pub(crate) async fn append(
    connection: &mut SqliteConnection,
    node: NodeId,
    mut entries: impl ExactSizeIterator<Item = Sealed>,
) -> Result<(), LogError> {
    let mut pieces = std::iter::from_fn(|| {
        let (sql, rows) = APPEND.piece(entries.len())?;
        Some(insert(sql, node, entries.by_ref().take(rows)))
    });
    let mut next = pieces.next();
    while let Some(statement) = next {
        // The next one is put together while the driver's thread is at this one.
        let (done, following) = tokio::join!(statement.execute(&mut *connection), async { pieces.next() });
        done?;
        next = following;
    }
    Ok(())
}

/// A row of [`APPEND`]. The node, and all hashes in a row, come once, behind what each entry has of its own: every
/// value that has bytes of its own is allocated here and freed in the driver's thread, which costs more than to
/// take it out of a longer one.
fn entry(number: usize, rows: usize) -> String {
    let (node, hashes) = (rows * OWN + 1, rows * OWN + 2);
    format!("(${node}, ?, ?, ?, unhex(?), ?, substr(${hashes}, {}, 32), ?)", number * 32 + 1)
}

/// How many values an entry has of its own.
const OWN: usize = 6;

type Statement = Query<'static, Sqlite, SqliteArguments>;

fn insert(sql: &Arc<str>, node: NodeId, entries: impl Iterator<Item = Sealed>) -> Statement {
    let mut query = sqlx::query(AssertSqlSafe(Arc::clone(sql)));
    let mut hashes = Vec::with_capacity(SIZES[0] * 32);
    // Most entries have these of the entry before.
    let mut kind: (&str, Arc<str>) = ("", "".into());
    let mut boot: (Option<BootId>, Arc<str>) = (None, "".into());
    for entry in entries {
        if kind.0 != entry.kind {
            kind = (entry.kind, entry.kind.into());
        }
        let of = entry.attempt.map(|id| id.boot);
        if of.is_some() && boot.0 != of {
            boot = (of, of.map(|id| id.to_string()).unwrap_or_default().into());
        }
        hashes.extend_from_slice(&entry.hash.0);
        query = query
            .bind(signed(entry.position))
            .bind(entry.at)
            .bind(Arc::clone(&kind.1))
            .bind(of.map(|_| Arc::clone(&boot.1)))
            .bind(entry.attempt.map(|id| signed(id.sequence)))
            .bind(entry.body);
    }
    query.bind(node.0.to_vec()).bind(hashes)
}

/// Adds rows that find attempts.
pub(crate) async fn add_rows(connection: &mut SqliteConnection, rows: &[Row]) -> Result<(), LogError> {
    for (sql, piece) in ATTEMPTS.pieces(rows) {
        let mut query = sqlx::query(AssertSqlSafe(Arc::clone(sql)));
        for row in piece {
            for value in row.values() {
                query = query.bind(value);
            }
        }
        query.execute(&mut *connection).await?;
    }
    for (sql, piece) in WORDS.pieces(rows) {
        let mut query = sqlx::query(AssertSqlSafe(Arc::clone(sql)));
        for row in piece {
            query = query.bind(row.id).bind(row.words.join(" "));
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
