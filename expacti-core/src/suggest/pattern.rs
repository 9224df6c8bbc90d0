//! From words that were seen to elements of a rule: the narrowest that takes them all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::seen::{Kind, Member};
use crate::remember::toml_text::{glob_of, string, word};
use crate::rules::plain_host;
use crate::untrusted::Untrusted;

/// So many different values make a hole; fewer are a list.
const VALUES: usize = 3;
/// A list has no more values than these: those that were seen most.
const LIST: usize = 12;
/// A hole for URLs names no more hosts than these.
const HOSTS: usize = 5;

/// What a rule takes.
pub(super) struct Pattern {
    /// The elements behind the program, as TOML.
    pub(super) elements: Vec<String>,
    /// For humans, on one line.
    pub(super) shown: String,
}

/// The narrowest pattern that takes all of them, as far as lists reach.
pub(super) fn of(members: &[Member<'_>]) -> Pattern {
    let program = members.first().map_or("", |member| member.program);
    let mut pattern = Pattern { elements: Vec::new(), shown: Untrusted::from(program).to_string() };
    for at in 0..runs(members) {
        let column = Column::of(members, at);
        column.write(&mut pattern);
    }
    pattern
}

/// Commands that one rule would take too much for: lists in two places make combinations that nobody saw.
pub(super) fn too_wide<'a>(members: &[Member<'a>]) -> Option<Vec<Vec<Member<'a>>>> {
    let lists: Vec<usize> = (0..runs(members)).filter(|at| Column::of(members, *at).is_list()).collect();
    let of_many_words = |at: &&usize| Column::of(members, **at).runs.iter().any(|run| run.len() != 1);
    match (lists.iter().find(of_many_words), lists.as_slice()) {
        (Some(at), _) | (None, [at, _, ..]) => Some(split(members, *at)),
        (None, [] | [_]) => None,
    }
}

/// The same commands in narrower parts, if there is anything to narrow.
pub(super) fn narrower<'a>(members: &[Member<'a>]) -> Option<Vec<Vec<Member<'a>>>> {
    let first = (0..runs(members)).find(|at| Column::of(members, *at).varies())?;
    Some(split(members, first))
}

fn runs(members: &[Member<'_>]) -> usize {
    members.first().map_or(0, |member| member.runs.len())
}

fn split<'a>(members: &[Member<'a>], at: usize) -> Vec<Vec<Member<'a>>> {
    let mut parts: BTreeMap<Vec<&'a str>, Vec<Member<'a>>> = BTreeMap::new();
    for member in members {
        let key = member.runs.get(at).map(|run| run.words.clone()).unwrap_or_default();
        parts.entry(key).or_default().push(member.clone());
    }
    parts.into_values().collect()
}

/// What stands at one place of all commands.
struct Column<'m, 'a> {
    kind: Kind,
    runs: Vec<&'m [&'a str]>,
}

impl<'m, 'a> Column<'m, 'a> {
    fn of(members: &'m [Member<'a>], at: usize) -> Self {
        let runs: Vec<_> = members.iter().filter_map(|member| member.runs.get(at)).collect();
        let kind = runs.first().map_or(Kind::Fixed, |run| run.kind);
        Self { kind, runs: runs.into_iter().map(|run| run.words.as_slice()).collect() }
    }

    fn varies(&self) -> bool {
        self.runs.windows(2).any(|pair| pair.first() != pair.last())
    }

    fn is_list(&self) -> bool {
        self.varies() && self.hole().is_none()
    }

    /// Different words, those that were seen most first.
    fn values(&self) -> Vec<&'a str> {
        let mut counts: BTreeMap<&'a str, usize> = BTreeMap::new();
        for word in self.runs.iter().copied().flatten() {
            *counts.entry(word).or_default() += 1;
        }
        let mut values: Vec<_> = counts.into_iter().collect();
        values.sort_by_key(|(value, count)| (usize::MAX - count, *value));
        values.into_iter().map(|(value, _)| value).collect()
    }

    /// The key and value of a typed hole that takes all of them, with how it is shown.
    fn hole(&self) -> Option<(String, String)> {
        let values = self.values();
        if values.len() < VALUES {
            return None;
        }
        match self.kind {
            Kind::Fixed | Kind::Word => None,
            Kind::Number => {
                let numbers: Option<Vec<u64>> = values.iter().map(|value| value.parse().ok()).collect();
                let (least, most) = (*numbers.as_ref()?.iter().min()?, *numbers.as_ref()?.iter().max()?);
                let most = i64::try_from(most).ok()?;
                Some((format!("number = [{least}, {most}]"), format!("<{least}..{most}>")))
            }
            Kind::Url => {
                let hosts: Option<BTreeSet<String>> = values.iter().map(|value| plain_host(value)).collect();
                let hosts = hosts.filter(|hosts| hosts.len() <= HOSTS)?;
                let quoted: Vec<String> = hosts.iter().map(|host| string(&glob_of(host))).collect();
                let shown: Vec<&str> = hosts.iter().map(String::as_str).collect();
                Some((format!("url = [{}]", quoted.join(", ")), format!("<URL of {}>", shown.join(" or "))))
            }
            Kind::Path => {
                let glob = common_glob(&values)?;
                Some((format!("path = {}", string(&glob)), format!("<{glob}>")))
            }
        }
    }

    fn write(&self, pattern: &mut Pattern) {
        if !self.varies() {
            for text in self.runs.first().copied().unwrap_or_default() {
                pattern.elements.push(word(&Untrusted::from(*text)));
                let _ = write!(pattern.shown, " {}", Untrusted::from(*text));
            }
            return;
        }
        let (least, most) = (self.length(Iterator::min), self.length(Iterator::max));
        if let Some((hole, shown)) = self.hole() {
            return repeat(pattern, &hole, &shown, (least, most));
        }
        // Of more than one word only holes are left: see `too_wide`.
        let (list, shown) = self.list();
        pattern.elements.push(list);
        let _ = write!(pattern.shown, " {shown}");
    }

    fn list(&self) -> (String, String) {
        let mut values = self.values();
        values.truncate(LIST);
        let elements: Vec<String> = values.iter().map(|value| word(&Untrusted::from(*value))).collect();
        let shown: Vec<String> = values.iter().map(|value| Untrusted::from(*value).to_string()).collect();
        (format!("[{}]", elements.join(", ")), format!("({})", shown.join("|")))
    }

    fn length(&self, pick: fn(std::vec::IntoIter<usize>) -> Option<usize>) -> usize {
        pick(self.runs.iter().map(|run| run.len()).collect::<Vec<_>>().into_iter()).unwrap_or_default()
    }
}

