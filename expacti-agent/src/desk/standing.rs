//! Grants over what approved commands start, as the thread that decides sees them.
//!
//! The docket owns the grants and has the last word. This is its copy, so that a decision can name the grant that it
//! stands on without waiting for the desk.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use expacti_core::docket::{Effect, GrantId};
use expacti_core::grant::Grant;
use expacti_core::time::Timestamp;

use crate::clock::epoch_seconds;

/// Cheap to clone; all clones see the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing(Arc<RwLock<HashMap<u64, Grant>>>);

impl Standing {
    /// The grants of these execs, nearest first.
    pub(crate) fn of(&self, ancestors: &[u64]) -> Vec<Grant> {
        let grants = self.read();
        if grants.is_empty() {
            return Vec::new();
        }
        ancestors.iter().filter_map(|ticket| grants.get(ticket).cloned()).collect()
    }

    /// Follows what the docket decided.
    pub(super) fn see(&self, effect: &Effect, now_ms: u64) {
        if let Effect::GrantMade(made) = effect
            && let GrantId::Children(ticket) = made.id
        {
            // Whole seconds, rounded down: it never outlives the docket's own.
            let until = made
                .until_ms
                .map(|until| Timestamp(epoch_seconds()).plus(until.saturating_sub(now_ms) / 1_000));
            let grant = Grant { ticket, agent: made.agent.clone(), ceiling: made.ceiling, until };
            self.write().insert(ticket, grant);
        } else if let Effect::GrantEnded { id: GrantId::Children(ticket), .. } = effect {
            self.write().remove(ticket);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<u64, Grant>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<u64, Grant>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use expacti_core::docket::{Digest, Grant as Docketed, GrantEnd};

    use super::*;

    #[test]
    fn grants_come_and_go_with_the_docket() {
        let standing = Standing::default();
        let made = |id, until_ms| {
            Effect::GrantMade(Docketed {
                id,
                agent: "claude".into(),
                digest: Digest([0; 16]),
                ceiling: 59,
                by: vec!["alice".into()],
                children_ceiling: None,
                until_ms,
            })
        };
        standing.see(&made(GrantId::Children(7), Some(90_500)), 500);
        standing.see(&made(GrantId::Repeat(8), None), 500);
        let found = standing.of(&[9, 8, 7]);
        assert_eq!(found.iter().map(|grant| grant.ticket).collect::<Vec<_>>(), [7]);
        let now = Timestamp(epoch_seconds());
        assert!(found[0].covers("claude", 59, now) && !found[0].covers("claude", 59, now.plus(91)));
        let ended =
            Effect::GrantEnded { id: GrantId::Children(7), agent: "claude".into(), why: GrantEnd::Finished };
        standing.see(&ended, 600);
        assert_eq!(standing.of(&[7]), []);
    }
}
