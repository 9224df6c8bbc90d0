//! Making the caller of `execve` wait: the kernel restarts the very same system call, and the hook is asked again.

use aya_ebpf::helpers::generated::bpf_send_signal_thread;

use crate::kernel::Task;

/// Returned from the check hook it makes the kernel restart the system call, if a signal is pending.
const ERESTARTNOINTR: i32 = 513;
const EPERM: i32 = 1;
const SIGKILL: u32 = 9;
const SIGCONT: u32 = 18;
const SIGSTOP: u32 = 19;

/// What a hook answers the kernel.
#[must_use]
pub(crate) enum Answer {
    /// Go on.
    Pass,
    /// "Operation not permitted".
    Refuse,
    /// Ask again.
    Again,
    /// The same, of a task that has been told to freeze on its way back, which has the kernel restart the call as well.
    Frozen,
}

impl Answer {
    #[inline(always)]
    pub(crate) fn code(self) -> i32 {
        match self {
            Self::Pass => 0,
            Self::Refuse => -EPERM,
            Self::Again => again(),
            Self::Frozen => -ERESTARTNOINTR,
        }
    }
}

/// Sets the mark of a pending signal without a signal to deliver: a continue flushes the stop queued just before it,
/// but the mark stays until the way back to user space, where the restart happens. To the thread, not the process,
/// so that no other thread can take the stop in between. The continue would flush a stop that somebody else sent, too;
/// but that one makes the same mark.
#[inline(always)]
fn again() -> i32 {
    if Task::current().is_about_to_stop() {
        return -ERESTARTNOINTR;
    }
    // SAFETY: no pointers; only the current task is concerned.
    let failed = unsafe { bpf_send_signal_thread(SIGSTOP) != 0 || bpf_send_signal_thread(SIGCONT) != 0 };
    // Without the mark the caller would see the code itself as an error. It fails for a dying task only.
    if failed { -EPERM } else { -ERESTARTNOINTR }
}

/// Ends the current process before it runs another instruction.
#[inline(always)]
pub(crate) fn kill() {
    // SAFETY: no pointers; only the current process is concerned.
    unsafe { aya_ebpf::helpers::generated::bpf_send_signal(SIGKILL) };
}
