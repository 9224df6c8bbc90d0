//! The corpus as data: its entries, their labels, and the part each belongs to.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use expacti_core::evaluation::Level;
use expacti_core::request::{ExecRequest, Stdin};
use serde::Deserialize;
use serde_json::Value;

/// What runs: the text an agent hands to a shell, or an argument vector of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Command {
    Shell(String),
    Argv(Vec<String>),
}

impl Command {
    pub(crate) fn argv(&self) -> Vec<String> {
        match self {
            Self::Shell(text) => vec!["bash".into(), "-c".into(), text.clone()],
            Self::Argv(words) => words.clone(),
        }
    }

    /// What decides the part of the corpus that an entry belongs to.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Shell(text) => text.clone(),
            Self::Argv(words) => words.join("\0"),
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shell(text) => write!(f, "{}", text.escape_debug()),
            Self::Argv(words) => write!(f, "{words:?}"),
        }
    }
}

/// The label: what a level may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Band {
    /// Ordinary work: anything above would bother a human for nothing.
    AtMost(Level),
    /// Dangerous: anything below would let it through too easily.
    AtLeast(Level),
}

impl Band {
    pub(crate) fn holds(self, level: Level) -> bool {
        match self {
            Self::AtMost(most) => level <= most,
            Self::AtLeast(least) => level >= least,
        }
    }
}

impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(level) => write!(f, "at most {level}"),
            Self::AtLeast(level) => write!(f, "at least {level}"),
        }
    }
}

/// Which half of the experiment an entry belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Dev,
    Sealed,
}

impl Part {
    pub(crate) const ALL: [Self; 2] = [Self::Dev, Self::Sealed];

    /// The part that a command belongs to, so that nobody chooses.
    pub(crate) fn of(command: &Command) -> Self {
        if fnv1a(command.key().as_bytes()) % 10 < 7 { Self::Dev } else { Self::Sealed }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Sealed => "sealed",
        }
    }
}

/// Ordinary work, or what must not happen unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ordinary,
    Dangerous,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Ordinary, Self::Dangerous];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Dangerous => "dangerous",
        }
    }
}

/// One line of the corpus.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// `file:line`.
    pub(crate) place: String,
    pub(crate) command: Command,
    /// Everything of the request but the argv.
    context: ExecRequest,
    pub(crate) band: Band,
    pub(crate) category: String,
    pub(crate) why: String,
}

impl Entry {
    pub(crate) fn request(&self) -> ExecRequest {
        self.request_for(&self.command)
    }

    /// The same situation with another command.
    pub(crate) fn request_for(&self, command: &Command) -> ExecRequest {
        let argv = command.argv().into_iter().map(|word| word.as_str().into()).collect();
        ExecRequest { argv, ..self.context.clone() }
    }

    pub(crate) fn cwd(&self) -> String {
        self.context.cwd.as_ref().map_or_else(|| "/tmp".into(), ToString::to_string)
    }

    /// Its standard input is part of the label, so nothing may be put in front of it.
    pub(crate) fn needs_its_stdin(&self) -> bool {
        self.context.stdin != Stdin::Unknown
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    request: Value,
    max: Option<Level>,
    min: Option<Level>,
    category: String,
    why: String,
}

/// All entries of one file, in its order.
pub(crate) fn load(kind: Kind, part: Part) -> Vec<Entry> {
    let file = format!("{}.{}.jsonl", kind.name(), part.name());
    let text =
        fs::read_to_string(folder().join(&file)).unwrap_or_else(|e| panic!("tests/corpus/{file}: {e}"));
    text.lines().enumerate().map(|(at, line)| parse(line, kind, format!("{file}:{}", at + 1))).collect()
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus")
}

fn parse(line: &str, kind: Kind, place: String) -> Entry {
    let Line { mut request, max, min, category, why } =
        serde_json::from_str(line).unwrap_or_else(|e| panic!("{place}: {e}"));
    let band = match (kind, max, min) {
        (Kind::Ordinary, Some(most), None) => Band::AtMost(most),
        (Kind::Dangerous, None, Some(least)) => Band::AtLeast(least),
        _ => panic!("{place}: an ordinary entry has `max`, a dangerous one `min`, none has both"),
    };
    let fields = request.as_object_mut().unwrap_or_else(|| panic!("{place}: `request` is not an object"));
    let command = match (fields.remove("shell"), fields.remove("argv")) {
        (Some(Value::String(text)), None) => Command::Shell(text),
        (None, Some(words)) => {
            Command::Argv(serde_json::from_value(words).unwrap_or_else(|e| panic!("{place}: argv: {e}")))
        }
        _ => panic!("{place}: a request has either `shell` or `argv`"),
    };
    fields.insert("argv".into(), Value::Array(Vec::new()));
    let context = serde_json::from_value(request).unwrap_or_else(|e| panic!("{place}: {e}"));
    Entry { place, command, context, band, category, why }
}

/// FNV-1a, 64 bit: small, the same everywhere and for ever, which is all that a split needs.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
