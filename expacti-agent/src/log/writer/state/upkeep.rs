//! What the writer does beside storing: it signs, prunes, tells of holes, and keeps the index up.

use expacti_core::record::chain::Draft;
use expacti_core::record::sequence::Gap;
use expacti_core::record::{Change, Entry};
use tokio::time::Instant;

use super::{LONGEST_PAUSE, State, now};
use crate::log::{LogError, prune};

impl State {
    /// Brings the index a step further. False where it failed.
    pub(super) async fn index(&mut self) -> bool {
        let Some(database) = &mut self.database else { return false };
        match self.indexer.step(database).await {
            Ok(more) => (self.index_behind, self.index_failing) = (more, false),
            Err(error) => {
                self.index_failed(&error).await;
                return false;
            }
        }
        true
    }

    /// Brings the index up to the end, or to where it fails.
    async fn index_all(&mut self) {
        while self.index_behind && self.index().await {}
    }

    /// The evidence is safe without its index, so only a database that does not answer either is lost.
    async fn index_failed(&mut self, error: &LogError) {
        self.index_behind = true;
        self.index_at = Instant::now() + LONGEST_PAUSE;
        // The connection may be in the middle of a transaction.
        self.database = None;
        match Self::connect(&self.config, self.home.key().node()).await {
            Ok((database, _)) => self.database = Some(database),
            Err(_) => self.lost(&format!("index: {error}")),
        }
        if self.database.is_some() && !self.index_failing {
            self.index_failing = true;
            let text = format!("the log is whole, but what is new in it cannot be found: {error}");
            let _ = Box::pin(self.note(Change::Alarm { name: "log-index-failed".into(), text })).await;
        }
    }

    /// Records gaps as holes and tells a human.
    pub(super) async fn tell_holes(&mut self, gaps: Vec<Gap>) {
        for Gap { boot, from, to, .. } in gaps {
            let because = "they never reached the daemon".to_owned();
            let text = if from == to {
                format!("attempt {from} of boot {boot} never reached the log")
            } else {
                format!("attempts {from} to {to} of boot {boot} never reached the log")
            };
            let alarm = Change::Alarm { name: "log-hole".into(), text };
            let hole = Change::Hole { boot, from, to, because };
            // What cannot be stored now is due again at the next turn.
            if self.note(hole).await.is_ok() {
                self.holes.excuse(boot, from, to);
                let _ = self.note(alarm).await;
            }
        }
    }

    /// Signs the end of the chain, where anything was added since.
    pub(super) async fn sign(&mut self) -> Result<(), LogError> {
        self.sign_at = Instant::now() + self.config.checkpoint_interval;
        if self.unsigned == 0 {
            return Ok(());
        }
        let checkpoint = self.home.key().checkpoint(&self.chain.head(), now());
        self.note(Change::Checkpoint { line: checkpoint.to_string() }).await?;
        self.unsigned = 0;
        self.home.keep(&checkpoint)
    }

    pub(in crate::log::writer) async fn settle(&mut self) -> Result<(), LogError> {
        self.index_all().await;
        match &self.trouble {
            None => Ok(()),
            Some(trouble) => {
                Err(LogError::NotFound(format!("the log's database is away: {}", trouble.because)))
            }
        }
    }

    pub(in crate::log::writer) async fn prune(
        &mut self,
        before: i64,
        because: String,
    ) -> Result<u64, LogError> {
        let mut removed = 0;
        // Not the tombstones of this very pruning.
        let last = self.chain.head().position;
        loop {
            let Some(database) = &mut self.database else {
                return Err(LogError::NotFound("the log's database is away: nothing was pruned".into()));
            };
            let key = self.home.key();
            let Some((tombstone, count)) = prune::plan(database, key, before, last, &because).await? else {
                return Ok(removed);
            };
            let change = key.tombstone(&tombstone).map_err(|error| LogError::BadInput(error.to_string()))?;
            let draft = Draft::new(&Entry { at: now(), attempt: None, change });
            let draft = draft.map_err(|error| LogError::BadInput(error.to_string()))?;
            let head = self.chain.head();
            let sealed = self.chain.seal(&draft);
            let pruned = prune::carry_out(database, key.node(), &tombstone, &sealed).await;
            if let Err(error) = pruned {
                self.chain.rewind(head);
                self.lost(&error.to_string());
                if let Some(trouble) = &mut self.trouble {
                    trouble.head_unknown = true;
                }
                self.tell();
                return Err(error);
            }
            self.unsigned += 1;
            removed += count;
        }
    }

    pub(in crate::log::writer) async fn close(mut self) -> Result<(), LogError> {
        if self.trouble.is_some() {
            self.retry().await;
        }
        let gaps = self.holes.all();
        self.tell_holes(gaps).await;
        self.index_all().await;
        let signed = self.sign().await;
        if let Some(database) = self.database.take() {
            database.close().await;
        }
        signed
    }
}
