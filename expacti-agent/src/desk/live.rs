//! What happens at the desk, for those who watch. A bounded journal, so that a watcher who was away for a moment loses
//! nothing and one who was away for long is told so.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use expacti_core::docket::{Card, Grant, GrantEnd, GrantId, Outcome};
use tokio::sync::watch;

/// One thing that watchers see.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// A card appeared.
    CardOpened(Arc<Card>),
    /// A card changed.
    CardChanged(Arc<Card>),
    /// A card is done with.
    CardClosed {
        /// As it was last.
        card: Arc<Card>,
        /// How its last ticket ended.
        outcome: Outcome,
    },
    /// A grant began.
    GrantMade(Grant),
    /// A grant ended.
    GrantEnded {
        /// Which.
        id: GrantId,
        /// Whose.
        agent: String,
        /// Why.
        why: GrantEnd,
    },
    /// An agent was stopped, resumed or killed.
    AgentChanged {
        /// Which.
        agent: String,
        /// `stopped`, `resumed` or `killed`.
        to: &'static str,
        /// By whom.
        by: String,
    },
}

/// News with its number. Numbers rise by one.
pub(crate) type Numbered = (u64, Arc<News>);

/// The journal.
#[derive(Debug)]
pub(crate) struct Live {
    kept: Mutex<VecDeque<Numbered>>,
    capacity: usize,
    last: watch::Sender<u64>,
}

/// The news that was asked for is not kept any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gone;

impl Live {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { kept: Mutex::default(), capacity, last: watch::Sender::new(0) }
    }

    pub(super) fn publish(&self, news: News) {
        let mut kept = self.kept();
        let number = *self.last.borrow() + 1;
        kept.push_back((number, Arc::new(news)));
        if kept.len() > self.capacity {
            kept.pop_front();
        }
        drop(kept);
        self.last.send_replace(number);
    }

    /// The number of the newest news.
    pub(crate) fn newest(&self) -> u64 {
        *self.last.borrow()
    }

    /// Follows everything behind number `after`.
    pub(crate) fn follow(self: &Arc<Self>, after: u64) -> Follower {
        Follower { live: Arc::clone(self), after, last: self.last.subscribe() }
    }

    /// All that is kept behind number `after`.
    fn since(&self, after: u64) -> Result<Vec<Numbered>, Gone> {
        let kept = self.kept();
        let newest = kept.back().map_or(0, |(number, _)| *number);
        let oldest = kept.front().map_or(1, |(number, _)| *number);
        if after > newest || after + 1 < oldest {
            return Err(Gone);
        }
        Ok(kept.iter().skip_while(|(number, _)| *number <= after).cloned().collect())
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Numbered>> {
        // Nobody can panic while holding it and leave it half changed.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One watcher's place in the journal.
#[derive(Debug)]
pub(crate) struct Follower {
    live: Arc<Live>,
    after: u64,
    last: watch::Receiver<u64>,
}

impl Follower {
    /// The next news, at least one. `Gone` where the watcher was too slow and has to look at everything anew.
    pub(crate) async fn next(&mut self) -> Result<Vec<Numbered>, Gone> {
        loop {
            self.last.mark_unchanged();
            let news = self.live.since(self.after)?;
            if let Some((number, _)) = news.last() {
                self.after = *number;
                return Ok(news);
            }
            // The sender lives as long as `self.live`.
            let _ = self.last.changed().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(by: &str) -> News {
        News::AgentChanged { agent: "a".into(), to: "stopped", by: by.into() }
    }

    fn numbers(news: Result<Vec<Numbered>, Gone>) -> Vec<u64> {
        news.unwrap().into_iter().map(|(number, _)| number).collect()
    }

    #[tokio::test]
    async fn a_watcher_who_was_away_loses_nothing() {
        let live = Arc::new(Live::new(10));
        live.publish(news("1"));
        let mut follower = live.follow(live.newest());
        live.publish(news("2"));
        live.publish(news("3"));
        assert_eq!(numbers(follower.next().await), [2, 3]);
        assert_eq!(numbers(live.follow(1).next().await), [2, 3]);
    }

    #[tokio::test]
    async fn a_watcher_who_was_away_too_long_is_told() {
        let live = Arc::new(Live::new(2));
        let mut slow = live.follow(0);
        for by in ["1", "2", "3"] {
            live.publish(news(by));
        }
        assert_eq!(slow.next().await.err(), Some(Gone));
        assert_eq!(numbers(live.follow(1).next().await), [2, 3]);
        assert_eq!(live.follow(99).next().await.err(), Some(Gone));
    }

    #[tokio::test]
    async fn a_watcher_waits_for_what_comes() {
        let live = Arc::new(Live::new(2));
        let mut follower = live.follow(0);
        let waiting = tokio::spawn(async move { numbers(follower.next().await) });
        tokio::task::yield_now().await;
        live.publish(news("1"));
        assert_eq!(waiting.await.unwrap(), [1]);
    }
}
