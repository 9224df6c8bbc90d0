//! The desk: the one task that owns the docket. Everybody else holds a [`Desk`] and asks.
//!
//! The kernel edge tells it what happens, humans vote through it, and it sees to it that a record is durable before
//! the verdict that depends on it leaves.

mod live;
mod ports;
mod recent;
mod release;
pub(crate) mod simulation;
mod standing;

use std::sync::Arc;

use expacti_core::docket::{
    Card, Change, Docket, GrantId, Input, Outcome, Policy, Record, Refusal, Vote, Voter,
};
use expacti_core::request::ExecRequest;
use expacti_core::untrusted::Untrusted;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

pub(crate) use self::live::{Follower, Gone, Live, News, Numbered};
pub(crate) use self::ports::{
    Agent, Durable, Kernel, KernelRefused, Log, LogFailed, NobodyToNotify, Notifier,
};
pub(crate) use self::recent::{Recent, Version};
pub(crate) use self::standing::Standing;

use self::release::{Outlets, Untold, pass_on, release};

/// How many news a watcher may miss and still catch up.
const JOURNAL: usize = 8_192;

/// What surrounds the desk.
pub(crate) struct Ports {
    /// Where verdicts go.
    pub(crate) kernel: Arc<dyn Kernel>,
    /// Where records go.
    pub(crate) log: Arc<dyn Log>,
    /// Who tells humans.
    pub(crate) notifier: Arc<dyn Notifier>,
}

/// Humans said "always" to a command.
#[derive(Clone, Debug)]
pub(crate) struct Proposal {
    /// The ticket that was approved.
    pub(crate) ticket: u64,
    /// The command.
    pub(crate) request: Arc<ExecRequest>,
    /// Who approved.
    pub(crate) by: Vec<String>,
}

/// What came of something that was asked. By then it is in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// Tickets that ended by it.
    pub(crate) ended: Vec<(u64, Outcome)>,
    /// Why it was not done.
    pub(crate) refused: Option<Refusal>,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeskError {
    /// The docket refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The kernel edge refuses.
    #[error(transparent)]
    Kernel(#[from] KernelRefused),
    /// It could not be recorded, so it has no effect.
    #[error(transparent)]
    Log(#[from] LogFailed),
    /// The daemon is shutting down.
    #[error("the daemon is shutting down")]
    Closed,
}

/// What the docket looks like from outside.
pub(crate) struct View<'a> {
    /// The docket itself. Its cards are here before their records are durable: what shows cards asks [`Self::cards_after`].
    pub(crate) docket: &'a Docket,
    /// Cards that nobody was told of yet.
    untold: &'a Untold,
    /// What agents ran before.
    pub(crate) recent: &'a Recent,
    /// The docket's clock now.
    pub(crate) now_ms: u64,
    /// The number of the newest news that this view already holds.
    pub(crate) newest: u64,
}

impl<'a> View<'a> {
    /// The cards that humans are asked about, from behind a number on. Whoever is shown a card may rely on its number: what is
    /// not durable yet would be asked anew by a daemon that comes after this one, under another.
    pub(crate) fn cards_after(&self, after: Option<u64>) -> impl Iterator<Item = &'a Card> {
        self.docket.cards_after(after).filter(|card| !self.untold.has(card.id))
    }
}

