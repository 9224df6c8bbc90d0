//! The labelled corpus in `tests/corpus`: is it well formed, and what does the engine make of it?
//! What the labels mean and who may tune on which part: `tests/corpus/README.md`.

mod entry;
mod equivalence;
mod floor;
mod fresh;
mod report;
mod scores;
mod variants;
mod well_formed;
