//! Tickets that ended not long ago, so that late answers and repeated questions are told apart from unknown ones.

use std::collections::{HashMap, VecDeque};

use super::effect::Outcome;

const REMEMBERED: usize = 16_384;

#[derive(Debug, Default)]
pub(super) struct Ended {
    order: VecDeque<u64>,
    outcomes: HashMap<u64, Outcome>,
}

impl Ended {
    pub(super) fn insert(&mut self, ticket: u64, outcome: Outcome) {
        if self.outcomes.insert(ticket, outcome).is_none() {
            self.order.push_back(ticket);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.outcomes.remove(&oldest);
        }
    }

    pub(super) fn get(&self, ticket: u64) -> Option<&Outcome> {
        self.outcomes.get(&ticket)
    }
}
