//! The rules in force: all sources together, one generation.

use std::collections::BTreeMap;

use super::examples;
use super::index::Index;
use super::parse::parse;
use super::rule::{Effect, Rule};
use super::scene::Sight;
use super::source::{LoadError, Origin, Place, Problem, Source};
use crate::assessment::Assessment;
use crate::request::ExecRequest;

/// Scores a request; how, is not the rules' business.
pub type Assess<'a> = &'a dyn Fn(&ExecRequest) -> Assessment;

/// All rules of one generation. It is never changed: a reload makes a new one or leaves this one in force.
#[derive(Debug, Default)]
pub struct RuleSet {
    generation: u64,
    /// Static ones first, then by name. A rule's number is its place here.
    rules: Vec<Rule>,
    index: Index,
    overridden: Vec<(String, Place)>,
}

impl RuleSet {
    /// Reads all sources and runs every example. Any problem in any of them refuses them all.
    pub fn load(sources: &[Source], generation: u64, assess: Assess<'_>) -> Result<Self, LoadError> {
        let mut rules = Vec::new();
        let mut problems = Vec::new();
        for source in sources {
            let parsed = parse(source);
            rules.extend(parsed.rules);
            problems.extend(parsed.problems);
        }
        let set = Self::assemble(rules, generation, &mut problems);
        for (rule, source) in set.rules.iter().filter_map(|rule| {
            let source = sources.iter().find(|s| s.name == rule.at.file && s.origin == rule.origin);
            Some((rule, source?))
        }) {
            problems.extend(examples::failures(rule, source, assess));
        }
        if problems.is_empty() {
            return Ok(set);
        }
        problems.sort();
        Err(LoadError { problems })
    }

    fn assemble(mut rules: Vec<Rule>, generation: u64, problems: &mut Vec<Problem>) -> Self {
        rules.sort_by(|a, b| (a.origin, &a.name, &a.at).cmp(&(b.origin, &b.name, &b.at)));
        let mut first: BTreeMap<String, (Origin, Place)> = BTreeMap::new();
        let mut overridden = Vec::new();
        rules.retain(|rule| match first.get(&rule.name) {
            None => {
                first.insert(rule.name.clone(), (rule.origin, rule.at.clone()));
                true
            }
            Some((origin, _)) if *origin != rule.origin => {
                overridden.push((rule.name.clone(), rule.at.clone()));
                false
            }
            Some((_, place)) => {
                problems.push(Problem {
                    at: rule.at.clone(),
                    key: "name".to_owned(),
                    what: format!("there is another rule {:?} at {place}", rule.name),
                    help: "give each rule a name of its own".to_owned(),
                });
                false
            }
        });
        Self { generation, index: Index::new((0u32..).zip(&rules)), overridden, rules }
    }

    /// Rules that may take what this one takes: those that begin alike, and those that begin with anything.
    pub(super) fn neighbours<'a>(&'a self, rule: &'a Rule) -> impl Iterator<Item = &'a Rule> {
        let mut ids = self.index.neighbours(rule);
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().filter_map(|id| self.rule(id)).filter(move |other| !std::ptr::eq(*other, rule))
    }

    /// These rules and those, as they would be in force together. Where two have one name, the first counts.
    pub(crate) fn joined(&self, other: &Self) -> Self {
        let rules = self.rules.iter().chain(&other.rules).cloned().collect();
        Self::assemble(rules, self.generation, &mut Vec::new())
    }

    /// One rule by itself, for its examples.
    pub(super) fn of_one(rule: Rule) -> Self {
        Self::assemble(vec![rule], 0, &mut Vec::new())
    }

    /// The same rules as the generation of another number.
    #[must_use]
    pub fn numbered(self, generation: u64) -> Self {
        Self { generation, ..self }
    }

    /// Which generation this is.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether any rule holds back what a file contains: then no file may be taken for harmless before it was read.
    pub fn hold_back_content(&self) -> bool {
        self.rules.iter().any(|rule| {
            let by_content = !rule.conditions.sha256.is_empty() || !rule.conditions.script_sha256.is_empty();
            by_content && !matches!(rule.effect, Effect::Allow(_))
        })
    }

    /// Every rule: static ones first, then by name.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// A rule by its name.
    pub fn named(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name == name)
    }

    /// Stored rules that a static one of the same name replaces, and where they stand.
    pub fn overridden(&self) -> &[(String, Place)] {
        &self.overridden
    }

    /// The rules that can matter for one command.
    pub(super) fn candidates(&self, sight: Sight<'_>) -> Vec<u32> {
        self.index.candidates(sight)
    }

    pub(super) fn rule(&self, id: u32) -> Option<&Rule> {
        self.rules.get(usize::try_from(id).ok()?)
    }
}
