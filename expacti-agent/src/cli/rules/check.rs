//! `expacti rules check`: whether the files would be loaded, and what in them does nothing.

use std::io::{self, Write as _};

use clap::Args;
use expacti_core::Tools;
use expacti_core::policy::Policy;
use expacti_core::rules::{Finding, lint};
use serde::Serialize;

use super::{Files, refused};
use crate::cli::ending::Ending;
use crate::cli::{json, rule_files};
use crate::judging::now;

/// Say whether rule files are right, and which rules do nothing
#[derive(Args)]
#[command(after_help = "\
Exit codes: 0 all is well, 1 some rules are shadowed, duplicate, over or can never match, 2 the files would be refused.")]
pub(super) struct Check {
    #[command(flatten)]
    files: Files,
    /// Write JSON instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    sources: usize,
    rules: usize,
    findings: Vec<Finding>,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let sources = self.files.sources()?;
        let rules = rule_files::load(&sources, &Tools::embedded()).map_err(|error| refused(&error))?;
        let findings = lint(&rules, &Policy::default(), now());
        let report = Report { sources: sources.len(), rules: rules.rules().len(), findings };
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{}", json::pretty(&report)?)?;
        } else {
            for finding in &report.findings {
                writeln!(out, "{finding}")?;
            }
            let Report { sources, rules, findings } = &report;
            writeln!(out, "sources: {sources}, rules: {rules}, of which do nothing: {}", findings.len())?;
        }
        Ok(if report.findings.is_empty() { Ending::Done } else { Ending::No })
    }
}
