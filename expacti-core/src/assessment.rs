//! What a command would do and how risky that is, before any rule is asked.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::evaluation::{Factor, Level};
use crate::untrusted::Untrusted;

/// The scorer's whole answer for one exec. The strictest of its commands counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// 0 to 100.
    pub score: u8,
    /// The level of `score`.
    pub level: Level,
    /// Stable names of what kinds of thing its commands do.
    pub categories: BTreeSet<String>,
    /// Contributions to the score of the command that counted.
    pub factors: Vec<Factor>,
    /// Every simple command that would run, outermost first.
    pub commands: Vec<SeenCommand>,
}

/// One simple command found in a request: the request's own argv, or one unwrapped from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenCommand {
    /// What it was unwrapped from, outermost first: `["sudo", "sh -c"]`. Empty for the request's own argv.
    pub via: Vec<String>,
    /// The command that it was unwrapped from, as an index into [`Assessment::commands`], where it stands further up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<usize>,
    /// Not all that it would run could be seen: it reads its program from a pipe, text that could not be parsed, more
    /// nesting than is followed. An allow rule does not cover it unless it says so.
    #[serde(default)]
    pub opaque: bool,
    /// Its words.
    pub words: Vec<Word>,
    /// Files it is redirected from or to.
    pub redirections: Vec<Redirection>,
    /// Variables assigned in front of it (`FOO=bar cmd`, `env FOO=bar cmd`).
    pub assignments: Vec<(String, Word)>,
    /// It runs on another machine or in another container, so local paths and executables say nothing.
    pub elsewhere: bool,
    /// 0 to 100, of this command alone.
    pub score: u8,
    /// What kinds of thing it does.
    pub categories: BTreeSet<String>,
    /// Contributions to `score`.
    pub factors: Vec<Factor>,
}

/// One word of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Its text after quote removal; what is not known now (`$X`, `$(cmd)`, patterns) stays as it is written.
    pub text: Untrusted,
    /// It is known now. `$X`, `$(cmd)`, and globs are not.
    pub literal: bool,
}

/// One redirection of a shell command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirection {
    /// It writes (`>`, `>>`, `>|`, `&>`, `<>`); otherwise it reads.
    pub writes: bool,
    /// The file; none for here-documents and descriptor copies.
    pub target: Option<Word>,
}
