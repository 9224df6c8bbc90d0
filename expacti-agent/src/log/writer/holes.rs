//! Sequence numbers that never come.
//!
//! The kernel counts every attempt. Numbers may come out of order, because processors race from counting to
//! reporting, and across a restart of the daemon, because what waits in the kernel's ring outlives it. One that has
//! still not come after a while is a hole: it is recorded, and a human is told.

use std::collections::HashSet;
use std::time::Duration;

use expacti_core::record::BootId;
use expacti_core::record::chain::NodeId;
use expacti_core::record::sequence::{Gap, Sequences};
use tokio::time::Instant;

use crate::log::LogError;
use crate::log::sequences;
use crate::log::store::Connection;

/// Watches the numbers of a node.
#[derive(Debug)]
pub(super) struct Holes {
    seen: Sequences,
    /// The lives of the gate whose numbers so far are in `seen`.
    loaded: HashSet<BootId>,
    patience: Duration,
    /// Gaps that showed up to this position have been waited for at least `patience`.
    ripe: u64,
    turn_at: Instant,
}

impl Holes {
    pub(super) fn new(patience: Duration) -> Self {
        let turn_at = Instant::now() + patience;
        Self { seen: Sequences::default(), loaded: HashSet::new(), patience, ripe: 0, turn_at }
    }

    /// Whether the numbers so far of a life are known.
    pub(super) fn knows(&self, boot: BootId) -> bool {
        self.loaded.contains(&boot)
    }

    /// Reads which numbers of a life the database has. `position` is where the chain stands.
    pub(super) async fn load(
        &mut self,
        database: &mut Connection,
        node: NodeId,
        boot: BootId,
        position: u64,
    ) -> Result<(), LogError> {
        sequences::load(database, node, boot, position, &mut self.seen).await?;
        self.loaded.insert(boot);
        Ok(())
    }

    /// An attempt is stored at `position`.
    pub(super) fn see(&mut self, boot: BootId, number: u64, position: u64) {
        if self.knows(boot) {
            // Twice is for `verify` to name; it is no hole.
            let _ = self.seen.see(boot, number, position);
        }
    }

    /// These numbers are recorded as missing.
    pub(super) fn excuse(&mut self, boot: BootId, from: u64, to: u64) {
        if self.knows(boot) {
            self.seen.excuse(boot, from, to);
        }
    }

    /// When to look for holes again; none where no number is missing.
    pub(super) fn turn_at(&self) -> Option<Instant> {
        self.seen.gaps().next().map(|_| self.turn_at)
    }

    /// Gaps that were waited for long enough. `position` is where the chain stands.
    pub(super) fn due(&mut self, now: Instant, position: u64) -> Vec<Gap> {
        if now < self.turn_at {
            return Vec::new();
        }
        let due = self.seen.gaps().filter(|gap| gap.shown_at <= self.ripe).collect();
        (self.ripe, self.turn_at) = (position, now + self.patience);
        due
    }

    /// Every gap, for a daemon that ends.
    pub(super) fn all(&self) -> Vec<Gap> {
        self.seen.gaps().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_number_that_is_only_late_is_no_hole() {
        let (boot, second) = (BootId(1), Duration::from_secs(1));
        let mut holes = Holes::new(second);
        holes.loaded.insert(boot);
        for (position, number) in [(1, 1), (2, 4), (3, 2)] {
            holes.see(boot, number, position);
        }
        let missing = |holes: &Holes| holes.all().iter().map(|gap| (gap.from, gap.to)).collect::<Vec<_>>();
        assert_eq!(missing(&holes), [(3, 3)]);
        assert_eq!(holes.due(Instant::now(), 3), []);
        tokio::time::advance(second).await;
        // Seen missing for between none and one patience so far.
        assert_eq!(holes.due(Instant::now(), 3), []);
        tokio::time::advance(second).await;
        let due = holes.due(Instant::now(), 3);
        assert_eq!(due, [Gap { boot, from: 3, to: 3, shown_at: 2 }]);
        holes.excuse(boot, 3, 3);
        assert_eq!((holes.all().len(), holes.turn_at()), (0, None));
    }
}
