//! Why a description was refused, in words for its author.

use thiserror::Error;

/// A file of tool descriptions that cannot be used, and where it is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ToolError {
    /// Not TOML, or keys that mean nothing.
    #[error("{file}: {message}")]
    Syntax {
        /// The file's name as it was given.
        file: String,
        /// What the TOML reader says, with line and column.
        message: String,
    },
    /// TOML, but it says something that cannot be.
    #[error("{file}: {at}: {problem}")]
    Meaning {
        /// The file's name as it was given.
        file: String,
        /// The tool or effect.
        at: String,
        /// What is wrong and what to do.
        problem: String,
    },
}

impl ToolError {
    pub(crate) fn syntax(file: &str, error: &toml::de::Error) -> Self {
        Self::Syntax { file: file.to_owned(), message: error.to_string() }
    }

    pub(crate) fn meaning(file: &str, at: &str, problem: impl Into<String>) -> Self {
        Self::Meaning { file: file.to_owned(), at: at.to_owned(), problem: problem.into() }
    }
}
