//! What the kernel programs count: every path on which something is silent.

use aya::maps::{MapError, PerCpuValues};
use expacti_abi::control::counter;
use expacti_abi::names::map;

use super::super::maps::{Maps, MapsError, failed};
use super::{Gate, lock};

/// The kernel's counters by the names that people see.
const COUNTERS: [(&str, u32); 12] = [
    ("ring-full", counter::RING_FULL),
    ("denied-unlogged", counter::DENIED_UNLOGGED),
    ("fork-refused", counter::FORK_REFUSED),
    ("mark-failed", counter::MARK_FAILED),
    ("lifecycle-lost", counter::LIFECYCLE_LOST),
    ("mismatch-killed", counter::MISMATCH),
    ("unapproved-killed", counter::UNAPPROVED),
    ("tickets-full", counter::TICKETS_FULL),
    ("cached", counter::CACHED),
    ("restarts", counter::RESTARTS),
    ("defended", counter::DEFENDED),
    ("new-unheld", counter::NEW_UNHELD),
];

impl Gate {
    /// What the kernel programs count, by name. One that cannot be read is left out.
    pub(crate) fn counters(&self) -> Vec<(&'static str, u64)> {
        let maps = lock(&self.maps);
        COUNTERS.into_iter().filter_map(|(name, index)| Some((name, sum(&maps, index).ok()?))).collect()
    }

    /// How many attempts were refused without a record and have not been told yet, whichever daemon was there or not.
    pub(crate) fn untold(&self) -> Result<u64, MapsError> {
        let maps = lock(&self.maps);
        let (all, told) = (sum(&maps, counter::DENIED_UNLOGGED)?, sum(&maps, counter::TOLD_UNLOGGED)?);
        Ok(all.saturating_sub(told))
    }

    /// So many more of them have been told.
    pub(crate) fn told(&self, more: u64) -> Result<(), MapsError> {
        let mut maps = lock(&self.maps);
        let values = maps.counters.get(&counter::TOLD_UNLOGGED, 0).map_err(failed(map::COUNTERS))?;
        let mut values = values.to_vec();
        // Nobody else writes it, so it does not matter in which processor's place it stands.
        if let Some(first) = values.first_mut() {
            *first += more;
        }
        let values = PerCpuValues::try_from(values)
            .map_err(|source| failed(map::COUNTERS)(MapError::IoError(source)))?;
        maps.counters.set(counter::TOLD_UNLOGGED, values, 0).map_err(failed(map::COUNTERS))
    }
}

fn sum(maps: &Maps, index: u32) -> Result<u64, MapsError> {
    let of_processors = maps.counters.get(&index, 0).map_err(failed(map::COUNTERS))?;
    Ok(of_processors.iter().sum())
}
