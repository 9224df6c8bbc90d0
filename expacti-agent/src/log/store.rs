//! Connections to either database, and the few statements that differ between them.
//!
//! What is the same SQL in both is written once and run through [`on`], which expands it for either driver.

pub(super) mod postgres;
pub(super) mod sqlite;

use expacti_core::record::Hash;
use expacti_core::record::chain::{Head, NodeId, Sealed};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Connection as _, PgConnection, PgPool, Row as _, SqlSafeStr as _, SqliteConnection, SqlitePool};

use super::{LogError, Place};

/// The newest schema that this version knows.
const SCHEMA: i64 = 1;

/// The one connection that writes.
pub(super) enum Connection {
    Sqlite(SqliteConnection, sqlite::wal::Wal),
    Postgres(PgConnection),
}

/// Connections that read.
#[derive(Clone, Debug)]
pub(super) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Runs the same code against whichever database it is.
macro_rules! on {
    ($kind:ident, $database:expr, $connection:ident => $code:expr) => {
        match $database {
            $crate::log::store::$kind::Sqlite($connection, ..) => $code,
            $crate::log::store::$kind::Postgres($connection) => $code,
        }
    };
}
pub(super) use on;

impl Connection {
    /// Connects, and makes the schema where it is missing or old.
    pub(super) async fn open(place: &Place) -> Result<Self, LogError> {
        let mut connection = match place {
            Place::Sqlite(path) => {
                let (connection, wal) = sqlite::create(path).await?;
                Self::Sqlite(connection, wal)
            }
            Place::Postgres(url) => Self::Postgres(postgres::connect(url).await?),
        };
        let migrated = match &mut connection {
            Self::Sqlite(sql, _) => {
                migrator(include_str!("../../migrations/sqlite/0001_log.sql")).run(sql).await
            }
            Self::Postgres(sql) => {
                migrator(include_str!("../../migrations/postgres/0001_log.sql")).run(sql).await
            }
        };
        migrated.map_err(|error| unmigrated(place, error))?;
        Ok(connection)
    }

    /// The end of a node's chain, as the database has it.
    pub(super) async fn head(&mut self, node: NodeId) -> Result<Option<Head>, LogError> {
        const SQL: &str =
            "SELECT position, at, hash FROM entries WHERE node = $1 ORDER BY position DESC LIMIT 1";
        on!(Connection, self, connection => {
            let row = sqlx::query(SQL).bind(node.0.to_vec()).fetch_optional(&mut *connection).await?;
            let Some(row) = row else { return Ok(None) };
            let hash: Vec<u8> = row.try_get(2)?;
            let hash = hash.try_into().map_err(|_| LogError::Entry { id: 0, why: "its hash is no SHA-256".into() })?;
            Ok(Some(Head { position: unsigned(row.try_get(0)?), hash: Hash(hash), at: row.try_get(1)? }))
        })
    }

    /// Begins a transaction that will write.
    pub(super) async fn begin(&mut self) -> Result<(), LogError> {
        match self {
            // A transaction that begins as a reader and writes later can be refused; this one waits for its turn.
            Self::Sqlite(connection, _) => {
                sqlx::query("BEGIN IMMEDIATE").execute(connection).await.map(drop)?;
            }
            Self::Postgres(connection) => sqlx::query("BEGIN").execute(connection).await.map(drop)?,
        }
        Ok(())
    }

    /// Ends it. Only now is anything durable.
    pub(super) async fn commit(&mut self) -> Result<(), LogError> {
        match self {
            Self::Sqlite(connection, wal) => {
                sqlx::query("COMMIT").execute(&mut *connection).await?;
                wal.committed(connection).await;
            }
            Self::Postgres(connection) => sqlx::query("COMMIT").execute(connection).await.map(drop)?,
        }
        Ok(())
    }

    /// Whether what follows must survive a loss of power. The index need not: it can be made again.
    pub(super) async fn durable(&mut self, durable: bool) -> Result<(), LogError> {
        let sql = match (&self, durable) {
            (Self::Sqlite(..), true) => "PRAGMA synchronous = FULL",
            (Self::Sqlite(..), false) => "PRAGMA synchronous = NORMAL",
            (Self::Postgres(_), true) => "SET synchronous_commit = on",
            (Self::Postgres(_), false) => "SET synchronous_commit = off",
        };
        on!(Connection, self, connection => sqlx::query(sql).execute(connection).await.map(drop)?);
        Ok(())
    }

    /// Adds entries, in order. It asks for the next ones while the database is at those before.
    pub(super) async fn append(
        &mut self,
        node: NodeId,
        entries: impl ExactSizeIterator<Item = Sealed>,
    ) -> Result<(), LogError> {
        match self {
            Self::Sqlite(connection, wal) => {
                let counted = entries.inspect(|entry| wal.added(entry.body.len()));
                sqlite::append(connection, node, counted).await
            }
            Self::Postgres(connection) => postgres::append(connection, node, entries).await,
        }
    }

    /// Ends the connection in order.
    pub(super) async fn close(self) {
        let closed = match self {
            Self::Sqlite(connection, wal) => {
                wal.close().await;
                connection.close().await
            }
            Self::Postgres(connection) => connection.close().await,
        };
        // Everything is committed by now; a connection that cannot say good-bye has lost nothing.
        drop(closed);
    }
}

impl Pool {
    /// Connects for reading. Makes nothing.
    pub(super) async fn open(place: &Place) -> Result<Self, LogError> {
        let pool = match place {
            Place::Sqlite(path) => Self::Sqlite(sqlite::read(path).await?),
            Place::Postgres(url) => Self::Postgres(postgres::read(url)?),
        };
        let found = on!(Pool, &pool, pool => {
            let sql = "SELECT max(version) FROM _sqlx_migrations";
            sqlx::query_scalar::<_, Option<i64>>(sql).fetch_one(pool).await
        });
        match found {
            Ok(Some(found)) if found > SCHEMA => Err(newer(place, found)),
            Ok(_) => Ok(pool),
            Err(sqlx::Error::Database(error)) => Err(LogError::Foreign {
                place: place.to_string(),
                why: format!("it is no exec log ({error})"),
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets go of all connections.
    pub(super) async fn close(&self) {
        on!(Pool, self, pool => pool.close().await);
    }
}

fn migrator(sql: &'static str) -> Migrator {
    let log = Migration::new(SCHEMA, "log".into(), MigrationType::Simple, sql.into_sql_str(), false);
    Migrator::with_migrations(vec![log])
}

fn unmigrated(place: &Place, error: MigrateError) -> LogError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others say that the schema is not ours")]
    match error {
        MigrateError::VersionMissing(found) => newer(place, found),
        // The database is away or busy, not wrong.
        MigrateError::Execute(error) => error.into(),
        error => LogError::Foreign { place: place.to_string(), why: error.to_string() },
    }
}

fn newer(place: &Place, found: i64) -> LogError {
    LogError::Newer { place: place.to_string(), found, known: SCHEMA }
}

/// Both databases know signed numbers only; ours never come near the sign.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that was written by [`signed`].
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
