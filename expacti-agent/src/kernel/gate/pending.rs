//! Signals that a parked process has not taken. One that ends it is taken at once, frozen or not; one that stops it or makes
//! it dump core waits until it thaws. Whoever presses Ctrl-Z does not want to wait for a reviewer.

use std::fs;

/// SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU.
const STOPS: u64 = bit(19) | bit(20) | bit(21) | bit(22);
/// SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS.
const DUMPS: u64 =
    bit(3) | bit(4) | bit(5) | bit(6) | bit(7) | bit(8) | bit(11) | bit(24) | bit(25) | bit(31);

const fn bit(signal: u32) -> u64 {
    1 << (signal - 1)
}

/// Whether a process would stop or end if it thawed. A handler of its own does not count: what that changes is asked about
/// anew, so it can as well run behind the verdict.
pub(super) fn stops_or_ends(pid: u32) -> bool {
    // Gone: nothing is pending.
    fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| awaits(&status))
}

fn awaits(status: &str) -> bool {
    let mask = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| u64::from_str_radix(rest.trim_start_matches(':').trim(), 16).ok()).unwrap_or(0)
    };
    let pending = mask("SigPnd") | mask("ShdPnd");
    // SIGSTOP can be neither blocked nor ignored nor caught.
    let kept = mask("SigBlk") | mask("SigIgn") | mask("SigCgt");
    pending & !kept & (STOPS | DUMPS) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(pending: u64, shared: u64, blocked: u64, ignored: u64, caught: u64) -> String {
        format!(
            "Name:\tx\nSigPnd:\t{pending:016x}\nShdPnd:\t{shared:016x}\nSigBlk:\t{blocked:016x}\nSigIgn:\t{ignored:016x}\n\
             SigCgt:\t{caught:016x}\n"
        )
    }

    #[test]
    fn what_stops_or_dumps_core_counts_unless_it_is_kept() {
        for signal in [3, 6, 11, 19, 20, 21, 22] {
            let pending = bit(signal);
            assert!(awaits(&status(pending, 0, 0, 0, 0)) && awaits(&status(0, pending, 0, 0, 0)), "{signal}");
            assert!(!awaits(&status(0, pending, pending, 0, 0)), "{signal} is blocked");
            assert!(!awaits(&status(0, pending, 0, pending, 0)), "{signal} is ignored");
            assert!(!awaits(&status(0, pending, 0, 0, pending)), "{signal} has a handler");
        }
        for signal in [1, 2, 9, 15, 17, 18, 28] {
            assert!(!awaits(&status(0, bit(signal), 0, 0, 0)), "{signal} is taken at once, or is nothing");
        }
        assert!(!awaits("") && !awaits("SigPnd:\tnothing"));
    }
}
