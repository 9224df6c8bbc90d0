//! What is known about programs, as data: one TOML file a tool or family, compiled in, extensible by users.
//!
//! **Invariant:** no program's name appears in the engine's code. What `git push --force` or `sudo -u x cmd` means is
//! written in `expacti-core/tools/*.toml`; the code knows only how to read argument vectors and how to add up.

mod arguments;
mod description;
mod embedded;
mod error;
mod glob;
mod knowledge;
mod patterns;

use std::collections::HashMap;

pub(crate) use arguments::{Arguments, Free};
pub(crate) use description::{
    Category, CodeReader, Effect, PathRole, Runs, RunsKind, SqlReader, SqlSource, Tool, Undo,
};
pub use error::ToolError;
pub(crate) use glob::{MAX_NAME, glob, glob_text};
pub(crate) use knowledge::{Call, CallWords, Knowledge, Loops, Modifier, Reach, Statement};
pub(crate) use patterns::{Pairs, PairsNeeded, PairsToldApart, Patterns};

/// The descriptions of programs, and what is known beside them (modifiers, names, SQL statements).
#[derive(Clone, Debug)]
pub struct Tools {
    /// By users. What is compiled in is the same for everybody.
    described: Vec<Tool>,
    by_name: HashMap<String, usize>,
}

impl Tools {
    /// The descriptions that are compiled in.
    #[must_use]
    pub fn embedded() -> Self {
        Self { described: Vec::new(), by_name: HashMap::new() }
    }

    /// The embedded descriptions, overlaid by users' own: `(name of the file, its TOML text)`. A program that is
    /// described again is described anew, not merged; later files win.
    pub fn with(extra: &[(&str, &str)]) -> Result<Self, ToolError> {
        let mut tools = Self::embedded();
        for (file, text) in extra {
            for tool in description::parse(file, text)? {
                let index = tools.described.len();
                tools.by_name.extend(tool.names.iter().map(|name| (name.clone(), index)));
                tools.described.push(tool);
            }
        }
        Ok(tools)
    }

    /// The description of a program by its name, as it is called without its folder. A version at the end of the name
    /// (`python3.12`, `gcc-14`) is looked through.
    pub(crate) fn find(&self, name: &str) -> Option<&Tool> {
        self.named(name).or_else(|| {
            let unversioned = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
            (unversioned.len() != name.len()).then(|| self.named(unversioned)).flatten()
        })
    }

    fn named(&self, name: &str) -> Option<&Tool> {
        match self.by_name.get(name) {
            Some(index) => self.described.get(*index),
            None => embedded::find(name),
        }
    }

    #[expect(clippy::unused_self, reason = "whoever judges by tools judges by this too")]
    pub(crate) fn knowledge(&self) -> &'static Knowledge {
        knowledge::embedded()
    }
}

#[cfg(test)]
mod tests;
