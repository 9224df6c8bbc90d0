//! The pure part of expacti: what an exec means, how risky it is, what the rules say, and the docket.
//!
//! **Invariant:** nothing in this crate does IO, reads a clock, spawns or awaits. Time, ids and file contents
//! come in as arguments, so every decision can be replayed from a record.
#![forbid(unsafe_code)]

mod assess;
pub mod assessment;
pub mod decide;
pub mod docket;
pub mod evaluation;
pub mod grant;
pub mod history;
pub mod policy;
pub mod record;
pub mod remember;
pub mod request;
pub mod rules;
mod score;
mod see;
mod sql;
pub mod suggest;
pub mod time;
pub mod tools;
pub mod untrusted;

pub use assess::assess;
pub use tools::Tools;
