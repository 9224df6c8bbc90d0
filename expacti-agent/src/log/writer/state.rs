//! What the writer knows, and how it gets entries to stable storage.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use expacti_core::record::chain::{Chain, Draft, Head, NodeId, Sealed};
use expacti_core::record::secrets::Masker;
use expacti_core::record::{BootId, Change, Entry};
use tokio::sync::watch;
use tokio::time::Instant;

use self::trouble::{Trouble, is_final};
use super::holes::Holes;
use super::{Health, Waiting};
use crate::log::index::Indexer;
use crate::log::spool::Spool;
use crate::log::store::Connection;
use crate::log::{Config, Home, LogError, NotLogged, sequences};

mod trouble;
mod upkeep;

/// While entries keep coming, the index may fall behind by this many; then it gets its turn all the same. A question
/// reads through what the index lacks, see [`crate::log::tail`].
const LAG: u64 = 200_000;
/// The database is tried again after this; then twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub(super) struct State {
    config: Config,
    home: Home,
    chain: Chain,
    /// None while the database is away.
    database: Option<Connection>,
    spool: Spool,
    indexer: Indexer,
    /// The index lacks entries that the database has.
    index_behind: bool,
    /// When to try to mend the index again.
    index_at: Instant,
    /// It was told that the index fails.
    index_failing: bool,
    holes: Holes,
    health: watch::Sender<Health>,
    /// What the database said when it failed, and when to try again.
    trouble: Option<Trouble>,
    /// Entries since the chain was signed.
    unsigned: u64,
    sign_at: Instant,
    prune_at: Instant,
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

impl State {
    pub(super) async fn open(config: Config, health: watch::Sender<Health>) -> Result<Self, LogError> {
        let home = Home::open(&config.home)?;
        let spool = Spool::open(&home.spool(), config.spool_limit)?;
        let node = home.key().node();
        let (database, head, trouble) = match Self::connect(&config, node).await {
            Ok((connection, head)) => (Some(connection), head, None),
            // The spool knows where the chain ends, so it can go on until the database is back.
            Err(error) if spool.head().is_some() && !is_final(&error) => {
                let trouble = Trouble {
                    because: error.to_string(),
                    retry_at: Instant::now(),
                    pause: FIRST_PAUSE,
                    head_unknown: false,
                };
                (None, None, Some(trouble))
            }
            Err(error) => return Err(error),
        };
        let last = [head, spool.head()].into_iter().flatten().max_by_key(|head| head.position);
        let indexer = Indexer::new(node, config.node_name.clone());
        let (sign_at, prune_at) =
            (Instant::now() + config.checkpoint_interval, Instant::now() + Duration::from_mins(1));
        let chain = Chain::new(node, last);
        let holes = Holes::new(config.hole_patience);
        let mut state = Self {
            config,
            home,
            chain,
            database,
            spool,
            indexer,
            index_behind: true,
            index_at: Instant::now(),
            index_failing: false,
            holes,
            health,
            trouble,
            unsigned: 0,
            sign_at,
            prune_at,
        };
        state.begin(last).await?;
        Ok(state)
    }

    /// Puts what an earlier daemon left in order, and begins the chain where there is none.
    async fn begin(&mut self, last: Option<Head>) -> Result<(), LogError> {
        if self.database.is_some() && self.spool.entries() > 0 {
            self.empty_spool().await?;
        }
        if last.is_none() {
            let (name, public_key) = (self.config.node_name.clone(), self.home.key().public_hex());
            self.note(Change::ChainStarted { name, public_key, version: env!("CARGO_PKG_VERSION").into() })
                .await?;
        }
        let position = self.chain.head().position;
        if let Some(anchor) = self.home.anchor()?.filter(|anchor| anchor.position > position) {
            let text = format!(
                "the log ends at position {position}, but position {} was signed: its end was cut off",
                anchor.position
            );
            self.note(Change::Alarm { name: "log-cut-off".into(), text }).await?;
        }
        // What an earlier daemon did not live to tell.
        if let Some(database) = &mut self.database
            && let Some(boot) = sequences::newest_boot(database, self.home.key().node()).await?
        {
            self.learn(boot).await?;
        }
        Ok(())
    }

    /// Learns which sequence numbers of a life are stored. Where the database is away, later.
    async fn learn(&mut self, boot: BootId) -> Result<(), LogError> {
        let whole = self.trouble.is_none() && self.spool.entries() == 0;
        let Some(database) = self.database.as_mut().filter(|_| whole && !self.holes.knows(boot)) else {
            return Ok(());
        };
        self.holes.load(database, self.home.key().node(), boot, self.chain.head().position).await
    }

    pub(super) fn node(&self) -> NodeId {
        self.home.key().node()
    }

    pub(super) fn masker(&self) -> Masker {
        Masker::new(self.home.key().mask_key())
    }

    /// When something must be done even if nothing comes in.
    pub(super) fn next_duty(&self) -> Instant {
        let duty = self.sign_at.min(self.prune_at);
        let duty = self.holes.turn_at().map_or(duty, |turn| duty.min(turn));
        let duty = if self.index_behind && self.database.is_some() { duty.min(self.index_at) } else { duty };
        self.trouble.as_ref().map_or(duty, |trouble| duty.min(trouble.retry_at))
    }

