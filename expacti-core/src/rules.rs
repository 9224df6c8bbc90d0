//! What operators and reviewers said about commands, and how that is matched. The language is on one page:
//! `docs/rules.md`.
//!
//! **Invariant:** patterns look at words, never at a joined text that two different commands could share; a name in
//! argv never vouches for a file; and what is not known never lets anything through.

mod answer;
mod conditions;
mod coverage;
mod environment;
mod examples;
mod flag;
mod hole;
mod index;
mod lint;
mod parse;
mod path;
mod pattern;
mod program;
mod quote;
pub mod read;
mod rule;
mod scene;
mod set;
mod source;
mod starter;
mod stdin;
mod strict;
mod url;

pub(crate) use self::answer::Answer;
pub(crate) use self::coverage::{coverage, open_commands, vouches_for};
pub(crate) use self::environment::dangerous_variable;
pub use self::examples::with_assumed_executable;
pub use self::lint::{Finding, FindingKind, lint};
pub(crate) use self::path::file_name;
pub(crate) use self::program::is_many_in_one;
pub use self::quote::quoted;
pub use self::rule::{Allowance, Effect, Rule};
pub(crate) use self::scene::Scene;
pub use self::set::{Assess, RuleSet};
pub use self::source::{LoadError, Origin, Place, Problem, Source};
pub use self::starter::{STARTER_SETS, StarterSet};
pub(crate) use self::strict::{denied_by, reviewed_by};
pub(crate) use self::url::plain_host;
