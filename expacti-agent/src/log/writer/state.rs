//! What the writer knows, and how it gets entries to stable storage.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use expacti_core::record::chain::{Chain, Draft, Head, Sealed};
use expacti_core::record::secrets::Masker;
use expacti_core::record::{Change, Entry, Hash};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Health, Waiting};
use crate::log::encode::Trace;
use crate::log::index::Indexer;
use crate::log::spool::Spool;
use crate::log::store::{Connection, Placed};
use crate::log::{Config, Home, LogError, NotLogged, prune};

/// How much of the spool goes into the database at once.
const CATCH_UP: usize = 1 << 20;
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
    health: watch::Sender<Health>,
    /// What the database said when it failed, and when to try again.
    trouble: Option<Trouble>,
    /// Entries since the chain was signed.
    unsigned: u64,
    sign_at: Instant,
    prune_at: Instant,
}

struct Trouble {
    because: String,
    retry_at: Instant,
    pause: Duration,
    /// A commit may or may not have happened, and the spool could not take its entries: nothing can be added
    /// until the database says where the chain ends.
    head_unknown: bool,
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
            health,
            trouble,
            unsigned: 0,
            sign_at,
            prune_at,
        };
        state.begin(last).await?;
        Ok(state)
    }

    async fn connect(
        config: &Config,
        node: expacti_core::record::chain::NodeId,
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
        self.index().await;
        Ok(())
    }

    pub(super) fn masker(&self) -> Masker {
        Masker::new(self.home.key().mask_key())
    }

    /// When something must be done even if nothing comes in.
    pub(super) fn next_duty(&self) -> Instant {
        let duty = self.sign_at.min(self.prune_at);
        let duty = if self.index_behind && self.database.is_some() { duty.min(self.index_at) } else { duty };
        self.trouble.as_ref().map_or(duty, |trouble| duty.min(trouble.retry_at))
    }

    /// Retries, signs and prunes, where it is time.
    pub(super) async fn duties(&mut self) {
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
        if self.index_behind && self.index_at <= now_is {
            self.index().await;
        }
    }

    /// Stores a batch and answers for it.
    pub(super) async fn commit(&mut self, batch: Vec<Waiting>) {
        if batch.is_empty() {
            return;
        }
        let (mut drafts, mut rest) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
        for Waiting { draft, trace, answer, .. } in batch {
            drafts.push(draft);
            rest.push((trace, answer));
        }
        let first = self.chain.head().position + 1;
        let stored = self.store(&drafts).await;
        let mut traces = Vec::with_capacity(rest.len());
        for (position, (trace, answer)) in (first..).zip(rest) {
            // Nobody may wait for it any more.
            let _ = answer.send(stored.as_ref().map(|_| position).map_err(Clone::clone));
            traces.push(trace);
        }
        if let Ok(Some(placed)) = stored {
            self.index_these(&placed, traces).await;
        }
    }

    /// Gets entries to stable storage: rows of the database, or nothing where the spool has them.
    async fn store(&mut self, drafts: &[Draft]) -> Result<Option<Vec<Placed>>, NotLogged> {
        if let Some(trouble) = self.trouble.as_ref().filter(|trouble| trouble.head_unknown) {
            return Err(NotLogged::Full(trouble.because.clone()));
        }
        let before = self.chain.head();
        let sealed: Vec<Sealed> = drafts.iter().map(|draft| self.chain.seal(draft)).collect();
        self.unsigned += sealed.len() as u64;
        let mut tried = false;
        if self.database.is_some() && self.spool.entries() == 0 {
            tried = true;
            match self.insert(&sealed, false).await {
                Ok(placed) => return Ok(Some(placed)),
                Err(error) => self.lost(&error.to_string()),
            }
        }
        match self.spool.append(&sealed, self.chain.head()) {
            Ok(()) => {
                self.tell();
                Ok(None)
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

    async fn insert(&mut self, sealed: &[Sealed], again: bool) -> Result<Vec<Placed>, LogError> {
        let Some(database) = &mut self.database else { return Err(LogError::NotFound("no database".into())) };
        let node = self.home.key().node();
        let insert = async {
            database.begin().await?;
            let placed = database.append(node, sealed, again).await?;
            database.commit().await?;
            Ok(placed)
        };
        let patience = self.config.patience;
        tokio::time::timeout(patience, insert).await.map_err(|_| LogError::Slow(patience))?
    }

    /// The database failed. Its connection may be in the middle of anything, so it goes.
    fn lost(&mut self, because: &str) {
        self.database = None;
        self.index_behind = true;
        let pause =
            self.trouble.as_ref().map_or(FIRST_PAUSE, |trouble| (trouble.pause * 2).min(LONGEST_PAUSE));
        let head_unknown = self.trouble.as_ref().is_some_and(|trouble| trouble.head_unknown);
        let retry_at = Instant::now() + pause;
        self.trouble = Some(Trouble { because: because.to_owned(), retry_at, pause, head_unknown });
        self.tell();
    }

    fn tell(&self) {
        let Some(trouble) = &self.trouble else { return drop(self.health.send_replace(Health::Healthy)) };
        let (entries, bytes, because) = (self.spool.entries(), self.spool.len(), trouble.because.clone());
        let full =
            trouble.head_unknown || matches!(*self.health.borrow(), Health::Full { .. }) && entries == 0;
        let health =
            if full { Health::Full { because } } else { Health::Spooling { entries, bytes, because } };
        self.health.send_replace(health);
    }

    /// Tries to get the database back, and puts into it what the spool has.
    async fn retry(&mut self) {
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
    async fn empty_spool(&mut self) -> Result<(), LogError> {
        let node = self.home.key().node();
        let Some(database) = &mut self.database else { return Ok(()) };
        let theirs = database.head(node).await?.unwrap_or_else(|| Chain::new(node, None).head());
        let mut at = 0;
        while at < self.spool.len() {
            let (sealed, next) = self.spool.read(node, at, CATCH_UP)?;
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
            self.insert(&sealed, true).await?;
            at = next;
        }
        self.index_behind = true;
        self.spool.clear()
    }

    async fn index_these(&mut self, placed: &[Placed], traces: Vec<Option<Trace>>) {
        let Some(database) = &mut self.database else { return };
        let Some(last) = placed.last() else { return };
        if self.index_behind {
            // Catching up takes these too.
            return;
        }
        let traces =
            placed.iter().zip(traces).filter_map(|(placed, trace)| Some((placed.id, trace?))).collect();
        let taken = self.indexer.take(database, traces, last.position).await;
        if let Err(error) = taken {
            self.index_failed(&error).await;
        }
    }

    async fn index(&mut self) {
        let Some(database) = &mut self.database else { return };
        match self.indexer.catch_up(database).await {
            Ok(()) => (self.index_behind, self.index_failing) = (false, false),
            Err(error) => self.index_failed(&error).await,
        }
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

    /// Adds an entry of the log itself.
    async fn note(&mut self, change: Change) -> Result<u64, LogError> {
        let entry = Entry { at: now(), attempt: None, change };
        let draft = Draft::new(&entry).map_err(|error| LogError::BadInput(error.to_string()))?;
        let stored = self
            .store(std::slice::from_ref(&draft))
            .await
            .map_err(|why| LogError::NotFound(why.to_string()))?;
        let position = self.chain.head().position;
        if let Some(placed) = stored {
            self.index_these(&placed, vec![None]).await;
        }
        Ok(position)
    }

    /// Signs the end of the chain, where anything was added since.
    async fn sign(&mut self) -> Result<(), LogError> {
        self.sign_at = Instant::now() + self.config.checkpoint_interval;
        if self.unsigned == 0 {
            return Ok(());
        }
        let checkpoint = self.home.key().checkpoint(&self.chain.head(), now());
        self.note(Change::Checkpoint { line: checkpoint.to_string() }).await?;
        self.unsigned = 0;
        self.home.keep(&checkpoint)
    }

    pub(super) async fn settle(&mut self) -> Result<(), LogError> {
        if self.index_behind && self.database.is_some() {
            self.index().await;
        }
        match &self.trouble {
            None => Ok(()),
            Some(trouble) => {
                Err(LogError::NotFound(format!("the log's database is away: {}", trouble.because)))
            }
        }
    }

    pub(super) async fn prune(&mut self, before: i64, because: String) -> Result<u64, LogError> {
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

    pub(super) async fn close(mut self) -> Result<(), LogError> {
        if self.trouble.is_some() {
            self.retry().await;
        }
        self.index().await;
        let signed = self.sign().await;
        if let Some(database) = self.database.take() {
            database.close().await;
        }
        signed
    }
}

/// Waiting does not mend these.
fn is_final(error: &LogError) -> bool {
    matches!(error, LogError::Newer { .. } | LogError::Foreign { .. } | LogError::BadInput(_))
}
