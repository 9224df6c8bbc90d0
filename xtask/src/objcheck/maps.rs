//! Every map is there with the sizes that both sides count on.

use std::collections::BTreeSet;

use aya_obj::generated::bpf_map_type;
use aya_obj::{Map, Object};
use expacti_abi::control::{Agent, Control, counter};
use expacti_abi::limits;
use expacti_abi::names::map;
use expacti_abi::task::TaskState;
use expacti_abi::ticket::{CacheKey, Cached, Ticket};
use expacti_abi::watched::{Below, Place, Watch};

/// What a map looks like: kind, sizes of key and value, entries.
type Shape = (bpf_map_type, usize, usize, u32);

/// Sections of plain data look like maps to a loader.
const DATA: [&str; 3] = [".rodata", ".data", ".bss"];

fn expected(name: &str) -> Option<Shape> {
    use bpf_map_type as kind;
    let word = size_of::<u64>();
    let index = size_of::<u32>();
    Some(match name {
        map::EVENTS => (kind::BPF_MAP_TYPE_RINGBUF, 0, 0, limits::RING),
        map::AGENTS => (kind::BPF_MAP_TYPE_HASH, word, size_of::<Agent>(), limits::MAX_AGENTS),
        map::TASKS => (kind::BPF_MAP_TYPE_TASK_STORAGE, index, size_of::<TaskState>(), 0),
        map::TICKETS => (kind::BPF_MAP_TYPE_HASH, word, size_of::<Ticket>(), limits::MAX_TICKETS),
        map::CACHE => {
            (kind::BPF_MAP_TYPE_LRU_HASH, size_of::<CacheKey>(), size_of::<Cached>(), limits::MAX_CACHED)
        }
        map::CONTROL => (kind::BPF_MAP_TYPE_ARRAY, index, size_of::<Control>(), 1),
        map::SEQUENCE => (kind::BPF_MAP_TYPE_ARRAY, index, word, 1),
        map::PARENTS => (kind::BPF_MAP_TYPE_HASH, word, size_of::<Below>(), limits::MAX_WATCHED),
        map::PLACES => (kind::BPF_MAP_TYPE_HASH, size_of::<Place>(), size_of::<Watch>(), limits::MAX_WATCHED),
        map::COUNTERS => (kind::BPF_MAP_TYPE_PERCPU_ARRAY, index, word, counter::COUNT),
        _ => return None,
    })
}

pub(super) fn compare(object: &Object, differences: &mut Vec<String>) {
    let names: BTreeSet<&str> = object.maps.keys().map(String::as_str).collect();
    for name in map::ALL {
        match (expected(name), object.maps.get(name)) {
            (None, _) => differences.push(format!("objcheck does not know what the map {name} looks like")),
            (_, None) => differences.push(format!("there is no map {name}")),
            (Some(expected), Some(found)) => shape(name, expected, found, differences),
        }
    }
    for name in names.into_iter().filter(|name| !map::ALL.contains(name)) {
        if !DATA.iter().any(|data| name.starts_with(data)) {
            differences.push(format!("there is a map {name} that expacti-abi does not know"));
        }
    }
}

fn shape(name: &str, (kind, key, value, entries): Shape, found: &Map, differences: &mut Vec<String>) {
    let mut compare = |what: &str, expected: u64, found: u32| {
        if expected != u64::from(found) {
            differences.push(format!("the map {name} has {what} {found}, and expacti-abi says {expected}"));
        }
    };
    compare("the kind", kind as u64, found.map_type());
    compare("keys of size", key as u64, found.key_size());
    compare("values of size", value as u64, found.value_size());
    compare("entries:", entries.into(), found.max_entries());
}
