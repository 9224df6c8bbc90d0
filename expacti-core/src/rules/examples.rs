//! A rule's own tests. They run whenever it is loaded, so a rule that contradicts itself never comes into force.

use super::answer::Answer;
use super::coverage::coverage;
use super::hole::Strictness;
use super::path::resolve;
use super::quote::quoted;
use super::rule::{Effect, Rule};
use super::scene::Scene;
use super::set::{Assess, RuleSet};
use super::source::{Problem, Source};
use crate::policy::{Policy, Risk};
use crate::request::ExecRequest;
use crate::time::Timestamp;
use crate::untrusted::Untrusted;

/// A request that a rule must match, or must not.
#[derive(Clone, Debug)]
pub(super) struct Example {
    pub(super) request: ExecRequest,
    pub(super) matches: bool,
    pub(super) offset: usize,
    pub(super) key: String,
}

/// Where examples run that do not say where.
const EXAMPLE_FOLDER: &str = "/work";

/// A request that does not name its executable is taken for what its argv says: the file that a path names, else
/// the program of that name in `/usr/bin`. Only where nobody is let through by it: in examples and explanations.
pub fn with_assumed_executable(mut request: ExecRequest) -> ExecRequest {
    if !request.exe.path.is_empty() {
        return request;
    }
    let claimed = request.argv.first().map(Untrusted::as_bytes).unwrap_or_default();
    if claimed.contains(&b'/') {
        let folder = request.cwd.as_ref().map_or(&b"/"[..], Untrusted::as_bytes);
        request.exe.path = resolve(folder, claimed).into();
    } else if !claimed.is_empty() {
        request.exe.path = [b"/usr/bin/", claimed].concat().into();
    }
    request
}

/// The examples that do not come out as written.
pub(super) fn failures(rule: &Rule, source: &Source, assess: Assess<'_>) -> Vec<Problem> {
    let mut failures = Vec::new();
    for example in &rule.examples {
        let Err(why) = check(rule, example, assess) else { continue };
        let shown = Untrusted::from(quoted(example.request.argv.iter().map(Untrusted::as_bytes)));
        let (what, help) = if example.matches {
            (format!("`{shown}` should match and does not: {why}"), "widen the rule or mend the example")
        } else {
            (format!("`{shown}` should not match and does"), "narrow the rule or mend the example")
        };
        failures.push(Problem {
            at: source.place(example.offset),
            key: example.key.clone(),
            what,
            help: help.to_owned(),
        });
    }
    failures
}

fn check(rule: &Rule, example: &Example, assess: Assess<'_>) -> Result<(), String> {
    let mut request = with_assumed_executable(example.request.clone());
    request.cwd.get_or_insert_with(|| EXAMPLE_FOLDER.into());
    // An example is about words, places and files. Scores change with every release, and the limits that hang on
    // them are decided when it matters.
    let policy = Policy { never_allow_from: Risk::Score(u8::MAX), ..Policy::default() };
    let assessment = assess(&request);
    let mut alone = rule.clone();
    alone.expires = None;
    if let Effect::Allow(allowance) = &mut alone.effect {
        allowance.max_risk = None;
    }
    let rules = RuleSet::of_one(alone);
    let scene = Scene::new(&request, &assessment, &policy, &rules);
    let outcome = match &rule.effect {
        Effect::Allow(_) => {
            coverage(&scene, Timestamp::default()).map(drop).map_err(|gap| gap.why.into_owned())
        }
        Effect::Review { .. } | Effect::Deny { .. } => {
            let answers = scene.sights().map(|sight| rule.matches(sight, Strictness::Suspicious));
            match Answer::any(answers) {
                Answer::Yes => Ok(()),
                Answer::Maybe => Err("it only could".to_owned()),
                Answer::No => Err("no command in it does".to_owned()),
            }
        }
    };
    match (outcome, example.matches) {
        (Ok(()), true) | (Err(_), false) => Ok(()),
        (Err(why), true) => Err(why),
        (Ok(()), false) => Err(String::new()),
    }
}
