//! More and more of something.

use std::fmt::Write as _;

use expacti_bench::growth::{Found, Growth};
use expacti_bench::report::Section;

use super::{head, thousands};

pub(super) fn text(section: &Section<Vec<Growth>>) -> String {
    let Section { machine, seconds, found } = section;
    let mut text = head("Growth", "growth", machine, *seconds);
    text.push_str(
        "Instructions of one exec of `nop` with so much of something: allowed by the kernel's cache; allowed by the daemon, with\n\
         everything that agent and daemon execute until its record is in the database. Then what the daemon allocated, and\n\
         how long it took until all of that was there: from the daemon's start, or until all wait.\n\n\
         | | cached allow | allowed by the daemon | allocated | resident | there after |\n|---|---:|---:|---:|---:|---:|\n",
    );
    for Growth { of, count, found } in found {
        let _ = match found {
            Ok(Found { cached, asked, allocated_mib, resident_mib, ready }) => writeln!(
                text,
                "| {count} {} | {} | {} | {allocated_mib:.1} MiB | {resident_mib:.1} MiB | {ready:.1} s |",
                of.title(),
                thousands(*cached),
                thousands(*asked)
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
    text
}

/// A decision alone.
pub(super) fn decisions(text: &str) -> String {
    format!(
        "\nA decision alone, on the machine itself and not in a guest, in nanoseconds (`cargo bench -p expacti-core --bench rules`):\n\n\
         ```text\n{}\n```\n",
        text.trim_end()
    )
}
