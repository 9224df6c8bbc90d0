//! The calls that neither aya nor rustix has: task storage by process, a whole map at once, and a descriptor of another
//! process.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};

use expacti_abi::limits::MAX_TICKETS;
use expacti_abi::task::TaskState;
use expacti_abi::ticket::Ticket;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags};

/// Arguments of `BPF_MAP_LOOKUP_ELEM` and `BPF_MAP_UPDATE_ELEM`, from `include/uapi/linux/bpf.h`.
#[repr(C)]
struct MapElement {
    map: u32,
    pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// Arguments of `BPF_MAP_LOOKUP_BATCH`, from there too.
#[repr(C)]
struct MapBatch {
    from: u64,
    to: u64,
    keys: u64,
    values: u64,
    count: u32,
    map: u32,
    element_flags: u64,
    flags: u64,
}

const BPF_MAP_LOOKUP_ELEM: libc::c_long = 1;
const BPF_MAP_UPDATE_ELEM: libc::c_long = 2;
const BPF_MAP_LOOKUP_BATCH: libc::c_long = 24;
const BPF_NOEXIST: u64 = 1;

/// A handle on a process that stays with it.
pub(crate) fn pidfd(pid: u32) -> io::Result<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(rustix::process::pidfd_open(pid, PidfdFlags::empty())?)
}

/// A handle on one thread that stays with it; on its process's first thread where the kernel knows no others.
pub(crate) fn thread(tid: u32) -> io::Result<OwnedFd> {
    /// `PIDFD_THREAD` of `include/uapi/linux/pidfd.h`, since 6.9.
    const THREAD: u32 = libc::O_EXCL.cast_unsigned();
    let number = i32::try_from(tid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    match rustix::process::pidfd_open(number, PidfdFlags::from_bits_retain(THREAD)) {
        Err(rustix::io::Errno::INVAL) => pidfd(tid),
        opened => Ok(opened?),
    }
}

/// A process's own descriptor, as it is.
pub(crate) fn descriptor_of(process: BorrowedFd<'_>, number: i32) -> io::Result<OwnedFd> {
    Ok(rustix::process::pidfd_getfd(process, number, PidfdGetfdFlags::empty())?)
}

/// The mark of a process. None: it has none.
pub(crate) fn mark_of(map: BorrowedFd<'_>, process: BorrowedFd<'_>) -> io::Result<Option<TaskState>> {
    let mut state = TaskState::default();
    match element(BPF_MAP_LOOKUP_ELEM, map, process.as_raw_fd(), &raw mut state, 0) {
        Ok(()) => Ok(Some(state)),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The agent of a mark in a map of any layout, whose values are of this size: it is the first word in all of them.
pub(crate) fn agent_of(map: BorrowedFd<'_>, process: BorrowedFd<'_>, size: usize) -> io::Result<u64> {
    // The kernel writes a whole value.
    let mut state = vec![0_u64; size.div_ceil(8).max(1)];
    element(BPF_MAP_LOOKUP_ELEM, map, process.as_raw_fd(), state.as_mut_ptr(), 0)?;
    Ok(state[0])
}

/// Sets words of the first value of an array to zero. Its values have this size; words beyond it are passed over.
pub(crate) fn clear(map: BorrowedFd<'_>, size: usize, words: &[usize]) -> io::Result<()> {
    let mut value = vec![0_u64; size.div_ceil(8)];
    element(BPF_MAP_LOOKUP_ELEM, map, 0, value.as_mut_ptr(), 0)?;
    for word in words {
        if let Some(word) = value.get_mut(word / 8) {
            *word = 0;
        }
    }
    element(BPF_MAP_UPDATE_ELEM, map, 0, value.as_mut_ptr(), 0)
}

/// Marks a process that has no mark. One that has keeps it.
pub(crate) fn mark(map: BorrowedFd<'_>, process: BorrowedFd<'_>, agent: u64, setup: u64) -> io::Result<()> {
    let mut state = TaskState { agent, setup, ..TaskState::default() };
    match element(BPF_MAP_UPDATE_ELEM, map, process.as_raw_fd(), &raw mut state, BPF_NOEXIST) {
        Err(error) if error.raw_os_error() == Some(libc::EEXIST) => Ok(()),
        other => other,
    }
}

/// One element of a map whose keys are four bytes: an index, or the descriptor of a process. The value is of the size that
/// the map was made with.
fn element<T>(
    command: libc::c_long,
    map: BorrowedFd<'_>,
    key: i32,
    value: *mut T,
    flags: u64,
) -> io::Result<()> {
    let argument = MapElement {
        map: map.as_raw_fd().cast_unsigned(),
        pad: 0,
        key: (&raw const key).expose_provenance() as u64,
        value: value.expose_provenance() as u64,
        flags,
    };
    // SAFETY: the argument's layout is the kernel's; key and value live through the call and have the sizes that the
    // map was made with.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, command, &raw const argument, size_of::<MapElement>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Every open ticket. At once, because a list that goes from key to key begins anew whenever its key is removed: while
/// tickets come and go it would have no end, or miss some.
pub(crate) fn all_tickets(map: BorrowedFd<'_>) -> io::Result<Vec<(u64, Ticket)>> {
    let (mut keys, mut values) =
        (vec![0_u64; MAX_TICKETS as usize], vec![Ticket::default(); MAX_TICKETS as usize]);
    let mut end = 0_u32;
    let mut argument = MapBatch {
        from: 0,
        to: (&raw mut end).expose_provenance() as u64,
        keys: keys.as_mut_ptr().expose_provenance() as u64,
        values: values.as_mut_ptr().expose_provenance() as u64,
        count: MAX_TICKETS,
        map: map.as_raw_fd().cast_unsigned(),
        element_flags: 0,
        flags: 0,
    };
    // SAFETY: the argument's layout is the kernel's. Both lists live through the call, have room for the count that it
    // says, which is as many as the map holds, and elements of the sizes that the map was made with.
    let result = unsafe {
        libc::syscall(libc::SYS_bpf, BPF_MAP_LOOKUP_BATCH, &raw mut argument, size_of::<MapBatch>())
    };
    if result < 0 {
        let error = io::Error::last_os_error();
        // The end of the map.
        if error.raw_os_error() != Some(libc::ENOENT) {
            return Err(error);
        }
    }
    Ok(keys.into_iter().zip(values).take(argument.count as usize).collect())
}
