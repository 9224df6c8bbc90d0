//! Sets of rules that come with expacti and that users can turn on.

use super::source::Source;

/// One set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StarterSet {
    /// What it is turned on by.
    pub name: &'static str,
    /// Its TOML, for copying and changing.
    pub text: &'static str,
}

/// All sets.
pub const STARTER_SETS: [StarterSet; 4] = [
    StarterSet { name: "read-only", text: include_str!("../../rules/read-only.toml") },
    StarterSet { name: "build-and-test", text: include_str!("../../rules/build-and-test.toml") },
    StarterSet { name: "git-daily", text: include_str!("../../rules/git-daily.toml") },
    StarterSet { name: "never-allow", text: include_str!("../../rules/never-allow.toml") },
];

impl StarterSet {
    /// The set of this name.
    pub fn named(name: &str) -> Option<Self> {
        STARTER_SETS.into_iter().find(|set| set.name == name)
    }

    /// As a source of rules.
    pub fn source(self) -> Source {
        Source::file(format!("starter:{}", self.name), self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RuleSet;
    use crate::tools::Tools;

    /// Loading runs the examples of every rule.
    #[test]
    fn every_set_loads_and_every_rule_of_it_has_examples() {
        let tools = Tools::embedded();
        let sources = STARTER_SETS.map(StarterSet::source);
        let rules = RuleSet::load(&sources, 1, &|request| crate::assess(request, &tools))
            .unwrap_or_else(|error| panic!("{error}"));
        for set in STARTER_SETS {
            let of_set: Vec<_> =
                rules.rules().iter().filter(|rule| rule.set.as_deref() == Some(set.name)).collect();
            assert!(of_set.len() >= 6, "{}", set.name);
        }
        let without: Vec<_> = rules.rules().iter().filter(|rule| rule.examples.is_empty()).collect();
        let names: Vec<_> = without.iter().map(|rule| rule.name.as_str()).collect();
        assert_eq!(names, ["never-allow/drop-production-database"], "its factors need a database's context");
    }
}
