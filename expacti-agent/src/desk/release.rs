//! Lets effects out, once the records before them are durable.
//!
//! Records enter the log in the order in which the docket made them; verdicts that depend on a durable record wait for
//! it in a queue of their own, so that neither the docket nor a verdict that needs no human waits for a disk.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use expacti_core::docket::{Author, Change, Effect, GrantId, Outcome, Record, Refusal, Verdict};
use expacti_core::evaluation::Level;
use tokio::sync::{mpsc, oneshot};

use super::live::{Live, News};
use super::ports::{Durable, Kernel, Log, LogFailed, Notifier};
use super::{Done, Proposal};

/// Everything that hears of effects.
pub(super) struct Outlets {
    pub(super) kernel: Arc<dyn Kernel>,
    pub(super) log: Arc<dyn Log>,
    pub(super) notifier: Arc<dyn Notifier>,
    pub(super) live: Arc<Live>,
    pub(super) proposals: mpsc::UnboundedSender<Proposal>,
    pub(super) untold: Untold,
}

/// Cards that are open and wait for their records to be durable.
#[derive(Debug, Default)]
pub(super) struct Untold(Mutex<HashSet<u64>>);

impl Untold {
    pub(super) fn has(&self, card: u64) -> bool {
        self.cards().contains(&card)
    }

    fn cards(&self) -> MutexGuard<'_, HashSet<u64>> {
        // Nobody can panic while holding it and leave it half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The effects of one step without their records.
pub(super) struct Batch {
    durable: Durable,
    /// Tickets that now wait for humans.
    held: Vec<u64>,
    effects: Vec<Effect>,
    news: Vec<News>,
    reply: Option<oneshot::Sender<Result<Done, LogFailed>>>,
    done: Done,
}

/// Takes the effects of one step: hands records to the log, and what may not wait to the kernel at once.
pub(super) fn pass_on(
    effects: Vec<Effect>,
    news: Vec<News>,
    reply: Option<oneshot::Sender<Result<Done, LogFailed>>>,
    outlets: &Outlets,
    queue: &mpsc::UnboundedSender<Batch>,
) {
    let (mut records, mut rest, mut held, mut done) = (Vec::new(), Vec::new(), Vec::new(), Done::default());
    for effect in effects {
        if let Effect::CardOpened(card) = &effect {
            outlets.untold.cards().insert(card.id);
        }
        match effect {
            Effect::Record(record) => {
                done.see(&record);
                if matches!(record.change, Change::Held { .. }) {
                    held.extend(record.ticket);
                }
                records.push(record);
            }
            Effect::Refused(why) => done.refused = Some(why),
            effect @ (Effect::Verdict(_)
            | Effect::CardOpened(_)
            | Effect::CardChanged(_)
            | Effect::CardClosed { .. }
            | Effect::Notify(_)
            | Effect::GrantMade(_)
            | Effect::GrantEnded { .. }
            | Effect::RuleProposed { .. }) => rest.push(effect),
        }
    }
    let waits =
        outlets.log.waits_for_all() || outlets.log.is_failing() || records.iter().any(must_be_durable);
    let direct = reply.is_none() && !waits;
    if records.is_empty() {
        let durable: Durable = Box::pin(async { Ok(()) });
        // The queue ends with the desk, and then nobody waits for the effects either.
        let _ = queue.send(Batch { durable, held, effects: rest, news, reply, done });
        return;
    }
    let durable = outlets.log.append(records, !direct);
    if direct {
        for effect in rest {
            outlets.let_out(effect);
        }
    } else {
        let _ = queue.send(Batch { durable, held, effects: rest, news, reply, done });
    }
}

/// Runs until the desk is gone.
pub(super) async fn release(
    mut queue: mpsc::UnboundedReceiver<Batch>,
    outlets: Arc<Outlets>,
    revoke: impl Fn(GrantId) + Send,
) {
    while let Some(Batch { durable, held, effects, news, reply, done }) = queue.recv().await {
        match durable.await {
            Ok(()) => {
                for ticket in held {
                    outlets.kernel.hold(ticket);
                }
                for effect in effects {
                    outlets.let_out(effect);
                }
                for news in news {
                    outlets.live.publish(news);
                }
                if let Some(reply) = reply {
                    let _ = reply.send(Ok(done));
                }
            }
            Err(failed) => {
                for effect in effects {
                    outlets.let_out_unrecorded(effect, &failed, &revoke);
                }
                for news in news {
                    outlets.live.publish(news);
                }
                if let Some(reply) = reply {
                    let _ = reply.send(Err(failed));
                }
            }
        }
    }
}

impl Outlets {
    fn let_out(&self, effect: Effect) {
        match effect {
            Effect::Verdict(verdict) => self.kernel.deliver(verdict),
            Effect::CardOpened(card) => {
                self.untold.cards().remove(&card.id);
                self.live.publish(News::CardOpened(card));
            }
            Effect::CardChanged(card) => self.live.publish(News::CardChanged(card)),
            Effect::CardClosed { card, outcome } => self.live.publish(News::CardClosed { card, outcome }),
            Effect::Notify(notice) => self.notifier.notify(notice),
            Effect::GrantMade(grant) => self.live.publish(News::GrantMade(grant)),
            Effect::GrantEnded { id, agent, why } => self.live.publish(News::GrantEnded { id, agent, why }),
            Effect::RuleProposed { ticket, request, by, .. } => {
                // Nobody saves rules: the approval itself stands all the same.
                let _ = self.proposals.send(Proposal { ticket, request, by });
            }
            Effect::Record(_) | Effect::Refused(_) => {}
        }
    }

