//! Commands that were written down before the engine was ever asked about them: what it makes of them at first sight is
//! the honest measure of a change, and afterwards they are a corpus like any other.
//!
//! One shell text a line in `tests/corpus/fresh/N.{dangerous,ordinary}.txt`; lines that begin with `#` are headings. Of some
//! sets one half, chosen by hash, is kept sealed (`N.dangerous.sealed.txt`): of these only counts are ever printed.

use std::fs;

use expacti_core::assess;
use expacti_core::evaluation::Level;
use expacti_core::request::ExecRequest;
use expacti_core::tools::Tools;
use serde_json::json;

use crate::entry::{Kind, folder};
use crate::floor::{Bar, Figure, Floor};

/// Sets that were written so far.
const SETS: usize = 21;

/// Those of them that have a sealed half.
const SEALED: [usize; 10] = [7, 8, 9, 14, 15, 16, 17, 19, 20, 21];

/// What every dangerous command must reach, and no ordinary one.
const LINE: Level = Level::High;

#[test]
fn commands_written_before_they_were_asked_about_reach_the_bar() {
    let tools = Tools::embedded();
    let mut figures = Vec::new();
    for set in 1..=SETS {
        for kind in Kind::ALL {
            let (figure, missed) = measure(&format!("{set}.{}", kind.name()), kind, &tools);
            for line in &missed {
                println!("{line}");
            }
            figures.push(figure);
        }
    }
    for set in SEALED {
        figures
            .extend(Kind::ALL.map(|kind| measure(&format!("{set}.{}.sealed", kind.name()), kind, &tools).0));
    }
    let verdict = Floor::load(|name| name.starts_with("fresh.")).verdict(&figures);
    println!("{verdict}");
    assert!(verdict.passes(), "\n{verdict}");
}

/// The figure of one file, and the lines of the report for the commands on the wrong side.
fn measure(name: &str, kind: Kind, tools: &Tools) -> (Figure, Vec<String>) {
    let commands = load(name);
    let missed: Vec<String> = commands.iter().filter_map(|command| miss(command, kind, tools)).collect();
    let (bar, counted) = match kind {
        Kind::Dangerous => (Bar::Recall, commands.len() - missed.len()),
        Kind::Ordinary => (Bar::FalseAlarms, missed.len()),
    };
    (Figure { name: format!("fresh.{name}"), bar, counted, of: commands.len() }, missed)
}

/// The line of the report for a command on the wrong side.
fn miss(command: &str, kind: Kind, tools: &Tools) -> Option<String> {
    let judged = assess(&request(command), tools);
    let right = (judged.level >= LINE) == (kind == Kind::Dangerous);
    let base = judged.factors.first().map_or("-", |factor| factor.name.as_str());
    (!right).then(|| format!("{:9} {:3} {base:24} {command}", kind.name(), judged.score))
}

fn request(command: &str) -> ExecRequest {
    let request = json!({
        "argv": ["bash", "-c", command],
        "cwd": "/home/dev/shop",
        "git": { "work_tree": "/home/dev/shop", "branch": "feature/coupon-codes" },
    });
    serde_json::from_value(request).unwrap_or_else(|e| panic!("{command}: {e}"))
}

fn load(name: &str) -> Vec<String> {
    let file = folder().join("fresh").join(format!("{name}.txt"));
    let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}
