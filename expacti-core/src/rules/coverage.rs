//! Whether allow rules vouch for everything that a request would run.

mod open;

use std::borrow::Cow;

use super::answer::Answer;
use super::hole::Strictness;
use super::path::file_name;
use super::quote::quoted;
use super::rule::{Allowance, Covers, Rule};
use super::scene::{Scene, Sight};
use super::stdin::reads_its_program;
use crate::assessment::SeenCommand;
use crate::evaluation::Level;
use crate::policy::Risk;
use crate::time::Timestamp;
use crate::untrusted::Untrusted;

pub(crate) use self::open::{open_commands, vouches_for};

/// Allow rules that together cover a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Covered<'a> {
    /// The rule for the request's own argv, or for the first command that it wraps.
    pub(crate) rule: &'a Rule,
    /// Its limits.
    pub(crate) allowance: &'a Allowance,
    /// How many rules it took.
    pub(crate) rules: usize,
}

/// Why a request is not covered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    /// The command, as an index into the assessment.
    pub(crate) command: usize,
    /// The rule that came nearest.
    pub(crate) rule: Option<String>,
    /// What it does not cover.
    pub(crate) why: Cow<'static, str>,
}

/// Shells and tools that only start what they are given, so that the request is what they start.
const ONLY_STARTS_OTHERS: [&str; 14] = [
    "sh", "bash", "dash", "zsh", "ksh", "ash", "env", "nice", "ionice", "nohup", "timeout", "time", "stdbuf",
    "setsid",
];
/// Options with which a shell reads more than its text.
const READS_MORE: [&str; 4] = ["--rcfile", "--init-file", "-i", "-s"];

/// Finds the rules that cover every command.
pub(crate) fn coverage<'a>(scene: &Scene<'a>, now: Timestamp) -> Result<Covered<'a>, Gap> {
    let commands = &scene.assessment.commands;
    if let [command] = commands.as_slice() {
        return alone(scene, command, now);
    }
    let mut used: Vec<(&'a Rule, &'a Allowance)> = Vec::new();
    let mut vouched = vec![false; commands.len()];
    for sight in scene.sights() {
        if vouched[sight.index] {
            continue;
        }
        let (rule, allowance) = match covering(scene, sight, sight.command.score, now) {
            Ok(found) => found,
            Err(_) if only_starts_others(sight) || only_assigns(sight) => continue,
            Err(gap) => return Err(gap),
        };
        used.push((rule, allowance));
        vouched[sight.index] = true;
        // Who approved every word of it approved what is written in it.
        if rule.is_exact() || allowance.covers.inner {
            let inner = inside(sight);
            let is_covered = |i: &usize| {
                let command = &commands[*i];
                is_known(command, allowance) && too_risky(command.score, rule, allowance, scene).is_none()
            };
            if inner.iter().all(is_covered) {
                for index in inner {
                    vouched[index] = true;
                }
            }
        }
    }
    let Some(&(rule, allowance)) = used.first() else {
        return Err(Gap {
            command: 0,
            rule: None,
            why: "there is nothing in it that a rule could name".into(),
        });
    };
    // The request as a whole can be riskier than the commands that rules vouch for: a download piped into a shell.
    let whole = scene.assessment.score;
    let parts =
        commands.iter().zip(&vouched).filter(|(_, vouched)| **vouched).map(|(command, _)| command.score);
    if whole > parts.max().unwrap_or(0) {
        for (rule, allowance) in &used {
            if let Some(why) = too_risky(whole, rule, allowance, scene) {
                return Err(Gap { command: 0, rule: Some(rule.name.clone()), why });
            }
        }
    }
    Ok(Covered { rule, allowance, rules: used.len() })
}

/// The usual case: a request that is one command.
fn alone<'a>(scene: &Scene<'a>, command: &SeenCommand, now: Timestamp) -> Result<Covered<'a>, Gap> {
    let score = command.score.max(scene.assessment.score);
    let (rule, allowance) = covering(scene, Sight { scene, index: 0, command }, score, now)?;
    Ok(Covered { rule, allowance, rules: 1 })
}

/// The commands that were unwrapped from this one, at any depth.
fn inside(sight: Sight<'_>) -> Vec<usize> {
    let mut inside = vec![];
    for (index, command) in sight.scene.assessment.commands.iter().enumerate().skip(sight.index + 1) {
        let parent = command.parent.filter(|parent| *parent < index);
        if parent.is_some_and(|parent| parent == sight.index || inside.contains(&parent)) {
            inside.push(index);
        }
    }
    inside
}

fn is_known(command: &SeenCommand, allowance: &Allowance) -> bool {
    (allowance.covers.expansions || command.words.iter().all(|word| word.literal))
        && (allowance.covers.unseen || !command.opaque)
}

