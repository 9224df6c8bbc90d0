//! What strings are read into: an event, or a task's own room.

use core::mem::offset_of;

use expacti_abi::event::Attempt;
use expacti_abi::limits::{CHUNK, ROOM, SHORT_CHUNK};
use expacti_abi::task::Scratch;

/// Where everything lies in it.
pub(crate) trait Page {
    /// Where the notes lie.
    const NOTES: usize;
    /// Where the strings lie.
    const PAYLOAD: usize;
    /// Bytes that are read in one go.
    const CHUNK: usize;
    /// Most chunks of one string: the kernel takes strings of up to 128 KiB.
    const CHUNKS: u32 = 131_072 / Self::CHUNK as u32 + 1;
    /// Where a chunk may begin at the latest.
    const LAST: usize;
}

/// Strings are kept, for the daemon.
impl Page for Attempt {
    const NOTES: usize = offset_of!(Self, notes);
    const PAYLOAD: usize = offset_of!(Self, payload);
    const CHUNK: usize = CHUNK;
    const LAST: usize = ROOM;
}

/// Only their digest is wanted: each chunk takes the place of the one before.
impl Page for Scratch {
    const NOTES: usize = offset_of!(Self, notes);
    const PAYLOAD: usize = offset_of!(Self, chunk);
    const CHUNK: usize = SHORT_CHUNK;
    const LAST: usize = 0;
}