    /// There is no record, so nothing may run because of it; everything else is told as it is.
    fn let_out_unrecorded(&self, effect: Effect, failed: &LogFailed, revoke: &impl Fn(GrantId)) {
        match effect {
            Effect::Verdict(verdict) if verdict.allow => {
                let reason = failed.to_string();
                self.kernel.deliver(Verdict { allow: false, reason, ..verdict });
            }
            Effect::GrantMade(grant) => revoke(grant.id),
            Effect::RuleProposed { .. } => {}
            effect @ (Effect::Verdict(_)
            | Effect::CardOpened(_)
            | Effect::CardChanged(_)
            | Effect::CardClosed { .. }
            | Effect::Notify(_)
            | Effect::GrantEnded { .. }
            | Effect::Record(_)
            | Effect::Refused(_)) => self.let_out(effect),
        }
    }
}

/// What was held, denied or risky is durable before the verdict; the rest is written in batches.
fn must_be_durable(record: &Record) -> bool {
    match &record.change {
        Change::Opened { evaluation, .. } => evaluation.level >= Level::High,
        Change::Ended { outcome: Outcome::Allowed { by: Author::Engine { .. }, .. }, .. } => false,
        Change::Ended { .. }
        | Change::Held { .. }
        | Change::Adopted { .. }
        | Change::Voted { .. }
        | Change::VoteDropped { .. }
        | Change::Refused { .. }
        | Change::GrantMade { .. }
        | Change::GrantEnded { .. }
        | Change::AgentStopped { .. }
        | Change::AgentResumed { .. }
        | Change::AgentKilled { .. }
        | Change::Claimed { .. }
        | Change::ReviewerAdded { .. }
        | Change::ReviewerRevoked { .. } => true,
    }
}

impl Done {
    fn see(&mut self, record: &Record) {
        if let (Change::Ended { outcome, .. }, Some(ticket)) = (&record.change, record.ticket) {
            self.ended.push((ticket, outcome.clone()));
        }
    }

    /// The refusal as an error, where there was one.
    pub(crate) fn or_refused(self) -> Result<Self, Refusal> {
        match self.refused {
            Some(why) => Err(why),
            None => Ok(self),
        }
    }
}
