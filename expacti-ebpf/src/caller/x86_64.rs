//! System calls of x86-64, and of the 32-bit programs that it runs.

use expacti_abi::event::flag;

use super::{Caller, low};

const EXECVE: u64 = 59;
const EXECVEAT: u64 = 322;
const COMPAT_EXECVE: u64 = 11;
const COMPAT_EXECVEAT: u64 = 358;

/// `struct pt_regs`, fixed by the ptrace interface.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Registers {
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

/// What an exec passes. None: it is none.
#[inline(always)]
pub(super) fn read(regs: &Registers, is_compat: bool) -> Option<Caller> {
    if is_compat {
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
