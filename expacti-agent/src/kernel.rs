//! The kernel edge: the only room that knows aya.

mod btf;
mod canary;
pub(crate) mod cgroup;
mod gate;
mod handle;
mod layouts;
mod load;
mod maps;
mod namespace;
mod object;
mod offsets;
mod park;
mod ring;
mod signals;
mod sys;
mod tell;
pub(crate) mod trial;
mod unload;

pub(crate) use self::canary::{Canary, FOLDER as CANARY_FOLDER, Flight};
pub(crate) use self::cgroup::below as cgroups_below;
pub(crate) use self::gate::{EnrolError, Expected, Gate, Member, Names, boot_ns};
pub(crate) use self::handle::folder_of_id;
pub(crate) use self::layouts::replace as replace_other_layouts;
pub(crate) use self::load::{InKernel, load, retire_others};
pub(crate) use self::namespace::enter_hosts_cgroups;
pub(crate) use self::park::is_ours as is_parking;
pub(crate) use self::ring::{Event, Ring};
pub(crate) use self::unload::unload;
