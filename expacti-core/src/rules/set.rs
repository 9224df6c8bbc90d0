//! The rules in force: all sources together, one generation.

use std::collections::BTreeMap;

use super::answer::Answer;
use super::examples;
use super::hole::Strictness;
use super::index::Index;
use super::parse::parse;
use super::rule::{Effect, Rule};
use super::scene::{Scene, Sight};
use super::source::{LoadError, Origin, Place, Problem, Source};
use crate::assessment::Assessment;
use crate::request::ExecRequest;
use crate::time::Timestamp;

/// Scores a request; how, is not the rules' business.
pub type Assess<'a> = &'a dyn Fn(&ExecRequest) -> Assessment;

/// All rules of one generation. It is never changed: a reload makes a new one or leaves this one in force.
#[derive(Debug, Default)]
pub struct RuleSet {
    generation: u64,
    /// Static ones first, then by name. A rule's number is its place here.
    rules: Vec<Rule>,
    deny: Index,
    review: Index,
    allow: Index,
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
        let index = |wanted: fn(&Effect) -> bool| {
            let numbered = (0u32..).zip(&rules);
            Index::new(numbered.filter(|(_, rule)| wanted(&rule.effect)))
        };
        Self {
            generation,
            deny: index(|effect| matches!(effect, Effect::Deny { .. })),
            review: index(|effect| matches!(effect, Effect::Review { .. })),
            allow: index(|effect| matches!(effect, Effect::Allow(_))),
            overridden,
            rules,
        }
    }

    /// Rules that may take what this one takes: those that begin alike, and those that begin with anything.
    pub(super) fn neighbours<'a>(&'a self, rule: &'a Rule) -> impl Iterator<Item = &'a Rule> {
        let indexes = [&self.deny, &self.review, &self.allow];
        let mut ids: Vec<u32> = indexes.into_iter().flat_map(|index| index.neighbours(rule)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().filter_map(|id| self.rule(id)).filter(move |other| !std::ptr::eq(*other, rule))
    }

    /// One rule by itself, for its examples.
    pub(super) fn of_one(rule: Rule) -> Self {
        Self::assemble(vec![rule], 0, &mut Vec::new())
    }

    /// Which generation this is.
    pub fn generation(&self) -> u64 {
        self.generation
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

    /// Deny rules that match a command of the request, or may and count in doubt. Those that do come first.
    pub(crate) fn denied_by<'a>(&'a self, scene: &Scene<'_>, now: Timestamp) -> Vec<(Answer, &'a Rule)> {
        self.matching(&self.deny, scene, now)
    }

    /// The same of review rules.
    pub(crate) fn reviewed_by<'a>(&'a self, scene: &Scene<'_>, now: Timestamp) -> Vec<(Answer, &'a Rule)> {
        self.matching(&self.review, scene, now)
    }

    fn matching<'a>(&'a self, index: &Index, scene: &Scene<'_>, now: Timestamp) -> Vec<(Answer, &'a Rule)> {
        let mut found: BTreeMap<u32, Answer> = BTreeMap::new();
        for sight in scene.sights() {
            for id in index.candidates(sight) {
                let Some(rule) = self.rule(id) else { continue };
                if !rule.is_in_force(now) || !scene.policy.has_rule_set(rule.set.as_deref()) {
                    continue;
                }
                let answer = rule.matches(sight, Strictness::Suspicious);
                if answer == Answer::Yes || (answer == Answer::Maybe && rule.counts_in_doubt()) {
                    let best = found.entry(id).or_insert(answer);
                    *best = answer.max(*best);
                }
            }
        }
        let mut found: Vec<_> = found.into_iter().filter_map(|(id, a)| Some((a, self.rule(id)?))).collect();
        found.sort_by_key(|(answer, _)| std::cmp::Reverse(*answer));
        found
    }

    pub(super) fn allow_candidates(&self, sight: Sight<'_>) -> impl Iterator<Item = &Rule> {
        self.allow.candidates(sight).into_iter().filter_map(|id| self.rule(id))
    }

    fn rule(&self, id: u32) -> Option<&Rule> {
        self.rules.get(usize::try_from(id).ok()?)
    }
}
