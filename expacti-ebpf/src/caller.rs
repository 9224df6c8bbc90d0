//! Where the caller of `execve` keeps argv and environment: from the registers of its system call.

#[cfg(bpf_target_arch = "aarch64")]
mod aarch64;
#[cfg(bpf_target_arch = "x86_64")]
mod x86_64;

use core::mem::MaybeUninit;

use aya_ebpf::helpers::generated::{bpf_probe_read_kernel, bpf_task_pt_regs};

#[cfg(bpf_target_arch = "aarch64")]
use self::aarch64::{Registers, read};
#[cfg(bpf_target_arch = "x86_64")]
use self::x86_64::{Registers, read};
use crate::kernel::Task;

/// Two arrays of pointers in the caller's memory.
#[derive(Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) argv: u64,
    pub(crate) envp: u64,
    /// Bytes of a pointer.
    pub(crate) width: u64,
    /// Bits of [`expacti_abi::event::flag`] that tell how it was called.
    pub(crate) flags: u32,
}

/// None: the registers do not show an exec, so its argv cannot be told.
#[inline(always)]
pub(crate) fn caller(task: Task) -> Option<Caller> {
    let mut regs = MaybeUninit::<Registers>::uninit();
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
    read(&regs, task.is_compat())
}

/// What the registers of a 32-bit system call hold.
#[inline(always)]
fn low(register: u64) -> u64 {
    register & 0xffff_ffff
}
