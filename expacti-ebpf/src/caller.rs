//! Where the caller of `execve` keeps argv and environment: from the registers of its system call.

use aya_ebpf::helpers::generated::{bpf_probe_read_kernel, bpf_task_pt_regs};
use expacti_abi::event::flag;

use crate::kernel::Task;

/// Two arrays of pointers in the caller's memory.
#[derive(Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) argv: u64,
    pub(crate) envp: u64,
    /// Bytes of a pointer.
    pub(crate) width: u64,
    /// Bits of [`flag`] that tell how it was called.
    pub(crate) flags: u32,
}

/// x86-64 `struct pt_regs`, fixed by the ptrace interface.
#[repr(C)]
#[derive(Clone, Copy)]
struct Registers {
    r15: u64,
    r14: u64,
    r13: u64,
    r12: u64,
    bp: u64,
    bx: u64,
    r11: u64,
    r10: u64,
    r9: u64,
    r8: u64,
    ax: u64,
    cx: u64,
    dx: u64,
    si: u64,
    di: u64,
    orig_ax: u64,
}

/// None: the registers do not show an exec, so its argv cannot be told.
#[inline(always)]
pub(crate) fn caller(task: Task) -> Option<Caller> {
    const EXECVE: u64 = 59;
    const EXECVEAT: u64 = 322;
    const COMPAT_EXECVE: u64 = 11;
    const COMPAT_EXECVEAT: u64 = 358;

    let mut regs = core::mem::MaybeUninit::<Registers>::uninit();
    // SAFETY: the helpers check task and size; the copy is whole before it is used.
    let regs = unsafe {
        let source = bpf_task_pt_regs(task.0.cast_mut().cast());
        if bpf_probe_read_kernel(regs.as_mut_ptr().cast(), size_of::<Registers>() as u32, source as *const _)
            != 0
        {
            return None;
        }
        regs.assume_init()
    };
    let low = |register: u64| register & 0xffff_ffff;
    if task.is_compat() {
        let width = 4;
        return match low(regs.orig_ax) {
            COMPAT_EXECVE => {
                Some(Caller { argv: low(regs.cx), envp: low(regs.dx), width, flags: flag::COMPAT })
            }
            COMPAT_EXECVEAT => Some(Caller {
                argv: low(regs.dx),
                envp: low(regs.si),
                width,
                flags: flag::COMPAT | flag::EXECVEAT,
            }),
            _ => None,
        };
    }
    let width = 8;
    match regs.orig_ax {
        EXECVE => Some(Caller { argv: regs.si, envp: regs.dx, width, flags: 0 }),
        EXECVEAT => Some(Caller { argv: regs.dx, envp: regs.r10, width, flags: flag::EXECVEAT }),
        _ => None,
    }
}
