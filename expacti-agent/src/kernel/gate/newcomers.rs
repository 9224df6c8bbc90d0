//! New cgroups: where they are expected, which have come, and that one is nobody's.
//!
//! What the kernel is told is compared with what it knows: entries that stay are never missing in between, so that no cgroup
//! that is made meanwhile slips through.

use std::collections::BTreeMap;
use std::fs;
use std::ops::RangeInclusive;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use expacti_abi::control::{self, agent};
use expacti_abi::limits::MAX_LEVEL;
use expacti_abi::names::map;
use expacti_abi::watched::{Below, MAX_PREFIXES, Place, Prefix, Watch};

use super::{Gate, boot_ns, lock, nanos};
use crate::kernel::cgroup::MOUNT;
use crate::kernel::maps::{MapsError, Plain, failed};

/// A place where agents are expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// The folder around. It may not be there yet.
    pub(crate) folder: PathBuf,
    /// Which cgroups below it.
    pub(crate) names: Names,
    /// What nobody has told in time runs.
    pub(crate) open: bool,
}

impl Expected {
    /// Whether a cgroup of this path would be held back until it is known whose it is.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        let (Ok(inside), Some(last)) = (path.strip_prefix(&self.folder), path.file_name()) else {
            return false;
        };
        let last = last.to_string_lossy();
        match &self.names {
            Names::Exactly(name) => inside == Path::new(name),
            Names::Below { prefixes, depth } => {
                let deep = u32::try_from(inside.components().count()).unwrap_or(u32::MAX);
                let begins_so = || prefixes.iter().any(|prefix| last.starts_with(prefix));
                depth.contains(&deep) && (prefixes.is_empty() || begins_so())
            }
            Names::Never(_) | Names::NoneBelow => false,
        }
    }
}

/// Which cgroups below a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// This one, directly in it.
    Exactly(String),
    /// Those whose names begin like one of these, or all where none is named.
    Below {
        /// How they begin.
        prefixes: Vec<String>,
        /// How far below; 1 is directly in it.
        depth: RangeInclusive<u32>,
    },
    /// This one, directly in it, is nobody's, whatever else is expected.
    Never(String),
    /// None, whatever else is expected.
    NoneBelow,
}

/// What the kernel is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tables {
    parents: BTreeMap<u64, Below>,
    places: BTreeMap<Place, Watch>,
    /// It was told before: what else is in the kernel came from there.
    known: bool,
}

impl Gate {
    /// From here on new cgroups at these places, and no others, run nothing before it is said whose they are.
    pub(crate) fn expect(&self, expected: &[Expected]) -> Result<(), MapsError> {
        let mut last = lock(&self.expected);
        // A folder that came while the tables were written is found by the second look.
        for _ in 0..4 {
            let wanted = tables(expected, &|folder| fs::metadata(folder).ok().map(|found| found.ino()));
            if wanted == *last {
                break;
            }
            self.write_expected(&last, &wanted)?;
            *last = wanted;
        }
        Ok(())
    }

    fn write_expected(&self, last: &Tables, wanted: &Tables) -> Result<(), MapsError> {
        let mut maps = lock(&self.maps);
        let mut control = maps.control()?;
        let levels = wanted.parents.values().map(|below| below.levels);
        let levels = levels.chain(wanted.places.values().map(|watch| watch.below.levels));
        control.levels |= levels.fold(0, |all, levels| all | levels);
        maps.set_control(control)?;
        for (id, below) in &wanted.parents {
            maps.parents.insert(id, Plain(*below), 0).map_err(failed(map::PARENTS))?;
        }
        for (place, watch) in &wanted.places {
            maps.places.insert(Plain(*place), Plain(*watch), 0).map_err(failed(map::PLACES))?;
        }
        // What we did not put there the kernel did, for a folder that has just come. Only a daemon that has just begun
        // may find what an earlier one wanted.
        let parents: Vec<u64> = maps.parents.keys().flatten().collect();
        for id in parents {
            if !wanted.parents.contains_key(&id) && (!last.known || last.parents.contains_key(&id)) {
                let _gone_already = maps.parents.remove(&id);
            }
        }
        let places: Vec<Place> = maps.places.keys().flatten().map(|Plain(place)| place).collect();
        for place in places.iter().filter(|place| !wanted.places.contains_key(place)) {
            let _gone_already = maps.places.remove(&Plain(*place));
        }
        Ok(())
    }

    /// How long the daemon may take to say whose a new cgroup is.
    pub(crate) fn set_patience(&self, patience: Duration) -> Result<(), MapsError> {
        let mut maps = lock(&self.maps);
        let mut control = maps.control()?;
        if control.told_ns == nanos(patience) {
            return Ok(());
        }
        control.told_ns = nanos(patience);
        maps.set_control(control)
    }

