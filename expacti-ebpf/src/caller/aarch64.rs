//! System calls of 64-bit ARM, and of the 32-bit programs that some of its processors run. Built, and not run anywhere by us.

use expacti_abi::event::flag;

use super::{Caller, low};

const EXECVE: u64 = 221;
const EXECVEAT: u64 = 281;
const COMPAT_EXECVE: u64 = 11;
const COMPAT_EXECVEAT: u64 = 387;

/// The begin of `struct pt_regs`, fixed by the ptrace interface as `struct user_pt_regs`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Registers {
    x: [u64; 31],
}

/// What an exec passes. None: it is none.
#[inline(always)]
pub(super) fn read(regs: &Registers, is_compat: bool) -> Option<Caller> {
    let x = &regs.x;
    if is_compat {
        // The number is in r7 there.
        let width = 4;
        return match low(x[7]) {
            COMPAT_EXECVE => Some(Caller { argv: low(x[1]), envp: low(x[2]), width, flags: flag::COMPAT }),
            COMPAT_EXECVEAT => {
                Some(Caller { argv: low(x[2]), envp: low(x[3]), width, flags: flag::COMPAT | flag::EXECVEAT })
            }
            _ => None,
        };
    }
    let width = 8;
    match x[8] {
        EXECVE => Some(Caller { argv: x[1], envp: x[2], width, flags: 0 }),
        EXECVEAT => Some(Caller { argv: x[2], envp: x[3], width, flags: flag::EXECVEAT }),
        _ => None,
    }
}
