//! `docs/benchmarks.md`, out of what was measured.

mod goals;
mod growth;
mod peers;
mod scale;
mod workloads;

use std::fmt::Write as _;

use super::Where;
use expacti_bench::cost::{Cost, Figure, State};
use expacti_bench::report::{Machine, Report, Section};

const HEAD: &str = "\
# What the gate costs

Written by `cargo xtask bench`; do not edit. Every figure stands under the command that measures it, and in
[benchmarks.json](benchmarks.json) in full. All of it was measured in emulated guests: `cargo xtask bench --native` measures
a machine itself and writes a page of its own, so that the figures are never mixed. It was never run to its end by us, whose
machines have kernels that do not load LSM programs.
";

const HEAD_NATIVE: &str = "\
# What the gate costs on a machine itself

Written by `cargo xtask bench --native`; do not edit. Nothing here was measured in a guest. Where tables speak of
instructions, these are nanoseconds: no processor counts instructions as the emulator does. Peers that would take over this
machine's own configuration (fapolicyd, auditd, sudo) are left out.
";

/// How counting goes.
const COUNTED: &str = "\
Counted by the emulator, so the figures of the kernel's own work are the same on every machine: medians, of which what the
timer adds is no part. Where the daemon takes part, all that agent and daemon execute is added up, until the record is in the
database. Two runs, on an idle and on an overloaded machine, agreed within 0.2 % on the kernel's own work, and within 8 %
where the daemon takes part, whose threads meet differently each time. The guest clears and copies memory by plain loops:
of the one instruction that processors have for that the emulator counts every repetition, 4,096 for a page, which made a
bare exec of `nop` look half as long again, and what the gate adds a smaller part of it.
";

/// The whole page.
pub(crate) fn text(report: &Report, place: Where) -> String {
    let head = match place {
        Where::Guest => HEAD,
        Where::Native => HEAD_NATIVE,
    };
    let mut page = head.to_owned() + &goals::text(report);
    let decisions = report.decisions.as_deref().map(growth::decisions).unwrap_or_default();
    let parts = [
        ("cost", report.cost.as_ref().map(cost)),
        ("peers", report.peers.as_ref().map(peers::text)),
        ("workloads", report.workloads.as_ref().map(workloads::text)),
        ("scale", report.scale.as_ref().map(scale::text)),
        ("growth", report.growth.as_ref().map(|section| growth::text(section) + &decisions)),
        ("tickets", report.tickets.as_ref().map(growth::tickets)),
    ];
    for (part, text) in parts {
        page.push_str(&text.unwrap_or_else(|| {
            format!("\n## Not measured yet: {part}\n\n`cargo xtask bench --only {part}` measures it and puts it here.\n")
        }));
    }
    page
}

/// A section's beginning: its title, its command, and where it was measured.
fn head(title: &str, part: &str, machine: &Machine, seconds: u64) -> String {
    let Machine { kind, kernel, processor, day, version, build } = machine;
    let native = if machine.is_guest() { "" } else { " --native" };
    format!(
        "\n## {title}\n\n`cargo xtask bench{native} --only {part}` ({seconds} s), {day}, expacti {version} ({build}),\nLinux {kernel} on {kind};\nunderneath {processor}.\n\n"
    )
}

fn cost(section: &Section<Cost>) -> String {
    let Section { machine, seconds, found } = section;
    let mut text = head(&format!("{} of one exec", machine.unit()), "cost", machine, *seconds);
    text.push_str("From before `vfork` to after `waitpid`, sixteen variables in the environment.\n");
    if machine.is_guest() {
        text.push_str(COUNTED);
    }
    text.push('\n');
    let programs = found.figures.iter().map(|figure| figure.program.as_str());
    let mut names: Vec<&str> = Vec::new();
    for name in programs {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let _ = writeln!(text, "| | {} |", names.join(" | "));
    let _ = writeln!(text, "|---|{}", "---:|".repeat(names.len()));
    for state in State::ALL {
        let cells: Vec<String> = names.iter().map(|name| cell(found, name, state)).collect();
        if cells.iter().any(|cell| cell != "-") {
            let _ = writeln!(text, "| {} | {} |", state.title(), cells.join(" | "));
        }
    }
    text.push_str(
        "\n`nop` is a static program of 512 bytes that only ends; `true` is `/bin/true`, `bash` is `bash -c :`. There is no denial\n\
         out of a cache: every denial is told to the agent with a ticket of its own.\n",
    );
    hooks(&mut text, found);
    text
}

/// What the gate adds, in hundredths of the bare exec.
fn more(cost: &Cost, program: &str, state: State) -> Option<f64> {
    let bare = cost.of(program, State::None)?.instructions;
    let now = cost.of(program, state)?.instructions;
    #[expect(clippy::cast_precision_loss, reason = "instructions of one exec")]
    Some((now as f64 / bare as f64 - 1.0) * 100.0)
}

fn cell(cost: &Cost, program: &str, state: State) -> String {
    let Some(Figure { instructions, daemons, .. }) = cost.of(program, state) else { return "-".to_owned() };
    let shown = thousands(*instructions);
    let Some(more) = more(cost, program, state).filter(|_| state != State::None) else { return shown };
    let ours = if *daemons > 0 { format!(", daemon {}", thousands(*daemons)) } else { String::new() };
    format!("{shown} ({more:+.1} %{ours})")
}

fn hooks(text: &mut String, cost: &Cost) {
    if cost.hooks.is_empty() {
        return;
    }
    text.push_str(
        "\nOf that, inside our programs, for one exec of `nop`, by the kernel's own statistics:\n\n",
    );
    text.push_str("| program | state | runs | each exec |\n|---|---|---:|---:|\n");
    for hook in &cost.hooks {
        let (name, state) = (&hook.name, hook.state.title());
        let _ = writeln!(text, "| `{name}` | {state} | {:.1} | {:.0} |", hook.runs, hook.instructions);
    }
}

/// For a cell of a table.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "/")
}

/// 1234567 as 1 234 567, with spaces that do not break.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_can_be_read() {
        assert_eq!(thousands(7), "7");
        assert_eq!(thousands(236_199), "236\u{a0}199");
        assert_eq!(thousands(1_000_000), "1\u{a0}000\u{a0}000");
    }
}
