//! `expacti rules test`: every example of every rule, and which rules have none.

use std::io::{self, Write as _};

use clap::Args;
use expacti_core::Tools;

use super::{Files, is_about_an_example, refused};
use crate::cli::ending::Ending;
use crate::cli::rule_files;

/// Run the examples (`match`, `not_match`) of rule files
#[derive(Args)]
#[command(after_help = "\
Exit codes: 0 every example comes out as written, 1 some do not (or, with --all, a rule has none), 2 the files are wrong.")]
pub(super) struct Test {
    #[command(flatten)]
    files: Files,
    /// Each rule must have an example of what it matches and one of what it does not
    #[arg(long)]
    all: bool,
}

impl Test {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let mut out = io::stdout().lock();
        let rules = match rule_files::load(&self.files.sources()?, &Tools::embedded()) {
            Ok(rules) => rules,
            Err(error) if error.problems.iter().all(is_about_an_example) => {
                writeln!(out, "{error}\n{} examples fail", error.problems.len())?;
                return Ok(Ending::No);
            }
            Err(error) => return Err(refused(&error)),
        };
        let width = rules.rules().iter().map(|rule| rule.name.len()).max().unwrap_or(0);
        let (mut examples, mut tested) = (0, 0);
        for rule in rules.rules() {
            let (matching, other) = rule.examples();
            examples += matching + other;
            let is_tested = matching > 0 && other > 0;
            tested += usize::from(is_tested);
            let lack = match (matching, other) {
                (0, 0) => "  no examples",
                (0, _) => "  no example of what it matches",
                (_, 0) => "  no example of what it does not match",
                (_, _) => "",
            };
            writeln!(out, "{:<width$}  {matching:>3} match  {other:>3} not_match{lack}", rule.name)?;
        }
        let count = rules.rules().len();
        writeln!(out, "{examples} examples pass; {tested} of {count} rules have both kinds")?;
        Ok(if self.all && tested < count { Ending::No } else { Ending::Done })
    }
}
