//! The options that name rules, and reading them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use expacti_core::rules::{LoadError, RuleSet, STARTER_SETS, Source, StarterSet};
use expacti_core::{Tools, assess};

use super::ending::BadInput;

/// Where rules come from.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct RuleFiles {
    /// A file of rules, or a folder whose *.toml files are read; may be given again
    #[arg(long = "rules", value_name = "FILE|FOLDER")]
    files: Vec<PathBuf>,
    /// A starter set (read-only, build-and-test, git-daily, never-allow) or `all`; may be given again
    #[arg(long = "starter", value_name = "SET")]
    starters: Vec<String>,
}

impl RuleFiles {
    /// Files and starter sets, as the configuration names them.
    pub(crate) fn named(files: Vec<PathBuf>, starters: Vec<String>) -> Self {
        Self { files, starters }
    }

    /// What was named, where anything was.
    pub(super) fn into_named(self) -> Option<(Vec<PathBuf>, Vec<String>)> {
        (!self.files.is_empty() || !self.starters.is_empty()).then_some((self.files, self.starters))
    }

    /// All that are named.
    pub(super) fn sources(&self) -> anyhow::Result<Vec<Source>> {
        let mut sources = read(&self.files)?;
        sources.extend(starters(&self.starters)?);
        Ok(sources)
    }

    /// The rules in force.
    pub(super) fn load(&self, tools: &Tools) -> anyhow::Result<RuleSet> {
        Ok(self.load_as(1, None, tools)?.0)
    }

    /// The same with those that reviewers made, as the generation of this number; and what they were made from.
    pub(crate) fn load_as(
        &self,
        generation: u64,
        learned: Option<Source>,
        tools: &Tools,
    ) -> anyhow::Result<(RuleSet, Vec<Source>)> {
        let mut sources = self.sources()?;
        sources.extend(learned);
        let rules = RuleSet::load(&sources, generation, &|request| assess(request, tools));
        Ok((rules.map_err(|error| BadInput(error.to_string()))?, sources))
    }
}

/// Checks and indexes sources; every example in them is run.
pub(super) fn load(sources: &[Source], tools: &Tools) -> Result<RuleSet, LoadError> {
    RuleSet::load(sources, 1, &|request| assess(request, tools))
}

/// Starter sets by their names; `all` is all of them.
pub(super) fn starters(names: &[String]) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for name in names {
        match StarterSet::named(name) {
            _ if name == "all" => sources.extend(STARTER_SETS.map(StarterSet::source)),
            Some(set) => sources.push(set.source()),
            None => {
                let known = STARTER_SETS.map(|set| set.name).join(", ");
                let text = format!("there is no starter set {name:?}; take one of {known}, or all");
                return Err(BadInput(text).into());
            }
        }
    }
    Ok(sources)
}

/// Files as they are, folders as their `*.toml` files in the order of their names.
pub(super) fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in paths {
        if path.is_dir() {
            sources.extend(folder(path)?.iter().map(|path| file(path)).collect::<anyhow::Result<Vec<_>>>()?);
        } else {
            sources.push(file(path)?);
        }
    }
    Ok(sources)
}

fn folder(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(path).with_context(|| unreadable(path))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| unreadable(path))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(
            BadInput(format!("{}: no *.toml file is in it; name another folder", path.display())).into()
        );
    }
    files.sort();
    Ok(files)
}

fn file(path: &Path) -> anyhow::Result<Source> {
    let bytes = fs::read(path)
        .map_err(|error| BadInput(format!("{}: {error}; name a file that can be read", path.display())))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::file(path.display().to_string(), text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let text = format!("{}: byte {at} is not UTF-8; save the file as UTF-8", path.display());
            Err(BadInput(text).into())
        }
    }
}

fn unreadable(path: &Path) -> String {
    format!("reading the folder {}", path.display())
}
