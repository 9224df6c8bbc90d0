//! Open tickets as the hooks see them.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr;

use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::helpers::generated::{bpf_copy_from_user, bpf_loop};
use expacti_abi::event::Attempt;
use expacti_abi::ticket::{Ticket, verdict};

use crate::kernel::{Task, now};
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
        frozen: 0,
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

/// Waits without leaving the kernel, for as long as the verdict of a ticket is still this one, until the daemon has
/// frozen the current task. False: it has not in time, there is another verdict, or the task was killed.
#[inline(always)]
pub(crate) fn freezes(seq: u64, while_verdict: u32, within_ns: u64) -> bool {
    let mut wait = Wait { seq, until: now() + within_ns, verdict: while_verdict, frozen: 0, over: 0 };
    // SAFETY: the verifier walks into the callback with this very context.
    unsafe { bpf_loop(MAX_WAITS, for_a_while as *mut c_void, (&raw mut wait).cast(), 0) };
    wait.frozen != 0
}

/// Only the verifier needs them: the clock ends both waits long before. The longer one has a loop of loops, because the
/// kernel has a most for each.
const MAX_SPINS: u32 = 1 << 20;
const MAX_WAITS: u32 = 1 << 20;
const A_WHILE: u32 = 1 << 12;

/// An address of the kernel's own: it is refused before anything is looked at, so that nobody can make a reader wait.
const NOBODYS: u64 = 1 << 63;

#[repr(C)]
struct Wait {
    seq: u64,
    until: u64,
    verdict: u32,
    frozen: u32,
    over: u64,
}

/// # Safety
/// Called by `bpf_loop` with the context it was given.
unsafe extern "C" fn for_a_while(_round: u64, wait: *mut Wait) -> i64 {
    // SAFETY: the verifier walks into the callback with this very context.
    unsafe { bpf_loop(A_WHILE, still_loose as *mut c_void, wait.cast(), 0) };
    // SAFETY: see above.
    i64::from(unsafe { (*wait).over } != 0)
}

/// # Safety
/// Called by `bpf_loop` with the context it was given.
unsafe extern "C" fn still_loose(_round: u64, wait: *mut Wait) -> i64 {
    // SAFETY: see above.
    let wait = unsafe { &mut *wait };
    let mut byte = MaybeUninit::<u64>::uninit();
    // Only for what it does besides: a copy that may sleep lets others run where the kernel does not preempt.
    // SAFETY: one byte into eight of ours.
    unsafe { bpf_copy_from_user(byte.as_mut_ptr().cast(), 1, NOBODYS as *const c_void) };
    wait.over = u64::from(is_over(wait));
    wait.over as i64
}

#[inline(always)]
fn is_over(wait: &mut Wait) -> bool {
    let Some(ticket) = maps::TICKETS.get_ptr_mut(wait.seq) else { return true };
    // SAFETY: aligned words; the daemon replaces the entry whole, and never reads the second one.
    unsafe {
        if ptr::read_volatile(&raw const (*ticket).verdict) != wait.verdict {
            return true;
        }
        if ptr::read_volatile(&raw const (*ticket).frozen) != 0 {
            ptr::write_volatile(&raw mut (*ticket).frozen, 0);
            // Somebody may have moved the task out of what was frozen: then it is not held.
            wait.frozen = u32::from(Task::current().is_freezing());
            return true;
        }
    }
    now() >= wait.until || Task::current().is_dying()
}

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
