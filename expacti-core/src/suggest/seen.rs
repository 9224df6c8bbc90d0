//! One command of an attempt, and the shape that it shares with others.

use super::judged::{Judged, name_of};
use crate::rules::plain_host;

/// A command, cut into runs of words of one kind.
#[derive(Clone)]
pub(super) struct Member<'a> {
    /// Which attempt of the past it is from.
    pub(super) place: usize,
    pub(super) program: &'a str,
    /// The file, where the program's name alone does not say which one it is.
    pub(super) exe: Option<&'a str>,
    pub(super) runs: Vec<Run<'a>>,
    /// Up to which score a rule for it has to reach.
    pub(super) score: u8,
}

/// Words of one kind that stand together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run<'a> {
    pub(super) kind: Kind,
    pub(super) words: Vec<&'a str>,
}

/// What a word looks like. Nothing is known of its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// Must be the same in all commands of a shape: an option, the first word, text of any other kind.
    Fixed,
    Number,
    Url,
    /// It has a slash in it.
    Path,
    /// Plain characters; each stands by itself.
    Word,
}

/// What commands that can become one rule have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape {
    name: String,
    program: String,
    exe: Option<String>,
    runs: Vec<(Kind, Option<String>)>,
}

impl<'a> Member<'a> {
    pub(super) fn of(judged: &'a Judged<'a>, place: usize, index: usize) -> Option<Self> {
        let command = judged.assessment.commands.get(index)?;
        let mut words = command.words.iter().map(|word| word.text.as_str());
        let program = words.next()??;
        let mut runs: Vec<Run<'a>> = Vec::new();
        let mut is_first = true;
        for word in words {
            let word = word?;
            let kind = kind_of(word, is_first);
            is_first &= word.starts_with('-');
            match runs.last_mut() {
                Some(run) if run.kind == kind && kind == Kind::Path => run.words.push(word),
                _ => runs.push(Run { kind, words: vec![word] }),
            }
        }
        let path = judged.past.request.exe.path.as_str()?;
        let is_bare = !program.contains('/');
        let exe = (judged.is_own(index) && is_bare && !judged.is_trusted(path)).then_some(path);
        let parts = judged.assessment.commands.iter().map(|command| command.score).max().unwrap_or_default();
        let whole = judged.assessment.score;
        let score = if whole > parts { whole } else { command.score };
        debug_assert_eq!(name_of(command), program.rsplit('/').next().unwrap_or(program));
        Some(Self { place, program, exe, runs, score })
    }

    pub(super) fn shape(&self) -> Shape {
        let runs = self.runs.iter().map(|run| {
            let fixed = run.words.first().filter(|_| run.kind == Kind::Fixed);
            (run.kind, fixed.map(|word| (*word).to_owned()))
        });
        Shape {
            name: self.program.rsplit('/').next().unwrap_or(self.program).to_owned(),
            program: self.program.to_owned(),
            exe: self.exe.map(str::to_owned),
            runs: runs.collect(),
        }
    }
}

/// The first word that is no option is a verb as often as not (`git push`), so it never varies unless its form says
/// what it is.
fn kind_of(word: &str, is_first: bool) -> Kind {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._/@:+,=%-".contains(c);
    if word.starts_with('-') || !word.chars().all(is_plain) {
        return if plain_host(word).is_some() && word.contains("://") { Kind::Url } else { Kind::Fixed };
    }
    if word.chars().all(|c| c.is_ascii_digit()) {
        return Kind::Number;
    }
    if plain_host(word).is_some() && word.contains("://") {
        return Kind::Url;
    }
    let is_path = word.contains('/') && !word.contains(['@', ':', '=', '%', ',']);
    if is_path {
        return Kind::Path;
    }
    if is_first { Kind::Fixed } else { Kind::Word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_what_it_looks_like() {
        for (word, is_first, kind) in [
            ("push", true, Kind::Fixed),
            ("main", false, Kind::Word),
            ("--force", false, Kind::Fixed),
            ("42", true, Kind::Number),
            ("src/a.py", true, Kind::Path),
            ("a.py", false, Kind::Word),
            ("https://api.example.com/v1?x=1", true, Kind::Url),
            ("git@github.com:a/b", false, Kind::Word),
            ("SELECT 1", false, Kind::Fixed),
            ("a;b", false, Kind::Fixed),
        ] {
            assert_eq!(kind_of(word, is_first), kind, "{word}");
        }
    }
}
