//! Signals that a frozen process does not take by itself. Of those that end it the kernel makes a SIGKILL, which it does
//! take, but not where it would dump core or only stop.

use std::fs;

/// The process dumps core.
const DUMPS: u64 = bits(&[
    libc::SIGQUIT,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGABRT,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGSEGV,
    libc::SIGXCPU,
    libc::SIGXFSZ,
    libc::SIGSYS,
]);
/// The process stops.
const STOPS: u64 = bits(&[libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU]);

/// Whether such a signal waits for a process that would take it, if it were not frozen. What is blocked or ignored
/// changes nothing, and a handler would run in the program that is about to be replaced.
pub(crate) fn wait_for(pid: u32) -> bool {
    // One that ended takes no signals.
    fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| wait_in(&status))
}

fn wait_in(status: &str) -> bool {
    let field = |name| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let mask = |name| field(name).and_then(|mask| u64::from_str_radix(mask, 16).ok()).unwrap_or(0);
    // One that stopped takes nothing but a continue, and that without our help. One that runs is not frozen: somebody
    // thawed it, and what makes it ask again and again looks like a stop.
    let is_asleep = field("State:").is_some_and(|state| state.starts_with('S'));
    let pending = mask("SigPnd:") | mask("ShdPnd:");
    let untaken = mask("SigBlk:") | mask("SigIgn:") | mask("SigCgt:");
    is_asleep && pending & (DUMPS | STOPS) & !untaken != 0
}

const fn bits(signals: &[i32]) -> u64 {
    let mut bits = 0;
    let mut at = 0;
    while at < signals.len() {
        bits |= 1 << (signals[at] - 1);
        at += 1;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: &str, pending: u64, shared: u64, blocked: u64, ignored: u64, caught: u64) -> String {
        format!(
            "Name:\tx\nState:\t{state}\nSigQ:\t1/63448\nSigPnd:\t{pending:016x}\nShdPnd:\t{shared:016x}\n\
             SigBlk:\t{blocked:016x}\nSigIgn:\t{ignored:016x}\nSigCgt:\t{caught:016x}\n"
        )
    }

    #[test]
    fn a_stop_or_a_dump_that_would_be_taken() {
        let (tstp, quit, usr1) = (bits(&[libc::SIGTSTP]), bits(&[libc::SIGQUIT]), bits(&[libc::SIGUSR1]));
        assert!(wait_in(&status("S (sleeping)", 0, tstp, 0, 0, 0)));
        assert!(wait_in(&status("S (sleeping)", quit, 0, 0, 0, 0)));
        assert!(wait_in(&status("S (sleeping)", usr1, quit, 0, 0, usr1)));
        assert!(!wait_in(&status("S (sleeping)", 0, 0, 0, 0, 0)));
        assert!(!wait_in(&status("S (sleeping)", 0, usr1, 0, 0, 0)));
        assert!(!wait_in(&status("S (sleeping)", 0, tstp, tstp, 0, 0)));
        assert!(!wait_in(&status("S (sleeping)", 0, tstp, 0, tstp, 0)));
        assert!(!wait_in(&status("S (sleeping)", 0, tstp, 0, 0, tstp)));
        assert!(!wait_in(&status("T (stopped)", 0, tstp, 0, 0, 0)));
        assert!(!wait_in(&status("R (running)", bits(&[19]), 0, 0, 0, 0)));
        assert!(!wait_in(""));
    }

    #[test]
    fn the_masks_are_the_kernels() {
        assert_eq!(STOPS, bits(&[19]) | 7 << 19);
        assert_eq!(bits(&[1, 64]), 1 | 1 << 63);
    }
}
