//! The rooms of the daemon. The `expacti` command is a thin layer over them.

pub mod log;
pub mod memory;
