//! Much of everything.

use std::fmt::Write as _;

use expacti_bench::report::Section;
use expacti_bench::scale::{Growth, Scale, Storm};

use super::head;

/// What the daemon may take, in MiB.
const MEMORY: f64 = 30.0;

pub(super) fn text(section: &Section<Scale>) -> String {
    let Section { machine, seconds, found } = section;
    let mut text = head("Scale", "scale", machine, *seconds);
    text.push_str(
        "Processes that start `nop` as fast as they can, every exec allowed by the kernel's cache and recorded. The daemon shares\n\
         the guest's two processors with them, so what it does for each record is taken from the rate.\n\n\
         | workers | execs/s bare | execs/s gated | of it | made | seen | drained after | ring full | notes lost | daemon's CPU per exec |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for storm in &found.storms {
        let Storm { workers, bare, gated, made, seen, drained_ms, ring_full, notes_lost, daemon_us } = storm;
        let share = gated / bare * 100.0;
        let _ = writeln!(
            text,
            "| {workers} | {bare:.0} | {gated:.0} | {share:.0} % | {made} | {seen} | {drained_ms} ms | {ring_full} | {notes_lost} | {daemon_us:.0} µs |"
        );
    }
    text.push_str(
        "\nOne exec of `nop` with so much of something, in µs, and the daemon's memory then:\n\n\
         | | cached allow | allowed by the daemon | resident |\n|---|---:|---:|---:|\n",
    );
    for Growth { of, count, cached_us, asked_us, resident_mib } in &found.growth {
        let _ = writeln!(text, "| {count} {of} | {cached_us:.0} | {asked_us:.0} | {resident_mib:.1} MiB |");
    }
    let idle = &found.idle;
    let met = if idle.resident_mib <= MEMORY { "met" } else { "**missed**" };
    let _ = writeln!(
        text,
        "\nThe daemon has {:.1} MiB resident after its start (goal: {MEMORY} MiB, {met}), {:.1} MiB after the storms; maps and \
         programs in the\nkernel take {:.1} MiB.",
        idle.resident_mib, idle.resident_after_mib, idle.bpf_mib
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
    if !found.decisions.is_empty() {
        let _ = write!(
            text,
            "\nA decision alone, on the machine itself and not in a guest, in nanoseconds (`cargo bench -p expacti-core --bench rules`):\n\n\
             ```text\n{}\n```\n",
            found.decisions.trim_end()
        );
    }
    text
}