type Looking = Box<dyn FnOnce(&View<'_>) + Send>;

enum Ask {
    Tell(Input),
    Do { input: Input, news: Option<News>, reply: oneshot::Sender<Result<Done, LogFailed>> },
    Look(Looking),
    Claim(String, Untrusted),
}

/// A handle. Cheap to clone; the desk ends when the last one is dropped.
#[derive(Clone)]
pub(crate) struct Desk {
    asks: mpsc::UnboundedSender<Ask>,
    kernel: Arc<dyn Kernel>,
    live: Arc<Live>,
    standing: Standing,
}

impl Desk {
    /// Starts the desk on the current runtime. The receiver yields rules that humans asked for.
    pub(crate) fn start(policy: Policy, ports: Ports) -> (Self, mpsc::UnboundedReceiver<Proposal>) {
        // Unbounded, because each message is one process that waits (the kernel bounds those) or one request of the
        // API (which is bounded there); a full channel would make the ring reader wait, which it must never.
        let (asks, inbox) = mpsc::unbounded_channel();
        let (proposals, proposed) = mpsc::unbounded_channel();
        let live = Arc::new(Live::new(JOURNAL));
        let kernel = Arc::clone(&ports.kernel);
        let Ports { kernel: to_kernel, log, notifier } = ports;
        let outlets = Arc::new(Outlets {
            kernel: to_kernel,
            log,
            notifier,
            live: Arc::clone(&live),
            proposals,
            untold: Untold::default(),
        });
        let (queue, batches) = mpsc::unbounded_channel();
        let weak = asks.downgrade();
        let revoke = move |id: GrantId| {
            if let Some(asks) = weak.upgrade() {
                let input =
                    Input::GrantRevoked { id, by: "the exec log, which cannot be written".to_owned() };
                let _ = asks.send(Ask::Tell(input));
            }
        };
        tokio::spawn(release(batches, Arc::clone(&outlets), revoke));
        let standing = Standing::default();
        tokio::spawn(run(Docket::new(policy), inbox, outlets, queue, standing.clone()));
        (Self { asks, kernel, live, standing }, proposed)
    }

    /// Tells what happened. From the kernel edge; never waits.
    pub(crate) fn tell(&self, input: Input) {
        // Once the desk is gone the daemon is ending, and the kernel holds what is not answered.
        let _ = self.asks.send(Ask::Tell(input));
    }

    /// A human votes. When this returns, the vote is in the log and the verdict, if any, on its way.
    pub(crate) async fn vote(&self, vote: Vote) -> Result<Done, DeskError> {
        self.act(Input::Vote(vote), None).await
    }

    /// A human freezes an agent. The agent stands still before anything else is tried.
    pub(crate) async fn stop(&self, agent: String, by: String) -> Result<Done, DeskError> {
        self.kernel.freeze(&agent)?;
        let news = News::AgentChanged { agent: agent.clone(), to: "stopped", by: by.clone() };
        self.act(Input::AgentStopped { agent, by }, Some(news)).await
    }

    /// A human lets an agent go on.
    pub(crate) async fn resume(&self, agent: String, by: String) -> Result<Done, DeskError> {
        let news = News::AgentChanged { agent: agent.clone(), to: "resumed", by: by.clone() };
        let done = self.act(Input::AgentResumed { agent: agent.clone(), by }, Some(news)).await?;
        self.kernel.thaw(&agent)?;
        Ok(done)
    }

    /// A human ends an agent. What it waits for is denied, and its evidence stays.
    pub(crate) async fn kill(&self, agent: String, by: String) -> Result<Done, DeskError> {
        self.kernel.kill(&agent)?;
        let news = News::AgentChanged { agent: agent.clone(), to: "killed", by: by.clone() };
        self.act(Input::AgentKilled { agent, by }, Some(news)).await
    }

    /// A human takes a grant back.
    pub(crate) async fn revoke_grant(&self, id: GrantId, by: String) -> Result<Done, DeskError> {
        self.act(Input::GrantRevoked { id, by }, None).await
    }

    /// Somebody became a reviewer.
    pub(crate) async fn add_reviewer(&self, voter: Voter, by: String) -> Result<Done, DeskError> {
        self.act(Input::ReviewerAdded { voter, by }, None).await
    }

    /// A reviewer's right is taken away.
    pub(crate) async fn revoke_reviewer(&self, name: String, by: String) -> Result<Done, DeskError> {
        self.act(Input::ReviewerRevoked { name, by }, None).await
    }

    /// Every enrolled agent.
    pub(crate) fn agents(&self) -> Vec<Agent> {
        self.kernel.agents()
    }

    /// Looks at the docket between two inputs. `look` must be quick.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&View<'_>) -> T + Send + 'static,
    ) -> Result<T, DeskError> {
        let (reply, answer) = oneshot::channel();
        let looking: Looking = Box::new(move |view| {
            // Whoever asked may have gone away.
            let _ = reply.send(look(view));
        });
        self.asks.send(Ask::Look(looking)).map_err(|_| DeskError::Closed)?;
        answer.await.map_err(|_| DeskError::Closed)
    }

    /// The card with this number, or with this ticket on it.
    #[cfg(test)]
    pub(crate) async fn card(&self, id: u64) -> Result<Option<Arc<Card>>, DeskError> {
        self.look(move |view| view.docket.card(id)).await
    }

    /// An agent says what it is doing. Reviewers see it as its own claim, and nothing depends on it.
    pub(crate) fn claim(&self, agent: String, text: Untrusted) -> Result<(), DeskError> {
        self.asks.send(Ask::Claim(agent, text)).map_err(|_| DeskError::Closed)
    }

    /// What happens from now on, or from behind news that was seen.
    pub(crate) fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// What may be started without asking.
    pub(crate) fn standing(&self) -> &Standing {
        &self.standing
    }

    async fn act(&self, input: Input, news: Option<News>) -> Result<Done, DeskError> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask::Do { input, news, reply }).map_err(|_| DeskError::Closed)?;
        Ok(answer.await.map_err(|_| DeskError::Closed)??.or_refused()?)
    }
}