    /// Cgroups of which nobody has said yet whose they are.
    pub(crate) fn newcomers(&self) -> Vec<u64> {
        let maps = lock(&self.maps);
        let entries = maps.agents.iter().flatten();
        entries.filter(|(_, Plain(entry))| entry.flags & agent::NEW != 0).map(|(id, _)| id).collect()
    }

    /// Whether nobody has said yet whose a cgroup is, and for how long. None: somebody has, or it is gone.
    pub(crate) fn new_for(&self, id: u64) -> Option<Duration> {
        let entry = lock(&self.maps).agent(id)?;
        let age = Duration::from_nanos(boot_ns().saturating_sub(entry.made_ns));
        (entry.flags & agent::NEW != 0).then_some(age)
    }

    /// Whether an agent's cgroup is the one that was enrolled.
    pub(crate) fn is_there(&self, name: &str) -> bool {
        let agents = lock(&self.agents);
        let enrolled = agents.named(name);
        enrolled.is_some_and(|enrolled| {
            fs::metadata(&enrolled.cgroup.path).is_ok_and(|found| found.ino() == enrolled.cgroup.id)
        })
    }

    /// A new cgroup is nobody's: what is in it is free.
    pub(crate) fn release(&self, id: u64) {
        let mut maps = lock(&self.maps);
        let is_new = maps.agent(id).is_some_and(|entry| entry.flags & agent::NEW != 0);
        if is_new {
            let _gone_already = maps.agents.remove(&id);
        }
    }
}

/// Whether something may have run in a new cgroup before it was said whose it is.
pub(super) fn has_run(new: &control::Agent, told_ns: u64) -> bool {
    new.flags & agent::FAIL_OPEN != 0 && boot_ns().saturating_sub(new.made_ns) >= told_ns
}

/// What the kernel has to know, where folders have these ids. A folder that is not there is waited for at the nearest one
/// that is.
fn tables(expected: &[Expected], id: &dyn Fn(&Path) -> Option<u64>) -> Tables {
    let mut tables = Tables { known: true, ..Tables::default() };
    for expected in expected {
        let open = if expected.open { agent::FAIL_OPEN } else { 0 };
        let level = level_of(&expected.folder);
        let below = match &expected.names {
            Names::Exactly(name) => below(level + 1..=level + 1, std::slice::from_ref(name), open),
            Names::Never(_) | Names::NoneBelow => Below::default(),
            Names::Below { prefixes, depth } => {
                let last = level.saturating_add(*depth.end()).min(MAX_LEVEL - 1);
                below(level + depth.start()..=last, prefixes, open)
            }
        };
        if let Some(parent) = id(&expected.folder) {
            match &expected.names {
                Names::Exactly(name) => {
                    let watch = Watch { held: 1, watched: 0, below };
                    add_place(&mut tables, Place::new(parent, name.as_bytes()), watch);
                }
                Names::Below { .. } => add_parent(&mut tables, parent, below),
                Names::Never(name) => {
                    tables.places.insert(Place::new(parent, name.as_bytes()), Watch::default());
                }
                Names::NoneBelow => {
                    tables.parents.insert(parent, below);
                }
            }
        } else if matches!(expected.names, Names::Exactly(_) | Names::Below { .. })
            && let Some((parent, name)) = nearest(&expected.folder, id)
        {
            let watch = Watch { held: 0, watched: 1, below };
            add_place(&mut tables, Place::new(parent, name.as_bytes()), watch);
        }
    }
    tables
}

/// The nearest folder around that is there, and the name in it that leads on.
fn nearest(folder: &Path, id: &dyn Fn(&Path) -> Option<u64>) -> Option<(u64, String)> {
    let mut missing = folder;
    loop {
        let around = missing.parent().filter(|around| around.starts_with(MOUNT))?;
        if let Some(found) = id(around) {
            return Some((found, missing.file_name()?.to_str()?.to_owned()));
        }
        missing = around;
    }
}

fn level_of(folder: &Path) -> u32 {
    let below = folder.strip_prefix(MOUNT).map_or(0, |below| below.components().count());
    u32::try_from(below).unwrap_or(u32::MAX / 2)
}

fn below(levels: RangeInclusive<u32>, prefixes: &[String], flags: u32) -> Below {
    let mut below = Below { flags, ..Below::default() };
    for level in levels.filter(|level| *level < MAX_LEVEL) {
        below.levels |= 1 << level;
    }
    // More than fit: any name, and the daemon lets go of those that were not meant.
    if prefixes.len() <= MAX_PREFIXES {
        for (prefix, text) in below.prefixes.iter_mut().zip(prefixes) {
            *prefix = Prefix::new(text.as_bytes());
            below.count += 1;
        }
    }
    below
}

