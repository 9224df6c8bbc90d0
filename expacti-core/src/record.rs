//! The exec log's meaning: what an entry is, how entries chain, how they are checked, folded, masked and asked for.
//!
//! **Invariant:** an entry is bytes first. What was hashed is stored as it was hashed and never encoded again, so
//! that a newer version cannot break the chain of an older one.

pub mod attempt;
pub mod bundle;
pub mod chain;
pub mod entry;
pub mod filter;
pub mod secrets;
pub mod sequence;
pub mod signed;
pub mod verify;
pub mod words;

pub use attempt::Attempt;
pub use chain::{Chain, Hash, Sealed};
pub use entry::{AttemptId, Attempted, BootId, Change, Decider, Entry, Verdict};
