//! Where the paths of a command lead, and what that means for what it does to them.

mod folder;

use std::cell::OnceCell;

use super::{Candidate, Look};
use crate::tools::{Category, Knowledge, Modifier, Pairs, PathRole, Patterns, Undo, glob};

use self::folder::Way;
pub(super) use self::folder::{Folder, Folders};

/// The kernel's limit.
const MAX_PATH: usize = 4096;

/// No file of secrets is named by more.
pub(super) const MAX_SECRET: usize = 1024;

/// A path, made comparable.
struct Path<'a> {
    /// As written, without a trailing slash.
    text: &'a str,
    /// Absolute and without `.` and `..` where that can be told; `~` and variables stay in front.
    full: String,
    /// It stays below the folder it starts from.
    inside: bool,
    folder: &'a Folder,
    /// Bytes of `full` that are the folder's, from the beginning.
    kept: usize,
    /// Of both texts, once a list of patterns asks.
    pairs: OnceCell<Pairs>,
}

/// Finds what the paths add to `candidate`: the strictest of them counts.
pub(super) fn judge<'t, 'p>(
    look: &Look<'t>,
    role: PathRole,
    paths: impl Iterator<Item = (&'p str, bool)>,
    candidate: &mut Candidate<'t>,
) {
    let known = look.known;
    let mut worst: Option<Vec<&'t Modifier>> = None;
    let mut count = 0usize;
    let mut gate = false;
    for (text, literal) in paths {
        count += 1;
        let (modifiers, touches_gate) = judge_one(look, role, text, literal);
        gate |= touches_gate;
        let sum = |modifiers: &[&Modifier]| modifiers.iter().map(|modifier| modifier.points).sum::<i16>();
        if worst.as_ref().is_none_or(|worst| sum(&modifiers) > sum(worst)) {
            worst = Some(modifiers);
        }
    }
    let worst = worst.unwrap_or_default();
    let harmless = worst.iter().any(|modifier| {
        std::ptr::eq(*modifier, &raw const known.modifiers.regenerable)
            || std::ptr::eq(*modifier, &raw const known.modifiers.temporary)
    });
    if harmless && candidate.undo == Undo::Never {
        candidate.undo = Undo::Easy;
    }
    if gate && role != PathRole::Read {
        candidate.points = candidate.points.max(known.modifiers.gate_path.points);
        candidate.id = known.modifiers.gate_path.id.as_str().into();
        candidate.why = known.modifiers.gate_path.why.as_str().into();
        candidate.categories = vec![Category::PrivilegeAndEscape].into();
    }
    candidate.with.extend(worst.into_iter().map(|modifier| (modifier, modifier.points)));
    if count > 10 && role != PathRole::Read {
        candidate.with.push((&known.modifiers.many_targets, known.modifiers.many_targets.points));
    }
}

fn judge_one<'t>(look: &Look<'t>, role: PathRole, text: &str, literal: bool) -> (Vec<&'t Modifier>, bool) {
    let known = look.known;
    let modifiers = &known.modifiers;
    if text.len() > MAX_PATH {
        // No path is that long, so it is put together when it runs, or nothing happens.
        return (vec![&modifiers.computed_argument], false);
    }
    if text.is_empty() {
        return (Vec::new(), false);
    }
    let path = Path::read(look, text);
    let mut found = Vec::new();
    if role == PathRole::Read || is_harmless_device(known, text) {
        return (found, false);
    }
    let fits = |patterns: &Patterns| path.fits_one(patterns);
    let below = |roots: &[String]| roots.iter().any(|root| path.is_below(root));
    if fits(&known.places.gate) {
        return (found, true);
    }
    let computed = !literal && text.contains(['$', '`']);
    let pattern = !literal && text.contains(['*', '?', '[']);
    let words = &known.context.production_words;
    let production =
        look.folder.leads_to_production(&path.full, path.kept, words) || look.folder.is_production(words);
    if path.is_root() {
        found.push(&modifiers.root_path);
    } else if path.is_whole_home() {
        found.push(&modifiers.home_path);
    } else if path.is_below("/dev") && !path.is_below("/dev/shm") {
        found.push(&modifiers.device_path);
    } else if fits(&known.places.startup) {
        found.push(&modifiers.startup_file);
    } else if below(&known.places.temporary) {
        found.push(&modifiers.temporary);
    } else if path.has_component(|part| part == ".git") {
        found.push(&modifiers.git_directory);
    } else if path.is_regenerable(look) && !(is_written(role) && path.is_foreign_code()) {
        found.push(&modifiers.regenerable);
    } else if below(&known.places.system) && !path.inside && !path.in_work_root(look) {
        found.push(&modifiers.system_path);
    } else if !path.inside {
        found.push(&modifiers.outside_work_tree);
    }
    let records = text.ends_with("history");
    if (records || matches!(role, PathRole::Delete | PathRole::Own)) && holds_secrets(look, &path) {
        found.push(&modifiers.secret_file_change);
    }
    if role == PathRole::Delete
        && fits(&known.places.data)
        && !has_word(path.text, &known.context.development_words)
    {
        found.push(&modifiers.data_file);
    }
    let vanishes = found.iter().any(|modifier| modifier.points < 0);
    if production && !vanishes {
        found.push(&modifiers.production_path);
    }
    if pattern && !vanishes {
        found.push(&modifiers.wildcard);
    }
    if computed {
        found.push(&modifiers.computed_argument);
    }
    (found, false)
}

