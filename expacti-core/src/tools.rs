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

use std::collections::HashMap;

pub(crate) use arguments::{Arguments, Free};
pub(crate) use description::{
    Category, CodeReader, Effect, PathRole, Runs, RunsKind, SqlReader, SqlSource, Tool, Undo,
};
pub use error::ToolError;
pub(crate) use glob::{glob, glob_text};
pub(crate) use knowledge::{Call, CallWords, Knowledge, Modifier, Reach, Statement};

/// The loaded descriptions of programs, and what is known beside them (modifiers, names, SQL statements).
#[derive(Clone, Debug)]
pub struct Tools {
    described: Vec<Tool>,
    by_name: HashMap<String, usize>,
    knowledge: Knowledge,
}

impl Tools {
    /// The descriptions that are compiled in.
    ///
    /// # Panics
    /// Never: a test loads every embedded file, so a build whose data does not parse does not pass.
    #[must_use]
    pub fn embedded() -> Self {
        #[expect(clippy::expect_used, reason = "the embedded files are constants, and a test loads them all")]
        Self::with(&[]).expect("embedded tool descriptions are valid")
    }

    /// The embedded descriptions, overlaid by users' own: `(name of the file, its TOML text)`. A program that is
    /// described again is described anew, not merged; later files win.
    pub fn with(extra: &[(&str, &str)]) -> Result<Self, ToolError> {
        let mut tools =
            Self { described: Vec::new(), by_name: HashMap::new(), knowledge: embedded::knowledge()? };
        for (file, text) in embedded::TOOL_FILES {
            tools.add(file, text, true)?;
        }
        for (file, text) in extra {
            tools.add(file, text, false)?;
        }
        Ok(tools)
    }

    fn add(&mut self, file: &str, text: &str, unique: bool) -> Result<(), ToolError> {
        for tool in description::parse(file, text)? {
            let index = self.described.len();
            for name in &tool.names {
                let before = self.by_name.insert(name.clone(), index);
                if before.is_some() && unique {
                    return Err(ToolError::described_twice(file, name));
                }
            }
            self.described.push(tool);
        }
        Ok(())
    }

    /// The description of a program by its name, as it is called without its folder. A version at the end of the name
    /// (`python3.12`, `gcc-14`) is looked through.
    pub(crate) fn find(&self, name: &str) -> Option<&Tool> {
        let index = self.by_name.get(name).or_else(|| {
            let unversioned = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
            (unversioned.len() != name.len()).then(|| self.by_name.get(unversioned)).flatten()
        })?;
        self.described.get(*index)
    }

    pub(crate) fn knowledge(&self) -> &Knowledge {
        &self.knowledge
    }
}

#[cfg(test)]
mod tests;
