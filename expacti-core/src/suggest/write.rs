//! A proposal as the text of a rule.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::judged::Judged;
use super::pattern::{self, Pattern, common_folder};
use super::seen::Member;
use super::{Fate, Ground};
use crate::evaluation::Level;
use crate::remember::toml_text::{glob_of, string, word};
use crate::request::ExecRequest;
use crate::time::Timestamp;
use crate::untrusted::Untrusted;

/// From MEDIUM on a proposal that was accepted lasts so long, in seconds.
const LIFETIME: u64 = 30 * 86_400;
/// Folders, users and agents that a rule names one by one.
const NAMED: usize = 4;
/// Examples that a rule carries of either kind.
const EXAMPLES: usize = 3;

/// See the module.
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) pattern: Pattern,
    pub(super) score: u8,
    pub(super) expires: Option<Timestamp>,
    program: String,
    /// Everything but name, reason and examples.
    body: String,
    because: String,
    examples: Vec<String>,
}

impl Draft {
    pub(super) fn of(members: &[Member<'_>], judged: &[Judged<'_>], ground: &Ground<'_>) -> Self {
        let pattern = pattern::of(members);
        let first = members.first();
        let program = first.map_or("", |member| member.program);
        let seen: Vec<&Judged<'_>> = members.iter().filter_map(|member| judged.get(member.place)).collect();
        let score = members.iter().map(|member| member.score).max().unwrap_or_default();
        let expires = (Level::of(score) > Level::Low).then(|| ground.now.plus(LIFETIME));

        let mut what = String::new();
        let elements: Vec<String> =
            [word(&Untrusted::from(program))].into_iter().chain(pattern.elements.iter().cloned()).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(what, "argv = [{}]", elements.join(", "));
        if let Some(exe) = first.and_then(|member| member.exe) {
            let _ = writeln!(what, "exe = {}", string(&glob_of(exe)));
        }
        what.push_str(&folders(&seen));
        what.push_str(&agents(&seen));
        what.push_str(&users(&seen));
        let name = name(program, members, &what);
        let mut body = what;
        // Should it become riskier one day, it is another question.
        let _ = writeln!(body, "max_risk = {score}");
        let _ = writeln!(body, "created = {}", ground.now.to_rfc3339());
        if let Some(expires) = expires {
            let _ = writeln!(body, "expires = {}", expires.to_rfc3339());
        }
        let approved = seen.iter().filter(|one| one.past.fate == Fate::Approved).count();
        let because = format!("seen {} times, of which humans approved {approved}", members.len());
        let mut examples: Vec<String> = Vec::new();
        for member in members {
            let Some(one) = judged.get(member.place) else { continue };
            let words = [member.program]
                .into_iter()
                .chain(member.runs.iter().flat_map(|run| run.words.iter().copied()));
            let text = example(words, one.past.request, member.exe);
            if examples.len() < EXAMPLES && !examples.contains(&text) {
                examples.push(text);
            }
        }
        let program = program.rsplit('/').next().unwrap_or(program).to_owned();
        Self { name, pattern, score, expires, program, body, because, examples }
    }

    /// The name of its program, without folders.
    pub(super) fn program(&self) -> &str {
        &self.program
    }

    /// The rule, with what it does not take as its counter-examples.
    pub(super) fn text(&self, beside: &[&Judged<'_>]) -> String {
        let Self { name, body, because, examples, .. } = self;
        let mut text = format!(
            "[[rule]]\nname = {}\ndecision = \"allow\"\nbecause = {}\n{body}match = [{}]\n",
            string(name),
            string(because),
            examples.join(", ")
        );
        let is_sayable = |one: &&&Judged<'_>| {
            let request = one.past.request;
            !one.past.has_secrets
                && request.cwd.as_ref().is_some_and(|cwd| cwd.as_str().is_some())
                && request.argv.len() <= 64
                && request.argv.iter().all(|word| word.as_str().is_some_and(|text| text.len() <= 256))
        };
        let others: Vec<String> = beside
            .iter()
            .filter(is_sayable)
            .take(EXAMPLES)
            .map(|one| {
                let request = one.past.request;
                let words = request.argv.iter().filter_map(Untrusted::as_str);
                example(words, request, request.exe.path.as_str())
            })
            .collect();
        if !others.is_empty() {
            let _ = writeln!(text, "not_match = [{}]", others.join(", "));
        }
        text
    }
}

