//! Rules that reviewers made by saying "always", or accepted of those that the exec log speaks for: a file of TOML in the node's own folder.
//!
//! It is text that people may read, edit and move into their own files. A rule of theirs with the same name beats one
//! of these.

use std::fmt::{self, Write as _};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use expacti_core::remember::Suggestion;
use expacti_core::rules::Source;

/// How each rule's part of the file begins, by where it is from.
const HEADINGS: [&str; 2] = ["# From ticket ", "# From the exec log, "];

/// How the file begins.
const FIRST: &str = "# Rules that reviewers made by approving \"always\". expacti adds to this file; edit it as you like and reload.\n";

/// Where a rule is from.
#[derive(Clone, Debug)]
pub(crate) enum Provenance {
    /// Humans said "always".
    Ticket {
        /// To what.
        number: u64,
        /// Who.
        by: String,
    },
    /// It was suggested, and somebody accepted it.
    Log {
        /// Who.
        by: String,
    },
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ticket { number, by } => write!(f, "# From ticket {number}, approved by {by}."),
            Self::Log { by } => write!(f, "# From the exec log, accepted by {by}."),
        }
    }
}

/// The store.
#[derive(Clone, Debug)]
pub(crate) struct Learned {
    path: PathBuf,
    text: String,
}

impl Learned {
    /// Opens it. One that is not there is empty.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => FIRST.to_owned(),
            Err(error) => return Err(error),
        };
        Ok(Self { path: path.to_owned(), text })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// All of it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The same store with another text.
    #[must_use]
    pub(crate) fn replaced(&self, text: String) -> Self {
        Self { path: self.path.clone(), text }
    }

    /// Its rules, for the engine, if it has any.
    pub(crate) fn source(&self) -> Option<Source> {
        let source = || Source::stored(self.path.display().to_string(), self.text.clone());
        self.text.contains("[[rule]]").then(source)
    }

    /// The store with one rule more. One of the same name gives way to it: it is about the same command.
    #[must_use]
    pub(crate) fn with(&self, rule: &Suggestion, from: &Provenance) -> Self {
        let name = format!("name = \"{}\"", rule.name);
        let mut text = String::new();
        for part in parts(&self.text) {
            if !(is_ours(part) && part.lines().any(|line| line == name)) {
                text.push_str(part);
            }
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{from}\n{}", rule.text.trim_end());
        Self { path: self.path.clone(), text }
    }

    /// Writes it. A crash leaves the old or the new one.
    pub(crate) fn save(&self) -> io::Result<()> {
        let new = self.path.with_extension("toml.new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
        let mut file = options.open(&new)?;
        file.write_all(self.text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        self.path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
    }
}

fn is_ours(part: &str) -> bool {
    HEADINGS.iter().any(|heading| part.starts_with(heading))
}

/// The text cut in front of each heading.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let starts = rest.match_indices("\n# From ").map(|(at, _)| at + 1);
        let end = starts.into_iter().find(|at| is_ours(&rest[*at..]));
        let (part, behind) = rest.split_at(end.unwrap_or(rest.len()));
        rest = behind;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use expacti_core::policy::Policy;
    use expacti_core::remember::{Width, suggest};
    use expacti_core::request::ExecRequest;
    use expacti_core::rules::RuleSet;
    use expacti_core::time::Timestamp;
    use expacti_core::{Tools, assess};

    use super::*;

    fn suggestion(argv: &[&str], now: u64) -> Suggestion {
        let mut request =
            ExecRequest { argv: argv.iter().map(|word| (*word).into()).collect(), ..ExecRequest::default() };
        request.exe.path = format!("/usr/bin/{}", argv[0]).into();
        request.cwd = Some("/work".into());
        let assessment = assess(&request, &Tools::embedded());
        suggest(&request, &assessment, &Policy::default(), Width::SameFolder, "", Timestamp(now)).unwrap()
    }

    #[test]
    fn rules_are_added_once_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("learned.toml");
        let by = |number, by: &str| Provenance::Ticket { number, by: by.to_owned() };
        let learned = Learned::open(&path).unwrap();
        let learned = learned.with(&suggestion(&["git", "push"], 1_000_000), &by(7, "alice and bob"));
        let learned =
            learned.with(&suggestion(&["git", "fetch"], 1_000_000), &Provenance::Log { by: "bob".into() });
        let learned = learned.with(&suggestion(&["git", "push"], 2_000_000), &by(9, "alice"));
        learned.save().unwrap();
        let read = Learned::open(&path).unwrap();
        assert_eq!(read.text, learned.text);
        assert_eq!(read.text.matches("[[rule]]").count(), 2, "{}", read.text);
        assert!(read.text.starts_with(FIRST) && read.text.contains("# From ticket 9, approved by alice.\n"));
        assert!(read.text.contains("# From the exec log, accepted by bob.\n"), "{}", read.text);
        assert!(!read.text.contains("ticket 7"), "{}", read.text);
        let rules =
            RuleSet::load(&[read.source().unwrap()], 1, &|request| assess(request, &Tools::embedded()))
                .unwrap();
        assert_eq!(rules.rules().len(), 2);
    }

    #[test]
    fn what_people_wrote_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("learned.toml");
        fs::write(&path, "# mine\n[[rule]]\nname = \"own\"\n").unwrap();
        let from = Provenance::Ticket { number: 7, by: "a".into() };
        let learned = Learned::open(&path).unwrap().with(&suggestion(&["git", "push"], 1), &from);
        assert!(
            learned.text.starts_with("# mine\n[[rule]]\nname = \"own\"\n# From ticket 7"),
            "{}",
            learned.text
        );
    }
}
