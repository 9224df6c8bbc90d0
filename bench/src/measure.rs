//! The parts, one file each.

pub(crate) mod cost;
pub(crate) mod growth;
mod memory;
pub(crate) mod peers;
pub(crate) mod scale;
pub(crate) mod workloads;
