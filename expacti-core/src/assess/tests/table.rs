//! A change of any score shows up here as a difference.

use std::fmt::Write as _;

use super::of_shell;

const COMMANDS: &str = include_str!("commands.txt");

#[test]
fn scores_of_many_commands() {
    let mut table = String::new();
    for text in COMMANDS.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")) {
        let assessment = of_shell(&text.replace("\\n", "\n"));
        let categories: Vec<_> = assessment.categories.iter().map(String::as_str).collect();
        let factors: Vec<_> =
            assessment.factors.iter().map(|factor| format!("{} {:+}", factor.name, factor.points)).collect();
        writeln!(
            table,
            "{:>3} {:<8} {text}\n             {} | {}",
            assessment.score,
            assessment.level.to_string(),
            categories.join(" "),
            factors.join(", ")
        )
        .unwrap();
    }
    insta::assert_snapshot!(table);
}
