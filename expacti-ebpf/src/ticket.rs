//! Open tickets as the hooks see them.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr;

use aya_ebpf::bindings::{BPF_EXIST, BPF_NOEXIST};
use aya_ebpf::helpers::generated::{bpf_copy_from_user, bpf_loop};
use expacti_abi::event::Attempt;
use expacti_abi::seal::LOOKS;
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
        pad: 0,
        frozen_ns: 0,
        seal: 0,
    };
    maps::TICKETS.insert(event.seq, ticket.sealed(event.seq), BPF_NOEXIST.into()).is_ok()
}

/// The ticket as it is now. None: the daemon removed it.
#[inline(always)]
pub(crate) fn look(seq: u64) -> Option<Ticket> {
    let mut found = None;
    for _ in 0..LOOKS {
        match glance(seq) {
            Some(ticket) if ticket.verdict != verdict::UNSURE => return Some(ticket),
            None => {}
            unsure => found = unsure,
        }
    }
    found
}

/// The same by a single look, which may miss a ticket that is there.
#[inline(always)]
fn glance(seq: u64) -> Option<Ticket> {
    let ticket = copy(maps::TICKETS.get_ptr(seq)?);
    Some(if ticket.is_of(seq) { ticket } else { Ticket { verdict: verdict::UNSURE, ..ticket } })
}

/// Whether a ticket that a look has missed is not there at all.
#[inline(always)]
fn is_gone(seq: u64) -> bool {
    (1..LOOKS).all(|_| maps::TICKETS.get_ptr(seq).is_none())
}

/// Whatever lies there now.
#[inline(always)]
fn copy(ticket: *const Ticket) -> Ticket {
    // SAFETY: aligned integers of a map's value, which may be written meanwhile.
    unsafe {
        Ticket {
            digest: [
                ptr::read_volatile(&raw const (*ticket).digest[0]),
                ptr::read_volatile(&raw const (*ticket).digest[1]),
            ],
            agent: ptr::read_volatile(&raw const (*ticket).agent),
            opened_ns: ptr::read_volatile(&raw const (*ticket).opened_ns),
            expires_ns: ptr::read_volatile(&raw const (*ticket).expires_ns),
            process_start_ns: ptr::read_volatile(&raw const (*ticket).process_start_ns),
            tgid: ptr::read_volatile(&raw const (*ticket).tgid),
            tid: ptr::read_volatile(&raw const (*ticket).tid),
            verdict: ptr::read_volatile(&raw const (*ticket).verdict),
            pad: 0,
            frozen_ns: ptr::read_volatile(&raw const (*ticket).frozen_ns),
            seal: ptr::read_volatile(&raw const (*ticket).seal),
        }
    }
}

/// Its answer was used.
#[inline(always)]
pub(crate) fn close(seq: u64) {
    let _gone_already = maps::TICKETS.remove(seq);
}

/// Nothing is known of it any more. Copied word by word: zeros would become a loop over their bytes.
static VOID: Ticket = Ticket {
    digest: [0; 2],
    agent: 0,
    opened_ns: 0,
    expires_ns: 0,
    process_start_ns: 0,
    tgid: 0,
    tid: 0,
    verdict: verdict::VOID,
    pad: 0,
    frozen_ns: 0,
    seal: 0,
};

/// Its task is gone or makes another attempt. The daemon removes it, so that no event is needed to keep both sides
/// of one mind. False: it has done so already.
#[inline(always)]
pub(crate) fn void(seq: u64) -> bool {
    maps::TICKETS.insert(seq, copy(&raw const VOID).sealed(seq), BPF_EXIST.into()).is_ok()
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
pub(crate) fn freezes(seq: u64, while_verdict: u32, within_ns: u64, relied_ns: &mut u64) -> bool {
    let until = now() + within_ns;
    let before = *relied_ns;
    let mut wait = Wait { seq, until, verdict: while_verdict.into(), relied_ns: before, frozen_ns: before };
    // SAFETY: the verifier walks into the callback with this very context.
    unsafe { bpf_loop(MAX_WAITS, for_a_while as *mut c_void, (&raw mut wait).cast(), 0) };
    *relied_ns = wait.frozen_ns;
    // Somebody may have moved the task out of what was frozen: then it is not held.
    wait.frozen_ns > before && Task::current().is_freezing()
}

/// Only the verifier needs them: the clock ends both waits long before. The longer one has a loop of loops, because the
/// kernel has a most for each.
const MAX_SPINS: u32 = 1 << 20;
const MAX_WAITS: u32 = 1 << 20;
const A_WHILE: u32 = 1 << 12;

/// An address of the kernel's own: it is refused before anything is looked at, so that nobody can make a reader wait.
const NOBODYS: u64 = 1 << 63;

/// Nothing in here is a number that the verifier knows and that changes: it would walk both loops once for each.
#[repr(C)]
struct Wait {
    seq: u64,
    until: u64,
    verdict: u64,
    /// The last freezing that was relied on.
    relied_ns: u64,
    /// The one that was seen.
    frozen_ns: u64,
}

/// # Safety
/// Called by `bpf_loop` with the context it was given.
unsafe extern "C" fn for_a_while(_round: u64, wait: *mut Wait) -> i64 {
    // What ends it in the very last round ends it in the first one of the next while as well.
    // SAFETY: the verifier walks into the callback with this very context.
    let rounds = unsafe { bpf_loop(A_WHILE, still_loose as *mut c_void, wait.cast(), 0) };
    i64::from(rounds != i64::from(A_WHILE))
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
    i64::from(is_over(wait))
}

#[inline(always)]
fn is_over(wait: &mut Wait) -> bool {
    // This comes round again and again, and a loop in here would multiply with those around it for the verifier.
    let Some(ticket) = glance(wait.seq) else { return is_gone(wait.seq) };
    if ticket.verdict != verdict::UNSURE {
        if u64::from(ticket.verdict) != wait.verdict {
            return true;
        }
        if ticket.frozen_ns > wait.relied_ns {
            wait.frozen_ns = ticket.frozen_ns;
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
    // Whatever it is now: whoever uses it looks closer.
    // SAFETY: an aligned word of a map's value, which may be written meanwhile.
    let verdict = maps::TICKETS
        .get_ptr(spin.seq)
        .map(|ticket| unsafe { ptr::read_volatile(&raw const (*ticket).verdict) });
    i64::from(verdict != Some(verdict::PENDING) || now() >= spin.until)
}
