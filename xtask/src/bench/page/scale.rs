//! Storms of execs, and silence.

use std::fmt::Write as _;

use expacti_abi::limits::RING;
use expacti_bench::report::Section;
use expacti_bench::scale::{Scale, Storm};

use super::head;

pub(super) fn text(section: &Section<Scale>) -> String {
    let Section { machine, seconds, found } = section;
    let mut text = head("Scale", "scale", machine, *seconds);
    let _ = writeln!(
        text,
        "Processes that start `nop` as fast as they can, every exec allowed by the kernel's cache and recorded. The daemon shares\n\
         the processors with them, so what it does for each record is taken from the rate. How full the ring was, which\n\
         holds {} MiB, is looked at from outside 200 times a second.\n\n\
         | workers | execs/s bare | execs/s gated | of it | made | seen | drained after | most in the ring | ring full | notes lost | daemon's CPU per exec |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        RING >> 20
    );
    for storm in &found.storms {
        let Storm { workers, bare, gated, made, seen, drained_ms, ring_most, ring_full, notes_lost, .. } =
            storm;
        let (share, daemon_us) = (storm.share() * 100.0, storm.daemon_us());
        let _ = writeln!(
            text,
            "| {workers} | {bare:.0} | {gated:.0} | {share:.0} % | {made} | {seen} | {drained_ms} ms | {} KiB | {ring_full} | {notes_lost} | {daemon_us:.0} µs |",
            ring_most.div_ceil(1024)
        );
    }
    let idle = &found.idle;
    let _ = writeln!(
        text,
        "\nThe daemon has {:.1} MiB resident after its start: {:.1} MiB that it allocated, {:.1} MiB of files that it maps, and \
         {:.1} MiB\nof the ring, which is mapped twice. After the storms it has {:.1} MiB. Maps and programs in the kernel take {:.1} MiB.",
        idle.resident_mib,
        idle.allocated_mib,
        idle.files_mib,
        idle.ring_mib,
        idle.resident_after_mib,
        idle.bpf_mib
    );
    if idle.wakeups.is_empty() {
        text.push_str("While nothing happens none of its threads wakes up.\n");
    } else {
        text.push_str("While nothing happens its threads wake up so often in a second:");
        for (name, rate) in &idle.wakeups {
            let _ = write!(text, " {name} {rate:.1};");
        }
        text.push('\n');
    }
    text
}
