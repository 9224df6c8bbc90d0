//! The answer for a human.

use std::fmt::Write as _;

use expacti_core::assessment::{SeenCommand, Word};
use expacti_core::decide;
use expacti_core::evaluation::{DecidedBy, Decision, Evaluation, Level};
use expacti_core::rules::quoted;
use expacti_core::untrusted::Untrusted;

use super::Outcome;
use crate::cli::style::Style;

const BAR: usize = 20;

/// The whole answer, a few blocks of lines.
pub(super) fn render(outcome: &Outcome, style: Style) -> String {
    let mut out = String::new();
    head(&mut out, outcome, style);
    commands(&mut out, &outcome.commands, style);
    factors(&mut out, &outcome.evaluation, style);
    steps(&mut out, outcome, style);
    out
}

// Writing to a string cannot fail, so results of `writeln!` are dropped in this file.

fn head(out: &mut String, outcome: &Outcome, style: Style) {
    let evaluation = &outcome.evaluation;
    let argv = quoted(outcome.request.argv.iter().map(Untrusted::as_bytes));
    let _ = writeln!(out, "{}\n", style.bold(&Untrusted::from(argv).to_string()));
    let (name, rest) = match evaluation.decision {
        Decision::Allow => ("ALLOW", "it would run".to_owned()),
        Decision::Deny => ("DENY", "it would not run".to_owned()),
        Decision::Hold => ("HOLD", waits_for(evaluation)),
    };
    let _ = writeln!(out, "{}  {rest}", style.decision(evaluation.decision, name));
    let _ = writeln!(out, "  {:<9} {}", "because", because(evaluation));
    let _ = writeln!(out, "  {:<9} {}", "score", score(evaluation.score, evaluation.level, style));
    let categories: Vec<&str> = evaluation.categories.iter().map(String::as_str).collect();
    if !categories.is_empty() {
        let _ = writeln!(out, "  {:<9} {}", "kind", categories.join(", "));
    }
    let assumed = if outcome.executable_assumed { " (assumed; --exe names another)" } else { "" };
    let _ = writeln!(out, "  {:<9} {}{assumed}", "file", outcome.request.exe.path);
    if let Some(cwd) = &outcome.request.cwd {
        let _ = writeln!(out, "  {:<9} {cwd}", "folder");
    }
    for (name, value) in &outcome.request.env {
        let _ = writeln!(out, "  {:<9} {name}={value}", "with");
    }
}

fn waits_for(evaluation: &Evaluation) -> String {
    let humans = match evaluation.approvals {
        1 => "one human".to_owned(),
        count => format!("{count} humans"),
    };
    let roles: Vec<&str> = evaluation.roles.iter().map(String::as_str).collect();
    if roles.is_empty() {
        format!("it would wait for {humans}")
    } else {
        format!("it would wait for {humans} with a role of {}", roles.join(", "))
    }
}

fn because(evaluation: &Evaluation) -> String {
    match &evaluation.decided_by {
        DecidedBy::Rule { name, because } => format!("rule {name}: {because}"),
        DecidedBy::Anomaly => "it is unusual for this agent".to_owned(),
        DecidedBy::Grant { ticket } => format!("what was approved with ticket {ticket} started it"),
        DecidedBy::Incomplete => "something about it could not be read".to_owned(),
        DecidedBy::Threshold => match evaluation.decision {
            Decision::Allow => "its score is below this agent's threshold".to_owned(),
            Decision::Hold | Decision::Deny => "no rule covers it and its score is not low enough".to_owned(),
        },
    }
}

fn score(score: u8, level: Level, style: Style) -> String {
    let filled = usize::from(score) * BAR / 100;
    let bar = format!("{}{}", "#".repeat(filled), ".".repeat(BAR.saturating_sub(filled)));
    style.level(level, &format!("{score:>3} {level:<8} [{bar}]"))
}

fn commands(out: &mut String, commands: &[SeenCommand], style: Style) {
    if commands.len() < 2 {
        return;
    }
    let _ = writeln!(out, "\n{}", style.bold("What would run"));
    for (index, command) in commands.iter().enumerate().filter(|(_, command)| command.parent.is_none()) {
        tree(out, commands, index, command, 0, style);
    }
}

/// One command and, further in, what was unwrapped from it. Parents stand before their children, so this ends.
fn tree(
    out: &mut String,
    all: &[SeenCommand],
    index: usize,
    command: &SeenCommand,
    depth: usize,
    style: Style,
) {
    let level = Level::of(command.score);
    let mark = style.level(level, &format!("{:>3} {level:<8}", command.score));
    let mut notes = Vec::new();
    if command.elsewhere {
        notes.push("elsewhere");
    }
    if command.opaque {
        notes.push("not all of it could be seen");
    }
    let notes = if notes.is_empty() { String::new() } else { format!("  ({})", notes.join("; ")) };
    let _ = writeln!(out, "  {mark}  {}{}{}", "  ".repeat(depth.min(20)), shown(command), style.dim(&notes));
    let children = all.iter().enumerate().skip(index + 1).filter(|(_, child)| child.parent == Some(index));
    for (at, child) in children {
        tree(out, all, at, child, depth + 1, style);
    }
}

/// A command as it would be typed. Words that are not known yet are shown as they are written.
fn shown(command: &SeenCommand) -> String {
    let one = |word: &Word| {
        let bytes = word.text.as_bytes();
        let text = if word.literal { Untrusted::from(quoted([bytes])) } else { word.text.clone() };
        text.to_string()
    };
    let set = command
        .assignments
        .iter()
        .map(|(name, value)| format!("{}={}", Untrusted::from(name.as_str()), one(value)));
    let redirected = command.redirections.iter().filter_map(|redirection| {
        let target = redirection.target.as_ref()?;
        Some(format!("{}{}", if redirection.writes { ">" } else { "<" }, one(target)))
    });
    let words: Vec<String> = set.chain(command.words.iter().map(one)).chain(redirected).collect();
    words.join(" ")
}

fn factors(out: &mut String, evaluation: &Evaluation, style: Style) {
    if evaluation.factors.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", style.bold("Point by point"));
    let width = evaluation.factors.iter().map(|factor| factor.name.len()).max().unwrap_or(0).min(32);
    for factor in &evaluation.factors {
        let because = Untrusted::from(factor.because.as_str());
        let name = Untrusted::from(factor.name.as_str()).to_string();
        let _ = writeln!(out, "  {:>+4}  {name:<width$}  {because}", factor.points);
    }
}

fn steps(out: &mut String, outcome: &Outcome, style: Style) {
    let _ = writeln!(out, "\n{}", style.bold("Step by step"));
    for step in &outcome.steps {
        let name = step.stage.to_string();
        match &step.outcome {
            decide::Outcome::Silent => {
                let _ = writeln!(out, "  {}", style.dim(&format!("{name:<12} -")));
            }
            decide::Outcome::Passed { why } => {
                let _ = writeln!(out, "  {name:<12} no: {why}");
            }
            decide::Outcome::Decided => {
                let name = format!("{name:<12}");
                let _ = writeln!(out, "  {} {}", style.bold(&name), because(&outcome.evaluation));
            }
        }
    }
}

#[cfg(test)]
mod tests;
