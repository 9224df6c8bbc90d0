//! The same thing again and again is told once in a while.

use std::collections::HashMap;

use expacti_core::docket::{Digest, Notice, NoticeKind};

/// Things that are remembered.
const REMEMBERED: usize = 4_096;

/// When the same was told last.
#[derive(Debug)]
pub(super) struct Quiet {
    pause_ms: u64,
    told: HashMap<(NoticeKind, String, Option<Digest>), u64>,
}

impl Quiet {
    pub(super) fn new(pause_ms: u64) -> Self {
        Self { pause_ms, told: HashMap::new() }
    }

    /// Whether this is news.
    pub(super) fn admits(&mut self, notice: &Notice, now_ms: u64) -> bool {
        // An agent over its quota is one thing, whatever it tries.
        let digest = (notice.kind != NoticeKind::Quota).then_some(notice.card.digest);
        let key = (notice.kind, notice.card.agent.clone(), digest);
        if self.told.get(&key).is_some_and(|told| now_ms < told.saturating_add(self.pause_ms)) {
            return false;
        }
        if self.told.len() >= REMEMBERED {
            let pause = self.pause_ms;
            self.told.retain(|_, told| now_ms < told.saturating_add(pause));
        }
        if self.told.len() < REMEMBERED {
            self.told.insert(key, now_ms);
        }
        true
    }
}
