//! More and more of something.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use expacti_bench::growth::{Found, Growth};
use expacti_bench::report::Section;

use super::{head, thousands};

pub(super) fn text(section: &Section<Vec<Growth>>) -> String {
    let Section { machine, seconds, found } = section;
    let mut text = head("Growth", "growth", machine, *seconds);
    let _ = writeln!(
        text,
        "{} of one exec of `nop` with so much of something: allowed by the kernel's cache; allowed by the daemon, with\n\
         everything that agent and daemon execute until its record is in the database, in brackets the daemon's threads that\n\
         execute most of it. Then the daemon's memory, and how long it took until all of that was there: from the daemon's\n\
         start, or until all wait.\n",
        machine.unit()
    );
    table(&mut text, found);
    text
}

/// So many that they are a part of their own.
pub(super) fn tickets(section: &Section<Vec<Growth>>) -> String {
    let Section { machine, seconds, found } = section;
    let mut text = head("Ten thousand tickets", "tickets", machine, *seconds);
    text.push_str("As above, and a part of its own because it takes long until so many wait.\n\n");
    table(&mut text, found);
    text
}

fn table(text: &mut String, growth: &[Growth]) {
    text.push_str(
        "| | cached allow | allowed by the daemon | allocated | resident | there after |\n|---|---:|---:|---:|---:|---:|\n",
    );
    for Growth { of, count, found } in growth {
        let _ = match found {
            Ok(Found { cached, asked, threads, allocated_mib, resident_mib, ready }) => writeln!(
                text,
                "| {count} {} | {} | {} ({}) | {allocated_mib:.1} MiB | {resident_mib:.1} MiB | {ready:.1} s |",
                of.title(),
                thousands(*cached),
                thousands(*asked),
                most(threads)
            ),
            Err(why) => {
                writeln!(
                    text,
                    "| {count} {} | **does not stand it**: {} | | | | |",
                    of.title(),
                    why.replace('|', "/")
                )
            }
        };
    }
}

/// The threads that do most of it.
fn most(threads: &BTreeMap<String, u64>) -> String {
    let mut threads: Vec<_> = threads.iter().collect();
    threads.sort_by_key(|(_, instructions)| std::cmp::Reverse(**instructions));
    let shown: Vec<String> = threads
        .iter()
        .take(3)
        .map(|(name, instructions)| format!("`{name}` {}", thousands(**instructions)))
        .collect();
    shown.join(", ")
}

/// A decision alone.
pub(super) fn decisions(text: &str) -> String {
    format!(
        "\nA decision alone, on the machine itself and not in a guest, in nanoseconds (`cargo bench -p expacti-core --bench rules`):\n\n\
         ```text\n{}\n```\n",
        text.trim_end()
    )
}