/// As often as it was seen at least, and any number more where it was seen more often at times.
fn repeat(pattern: &mut Pattern, hole: &str, shown: &str, (least, most): (usize, usize)) {
    for _ in 0..least {
        pattern.elements.push(format!("{{ {hole} }}"));
        let _ = write!(pattern.shown, " {shown}");
    }
    if most > least {
        pattern.elements.push(format!("{{ {hole}, many = true }}"));
        pattern.shown.push_str(" ...");
    }
}

/// The glob for what lies in the deepest folder that all have in common. None where that says nothing.
fn common_glob(paths: &[&str]) -> Option<String> {
    let folder = common_folder(paths)?;
    let rest = |path: &str| without_dot(path).strip_prefix(&folder).map(|rest| rest[1..].to_owned());
    let rests: Option<Vec<String>> = paths.iter().map(|path| rest(path)).collect();
    let rests = rests?;
    let between = if rests.iter().all(|rest| !rest.contains('/')) { "" } else { "**/" };
    let ending = |rest: &str| {
        let name = rest.rsplit('/').next().unwrap_or(rest);
        name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, ending)| ending.to_owned())
    };
    let endings: BTreeSet<Option<String>> = rests.iter().map(|rest| ending(rest)).collect();
    let ending = match endings.into_iter().collect::<Vec<_>>().as_slice() {
        [Some(one)] => format!(".{}", glob_of(one)),
        _ => String::new(),
    };
    Some(format!("{}/{between}*{ending}", glob_of(&folder)))
}

/// The deepest folder of all of these: at least one level from the working directory, two from the root.
pub(super) fn common_folder(paths: &[&str]) -> Option<String> {
    let folders: Vec<Vec<&str>> = paths
        .iter()
        .map(|path| {
            let (folder, _) = without_dot(path).rsplit_once('/').unwrap_or_default();
            folder.split('/').collect()
        })
        .collect();
    let first = folders.first()?;
    let mut common = first.len();
    for folder in &folders {
        if folder.iter().any(|part| matches!(*part, ".." | "." | "~")) {
            return None;
        }
        common = common.min(first.iter().zip(folder).take_while(|(a, b)| a == b).count());
    }
    let folder = first.get(..common)?.join("/");
    // An absolute path begins with an empty part.
    let levels = folder.split('/').filter(|part| !part.is_empty()).count();
    let wanted = if first.first() == Some(&"") { 2 } else { 1 };
    (levels >= wanted).then_some(folder)
}

fn without_dot(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_takes_what_is_common_and_no_more() {
        for (paths, glob) in [
            (&["src/a.py", "src/b.py"][..], Some("src/*.py")),
            (&["./src/a.py", "src/x/b.py"], Some("src/**/*.py")),
            (&["src/a.py", "src/b.rs"], Some("src/*")),
            (&["src/a.py", "lib/b.py"], None),
            (&["/work/app/a", "/work/app/b/c"], Some("/work/app/**/*")),
            (&["/etc/a", "/etc/b"], None),
            (&["src/../../a", "src/b"], None),
            (&["a[1]/x", "a[1]/y"], Some("a\\[1\\]/*")),
        ] {
            assert_eq!(common_glob(paths).as_deref(), glob, "{paths:?}");
        }
    }
}
