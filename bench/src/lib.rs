//! What is measured, as both sides say it: the program inside the guest, and `cargo xtask bench` outside.

pub mod cost;
pub mod growth;
pub mod peers;
pub mod report;
pub mod scale;
pub mod statistics;
pub mod workloads;

/// Where the guest finds the small programs in C.
pub const PROGRAMS: &str = "/opt/expacti/programs";
