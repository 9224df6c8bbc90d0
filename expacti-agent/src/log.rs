//! The exec log: appended by one writer, kept in SQLite or PostgreSQL, chained and signed.
//!
//! This room is the only place that knows a database. What an entry means, how entries chain and what may be asked
//! is pure and lives in `expacti_core::record`.
//!
//! The way of an entry: [`Log::append`] -> masking and encoding (a thread of its own) -> the writer, which gives it
//! its place in the chain and commits it with its neighbours -> the receipt resolves -> the index that finds it.
//! **Invariant:** a receipt resolves with a position only when the entry is on stable storage, in the database or in
//! the spool.

mod around;
mod bundle;

mod check;
mod config;
mod count;
mod encode;
pub mod export;

mod home;
mod index;
mod names;
mod prune;
mod query;
mod read;
mod rules;
mod sequences;
mod spool;
mod stats;
mod store;
mod tail;
mod writer;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use expacti_core::record::chain::NodeId;
use expacti_core::record::filter::Filter;
use expacti_core::record::{Attempt, AttemptId, BootId, Entry};
use tokio::sync::{oneshot, watch};

pub use self::around::{Around, Branch};
pub use self::bundle::bundle;
pub use self::check::{Checked, check};
pub use self::config::{Config, Place};
pub use self::encode::Durability;
pub use self::home::Home;
pub use self::query::{Cursor, Page};
pub use self::read::Reader;
pub use self::rules::InForce;
pub use self::stats::Stats;
pub use self::writer::Health;

/// What went wrong in the log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The database refused or is away.
    #[error("the log's database: {0}")]
    Database(#[from] sqlx::Error),
    /// The database did not answer in time.
    #[error("the log's database did not answer within {0:?}")]
    Slow(std::time::Duration),
    /// The database was made by a newer version.
    #[error(
        "{place} was written by a newer version of expacti (schema {found}, this one knows {known}): upgrade this one"
    )]
    Newer {
        /// Which database.
        place: String,
        /// Its version.
        found: i64,
        /// The newest that this version knows.
        known: i64,
    },
    /// The database is of another program, or was changed.
    #[error("{place} cannot be made ready: {why}")]
    Foreign {
        /// Which database.
        place: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no such database.
    #[error("there is no log at {0}: start the daemon, or name another place")]
    Absent(String),
    /// A file of the node cannot be used.
    #[error("{path}: {why}")]
    File {
        /// Which file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// An entry in the database cannot be read.
    #[error("entry {id} of the log: {why}")]
    Entry {
        /// Its row.
        id: i64,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing fits what was asked for.
    #[error("{0}")]
    NotFound(String),
    /// What was asked for is wrong.
    #[error("{0}")]
    BadInput(String),
    /// Writing what was asked for failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Why an entry was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotLogged {
    /// More entries wait than may.
    #[error("the exec log is {0} entries behind")]
    Behind(usize),
    /// Neither the database nor the spool took it. The text says why.
    #[error("the exec log cannot store anything: {0}")]
    Full(String),
    /// The entry can never be stored.
    #[error("the entry cannot be stored: {0}")]
    Bad(String),
    /// The log is closed.
    #[error("the exec log is closed")]
    Closed,
}

/// A handle on the log. Cheap to clone; all handles write through the one writer.
#[derive(Clone)]
pub struct Log {
    inner: Arc<writer::Handle>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("health", &*self.inner.health.borrow()).finish_non_exhaustive()
    }
}

/// Resolves when the entry is durable, or cannot be.
#[must_use = "only the receipt says that the entry is durable"]
#[derive(Debug)]
pub struct Receipt(oneshot::Receiver<Result<u64, NotLogged>>);

impl Receipt {
    /// Waits for it in a thread that runs no async code. Gives the entry's position in the chain.
    pub fn wait(self) -> Result<u64, NotLogged> {
        self.0.blocking_recv().unwrap_or(Err(NotLogged::Closed))
    }

    /// Nobody needs to know.
    pub fn ignore(self) {}
}

impl Future for Receipt {
    type Output = Result<u64, NotLogged>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(NotLogged::Closed)))
    }
}

impl Log {
    /// Opens the log, makes what is missing, catches up what an earlier daemon left in its spool, and begins or goes
    /// on with the node's chain.
    pub async fn open(config: Config) -> Result<Self, LogError> {
        Ok(Self { inner: Arc::new(writer::start(config).await?) })
    }

    /// Takes an entry. Never blocks; usable from any thread, async or not.
    pub fn append(&self, entry: Entry, durability: Durability) -> Result<Receipt, NotLogged> {
        self.inner.append(entry, durability).map(Receipt)
    }

    /// Whether entries reach the database, the spool, or nothing.
    pub fn health(&self) -> Health {
        self.inner.health.borrow().clone()
    }

    /// Whose entries it writes.
    pub fn node(&self) -> NodeId {
        self.inner.node
    }

    /// How many entries were handed in and are not stored yet.
    pub fn waiting(&self) -> u64 {
        self.inner.waiting.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// The same, for those who wait for a change.
    pub fn watch_health(&self) -> watch::Receiver<Health> {
        self.inner.health.clone()
    }

    /// The highest sequence number that is recorded for a life of the gate.
    pub async fn last_sequence(&self, boot: BootId) -> Result<Option<u64>, LogError> {
        self.settle().await?;
        self.inner.reader.last_sequence(boot).await
    }

    /// Attempts that fit, newest first.
    pub async fn query(&self, filter: &Filter, after: Option<Cursor>, limit: u32) -> Result<Page, LogError> {
        self.inner.reader.query(filter, after, limit).await
    }

    /// One attempt.
    pub async fn attempt(&self, id: AttemptId) -> Result<Option<Attempt>, LogError> {
        self.inner.reader.attempt(id).await
    }

    /// For questions that this handle has no word for.
    pub fn reader(&self) -> &Reader {
        &self.inner.reader
    }

    /// Removes entries older than `before` (microseconds since the epoch), with a signed tombstone. Gives how many.
    pub async fn prune(&self, before: i64, because: &str) -> Result<u64, LogError> {
        self.inner.prune(before, because.to_owned()).await
    }

    /// Waits until everything that was appended before is stored and can be found.
    pub async fn settle(&self) -> Result<(), LogError> {
        self.inner.settle().await
    }

    /// Writes what waits, signs the end of the chain, and closes. Other handles get [`NotLogged::Closed`].
    pub async fn close(self) -> Result<(), LogError> {
        self.inner.close().await
    }
}
