//! The steps of a decision, in their order.

use super::{Case, Passed, Ruling};
use crate::evaluation::{DecidedBy, Decision};
use crate::rules::{Answer, Effect, Rule, Scene, coverage, denied_by, reviewed_by};

/// A rule that denies any command of the request.
pub(super) fn deny_rule<'a>(case: &Case<'a>, scene: &Scene<'a>) -> Result<Ruling, Passed> {
    match denied_by(scene, case.now).into_iter().find(|(answer, _)| *answer == Answer::Yes) {
        Some((_, rule)) => Ok(Ruling::new(Decision::Deny, by(rule, rule.because.clone()))),
        None => Err(None),
    }
}

/// Rules that send any command of the request to humans, and rules that may deny it once it is known.
pub(super) fn review_rule<'a>(case: &Case<'a>, scene: &Scene<'a>) -> Result<Ruling, Passed> {
    let mut matching = reviewed_by(scene, case.now);
    matching.extend(denied_by(scene, case.now));
    let Some((answer, rule)) = matching.first() else { return Err(None) };
    let because = match answer {
        Answer::Yes => rule.because.clone(),
        Answer::Maybe | Answer::No => {
            format!("what it becomes may be what this rule names: {}", rule.because)
        }
    };
    let mut ruling = Ruling::new(Decision::Hold, by(rule, because));
    for (_, rule) in &matching {
        if let Effect::Review { approvals, roles, .. } = &rule.effect {
            ruling.approvals = ruling.approvals.max(*approvals);
            ruling.roles.extend(roles.iter().cloned());
        }
    }
    Ok(ruling)
}

/// Nothing vouches for what could not be read.
pub(super) fn incomplete(case: &Case<'_>, _: &Scene<'_>) -> Result<Ruling, Passed> {
    if case.request.missing.is_empty() && !case.assessment.commands.is_empty() {
        return Err(None);
    }
    Ok(Ruling::new(Decision::Hold, DecidedBy::Incomplete))
}

/// The past can only raise.
pub(super) fn anomaly(case: &Case<'_>, _: &Scene<'_>) -> Result<Ruling, Passed> {
    let findings = case.policy.anomaly.findings(case.assessment.score, case.history);
    if findings.is_empty() {
        return Err(None);
    }
    Ok(Ruling { findings, ..Ruling::new(Decision::Hold, DecidedBy::Anomaly) })
}

/// Allow rules that together cover everything that would run.
pub(super) fn allow_rule<'a>(case: &Case<'a>, scene: &Scene<'a>) -> Result<Ruling, Passed> {
    let covered = match coverage(scene, case.now) {
        Ok(covered) => covered,
        Err(gap) => return Err(Some(Box::new(move |scene| gap.explain(scene)))),
    };
    let rule = covered.rule;
    let never_from = case.policy.never_allow_from.floor();
    let ceiling =
        covered.allowance.max_risk.map_or(never_from.saturating_sub(1), crate::policy::Risk::ceiling);
    Ok(Ruling {
        // Only the rule for the command itself says how its children are treated.
        children_ceiling: (covered.allowance.children_inherit && covered.rules == 1).then_some(ceiling),
        ..Ruling::new(Decision::Allow, by(rule, rule.because.clone()))
    })
}

/// Leave that humans gave to whatever an approved command starts.
pub(super) fn grant(case: &Case<'_>, _: &Scene<'_>) -> Result<Ruling, Passed> {
    let (agent, score) = (case.request.agent.name.as_str(), case.assessment.score);
    match case.grants.iter().find(|grant| grant.covers(agent, score, case.now)) {
        Some(grant) => Ok(Ruling::new(Decision::Allow, DecidedBy::Grant { ticket: grant.ticket })),
        None if case.grants.is_empty() => Err(None),
        None => {
            let count = case.grants.len();
            Err(Some(Box::new(move |_| format!("none of {count} grants covers a score of {score} now"))))
        }
    }
}

/// What is harmless enough for this agent.
pub(super) fn threshold(case: &Case<'_>, _: &Scene<'_>) -> Result<Ruling, Passed> {
    let (score, bound) = (case.assessment.score, case.policy.hold_from);
    if score < bound.floor() {
        return Ok(Ruling::new(Decision::Allow, DecidedBy::Threshold));
    }
    Err(Some(Box::new(move |_| {
        format!("{score} is not below {}, from where this agent has to wait", bound.floor())
    })))
}

/// In the end humans decide.
#[expect(clippy::unnecessary_wraps, reason = "it is a step like the others")]
pub(super) fn hold(_: &Case<'_>, _: &Scene<'_>) -> Result<Ruling, Passed> {
    Ok(Ruling::hold())
}

fn by(rule: &Rule, because: String) -> DecidedBy {
    DecidedBy::Rule { name: rule.name.clone(), because }
}
