//! `expacti rules list`: what would be in force.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use clap::Args;
use expacti_core::Tools;
use expacti_core::policy::Policy;
use expacti_core::rules::{FindingKind, Place, RuleSet, lint};
use serde::Serialize;

use super::{Files, refused};
use crate::cli::ending::Ending;
use crate::cli::{json, rule_files};
use crate::judging::now;

/// List rules in the order in which they are named, with those that do nothing marked
#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    files: Files,
    /// Write one JSON object a line instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    decision: String,
    because: &'a str,
    at: &'a Place,
    exact: bool,
    limits: Vec<String>,
    findings: Vec<&'a FindingKind>,
}

impl List {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let rules = rule_files::load(&self.files.sources()?, &Tools::embedded()).map_err(|e| refused(&e))?;
        let findings = lint(&rules, &Policy::default(), now());
        let mut of_rule: BTreeMap<&str, Vec<&FindingKind>> = BTreeMap::new();
        for finding in &findings {
            of_rule.entry(&finding.rule).or_default().push(&finding.kind);
        }
        let mut out = io::stdout().lock();
        for line in lines(&rules, &of_rule) {
            if self.json {
                writeln!(out, "{}", json::line(&line)?)?;
                continue;
            }
            writeln!(out, "{:<6} {:<40} {}", line.decision, line.name, line.because)?;
            for limit in &line.limits {
                writeln!(out, "{:<6}   {limit}", "")?;
            }
            for finding in &line.findings {
                writeln!(out, "{:<6} ! {finding}", "")?;
            }
        }
        Ok(Ending::Done)
    }
}

fn lines<'a>(
    rules: &'a RuleSet,
    findings: &BTreeMap<&str, Vec<&'a FindingKind>>,
) -> impl Iterator<Item = Line<'a>> {
    rules.rules().iter().map(|rule| Line {
        name: &rule.name,
        decision: rule.effect.to_string(),
        because: &rule.because,
        at: &rule.at,
        exact: rule.is_exact(),
        limits: rule.limits(),
        findings: findings.get(rule.name.as_str()).cloned().unwrap_or_default(),
    })
}