    /// Retries, signs and prunes, where it is time. `busy`: entries wait, so the index can wait too.
    pub(super) async fn duties(&mut self, busy: bool) {
        let now_is = Instant::now();
        if self.trouble.as_ref().is_some_and(|trouble| trouble.retry_at <= now_is) {
            self.retry().await;
        }
        if self.unsigned >= self.config.checkpoint_every || self.sign_at <= now_is {
            // A signature that could not be stored is made again with the next batch.
            let _ = self.sign().await;
        }
        if self.prune_at <= now_is {
            self.prune_at = now_is + Duration::from_hours(1);
            if let (Some(retention), Some(_)) = (self.config.retention, &self.database) {
                let before = now() - i64::try_from(retention.as_micros()).unwrap_or(i64::MAX);
                let because = format!("retention of {} days", retention.as_secs() / 86_400);
                if let Err(error) = self.prune(before, because).await {
                    let text = format!("old entries could not be pruned: {error}");
                    let _ = self.note(Change::Alarm { name: "log-not-pruned".into(), text }).await;
                }
            }
        }
        let due = self.holes.due(now_is, self.chain.head().position);
        self.tell_holes(due).await;
        let lag = self.chain.head().position - self.indexer.done().min(self.chain.head().position);
        if self.index_behind && self.index_at <= now_is && (!busy || lag > LAG) {
            self.index().await;
        }
    }

    /// Stores a batch and answers for it.
    pub(super) async fn commit(&mut self, batch: Vec<Waiting>) {
        if batch.is_empty() {
            return;
        }
        let (mut drafts, mut rest) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
        for Waiting { draft, excuse, answer, .. } in batch {
            rest.push((draft.begins(), excuse, answer));
            drafts.push(draft);
        }
        let mut boots: Vec<BootId> =
            rest.iter().filter_map(|(begins, ..)| begins.map(|id| id.boot)).collect();
        boots.dedup();
        for boot in boots {
            // A hole that goes unseen must not keep entries from being stored; the next batch tries again.
            let _ = self.learn(boot).await;
        }
        let first = self.chain.head().position + 1;
        let stored = self.store(&drafts).await;
        for (position, (begins, excuse, answer)) in (first..).zip(rest) {
            if stored.is_ok() {
                if let Some(id) = begins {
                    self.holes.see(id.boot, id.sequence, position);
                }
                if let Some((boot, from, to)) = excuse {
                    self.holes.excuse(boot, from, to);
                }
            }
            // Nobody may wait for it any more.
            let _ = answer.send(stored.clone().map(|()| position));
        }
    }

    /// Gets entries to stable storage: into the database, or into the spool.
    async fn store(&mut self, drafts: &[Draft]) -> Result<(), NotLogged> {
        if let Some(trouble) = self.trouble.as_ref().filter(|trouble| trouble.head_unknown) {
            return Err(NotLogged::Full(trouble.because.clone()));
        }
        let before = self.chain.head();
        self.unsigned += drafts.len() as u64;
        self.index_behind = true;
        let mut tried = false;
        if let Some(database) = self.database.as_mut().filter(|_| self.spool.entries() == 0) {
            tried = true;
            let (node, patience) = (self.home.key().node(), self.config.patience);
            // They get their places while the database is at those before them.
            let sealed = drafts.iter().map(|draft| self.chain.seal(draft));
            match insert(database, node, sealed, patience).await {
                Ok(()) => return Ok(()),
                Err(error) => self.lost(&error.to_string()),
            }
            // And the same places again.
            self.chain.rewind(before);
        }
        let sealed: Vec<Sealed> = drafts.iter().map(|draft| self.chain.seal(draft)).collect();
        match self.spool.append(&sealed, self.chain.head()) {
            Ok(()) => {
                self.tell();
                Ok(())
            }
            Err(error) => {
                self.chain.rewind(before);
                let database =
                    self.trouble.as_ref().map_or("is waiting for the spool", |trouble| &trouble.because);
                let because = format!("{database}; spool: {error}");
                if let Some(trouble) = &mut self.trouble {
                    trouble.head_unknown |= tried;
                }
                self.health.send_replace(Health::Full { because: because.clone() });
                Err(NotLogged::Full(because))
            }
        }
    }

    /// Adds an entry of the log itself.
    async fn note(&mut self, change: Change) -> Result<(), LogError> {
        let entry = Entry { at: now(), attempt: None, change };
        let draft = Draft::new(&entry).map_err(|error| LogError::BadInput(error.to_string()))?;
        let stored = self.store(std::slice::from_ref(&draft)).await;
        stored.map_err(|why| LogError::NotFound(why.to_string()))
    }
}

/// Puts entries into the database, in one transaction.
async fn insert(
    database: &mut Connection,
    node: NodeId,
    entries: impl ExactSizeIterator<Item = Sealed>,
    patience: Duration,
) -> Result<(), LogError> {
    let insert = async {
        database.begin().await?;
        database.append(node, entries).await?;
        database.commit().await
    };
    tokio::time::timeout(patience, insert).await.map_err(|_| LogError::Slow(patience))?
}
