//! What every command of the open part scores, in one file: a change of any score shows up as a difference.

use std::fmt::Write as _;

use expacti_core::assess;
use expacti_core::tools::Tools;

use crate::entry::{Kind, Part, load};

/// Characters of a command that are shown.
const SHOWN: usize = 100;

#[test]
fn scores_of_the_open_part() {
    let tools = Tools::embedded();
    let mut table = String::new();
    for kind in Kind::ALL {
        let _ = writeln!(table, "# {}", kind.name());
        for entry in load(kind, Part::Dev) {
            let judged = assess(&entry.request(), &tools);
            let why: Vec<&str> = judged.factors.iter().map(|factor| factor.name.as_str()).collect();
            let command: String = entry.command.to_string().chars().take(SHOWN).collect();
            let _ = writeln!(table, "{:>3} {command}  <- {}", judged.score, why.join(" "));
        }
    }
    insta::assert_snapshot!(table);
}