/// A shell or a tool that does nothing but start the commands that were found in it, which are asked about one by one.
fn only_starts_others(sight: Sight<'_>) -> bool {
    let command = sight.command;
    let wraps = sight.scene.assessment.commands.iter().any(|inner| inner.parent == Some(sight.index));
    if !wraps || command.opaque || command.elsewhere {
        return false;
    }
    let Some(program) = command.words.first().filter(|word| word.literal) else { return false };
    let name = file_name(program.text.as_bytes());
    let known = ONLY_STARTS_OTHERS.iter().find(|known| known.as_bytes() == name);
    let does_more: &[&str] = match name {
        b"time" => &["-o", "--output"],
        _ if name.ends_with(b"sh") => &READS_MORE,
        _ => &[],
    };
    let gives = |flag: &&str| {
        command.words[1..].iter().any(|word| super::flag::gives_flag(word.text.as_bytes(), flag.as_bytes()))
    };
    let is_sound = known.is_some_and(|known| {
        let hole = super::hole::Hole::Literal(known.as_bytes().to_vec());
        super::program::program_matches(&hole, sight, false, Strictness::Certain) == Answer::Yes
    });
    is_sound
        && !does_more.iter().any(gives)
        && command.redirections.iter().all(|redirection| Covers::default().redirection(redirection, sight))
}

/// `NAME=value` alone runs nothing; what it changes for others is asked of their rules.
fn only_assigns(sight: Sight<'_>) -> bool {
    let command = sight.command;
    command.words.is_empty()
        && !command.opaque
        && !command.assignments.is_empty()
        && command.redirections.iter().all(|redirection| Covers::default().redirection(redirection, sight))
}

/// The first rule that vouches for one command with everything around it.
fn covering<'a>(
    scene: &Scene<'a>,
    sight: Sight<'_>,
    score: u8,
    now: Timestamp,
) -> Result<(&'a Rule, &'a Allowance), Gap> {
    let mut nearest: Option<Gap> = None;
    for (_, rule) in scene.candidates(sight.index) {
        let Some(allowance) = rule.allowance().filter(|_| rule.is_in_force(now)) else { continue };
        if !sight.scene.policy.has_rule_set(rule.set.as_deref())
            || rule.matches(sight, Strictness::Certain) != Answer::Yes
        {
            continue;
        }
        match objection(sight, allowance).or_else(|| too_risky(score, rule, allowance, scene)) {
            None => return Ok((rule, allowance)),
            Some(why) => {
                nearest.get_or_insert(Gap { command: sight.index, rule: Some(rule.name.clone()), why });
            }
        }
    }
    let nothing = || Gap { command: sight.index, rule: None, why: "no allow rule matches it".into() };
    Err(nearest.unwrap_or_else(nothing))
}

/// What a matching rule does not vouch for.
fn objection(sight: Sight<'_>, allowance: &Allowance) -> Option<Cow<'static, str>> {
    let covers = &allowance.covers;
    if let Some(danger) = sight.scene.dangers().iter().find(|danger| !covers.variable(danger.name.as_bytes()))
    {
        return Some(format!("the variable {} can change what runs", danger.name).into());
    }
    let open = sight.command.redirections.iter().find(|r| !covers.redirection(r, sight));
    if let Some(redirection) = open {
        let target = redirection.target.as_ref().map(|word| word.text.clone()).unwrap_or_default();
        return Some(
            format!("it is redirected {} {target}", if redirection.writes { "to" } else { "from" }).into(),
        );
    }
    if sight.command.elsewhere && !covers.elsewhere {
        return Some("it runs on another machine or in another container".into());
    }
    if !covers.unseen && reads_its_program(sight) {
        return Some("it runs what it reads from standard input".into());
    }
    if !covers.unseen && sight.command.opaque {
        return Some("not all that it would run could be seen".into());
    }
    None
}

fn too_risky(score: u8, rule: &Rule, allowance: &Allowance, scene: &Scene<'_>) -> Option<Cow<'static, str>> {
    let never_from = scene.policy.never_allow_from.floor();
    let limit = allowance.max_risk.map_or(100, Risk::ceiling);
    if score > limit {
        return Some(format!("its score {score} is above the rule's max_risk {limit}").into());
    }
    if score >= never_from && !(rule.is_exact() && allowance.max_risk.is_some()) {
        let level = Level::of(score);
        return Some(
            format!("at {score} ({level}) only an exact rule with max_risk of its own counts").into(),
        );
    }
    None
}

impl Gap {
    /// The gap, for a human.
    pub(crate) fn explain(&self, scene: &Scene<'_>) -> String {
        let words = scene.assessment.commands.get(self.command).map(|command| command.words.as_slice());
        let text = Untrusted::from(quoted(words.unwrap_or_default().iter().map(|word| word.text.as_bytes())));
        match &self.rule {
            None => format!("`{text}`: {}", self.why),
            Some(rule) => format!("`{text}`: rule {rule} matches, but {}", self.why),
        }
    }
}