fn example<'a>(words: impl Iterator<Item = &'a str>, request: &ExecRequest, exe: Option<&str>) -> String {
    let words: Vec<String> = words.map(string).collect();
    let mut text = format!("{{ argv = [{}]", words.join(", "));
    if let Some(cwd) = request.cwd.as_ref().and_then(Untrusted::as_str) {
        let _ = write!(text, ", cwd = {}", string(cwd));
    }
    if let Some(exe) = exe {
        let _ = write!(text, ", exe = {}", string(exe));
    }
    if !request.agent.name.is_empty() {
        let _ = write!(text, ", agent = {}", string(&request.agent.name));
    }
    let _ = write!(text, ", user = {} }}", request.credentials.uid);
    text
}

/// Different values, those that were seen most first.
fn most<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let mut values: Vec<(T, usize)> = counts.into_iter().collect();
    values.sort_by(|(a, more), (b, less)| less.cmp(more).then_with(|| a.cmp(b)));
    values.into_iter().map(|(value, _)| value).collect()
}

fn folders(seen: &[&Judged<'_>]) -> String {
    let mut folders =
        most(seen.iter().filter_map(|one| one.past.request.cwd.as_ref().and_then(Untrusted::as_str)));
    if folders.len() > NAMED {
        // Each as a thing in its folder.
        let inside: Vec<String> = folders.iter().map(|folder| format!("{folder}/.x")).collect();
        let inside: Vec<&str> = inside.iter().map(String::as_str).collect();
        if let Some(common) = common_folder(&inside) {
            let glob = glob_of(&common);
            return format!("cwd = [{}, {}]\n", string(&glob), string(&format!("{glob}/**")));
        }
        folders.truncate(NAMED);
    }
    list("cwd", &folders.into_iter().map(|folder| string(&glob_of(folder))).collect::<Vec<_>>())
}

fn agents(seen: &[&Judged<'_>]) -> String {
    let mut agents = most(seen.iter().map(|one| one.past.request.agent.name.as_str()));
    if agents.contains(&"") {
        return String::new();
    }
    agents.truncate(NAMED * 4);
    list("agent", &agents.into_iter().map(|agent| string(&glob_of(agent))).collect::<Vec<_>>())
}

fn users(seen: &[&Judged<'_>]) -> String {
    let credentials = || seen.iter().map(|one| &one.past.request.credentials);
    let users = most(credentials().map(|credentials| credentials.uid));
    if users.len() > NAMED || credentials().any(|credentials| credentials.uid != credentials.euid) {
        return String::new();
    }
    format!("user = [{}]\n", users.iter().map(u32::to_string).collect::<Vec<_>>().join(", "))
}

fn list(key: &str, values: &[String]) -> String {
    match values {
        [] => String::new(),
        [one] => format!("{key} = {one}\n"),
        several => format!("{key} = [{}]\n", several.join(", ")),
    }
}

/// A name that a human recognises, and that another pattern does not get: `seen-git-push-1f3a9c02`.
fn name(program: &str, members: &[Member<'_>], what: &str) -> String {
    let first = members.first().and_then(|member| member.runs.first()?.words.first().copied());
    let program = program.rsplit('/').next().unwrap_or(program);
    let mut name = String::from("seen");
    for part in [Some(program), first].into_iter().flatten() {
        let plain: String = part.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
        if !plain.is_empty() {
            let _ = write!(name, "-{}", plain.to_ascii_lowercase());
        }
    }
    name.push('-');
    for byte in Sha256::digest(what.as_bytes()).iter().take(8) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}
