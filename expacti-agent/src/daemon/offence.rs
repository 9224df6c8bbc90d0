//! What a member tried against the gate, in words for the log. It was refused by the kernel before we heard of it.

use std::fs;

use expacti_abi::event::{Moment, offence};
use expacti_core::record::entry::Change;
use expacti_core::untrusted::Untrusted;

/// The entry for a moment of kind `OFFENCE`.
pub(super) fn entry(moment: &Moment, agent: &str) -> Change {
    // Its name tells more than its number, if it still lives; it chose the name itself.
    let name = fs::read(format!("/proc/{}/comm", moment.tgid)).unwrap_or_default();
    let name = match name.trim_ascii_end() {
        [] => String::new(),
        name => format!(" ({})", Untrusted::from(name)),
    };
    let agent = Untrusted::from(agent);
    let tried = tried(moment.value);
    let text = format!("agent {agent}: process {}{name} tried to {tried}; it was refused", moment.tgid);
    Change::Alarm { name: "offence".to_owned(), text }
}

fn tried(value: u64) -> String {
    let (offence, detail) = offence::halves(value);
    match offence {
        offence::SIGNAL => format!("signal the daemon or its canary (signal {detail})"),
        offence::TRACE => {
            format!("trace the daemon, or take its memory or descriptors (access mode {detail:#x})")
        }
        offence::BPF => format!("use bpf() (command {detail})"),
        offence::CGROUP_FILE => "open a cgroup file for writing".to_owned(),
        offence::SWITCH => {
            "open a file for writing that switches the gate off or makes the kernel start programs".to_owned()
        }
        offence::DAEMON_FILE => "open a file of the daemon in /proc for writing".to_owned(),
        offence::LIMIT => format!("limit the daemon's resources (resource {detail})"),
        offence::PRIORITY => "change the daemon's priority or processors".to_owned(),
        offence::PIN => "remove or rename what is pinned in a BPF file system".to_owned(),
        offence::UNMOUNT => "unmount a BPF file system".to_owned(),
        other => format!("do something against the gate (offence {other})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_who_tried_what() {
        let value = 9 << 32 | offence::SIGNAL;
        let moment = Moment { tgid: u32::MAX, value, ..Moment::default() };
        let Change::Alarm { name, text } = entry(&moment, "ci\u{1b}") else { panic!("no alarm") };
        assert_eq!(name, "offence");
        let tried = "tried to signal the daemon or its canary (signal 9); it was refused";
        assert_eq!(text, format!("agent {}: process 4294967295 {tried}", Untrusted::from("ci\u{1b}")));
        assert!(!text.contains('\u{1b}'));
    }
}
