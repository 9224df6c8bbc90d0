//! The calls that neither aya nor rustix has: task storage by process, and a descriptor of another process.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

use expacti_abi::task::TaskState;
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

const BPF_MAP_LOOKUP_ELEM: libc::c_long = 1;
const BPF_MAP_UPDATE_ELEM: libc::c_long = 2;
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
    match element(BPF_MAP_LOOKUP_ELEM, map, process, &mut state, 0) {
        Ok(()) => Ok(Some(state)),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Marks a process that has no mark. One that has keeps it.
pub(crate) fn mark(map: BorrowedFd<'_>, process: BorrowedFd<'_>, agent: u64) -> io::Result<()> {
    let mut state = TaskState { agent, ..TaskState::default() };
    match element(BPF_MAP_UPDATE_ELEM, map, process, &mut state, BPF_NOEXIST) {
        Err(error) if error.raw_os_error() == Some(libc::EEXIST) => Ok(()),
        other => other,
    }
}

fn element(
    command: libc::c_long,
    map: BorrowedFd<'_>,
    process: BorrowedFd<'_>,
    state: &mut TaskState,
    flags: u64,
) -> io::Result<()> {
    let key = process.as_fd().as_raw_fd();
    let argument = MapElement {
        map: map.as_raw_fd().cast_unsigned(),
        pad: 0,
        key: (&raw const key).expose_provenance() as u64,
        value: std::ptr::from_mut(state).expose_provenance() as u64,
        flags,
    };
    // SAFETY: the argument's layout is the kernel's; key and value live through the call and have the sizes that the
    // map was made with.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, command, &raw const argument, size_of::<MapElement>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
