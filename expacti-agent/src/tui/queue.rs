//! What waits, by risk and age.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::wire::CardView;

/// A card and when it runs out of time on our own clock.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    pub(super) card: CardView,
    pub(super) deadline_ms: u64,
}

/// All cards.
#[derive(Debug, Default)]
pub(super) struct Queue {
    cards: BTreeMap<u64, Queued>,
    order: Vec<u64>,
}

impl Queue {
    pub(super) fn replace(&mut self, cards: Vec<CardView>, now_ms: u64) {
        self.cards = cards.into_iter().map(|card| (card.id, queued(card, now_ms))).collect();
        self.sort();
    }

    pub(super) fn put(&mut self, card: CardView, now_ms: u64) {
        let (id, key) = (card.id, place(&card));
        let before = self.cards.insert(id, queued(card, now_ms));
        if before.is_some_and(|before| place(&before.card) == key) {
            return;
        }
        self.order.retain(|known| *known != id);
        let at = self
            .order
            .partition_point(|known| self.cards.get(known).map(|queued| place(&queued.card)) < Some(key));
        self.order.insert(at, id);
    }

    pub(super) fn remove(&mut self, id: u64) {
        self.cards.remove(&id);
        self.order.retain(|known| *known != id);
    }

    pub(super) fn get(&self, id: u64) -> Option<&Queued> {
        self.cards.get(&id)
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Where a card stands.
    pub(super) fn position(&self, id: u64) -> Option<usize> {
        self.order.iter().position(|known| *known == id)
    }

    pub(super) fn at(&self, position: usize) -> Option<u64> {
        self.order.get(position).copied()
    }

    /// Cards from a position on.
    pub(super) fn from(&self, position: usize) -> impl Iterator<Item = &Queued> {
        self.order.iter().skip(position).filter_map(|id| self.cards.get(id))
    }

    fn sort(&mut self) {
        self.order = self.cards.keys().copied().collect();
        self.order.sort_by_key(|id| self.cards.get(id).map(|queued| place(&queued.card)));
    }
}

/// The riskiest first, and of those the oldest.
fn place(card: &CardView) -> (Reverse<u8>, u64) {
    (Reverse(card.score), card.id)
}

fn queued(card: CardView, now_ms: u64) -> Queued {
    let deadline_ms = now_ms.saturating_add(card.remaining_ms);
    Queued { card, deadline_ms }
}
