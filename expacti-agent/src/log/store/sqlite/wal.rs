//! The write-ahead log, and when it is folded into the tables.
//!
//! Every page that changed is written twice, first to the write-ahead log and later to its place. The second time is
//! no work of the writer's: a connection of its own does it beside the next batches. Both sync what they write, so
//! what is durable does not depend on which of them folds. While entries keep coming it never gets to the very
//! end; then the writer folds the little that is left, and the write-ahead log begins anew.
//!
//! What is folded needs room in the tables, while what it was folded from still takes its own. So the writer folds
//! after every commit where the disk has little room left: else the write-ahead log could fill it, and no entry would
//! find room any more, although the tables need far less.

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::log::LogError;

/// It is folded beside the writer when it grew by about this much.
const EVERY: usize = 16 << 20;
/// What a commit adds to it besides the entries themselves: the pages of the indices.
const COMMIT: usize = 64 << 10;
/// The writer folds what is left when it has this many bytes.
const LONGEST: u64 = 128 << 20;
const FOLD: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// Has the write-ahead log folded beside the writer.
pub(crate) struct Wal {
    wanted: mpsc::Sender<()>,
    folding: JoinHandle<()>,
    /// How much was added since it was asked for last.
    grown: usize,
    /// The database.
    path: PathBuf,
}

impl Wal {
    /// Of the database of the writer's connection.
    pub(super) async fn of(
        writer: &mut SqliteConnection,
        path: &Path,
        options: SqliteConnectOptions,
    ) -> Result<Self, LogError> {
        let page: u32 = sqlx::query_scalar("PRAGMA page_size").fetch_one(&mut *writer).await?;
        let pages = format!("PRAGMA wal_autocheckpoint = {}", LONGEST / u64::from(page.max(1)));
        sqlx::query(AssertSqlSafe(pages)).execute(writer).await?;
        let (wanted, asked) = mpsc::channel(1);
        Ok(Self { wanted, folding: tokio::spawn(fold_when(asked, options)), grown: 0, path: path.to_owned() })
    }

    /// An entry of so many bytes was added.
    pub(crate) fn added(&mut self, bytes: usize) {
        self.grown += bytes;
    }

    /// The writer committed.
    pub(crate) async fn committed(&mut self, writer: &mut SqliteConnection) {
        self.grown += COMMIT;
        if self.is_room_short() {
            // What was committed is durable all the same; without room here the next commit fails, and says so.
            let _ = sqlx::query(FOLD).execute(writer).await;
        } else if self.grown >= EVERY && self.wanted.try_send(()).is_ok() {
            self.grown = 0;
        }
    }

    /// Whether the disk might have no room for all that is to be folded.
    fn is_room_short(&self) -> bool {
        let room = rustix::fs::statvfs(&self.path);
        room.is_ok_and(|room| room.f_bavail.saturating_mul(room.f_frsize) < LONGEST)
    }

    /// Ends its connection. Without this it ends too, some time later.
    pub(crate) async fn close(self) {
        drop(self.wanted);
        // The writer's connection folds whatever this one did not.
        let _ = self.folding.await;
    }
}

async fn fold_when(mut asked: mpsc::Receiver<()>, options: SqliteConnectOptions) {
    let mut connection = None;
    while asked.recv().await.is_some() {
        if connection.is_none() {
            connection = options.connect().await.ok();
        }
        if let Some(connection) = &mut connection {
            // Where this fails, the writer will have to, and is told why.
            let _ = sqlx::query(FOLD).execute(connection).await;
        }
    }
    if let Some(connection) = connection {
        let _ = connection.close().await;
    }
}