async fn run(
    mut docket: Docket,
    mut inbox: mpsc::UnboundedReceiver<Ask>,
    outlets: Arc<Outlets>,
    queue: mpsc::UnboundedSender<release::Batch>,
    standing: Standing,
) {
    let start = Instant::now();
    let mut recent = Recent::default();
    loop {
        let deadline = docket.next_deadline().map(|ms| start + std::time::Duration::from_millis(ms));
        let ask = tokio::select! {
            ask = inbox.recv() => match ask {
                Some(ask) => ask,
                None => return,
            },
            () = until(deadline) => Ask::Tell(Input::Tick),
        };
        let now_ms = millis_since(start);
        let (input, news, reply) = match ask {
            Ask::Tell(input) => (input, None, None),
            Ask::Do { input, news, reply } => (input, news, Some(reply)),
            Ask::Claim(agent, text) => {
                let is_known = recent.claim(&agent).map_or(text.is_empty(), |known| *known == text);
                if !is_known {
                    let change = Change::Claimed { text: text.clone() };
                    let record = Record { ticket: None, agent: Some(agent.clone()), at_ms: now_ms, change };
                    // Nobody waits for it.
                    drop(outlets.log.append(vec![record], false));
                    recent.put_claim(agent, text);
                }
                continue;
            }
            Ask::Look(look) => {
                // The newest news first: what is told of meanwhile comes again, and nothing is missed.
                let newest = outlets.live.newest();
                look(&View { docket: &docket, untold: &outlets.untold, recent: &recent, now_ms, newest });
                continue;
            }
        };
        let effects = docket.step(input, now_ms);
        for effect in &effects {
            standing.see(effect, now_ms);
            if let expacti_core::docket::Effect::Record(record) = effect {
                recent.see(record);
            }
        }
        let was_refused =
            effects.iter().any(|effect| matches!(effect, expacti_core::docket::Effect::Refused(_)));
        let news = news.filter(|_| !was_refused).into_iter().collect();
        pass_on(effects, news, reply, &outlets, &queue);
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        // A timer may fire a moment early; the docket counts whole milliseconds.
        Some(deadline) => tokio::time::sleep_until(deadline + std::time::Duration::from_millis(1)).await,
        None => std::future::pending().await,
    }
}

fn millis_since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
