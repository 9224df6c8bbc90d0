//! The one writer of a node's chain.
//!
//! Two threads: one masks and encodes, the other gives places in the chain and commits. While a commit is under way
//! entries gather, and the next one takes them all: group commit without a timer. Only entries that nobody waits for
//! wait for company, and not for long. What finds entries is made when none waits, see [`super::index`].

mod holes;
mod state;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use expacti_core::record::chain::{Draft, NodeId};
use expacti_core::record::secrets::Masker;
use expacti_core::record::{BootId, Change, Entry};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use self::state::State;
use super::encode::{Durability, encode};
use super::{Config, LogError, NotLogged, Reader};

/// Where entries go at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Into the database.
    Healthy,
    /// Into the spool, because the database cannot take them.
    Spooling {
        /// How many wait there.
        entries: u64,
        /// How many bytes that is.
        bytes: u64,
        /// What the database said.
        because: String,
    },
    /// Nowhere: neither takes them. Nothing durable can be promised.
    Full {
        /// What they said.
        because: String,
    },
}

/// Who is told what became of an entry. Until then the entry is counted as one that waits.
struct Answer {
    to: oneshot::Sender<Result<u64, NotLogged>>,
    _counted: Counted,
}

impl Answer {
    fn send(self, said: Result<u64, NotLogged>) -> Result<(), Result<u64, NotLogged>> {
        self.to.send(said)
    }
}

/// One of those that wait.
struct Counted(Arc<AtomicU64>);

impl Counted {
    fn one_more(count: &Arc<AtomicU64>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An entry on its way to the writer.
struct Waiting {
    draft: Draft,
    /// The sequence numbers that it says are missing.
    excuse: Option<(BootId, u64, u64)>,
    durability: Durability,
    answer: Answer,
}

enum Message {
    Append(Box<Waiting>),
    Prune { before: i64, because: String, answer: oneshot::Sender<Result<u64, LogError>> },
    Settle(oneshot::Sender<Result<(), LogError>>),
    Close(oneshot::Sender<Result<(), LogError>>),
}

enum Raw {
    Entry(Box<Entry>, Durability, Answer),
    Pass(Message),
}

/// What [`super::Log`] holds.
pub(super) struct Handle {
    entries: SyncSender<Raw>,
    queue: usize,
    /// Entries that were handed in and are not stored yet.
    pub(super) waiting: Arc<AtomicU64>,
    pub(super) health: watch::Receiver<Health>,
    pub(super) reader: Reader,
    pub(super) node: NodeId,
}

/// How many entries one commit takes at most.
const BATCH: usize = 8192;

/// Opens everything and starts the threads.
pub(super) async fn start(config: Config) -> Result<Handle, LogError> {
    let (entries, raw) = sync_channel(config.queue);
    let (encoded, waiting) = mpsc::channel(BATCH);
    let (health, health_seen) = watch::channel(Health::Healthy);
    let (queue, place) = (config.queue, config.place.clone());
    let (ready, is_ready) = oneshot::channel();
    let writer = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => runtime.block_on(write(config, health, waiting, ready)),
            Err(error) => drop(ready.send(Err(error.into()))),
        }
    };
    thread::Builder::new().name("log-writer".into()).spawn(writer)?;
    let (node, masker) = is_ready.await.map_err(|_| closed())??;
    thread::Builder::new().name("log-encoder".into()).spawn(move || pass_on(&masker, &raw, &encoded))?;
    let reader = Reader::open(&place).await?;
    Ok(Handle { entries, queue, waiting: Arc::default(), health: health_seen, reader, node })
}

fn closed() -> LogError {
    LogError::NotFound(NotLogged::Closed.to_string())
}

impl Handle {
    pub(super) fn append(
        &self,
        entry: Entry,
        durability: Durability,
    ) -> Result<oneshot::Receiver<Result<u64, NotLogged>>, NotLogged> {
        let (to, receipt) = oneshot::channel();
        let answer = Answer { to, _counted: Counted::one_more(&self.waiting) };
        match self.entries.try_send(Raw::Entry(Box::new(entry), durability, answer)) {
            Ok(()) => Ok(receipt),
            Err(TrySendError::Full(_)) => Err(NotLogged::Behind(self.queue)),
            Err(TrySendError::Disconnected(_)) => Err(NotLogged::Closed),
        }
    }