fn is_written(role: PathRole) -> bool {
    matches!(role, PathRole::Write | PathRole::WriteLast)
}

pub(super) fn is_harmless_device(known: &Knowledge, text: &str) -> bool {
    text.starts_with("/dev/") && known.places.harmless_devices.fit(text)
}

/// Whether a path is one that holds secrets.
pub(super) fn is_secret(look: &Look<'_>, text: &str) -> bool {
    may_be_secret(text) && (holds_secrets(look, &Path::read(look, text)) || takes_all_secrets(look, text))
}

/// Whether a path can be one that holds secrets, wherever it is looked at from.
pub(super) fn may_be_secret(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_SECRET && text.contains(['.', '/', '_'])
}

/// `~/.ssh/*`: a pattern for what lies in a folder of secrets.
fn takes_all_secrets(look: &Look<'_>, text: &str) -> bool {
    let Some((folder, pattern)) = text.rsplit_once('/') else { return false };
    let is_harmless = || look.known.places.harmless.fit(text);
    pattern.contains(['*', '?', '[']) && holds_secrets(look, &Path::read(look, folder)) && !is_harmless()
}

/// Whether a path is one in which the system itself keeps secrets, wherever the work tree is.
pub(super) fn is_secret_of_the_system(look: &Look<'_>, text: &str) -> bool {
    let places = look.known.places.secrets.iter();
    text.len() <= MAX_SECRET && places.filter(|place| place.starts_with('/')).any(|place| glob(place, text))
}

fn holds_secrets(look: &Look<'_>, path: &Path<'_>) -> bool {
    let fits = |pattern: &str| path.fits(pattern) || glob(pattern, path.text);
    let places = &look.known.places;
    path.one_may_fit(&places.secrets, fits) && !path.one_may_fit(&places.harmless, fits)
}

/// Whether a file lies neither in the work tree nor among temporary files.
pub(super) fn lies_elsewhere(look: &Look<'_>, text: &str) -> bool {
    let path = Path::read(look, text);
    !path.inside && !look.known.places.temporary.iter().any(|root| path.is_below(root))
}

/// Whether a file is a database, which no text belongs into.
pub(super) fn is_database(look: &Look<'_>, text: &str) -> bool {
    look.known.places.databases.fit(text)
}

/// Whether a file holds data nobody can make anew, or a copy of it.
pub(super) fn holds_data(look: &Look<'_>, text: &str) -> bool {
    let path = Path::read(look, text);
    glob("*.sql", text) || path.fits_one(&look.known.places.data)
}

/// Whether a file lies in a folder that belongs to a person and not to a project.
pub(super) fn is_personal(look: &Look<'_>, text: &str) -> bool {
    let path = Path::read(look, text);
    !path.inside && path.fits_one(&look.known.places.personal)
}

