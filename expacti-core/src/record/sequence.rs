//! Which sequence numbers have been seen, and which are missing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::entry::BootId;

/// The numbers of all lives of a node's gate.
///
/// Numbers may come slightly out of order, because processors race from counting to reporting; what counts is that
/// in the end none is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequences(BTreeMap<BootId, Seen>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    highest: u64,
    /// First missing number of a range: its last one, and the position of the entry that showed the gap.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    missing: BTreeMap<u64, (u64, u64)>,
    /// First number of a range that was given up as missing: its last one. One that comes after all is welcome.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    excused: BTreeMap<u64, u64>,
}

/// A range of numbers that nobody has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The life of the gate.
    pub boot: BootId,
    /// The first missing number.
    pub from: u64,
    /// The last missing number.
    pub to: u64,
    /// The position of the entry that showed the gap.
    pub shown_at: u64,
}

impl Sequences {
    /// The entry at `position` has this number. False where the number was seen before. A number that was excused
    /// and comes after all is seen: what was given up as lost may only have been late.
    #[must_use]
    pub fn see(&mut self, boot: BootId, number: u64, position: u64) -> bool {
        let seen = self.0.entry(boot).or_default();
        if number > seen.highest {
            if number > seen.highest + 1 {
                seen.missing.insert(seen.highest + 1, (number - 1, position));
            }
            seen.highest = number;
            return true;
        }
        !seen.take(number, number).is_empty() || take(&mut seen.excused, number)
    }

    /// All numbers from `from` to `to` were seen, up to the entry at `position`.
    pub fn see_all(&mut self, boot: BootId, from: u64, to: u64, position: u64) {
        let seen = self.0.entry(boot).or_default();
        seen.take(from, to);
        if to > seen.highest {
            if from > seen.highest + 1 {
                seen.missing.insert(seen.highest + 1, (from - 1, position));
            }
            seen.highest = to;
        }
    }

    /// The numbers from `from` to `to` are known to be missing.
    pub fn excuse(&mut self, boot: BootId, from: u64, to: u64) {
        if from > to {
            return;
        }
        let seen = self.0.entry(boot).or_default();
        for (start, end) in seen.take(from, to) {
            seen.excused.insert(start, end);
        }
        let ahead = seen.highest.saturating_add(1);
        if from <= ahead && to >= ahead {
            seen.excused.insert(ahead, to);
            seen.highest = to;
        }
    }

    /// Takes over what somebody else knows of one life.
    pub fn adopt(&mut self, boot: BootId, other: &Self) {
        if let Some(seen) = other.0.get(&boot) {
            self.0.insert(boot, seen.clone());
        }
    }

    /// The highest number seen in a life.
    pub fn highest(&self, boot: BootId) -> Option<u64> {
        self.0.get(&boot).map(|seen| seen.highest)
    }

    /// What is missing and was not excused.
    pub fn gaps(&self) -> impl Iterator<Item = Gap> + '_ {
        self.0.iter().flat_map(|(&boot, seen)| {
            let gap = move |(&from, &(to, shown_at)): (&u64, &(u64, u64))| Gap { boot, from, to, shown_at };
            seen.missing.iter().map(gap)
        })
    }
}

impl Seen {
    /// Takes numbers out of the missing ones. Gives the ranges that were missing.
    fn take(&mut self, from: u64, to: u64) -> Vec<(u64, u64)> {
        let touched: Vec<_> = (self.missing.range(..=to))
            .filter(|(_, (end, _))| *end >= from)
            .map(|(&start, &(end, position))| (start, end, position))
            .collect();
        for &(start, end, position) in &touched {
            self.missing.remove(&start);
            if start < from {
                self.missing.insert(start, (from - 1, position));
            }
            if end > to {
                self.missing.insert(to + 1, (end, position));
            }
        }
        touched.into_iter().map(|(start, end, _)| (start.max(from), end.min(to))).collect()
    }
}

/// Takes one number out of ranges. False where none of them has it.
fn take(ranges: &mut BTreeMap<u64, u64>, number: u64) -> bool {
    let Some((&start, &end)) = ranges.range(..=number).next_back().filter(|(_, end)| **end >= number) else {
        return false;
    };
    ranges.remove(&start);
    if start < number {
        ranges.insert(start, number - 1);
    }
    if end > number {
        ranges.insert(number + 1, end);
    }
    true
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const BOOT: BootId = BootId(1);

    #[test]
    fn a_number_that_comes_late_fills_its_gap() {
        let mut seen = Sequences::default();
        assert!([1, 4, 2].iter().all(|&n| seen.see(BOOT, n, n * 10)));
        assert_eq!(seen.gaps().collect::<Vec<_>>(), [Gap { boot: BOOT, from: 3, to: 3, shown_at: 40 }]);
        assert!(!seen.see(BOOT, 2, 0));
        seen.excuse(BOOT, 3, 3);
        assert_eq!(seen.gaps().count(), 0);
    }

    #[test]
    fn a_number_that_was_given_up_may_still_come_once() {
        let mut seen = Sequences::default();
        assert!(seen.see(BOOT, 1, 1) && seen.see(BOOT, 9, 2));
        seen.excuse(BOOT, 2, 8);
        assert!(seen.see(BOOT, 5, 3) && !seen.see(BOOT, 5, 4));
        assert!(seen.see(BOOT, 2, 5) && seen.see(BOOT, 8, 6) && !seen.see(BOOT, 1, 7));
        // Excused again, which changes nothing for what came.
        seen.excuse(BOOT, 2, 8);
        assert!(!seen.see(BOOT, 5, 8) && seen.see(BOOT, 4, 9));
        assert_eq!(seen.gaps().count(), 0);
    }

    #[test]
    fn a_hole_ahead_moves_on() {
        let mut seen = Sequences::default();
        seen.excuse(BOOT, 1, 4999);
        assert!(seen.see(BOOT, 5000, 2));
        assert_eq!((seen.gaps().count(), seen.highest(BOOT)), (0, Some(5000)));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_plain_set(numbers in prop::collection::vec(1u64..60, 1..80), hole in (1u64..60, 0u64..9)) {
            let mut seen = Sequences::default();
            let mut plain = BTreeSet::new();
            for &n in &numbers {
                prop_assert_eq!(seen.see(BOOT, n, 0), plain.insert(n));
            }
            let highest = *plain.last().unwrap();
            let (from, to) = (hole.0, (hole.0 + hole.1).min(highest));
            seen.excuse(BOOT, from, to.max(from));
            plain.extend(from..=to.max(from));
            let missing: BTreeSet<u64> = seen.gaps().flat_map(|gap| gap.from..=gap.to).collect();
            let expected: BTreeSet<u64> = (1..=highest).filter(|n| !plain.contains(n)).collect();
            prop_assert_eq!(missing, expected);
        }
    }
}