    async fn ask<T>(
        &self,
        ask: impl FnOnce(oneshot::Sender<Result<T, LogError>>) -> Message,
    ) -> Result<T, LogError> {
        let (answer, mut receipt) = oneshot::channel();
        let mut raw = Raw::Pass(ask(answer));
        loop {
            match self.entries.try_send(raw) {
                Ok(()) => break,
                Err(TrySendError::Disconnected(_)) => return Err(closed()),
                // Only questions come this way; they can wait for their turn without a place in the queue.
                Err(TrySendError::Full(back)) => raw = back,
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        (&mut receipt).await.map_err(|_| closed())?
    }

    pub(super) async fn prune(&self, before: i64, because: String) -> Result<u64, LogError> {
        self.ask(|answer| Message::Prune { before, because, answer }).await
    }

    pub(super) async fn settle(&self) -> Result<(), LogError> {
        self.ask(Message::Settle).await
    }

    pub(super) async fn close(&self) -> Result<(), LogError> {
        let done = self.ask(Message::Close).await;
        self.reader.close().await;
        done
    }
}

/// The encoder's thread.
fn pass_on(masker: &Masker, raw: &Receiver<Raw>, encoded: &mpsc::Sender<Message>) {
    while let Ok(next) = raw.recv() {
        let message = match next {
            Raw::Pass(message) => message,
            Raw::Entry(entry, durability, answer) => {
                let excuse = if let Change::Hole { boot, from, to, .. } = entry.change {
                    Some((boot, from, to))
                } else {
                    None
                };
                match encode(masker, *entry) {
                    Ok(draft) => Message::Append(Box::new(Waiting { draft, excuse, durability, answer })),
                    Err(error) => {
                        // Whoever does not wait for it cannot be told.
                        let _ = answer.send(Err(NotLogged::Bad(error.to_string())));
                        continue;
                    }
                }
            }
        };
        let last = matches!(message, Message::Close(_));
        if encoded.blocking_send(message).is_err() || last {
            return;
        }
    }
}

/// The writer's thread.
async fn write(
    config: Config,
    health: watch::Sender<Health>,
    mut waiting: mpsc::Receiver<Message>,
    ready: oneshot::Sender<Result<(NodeId, Masker), LogError>>,
) {
    let delay = config.batch_delay;
    let mut state = match State::open(config, health).await {
        Ok(state) => state,
        Err(error) => return drop(ready.send(Err(error))),
    };
    if ready.send(Ok((state.node(), state.masker()))).is_err() {
        return;
    }
    let mut batch = Vec::new();
    loop {
        let after = loop {
            let until = deadline(&batch, delay).unwrap_or_else(|| state.next_duty());
            match tokio::time::timeout_at(until, waiting.recv()).await {
                Err(_) => break None,
                Ok(None) => break Some(None),
                Ok(Some(Message::Append(entry))) => {
                    batch.push((Instant::now(), *entry));
                    let full = gather(&mut batch, &mut waiting);
                    if full.is_some() || batch.len() >= BATCH || is_urgent(&batch) {
                        break full.map(Some);
                    }
                }
                Ok(Some(other)) => break Some(Some(other)),
            }
        };
        state.commit(batch.drain(..).map(|(_, entry)| entry).collect()).await;
        state.duties(!waiting.is_empty()).await;
        match after {
            None | Some(Some(Message::Append(_))) => {}
            Some(Some(Message::Settle(answer))) => drop(answer.send(state.settle().await)),
            Some(Some(Message::Prune { before, because, answer })) => {
                drop(answer.send(state.prune(before, because).await));
            }
            Some(Some(Message::Close(answer))) => return drop(answer.send(state.close().await)),
            Some(None) => return drop(state.close().await),
        }
    }
}

/// Takes what waits already. Gives the message that is no entry, where one comes.
fn gather(batch: &mut Vec<(Instant, Waiting)>, waiting: &mut mpsc::Receiver<Message>) -> Option<Message> {
    while batch.len() < BATCH {
        match waiting.try_recv() {
            Ok(Message::Append(entry)) => batch.push((Instant::now(), *entry)),
            Ok(other) => return Some(other),
            Err(_) => break,
        }
    }
    None
}

fn is_urgent(batch: &[(Instant, Waiting)]) -> bool {
    batch.iter().any(|(_, entry)| entry.durability == Durability::Durable)
}

fn deadline(batch: &[(Instant, Waiting)], delay: Duration) -> Option<Instant> {
    batch.first().map(|(since, _)| *since + delay)
}
