//! What crosses the line between the kernel programs and the daemon.
//!
//! **Invariant:** integers only, explicit padding, sizes asserted. Neither side ever makes a Rust enum, bool or
//! reference out of bytes the other side wrote; codes are compared as numbers.
#![no_std]
#![forbid(unsafe_code)]
#![expect(
    clippy::inline_always,
    reason = "in the kernel programs a call costs one of eight frames and hides types from the verifier"
)]

pub mod control;
pub mod digest;
pub mod environment;
pub mod event;
pub mod file;
pub mod limits;
pub mod names;
pub mod offsets;
pub mod seal;
pub mod task;
pub mod ticket;
pub mod watched;

/// Changes whenever any struct of this crate or any map changes its layout or its meaning. It names the folder
/// that maps and links are pinned in, so that a daemon never reads maps of another layout.
pub const LAYOUT: u32 = 8;
