//! What lies inside the arguments: other commands, SQL, program text.

use serde::Deserialize;

/// How another command lies inside the arguments.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each true or not")]
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Runs {
    /// Only under these subcommands.
    #[serde(default)]
    pub sub: Vec<String>,
    /// Its form.
    pub kind: RunsKind,
    /// Arguments before it that belong to the wrapper (a duration, a host, a container).
    #[serde(default)]
    pub skip: usize,
    /// Options whose value it is, or that start it (`-exec`).
    #[serde(default)]
    pub options: Vec<String>,
    /// `NAME=value` words stand before it.
    #[serde(default)]
    pub assignments: bool,
    /// It runs on another machine or in another container.
    #[serde(default)]
    pub elsewhere: bool,
    /// It runs with more rights.
    #[serde(default)]
    pub privileged: bool,
    /// More arguments come from standard input.
    #[serde(default)]
    pub appends: bool,
    /// With any of these it runs nothing.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Only programs that reach databases, clouds or clusters.
    #[serde(default)]
    pub reaches: bool,
    /// With any of these it reads its program from standard input although there are arguments (`sh -s`).
    #[serde(default)]
    pub input_options: Vec<String>,
    /// `sub` split into words, made at load.
    #[serde(skip)]
    pub sub_words: Vec<Vec<String>>,
}

/// The form in which a command lies inside another's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RunsKind {
    /// An argument vector from the first free argument on.
    Argv,
    /// Shell text in the first free argument, where any of `options` is given.
    ShellText,
    /// Shell text in the value of any of `options`.
    ShellOption,
    /// The free arguments, joined by spaces, are shell text.
    Joined,
    /// An argument vector after any of `options`, up to `;` or `+`.
    Between,
    /// An argument vector from the first free argument on, if that is a described program (`python manage.py`).
    KnownScript,
    /// Shell program from a file or standard input where no text is given.
    Script,
}

/// Where SQL lies in the arguments.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct SqlReader {
    /// The dialect.
    pub dialect: SqlSource,
    /// Options whose value is SQL.
    #[serde(default)]
    pub options: Vec<String>,
    /// Options whose value is a file of SQL.
    #[serde(default)]
    pub files: Vec<String>,
    /// The free argument from which on the arguments are SQL.
    #[serde(default)]
    pub from_argument: Option<usize>,
    /// Only where the first free argument is one of these.
    #[serde(default)]
    pub under: Vec<String>,
    /// Standard input is no SQL.
    #[serde(default)]
    pub options_only: bool,
}

/// Whose SQL it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SqlSource {
    /// PostgreSQL.
    Postgresql,
    /// MySQL and MariaDB.
    Mysql,
    /// SQLite.
    Sqlite,
    /// Any other.
    Generic,
}

/// Where program text lies in the arguments.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct CodeReader {
    /// The language's name in the table of dangerous calls.
    pub language: String,
    /// Options whose value is program text.
    #[serde(default)]
    pub options: Vec<String>,
    /// The first free argument is program text unless one of these options is given (`awk`).
    #[serde(default)]
    pub first_argument_unless: Option<Vec<String>>,
    /// The arguments after these subcommands are program text.
    #[serde(default)]
    pub after: Vec<String>,
    /// Options whose value names a module that is run like a program.
    #[serde(default)]
    pub modules: Vec<String>,
    /// Without text or file the program comes from standard input.
    #[serde(default)]
    pub reads_stdin: bool,
}
