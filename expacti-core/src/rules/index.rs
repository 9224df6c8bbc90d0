//! Which of many rules can matter for a command, found without asking them all.

use hashbrown::HashMap;
use regex::bytes::{RegexSet, RegexSetBuilder};

use super::hole::Hole;
use super::path::file_name;
use super::pattern::{Arguments, CommandPattern, Element, Repeat};
use super::program::Names;
use super::quote::quoted;
use super::rule::Rule;
use super::scene::Sight;
use crate::assessment::Word;

/// Rules by what they begin with. Rules are named by their number.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// By the program and the literal words behind it.
    by_words: Node,
    by_sha256: HashMap<String, Vec<u32>>,
    by_exe: HashMap<Vec<u8>, Vec<u32>>,
    by_regex: Option<(RegexSet, Vec<u32>)>,
    /// Rules that say nothing that could be looked up.
    others: Vec<u32>,
    all: Vec<u32>,
}

#[derive(Debug, Default)]
struct Node {
    rules: Vec<u32>,
    next: HashMap<Vec<u8>, Node>,
}

/// Literal words beyond this many tell no more rules apart.
const MAX_DEPTH: usize = 16;
/// A rule with lists of words stands in several places of the tree; from here on it stays further up.
const MAX_PLACES: usize = 64;

impl Index {
    pub(super) fn new<'a>(rules: impl Iterator<Item = (u32, &'a Rule)>) -> Self {
        let mut index = Self::default();
        let mut regexes: Vec<(&str, u32)> = Vec::new();
        for (id, rule) in rules {
            index.all.push(id);
            match heads(&rule.command) {
                Some(paths) => paths.into_iter().for_each(|path| index.by_words.insert(&path, id)),
                None => {
                    if let CommandPattern::Regex(regex) = &rule.command {
                        regexes.push((regex.as_str(), id));
                    } else {
                        index.insert_by_file(rule, id);
                    }
                }
            }
        }
        let set = RegexSetBuilder::new(regexes.iter().map(|(regex, _)| regex))
            .unicode(false)
            .dot_matches_new_line(true)
            .size_limit(1 << 28)
            .build();
        let ids = regexes.iter().map(|(_, id)| *id);
        match set {
            Ok(_) if regexes.is_empty() => {}
            Ok(set) => index.by_regex = Some((set, ids.collect())),
            // Too much for one automaton: each is asked by itself.
            Err(_) => index.others.extend(ids),
        }
        index
    }

    fn insert_by_file(&mut self, rule: &Rule, id: u32) {
        let conditions = &rule.conditions;
        let paths: Option<Vec<&str>> = conditions.exe.iter().map(|glob| glob.literal()).collect();
        match paths {
            _ if !conditions.sha256.is_empty() => {
                for hash in &conditions.sha256 {
                    self.by_sha256.entry(hash.clone()).or_default().push(id);
                }
            }
            Some(paths) if !paths.is_empty() => {
                for path in paths {
                    self.by_exe.entry(path.as_bytes().to_vec()).or_default().push(id);
                }
            }
            Some(_) | None => self.others.push(id),
        }
    }

    /// The rules that can matter for this command, lowest number first.
    pub(super) fn candidates(&self, sight: Sight<'_>) -> Vec<u32> {
        let mut found = self.others.clone();
        if self.all.is_empty() {
            return found;
        }
        let words = &sight.command.words;
        if words.first().is_some_and(|program| !program.literal) {
            return self.all.clone();
        }
        for name in Names::of(sight).as_slice() {
            if let Some(node) = self.by_words.next.get(*name) {
                node.collect(words.get(1..).unwrap_or_default(), &mut found);
            }
        }
        if sight.is_own() {
            let exe = &sight.scene.request.exe;
            if let Some(hash) = exe.sha256.as_ref().filter(|_| !self.by_sha256.is_empty()) {
                found.extend(self.by_sha256.get(&hash.to_ascii_lowercase()).into_iter().flatten());
            }
            if !self.by_exe.is_empty() {
                found.extend(self.by_exe.get(exe.path.as_bytes()).into_iter().flatten());
            }
        }
        if let Some((set, ids)) = &self.by_regex {
            let text = quoted(words.iter().map(|word| word.text.as_bytes()));
            found.extend(set.matches(&text).into_iter().filter_map(|i| ids.get(i)));
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Index {
    /// The rules that stand on the way to this one, with it, and those that could not be looked up.
    pub(super) fn neighbours(&self, rule: &Rule) -> Vec<u32> {
        let mut found = self.others.clone();
        found.extend(self.by_sha256.values().chain(self.by_exe.values()).flatten());
        found.extend(self.by_regex.iter().flat_map(|(_, ids)| ids));
        for path in heads(&rule.command).unwrap_or_default() {
            let mut node = &self.by_words;
            for word in path {
                let Some(next) = node.next.get(word) else { break };
                node = next;
                found.extend(&node.rules);
            }
        }
        found
    }
}

impl Node {
    fn insert(&mut self, path: &[&[u8]], id: u32) {
        match path.split_first() {
            None => self.rules.push(id),
            Some((word, rest)) => self.next.entry(word.to_vec()).or_default().insert(rest, id),
        }
    }

    fn collect(&self, words: &[Word], found: &mut Vec<u32>) {
        found.extend(&self.rules);
        let Some((word, rest)) = words.split_first() else { return };
        if !word.literal {
            self.next.values().for_each(|node| node.collect_all(found));
        } else if let Some(node) = self.next.get(word.text.as_bytes()) {
            node.collect(rest, found);
        }
    }

    fn collect_all(&self, found: &mut Vec<u32>) {
        found.extend(&self.rules);
        self.next.values().for_each(|node| node.collect_all(found));
    }
}

/// The literal words that a pattern begins with, in every combination. `None` where not even the program is literal.
fn heads(command: &CommandPattern) -> Option<Vec<Vec<&[u8]>>> {
    let CommandPattern::Argv { program, arguments } = command else { return None };
    let mut heads: Vec<Vec<&[u8]>> =
        program.literals()?.into_iter().map(|name| vec![program_key(name)]).collect();
    match arguments {
        Arguments::Exact(words) => {
            for head in &mut heads {
                head.extend(words.iter().take(MAX_DEPTH).map(Vec::as_slice));
            }
        }
        Arguments::Sequence(elements) => {
            for words in elements.iter().take(MAX_DEPTH).map_while(once_literal) {
                if heads.len() * words.len() > MAX_PLACES {
                    break;
                }
                heads = heads
                    .iter()
                    .flat_map(|head| {
                        words.iter().map(move |word| [head.as_slice(), std::slice::from_ref(word)].concat())
                    })
                    .collect();
            }
        }
    }
    Some(heads)
}

/// Programs are looked up by file name; whether the folder fits is asked later.
fn program_key(name: &[u8]) -> &[u8] {
    file_name(name)
}

fn once_literal(element: &Element) -> Option<Vec<&[u8]>> {
    match element {
        Element::Words(hole, Repeat::Once) => Hole::literals(hole),
        Element::Words(..) | Element::Rest | Element::Options(_) => None,
    }
}
