//! Agents that have a name and a place, and whose cgroup is not there: awaited from the start, or gone.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::operations::Absent;

/// All of them, by name.
#[derive(Default)]
pub(super) struct Absences(Mutex<BTreeMap<String, Absent>>);

impl Absences {
    /// Notes one. Whether that is news: it was not known, or not by this reason.
    pub(super) fn note(&self, name: &str, why: &str, was_gated: bool, now: u64) -> bool {
        let mut known = self.lock();
        if let Some(absent) = known.get_mut(name) {
            let is_news = absent.why != why;
            why.clone_into(&mut absent.why);
            return is_news;
        }
        let absent = Absent { name: name.to_owned(), why: why.to_owned(), since: now, was_gated };
        known.insert(name.to_owned(), absent);
        true
    }

    /// It is there, or nobody means it any more.
    pub(super) fn end(&self, name: &str) {
        self.lock().remove(name);
    }

    /// Whether nobody is awaited.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// By name.
    pub(super) fn all(&self) -> Vec<Absent> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Absent>> {
        // It is changed in whole steps.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absence_keeps_its_beginning_and_its_newest_reason() {
        let absences = Absences::default();
        assert!(absences.note("ci", "its unit does not run", true, 100));
        assert!(!absences.note("ci", "its unit does not run", false, 150));
        assert!(absences.note("ci", "there is no such unit", false, 200));
        let why = "there is no such unit".to_owned();
        assert_eq!(absences.all(), [Absent { name: "ci".to_owned(), why, since: 100, was_gated: true }]);
        absences.end("ci");
        assert_eq!(absences.all(), []);
        assert!(absences.note("ci", "its unit does not run", false, 300));
    }
}
