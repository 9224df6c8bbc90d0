//! Reading the ring. Whoever reads it waits for nothing else: a slow reader is an agent that waits.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use aya::maps::{MapData, RingBuf};
use expacti_abi::event::{ATTEMPT_HEAD, Head, Moment, kind};
use expacti_abi::limits::PAYLOAD;

/// One event, copied out of the ring.
pub(crate) enum Event {
    /// An exec, before it happens, and the part of its payload that is used.
    Attempt(Arc<Head>, Box<[u8]>),
    /// Something short.
    Moment(Moment),
    /// Nothing we know. Both sides carry the same layout, so it means that memory is broken.
    Unknown {
        /// What the event says of itself.
        kind: u32,
        /// Its size.
        len: usize,
    },
}

/// The reading end of the ring.
pub(crate) struct Ring(RingBuf<MapData>);

impl Ring {
    pub(crate) fn new(ring: RingBuf<MapData>) -> Self {
        Self(ring)
    }

    /// The next event, if there is one.
    pub(crate) fn next(&mut self) -> Option<Event> {
        self.0.next().map(|item| decode(&item))
    }
}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn decode(bytes: &[u8]) -> Event {
    let kind = bytes.get(..4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_ne_bytes);
    if kind == kind::ATTEMPT && bytes.len() >= ATTEMPT_HEAD + PAYLOAD {
        // SAFETY: long enough, integers only, and copied byte for byte, so alignment does not matter.
        let head = Arc::new(unsafe { bytes.as_ptr().cast::<Head>().read_unaligned() });
        let parts = [head.path_len, head.name_len, head.argv_len, head.env_len];
        let used = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(*part as usize)).min(PAYLOAD);
        return Event::Attempt(head, bytes[ATTEMPT_HEAD..ATTEMPT_HEAD + used].into());
    }
    if (kind::STARTED..=kind::CANARY).contains(&kind) && bytes.len() >= size_of::<Moment>() {
        // SAFETY: as above.
        return Event::Moment(unsafe { bytes.as_ptr().cast::<Moment>().read_unaligned() });
    }
    Event::Unknown { kind, len: bytes.len() }
}