/// Whether a path is a folder, or lies in it.
pub(super) fn is_in(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether one of `words` stands between the separators of `text`.
pub(super) fn has_word(text: &str, words: &[String]) -> bool {
    text.as_bytes()
        .split(|byte| !byte.is_ascii_alphanumeric())
        .any(|part| part.len() > 2 && words.iter().any(|word| word.as_bytes().eq_ignore_ascii_case(part)))
}

impl<'a> Path<'a> {
    fn read(look: &'a Look<'_>, text: &'a str) -> Self {
        let text = if text.len() > 1 { text.trim_end_matches('/') } else { text };
        let text = if text.is_empty() { "/" } else { text };
        let by_variable =
            ["$HOME", "${HOME", "$TMPDIR", "${TMPDIR"].iter().any(|name| text.starts_with(name));
        let rooted = by_variable || text.starts_with(['/', '~']);
        let Way { full, kept, inside } = look.folder.way(text, rooted);
        Self { text, full, inside, folder: &look.folder, kept, pairs: OnceCell::new() }
    }

    fn is_root(&self) -> bool {
        matches!(self.full.as_str(), "/" | "/*" | "/.*" | "/?*" | "//")
    }

    fn is_whole_home(&self) -> bool {
        let full = self.full.trim_end_matches("/*").trim_end_matches("/.*");
        matches!(full, "~" | "$HOME" | "${HOME}" | "/root" | "/home" | "/Users" | "/home/*" | "/Users/*")
            || self.folder.home() == Some(full)
            || full.starts_with('~') && !full.contains('/')
            || ["/home/", "/Users/"].iter().any(|root| {
                full.strip_prefix(root).is_some_and(|rest| !rest.contains('/') && !rest.is_empty())
            })
    }

    fn is_below(&self, root: &str) -> bool {
        is_in(&self.full, root)
    }

    fn fits_one(&self, patterns: &Patterns) -> bool {
        self.one_may_fit(patterns, |pattern| self.fits(pattern))
    }

    /// Whether `fits` says so of one of the patterns that may fit.
    fn one_may_fit(&self, patterns: &Patterns, fits: impl Fn(&str) -> bool) -> bool {
        let of_both = || self.folder.pairs(&self.full, self.kept).and(Pairs::of(self.text));
        let pairs = *self.pairs.get_or_init(of_both);
        match self.folder.needed(patterns, self.kept) {
            Some(needed) => patterns.that_may_fit_with(pairs, needed).any(fits),
            None => patterns.that_may_fit(pairs).any(fits),
        }
    }

    /// A pattern fits the path, or a folder above it.
    fn fits(&self, pattern: &str) -> bool {
        if pattern.starts_with('/') || pattern.starts_with('*') {
            let whole = glob(pattern, &self.full);
            whole
                || self.full.starts_with('~')
                    && pattern.starts_with("*/")
                    && glob(&pattern[1..], &self.full[1..])
        } else {
            glob(pattern, self.text.trim_start_matches("./"))
        }
    }

    fn has_component(&self, test: impl Fn(&str) -> bool) -> bool {
        self.text.split('/').any(test)
    }

    /// Code of others that this project runs: nobody looks at it again before a build makes it anew.
    fn is_foreign_code(&self) -> bool {
        self.has_component(|part| {
            matches!(part, "node_modules" | "site-packages" | "vendor" | ".venv" | "venv")
        })
    }

    fn is_regenerable(&self, look: &Look<'_>) -> bool {
        let names = &look.known.places.regenerable;
        let elsewhere = self.full.starts_with('/') && !self.inside && !self.in_work_root(look);
        !elsewhere
            && !self.text.contains("..")
            && self.has_component(|part| !part.is_empty() && names.fit(part))
    }

    /// Where people keep work trees, when nobody said where this one is.
    fn in_work_root(&self, look: &Look<'_>) -> bool {
        look.known.places.work_roots.iter().any(|root| {
            let depth = root.matches('/').count();
            let below = self.full.match_indices('/').nth(depth);
            below.is_some_and(|(end, _)| glob(root, &self.full[..end]))
        })
    }
}

/// Whether normalising would change nothing.
fn is_normal(path: &str) -> bool {
    path.strip_prefix('/').unwrap_or(path).split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Without `.`, `..` and doubled slashes; and whether it climbs above where it starts.
fn normalise(path: String) -> (String, bool) {
    if is_normal(&path) {
        return (path, false);
    }
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    let mut escapes = false;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    escapes = true;
                }
            }
            other => parts.push(other),
        }
    }
    let joined = parts.join("/");
    (if absolute { format!("/{joined}") } else { joined }, escapes && !absolute)
}
