//! The gate beside others.

use std::fmt::Write as _;

use expacti_bench::peers::{Compared, Peers};
use expacti_bench::report::Section;

use super::{head, one_line};

pub(super) fn text(section: &Section<Peers>) -> String {
    let Section { machine, seconds, found } = section;
    let mut text = head("Beside others", "peers", machine, *seconds);
    text.push_str(
        "Microseconds that each adds to one exec (`vfork`, `execve`, end, `waitpid`), on one machine and in one run. Each is switched\n\
         on and off again and again, bare, with, with, bare; a figure is the median of the differences within these pairs, in\n\
         brackets the interval in which it lies at 95 % (bootstrap). Where that holds zero, nothing was told apart.\n",
    );
    if machine.is_guest() {
        text.push_str(
            "Emulated processors are slower than real ones, and system calls, wake-ups and page faults are not slower by the same\n\
             factor: the order and rough proportions carry over, the microseconds do not.\n",
        );
    }
    for hogs in [0, 2] {
        let figures: Vec<&Compared> = found.figures.iter().filter(|figure| figure.hogs == hogs).collect();
        if !figures.is_empty() {
            table(&mut text, hogs, &figures);
        }
    }
    text.push_str("\n| | version | setup |\n|---|---|---|\n");
    for peer in &found.peers {
        let trouble = peer.missing.as_ref().map(|why| format!("; **not all measured**: {}", one_line(why)));
        let _ = writeln!(
            text,
            "| {} | {} | {}{} |",
            peer.name,
            one_line(&peer.version),
            one_line(&peer.setup),
            trouble.unwrap_or_default()
        );
    }
    text
}

fn table(text: &mut String, hogs: u32, figures: &[&Compared]) {
    let mut programs: Vec<&str> = figures.iter().map(|figure| figure.program.as_str()).collect();
    programs.dedup();
    programs.sort_unstable();
    programs.dedup();
    let busy = if hogs == 0 {
        String::new()
    } else {
        format!(", with {hogs} processes that keep both processors busy")
    };
    let _ = writeln!(text, "\nAdded to one exec{busy}, in µs:\n");
    let _ = writeln!(text, "| | {} | pairs |", programs.join(" | "));
    let _ = writeln!(text, "|---|{}---:|", "---:|".repeat(programs.len()));
    let mut peers: Vec<&str> = Vec::new();
    for figure in figures {
        if !peers.contains(&figure.peer.as_str()) {
            peers.push(&figure.peer);
        }
    }
    for peer in peers {
        let of =
            |program: &&str| figures.iter().find(|figure| figure.peer == peer && figure.program == **program);
        let cells: Vec<String> =
            programs.iter().map(|program| of(program).map_or("-".to_owned(), |f| cell(f))).collect();
        let pairs = figures.iter().find(|figure| figure.peer == peer).map_or(0, |figure| figure.pairs);
        let _ = writeln!(text, "| {peer} | {} | {pairs} |", cells.join(" | "));
    }
}

fn cell(figure: &Compared) -> String {
    let Compared { bare, added, .. } = figure;
    if added.holds_zero() {
        return format!("not distinguishable ({:+.0} to {:+.0})", added.low, added.high);
    }
    format!(
        "{:+.0} ({:+.0} to {:+.0}; {:+.1} % of {bare:.0})",
        added.median,
        added.low,
        added.high,
        added.median / bare * 100.0
    )
}
