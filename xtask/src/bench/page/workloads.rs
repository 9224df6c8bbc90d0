//! Whole pieces of work.

use std::fmt::Write as _;

use expacti_bench::report::Section;
use expacti_bench::workloads::Workload;

use super::head;

pub(super) fn text(section: &Section<Vec<Workload>>) -> String {
    let Section { machine, seconds, found } = section;
    let mut text = head("Whole workloads", "workloads", machine, *seconds);
    text.push_str(
        "Wall time of one run, bare and under the gate with the default policy and every starter set of rules, in turns (bare,\n\
         gated, gated, bare). Gated runs come after one that made the commands known. What would have waited for a human\n\
         was counted in a run of its own in shadow mode; where something would, gated runs are timed with rules that allow\n\
         just that, as a human leaves them behind who allowed it for good (with `never_allow_from = \"CRITICAL\"`).\n\
         Sources, crates and npm packages were brought before: nothing is fetched meanwhile.\n\n\
         | | execs | by the kernel's cache | would have waited | bare | the gate adds | pairs |\n|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for Workload { name, about, execs, cached, held, bare, added, pairs, trouble, not_timed, .. } in found {
        if let Some(trouble) = trouble {
            let _ = writeln!(text, "| {name} | **not measured**: {} | | | | | |", super::one_line(trouble));
            continue;
        }
        let added = match added {
            None => format!("not timed: {}", super::one_line(not_timed)),
            Some(added) if added.holds_zero() => {
                format!(
                    "not distinguishable ({:+.1} % to {:+.1} %)",
                    added.low / bare * 100.0,
                    added.high / bare * 100.0
                )
            }
            Some(added) => format!(
                "{:+.1} % ({:+.1} % to {:+.1} %)",
                added.median / bare * 100.0,
                added.low / bare * 100.0,
                added.high / bare * 100.0
            ),
        };
        let _ = writeln!(
            text,
            "| {name}: {about} | {execs} | {cached} | {held} | {bare:.2} s | {added} | {pairs} |"
        );
    }
    for Workload { name, waits, .. } in found.iter().filter(|workload| !workload.waits.is_empty()) {
        let _ = writeln!(text, "\nOf {name} would have waited:\n\n```text\n{}\n```", waits.join("\n"));
    }
    text
}
