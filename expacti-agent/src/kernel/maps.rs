//! The gate's maps, typed.

use std::fs::File;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;

use aya::maps::{Array, HashMap, IterableMap as _, Map, MapData, MapError, PerCpuArray, RingBuf};
use aya::{Ebpf, Pod};
use expacti_abi::control::{Agent, Control};
use expacti_abi::names::map;
use expacti_abi::seal::LOOKS;
use expacti_abi::ticket::{CacheKey, Cached, Ticket};
use expacti_abi::watched::{Below, Place, Watch};
use thiserror::Error;

use super::sys;

/// Only where there is such an element.
const BPF_EXIST: u64 = 2;

/// A struct of `expacti-abi` as a map's key or value.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Plain<T>(pub(crate) T);

macro_rules! plain {
    ($($type:ty),+) => {$(
        // SAFETY: `repr(C)`, integers only, no padding that is not a field (asserted by size in expacti-abi).
        unsafe impl Pod for Plain<$type> {}
    )+};
}

plain!(Agent, Control, Ticket, CacheKey, Cached, Below, Place, Watch);

/// Why a map could not be used.
#[derive(Debug, Error)]
pub(crate) enum MapsError {
    /// Not in the object.
    #[error("the object holds no map {0}; the binary is built wrong")]
    Missing(&'static str),
    /// The kernel said no.
    #[error("map {name}: {source}")]
    Failed {
        /// Its name.
        name: &'static str,
        /// Why.
        source: MapError,
    },
    /// No random key, so no digest can be trusted.
    #[error("the kernel gives no random numbers: {0}")]
    Random(String),
    /// A thread of the gate could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(String),
}

/// The maps that the daemon uses.
pub(crate) struct Maps {
    pub(crate) agents: HashMap<MapData, u64, Plain<Agent>>,
    pub(crate) tickets: HashMap<MapData, u64, Plain<Ticket>>,
    pub(crate) cache: HashMap<MapData, Plain<CacheKey>, Plain<Cached>>,
    pub(crate) counters: PerCpuArray<MapData, u64>,
    pub(crate) parents: HashMap<MapData, u64, Plain<Below>>,
    pub(crate) places: HashMap<MapData, Plain<Place>, Plain<Watch>>,
    control: Array<MapData, Plain<Control>>,
    sequence: Array<MapData, u64>,
    tasks: MapData,
    ring: Option<RingBuf<MapData>>,
    /// Keeps the BPF file system, and with it all pins, when somebody unmounts what is around it.
    pins: Option<File>,
}

impl Maps {
    /// Takes the maps out of a loaded object.
    pub(crate) fn take(object: &mut Ebpf) -> Result<Self, MapsError> {
        Self::out_of(|name| object.take_map(name).ok_or(MapsError::Missing(name)))
    }

    /// The maps that an earlier daemon pinned.
    pub(crate) fn pinned(folder: &Path) -> Result<Self, MapsError> {
        Self::out_of(|name| {
            MapData::from_pin(folder.join(name)).and_then(Map::from_map_data).map_err(failed(name))
        })
    }

    fn out_of(mut map_of: impl FnMut(&'static str) -> Result<Map, MapsError>) -> Result<Self, MapsError> {
        // aya has no type for task storage.
        let Map::Unsupported(tasks) = map_of(map::TASKS)? else {
            return Err(MapsError::Missing(map::TASKS));
        };
        Ok(Self {
            agents: typed(&mut map_of, map::AGENTS)?,
            tickets: typed(&mut map_of, map::TICKETS)?,
            cache: typed(&mut map_of, map::CACHE)?,
            counters: typed(&mut map_of, map::COUNTERS)?,
            parents: typed(&mut map_of, map::PARENTS)?,
            places: typed(&mut map_of, map::PLACES)?,
            control: typed(&mut map_of, map::CONTROL)?,
            sequence: typed(&mut map_of, map::SEQUENCE)?,
            tasks,
            ring: Some(typed(&mut map_of, map::EVENTS)?),
            pins: None,
        })
    }

    /// The marks, for calls that aya has not.
    pub(crate) fn tasks(&self) -> BorrowedFd<'_> {
        self.tasks.fd().as_fd()
    }

    /// Numbers go on behind this one, which the log has, where the maps were made anew: after `--unload`, and in a new
    /// layout. To be called while no program acts on them.
    pub(crate) fn count_on_from(&mut self, last: u64) -> Result<(), MapsError> {
        if self.sequence.get(&0, 0).map_err(failed(map::SEQUENCE))? < last {
            self.sequence.set(0, last, 0).map_err(failed(map::SEQUENCE))?;
        }
        Ok(())
    }

    /// A gated cgroup as the kernel knows it. None: it is not, or not any more.
    pub(crate) fn agent(&self, cgroup: u64) -> Option<Agent> {
        let looks = (0..LOOKS).filter_map(|_| self.agents.get(&cgroup, 0).ok());
        looks.map(|Plain(agent)| agent).find(|agent| agent.is_of(cgroup))
    }

    /// Writes how a cgroup is gated.
    pub(crate) fn set_agent(&mut self, cgroup: u64, agent: Agent) -> Result<(), MapsError> {
        self.agents.insert(cgroup, Plain(agent.sealed(cgroup)), 0).map_err(failed(map::AGENTS))
    }

    /// Keeps the folder of the pins open as long as the maps.
    pub(crate) fn keep_open(&mut self, pins: File) {
        self.pins = Some(pins);
    }

    /// The ring, once.
    pub(crate) fn take_ring(&mut self) -> Option<RingBuf<MapData>> {
        self.ring.take()
    }

    /// The switches as they are.
    pub(crate) fn control(&self) -> Result<Control, MapsError> {
        self.control.get(&0, 0).map(|plain| plain.0).map_err(failed(map::CONTROL))
    }

    /// Sets the switches.
    pub(crate) fn set_control(&mut self, control: Control) -> Result<(), MapsError> {
        self.control.set(0, Plain(control), 0).map_err(failed(map::CONTROL))
    }
}

/// A ticket as it is now. None: its hook has used it, or its task is gone.
pub(crate) fn ticket(tickets: &HashMap<MapData, u64, Plain<Ticket>>, number: u64) -> Option<Ticket> {
    let looks = (0..LOOKS).filter_map(|_| tickets.get(&number, 0).ok());
    looks.map(|Plain(ticket)| ticket).find(|ticket| ticket.is_of(number))
}

/// Replaces a ticket. Void or used meanwhile: whoever made it so does not look at it again.
pub(crate) fn replace_ticket(
    tickets: &mut HashMap<MapData, u64, Plain<Ticket>>,
    number: u64,
    ticket: Ticket,
) {
    let _gone_meanwhile = tickets.insert(number, Plain(ticket.sealed(number)), BPF_EXIST);
}

/// Every open ticket.
pub(crate) fn open_tickets(
    tickets: &HashMap<MapData, u64, Plain<Ticket>>,
) -> Result<Vec<(u64, Ticket)>, MapsError> {
    sys::all_tickets(tickets.map().fd().as_fd()).map_err(|error| failed(map::TICKETS)(MapError::from(error)))
}

/// Names the map in an error.
pub(crate) fn failed(name: &'static str) -> impl Fn(MapError) -> MapsError {
    move |source| MapsError::Failed { name, source }
}

fn typed<T: TryFrom<Map, Error = MapError>>(
    map_of: &mut impl FnMut(&'static str) -> Result<Map, MapsError>,
    name: &'static str,
) -> Result<T, MapsError> {
    map_of(name)?.try_into().map_err(failed(name))
}
