//! What the writer does while the database fails, and how it comes back.

use std::time::Duration;

use expacti_core::record::chain::{Chain, Head, NodeId, Sealed};
use expacti_core::record::{Change, Hash};
use tokio::time::Instant;

use super::{FIRST_PAUSE, LONGEST_PAUSE, State, insert};
use crate::log::store::Connection;
use crate::log::writer::Health;
use crate::log::{Config, LogError};

/// How much of the spool goes into the database at once.
const CATCH_UP: usize = 1 << 20;

/// The database failed.
pub(super) struct Trouble {
    /// What it said.
    pub(super) because: String,
    /// When to try again.
    pub(super) retry_at: Instant,
    pub(super) pause: Duration,
    /// A commit may or may not have happened, and the spool could not take its entries: nothing can be added
    /// until the database says where the chain ends.
    pub(super) head_unknown: bool,
}

impl State {
    /// Connects, and asks where the chain ends.
    pub(super) async fn connect(
        config: &Config,
        node: NodeId,
    ) -> Result<(Connection, Option<Head>), LogError> {
        let connect = async {
            let mut connection = Connection::open(&config.place).await?;
            let head = connection.head(node).await?;
            Ok((connection, head))
        };
        // Opening may have to wait for another daemon's migration; a batch has not that much time.
        let patience = config.patience * 4;
        tokio::time::timeout(patience, connect).await.map_err(|_| LogError::Slow(patience))?
    }

    /// The database failed. Its connection may be in the middle of anything, so it goes.
    pub(super) fn lost(&mut self, because: &str) {
        self.database = None;
        self.index_behind = true;
        let pause =
            self.trouble.as_ref().map_or(FIRST_PAUSE, |trouble| (trouble.pause * 2).min(LONGEST_PAUSE));
        let head_unknown = self.trouble.as_ref().is_some_and(|trouble| trouble.head_unknown);
        let retry_at = Instant::now() + pause;
        self.trouble = Some(Trouble { because: because.to_owned(), retry_at, pause, head_unknown });
        self.tell();
    }

    pub(super) fn tell(&self) {
        let Some(trouble) = &self.trouble else { return drop(self.health.send_replace(Health::Healthy)) };
        let (entries, bytes, because) = (self.spool.entries(), self.spool.len(), trouble.because.clone());
        let full =
            trouble.head_unknown || matches!(*self.health.borrow(), Health::Full { .. }) && entries == 0;
        let health =
            if full { Health::Full { because } } else { Health::Spooling { entries, bytes, because } };
        self.health.send_replace(health);
    }

    /// Tries to get the database back, and puts into it what the spool has.
    pub(super) async fn retry(&mut self) {
        if let Err(error) = self.reconnect().await {
            return self.lost(&error.to_string());
        }
        let Some(trouble) = self.trouble.take() else { return };
        self.tell();
        let text = format!("entries went to the spool or were refused for a while: {}", trouble.because);
        // The alarm tells of the trouble; where it cannot be stored there is new trouble, and a new alarm.
        let _ = self.note(Change::Alarm { name: "log-store-failed".into(), text }).await;
    }

    async fn reconnect(&mut self) -> Result<(), LogError> {
        let (database, head) = Self::connect(&self.config, self.home.key().node()).await?;
        self.database = Some(database);
        if self.spool.entries() > 0 {
            return self.empty_spool().await;
        }
        let ours = self.chain.head();
        let theirs = head.unwrap_or_else(|| Chain::new(self.home.key().node(), None).head());
        if theirs.position > ours.position {
            // A commit whose answer was lost did happen. Its entries were answered for as lost; that they are
            // there nevertheless harms nobody, and the chain goes on behind them.
            self.chain.rewind(theirs);
        } else if (theirs.position, theirs.hash) != (ours.position, ours.hash) {
            return Err(LogError::Foreign {
                place: self.config.place.to_string(),
                why: self.shorter(&theirs),
            });
        }
        Ok(())
    }

    fn shorter(&self, theirs: &Head) -> String {
        let ours = self.chain.head().position;
        format!(
            "its chain ends at position {}, but position {ours} was written to it: restore it",
            theirs.position
        )
    }

    /// Puts everything from the spool into the database, which must be where the spool begins or further.
    pub(super) async fn empty_spool(&mut self) -> Result<(), LogError> {
        let node = self.home.key().node();
        let Some(database) = &mut self.database else { return Ok(()) };
        let patience = self.config.patience;
        let theirs = database.head(node).await?.unwrap_or_else(|| Chain::new(node, None).head());
        let mut at = 0;
        while at < self.spool.len() {
            let (mut sealed, next) = self.spool.read(node, at, CATCH_UP)?;
            let foreign = |entry: &&Sealed| {
                let same = entry.position == theirs.position && entry.hash == theirs.hash;
                let follows = entry.position == theirs.position + 1
                    && entry.hash == theirs.hash.then(&Hash::of(entry.body.as_bytes()));
                entry.position.abs_diff(theirs.position) <= 1
                    && entry.position >= theirs.position
                    && !same
                    && !follows
            };
            let beyond = at == 0 && sealed.first().is_some_and(|first| first.position > theirs.position + 1);
            if beyond || sealed.iter().any(|entry| foreign(&entry)) {
                return Err(LogError::Foreign {
                    place: self.config.place.to_string(),
                    why: self.shorter(&theirs),
                });
            }
            // Some may be there already, from a commit whose answer was lost.
            let new = sealed.split_off(sealed.partition_point(|entry| entry.position <= theirs.position));
            insert(database, node, new.into_iter(), patience).await?;
            at = next;
        }
        self.index_behind = true;
        self.spool.clear()
    }
}

/// Waiting does not mend these.
pub(super) fn is_final(error: &LogError) -> bool {
    matches!(error, LogError::Newer { .. } | LogError::Foreign { .. } | LogError::BadInput(_))
}