fn add_parent(tables: &mut Tables, parent: u64, below: Below) {
    tables.parents.entry(parent).and_modify(|there| *there = both(there, &below)).or_insert(below);
}

fn add_place(tables: &mut Tables, place: Place, watch: Watch) {
    let joined = |there: &mut Watch| {
        *there = Watch {
            held: there.held | watch.held,
            watched: there.watched | watch.watched,
            below: both(&there.below, &watch.below),
        };
    };
    tables.places.entry(place).and_modify(joined).or_insert(watch);
}

/// What either of them expects, and perhaps a little more.
fn both(one: &Below, other: &Below) -> Below {
    let mut joined = Below { levels: one.levels | other.levels, flags: one.flags & other.flags, ..*one };
    for prefix in other.prefixes.iter().take(other.count as usize) {
        let there = joined.prefixes.iter().take(joined.count as usize).any(|known| known == prefix);
        match joined.prefixes.get_mut(joined.count as usize) {
            _ if there => {}
            Some(free) => {
                *free = *prefix;
                joined.count += 1;
            }
            None => return any_name(joined),
        }
    }
    if one.count == 0 || other.count == 0 { any_name(joined) } else { joined }
}

fn any_name(below: Below) -> Below {
    Below { count: 0, prefixes: Below::default().prefixes, ..below }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(folder: &str, names: Names) -> Expected {
        Expected { folder: Path::new(MOUNT).join(folder), names, open: false }
    }

    /// Only the root and `a` are there.
    fn id(folder: &Path) -> Option<u64> {
        match folder.strip_prefix(MOUNT).ok()?.to_str()? {
            "" => Some(1),
            "a" => Some(7),
            _ => None,
        }
    }

    fn any(depth: RangeInclusive<u32>) -> Names {
        Names::Below { prefixes: Vec::new(), depth }
    }

    #[test]
    fn a_folder_that_is_there_is_watched_itself() {
        let tables = tables(&[at("a", any(1..=2)), at("a", Names::Exactly("x.service".to_owned()))], &id);
        assert_eq!(tables.parents.keys().collect::<Vec<_>>(), [&7]);
        assert_eq!((tables.parents[&7].levels, tables.parents[&7].count), (0b1100, 0));
        let watch = tables.places[&Place::new(7, b"x.service")];
        assert_eq!((watch.held, watch.watched, watch.below.levels), (1, 0, 0b100));
    }

    #[test]
    fn a_folder_that_is_not_there_is_waited_for_at_the_nearest_one() {
        let tables = tables(&[at("b/c", any(1..=1)), at("a/d", Names::Exactly("e".to_owned()))], &id);
        assert!(tables.parents.is_empty());
        let first = tables.places[&Place::new(1, b"b")];
        assert_eq!((first.held, first.watched, first.below.levels), (0, 1, 0b1000));
        let second = tables.places[&Place::new(7, b"d")];
        assert_eq!((second.watched, second.below.count), (1, 1));
        assert_eq!(second.below.prefixes[0], Prefix::new(b"e"));
    }

    #[test]
    fn what_is_nobodys_wins_where_it_comes_last() {
        let never = at("a", Names::Never("expacti.service".to_owned()));
        let tables = tables(&[at("a", any(1..=1)), never, at("a", Names::NoneBelow)], &id);
        assert_eq!(tables.places[&Place::new(7, b"expacti.service")], Watch::default());
        assert_eq!(tables.parents[&7], Below::default());
    }

    #[test]
    fn two_that_meet_expect_what_either_does_and_stay_closed_where_one_is() {
        let named = |names: &[&str], open| Expected {
            open,
            ..at(
                "a",
                Names::Below {
                    prefixes: names.iter().map(|name| (*name).to_owned()).collect(),
                    depth: 1..=1,
                },
            )
        };
        let joined = tables(&[named(&["x-"], true), named(&["y-", "x-"], false)], &id);
        assert_eq!((joined.parents[&7].count, joined.parents[&7].flags), (2, 0));
        let open = tables(&[named(&["x-"], true), named(&["y-"], true)], &id);
        assert_eq!(open.parents[&7].flags, agent::FAIL_OPEN);
        let many = tables(&[named(&["1", "2", "3", "4"], true), named(&["5"], true)], &id);
        assert_eq!(many.parents[&7].count, 0, "more than fit means any");
    }
}
