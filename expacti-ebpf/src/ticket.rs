//! Open tickets as the hooks see them.

use core::ffi::c_void;
use core::ptr;

use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::helpers::generated::bpf_loop;
use expacti_abi::event::Attempt;
use expacti_abi::ticket::{Ticket, verdict};

use crate::kernel::now;
use crate::maps;

/// Opens a ticket for an attempt that got its sequence number. False: too many are open.
#[inline(always)]
pub(crate) fn open(event: &Attempt) -> bool {
    let ticket = Ticket {
        digest: event.digest,
        agent: event.agent,
        opened_ns: event.time_ns,
        expires_ns: 0,
        process_start_ns: event.process_start_ns,
        tgid: event.tgid,
        tid: event.tid,
        verdict: verdict::PENDING,
        pad: 0,
    };
    maps::TICKETS.insert(event.seq, ticket, BPF_NOEXIST.into()).is_ok()
}

/// The ticket as it is now. None: the daemon removed it.
#[inline(always)]
pub(crate) fn look(seq: u64) -> Option<&'static Ticket> {
    // SAFETY: entries are replaced whole by the daemon; a reader sees the old or the new one.
    unsafe { maps::TICKETS.get(seq) }
}

/// Its answer was used.
#[inline(always)]
pub(crate) fn close(seq: u64) {
    let _gone_already = maps::TICKETS.remove(seq);
}

/// Its task is gone or makes another attempt. The daemon removes it, so that no event is needed to keep both sides
/// of one mind.
#[inline(always)]
pub(crate) fn void(seq: u64) {
    if let Some(ticket) = maps::TICKETS.get_ptr_mut(seq) {
        // SAFETY: an aligned word; the daemon may replace the entry meanwhile and finds out by the event.
        unsafe { ptr::write_volatile(&raw mut (*ticket).verdict, verdict::VOID) };
    }
}

/// Waits a little, without leaving the kernel, for the verdict of a ticket that was just opened.
#[inline(always)]
pub(crate) fn spin(seq: u64, spin_ns: u64) {
    let mut spin = Spin { seq, until: now() + spin_ns };
    // SAFETY: the verifier walks into the callback with this very context.
    unsafe { bpf_loop(MAX_SPINS, still_pending as *mut c_void, (&raw mut spin).cast(), 0) };
}

/// Only the verifier needs it: the clock ends the wait long before.
const MAX_SPINS: u32 = 1 << 20;

#[repr(C)]
struct Spin {
    seq: u64,
    until: u64,
}

/// # Safety
/// Called by `bpf_loop` with the context it was given.
unsafe extern "C" fn still_pending(_index: u64, spin: *mut Spin) -> i64 {
    // SAFETY: see above.
    let spin = unsafe { &*spin };
    let pending = look(spin.seq).is_some_and(|ticket| ticket.verdict == verdict::PENDING);
    i64::from(!pending || now() >= spin.until)
}
