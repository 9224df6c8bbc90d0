//! The order of decision. Every exec runs through [`ORDER`] until one step decides.

mod steps;
mod trace;

use std::collections::BTreeSet;

use crate::assessment::Assessment;
use crate::evaluation::{DecidedBy, Decision, Evaluation, Factor, Level};
use crate::grant::Grant;
use crate::history::History;
use crate::policy::Policy;
use crate::request::ExecRequest;
use crate::rules::{RuleSet, Scene};
use crate::time::Timestamp;

pub use self::trace::{Outcome, Stage, Step, Trace, trace};

/// Everything that a decision depends on. The same case always gets the same answer.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What is about to run.
    pub request: &'a ExecRequest,
    /// What it would do, and how risky that is.
    pub assessment: &'a Assessment,
    /// What its agent may do.
    pub policy: &'a Policy,
    /// The rules in force.
    pub rules: &'a RuleSet,
    /// The grants that it stands under.
    pub grants: &'a [Grant],
    /// Its agent's past.
    pub history: &'a History,
    /// When.
    pub now: Timestamp,
}

/// What one step says.
struct Ruling {
    decision: Decision,
    decided_by: DecidedBy,
    /// Humans that this step asks for; the level may ask for more.
    approvals: u8,
    roles: BTreeSet<String>,
    findings: Vec<Factor>,
    children_ceiling: Option<u8>,
}

/// One step: it decides, or says why it does not.
type Decide = for<'a> fn(&Case<'a>, &Scene<'a>) -> Result<Ruling, Passed>;

/// Why a step does not decide. The words are only made where somebody reads them.
type Passed = Option<Box<dyn FnOnce(&Scene<'_>) -> String>>;

/// Strictest first. What stands further down never sees what a step above it decided.
const ORDER: [(Stage, Decide); 8] = [
    (Stage::DenyRule, steps::deny_rule),
    (Stage::ReviewRule, steps::review_rule),
    (Stage::Incomplete, steps::incomplete),
    (Stage::Anomaly, steps::anomaly),
    (Stage::AllowRule, steps::allow_rule),
    (Stage::Grant, steps::grant),
    (Stage::Threshold, steps::threshold),
    (Stage::Hold, steps::hold),
];

/// Decides one exec.
pub fn decide(case: &Case<'_>) -> Evaluation {
    let scene = Scene::new(case.request, case.assessment, case.policy, case.rules);
    let ruling = ORDER.iter().find_map(|(_, step)| step(case, &scene).ok());
    evaluation(case, ruling.unwrap_or_else(Ruling::hold))
}

fn evaluation(case: &Case<'_>, ruling: Ruling) -> Evaluation {
    let assessment = case.assessment;
    let level = Level::of(assessment.score);
    let held = ruling.decision == Decision::Hold;
    let mut roles = ruling.roles;
    if held {
        roles.extend(case.policy.roles.at(level).iter().cloned());
    }
    Evaluation {
        decision: ruling.decision,
        score: assessment.score,
        level,
        categories: assessment.categories.clone(),
        factors: assessment.factors.iter().cloned().chain(ruling.findings).collect(),
        decided_by: ruling.decided_by,
        approvals: if held { ruling.approvals.max(*case.policy.approvals.at(level)).max(1) } else { 0 },
        roles,
        children_ceiling: ruling.children_ceiling,
        rule_generation: case.rules.generation(),
    }
}

impl Ruling {
    fn new(decision: Decision, decided_by: DecidedBy) -> Self {
        Self {
            decision,
            decided_by,
            approvals: 0,
            roles: BTreeSet::new(),
            findings: Vec::new(),
            children_ceiling: None,
        }
    }

    fn hold() -> Self {
        Self::new(Decision::Hold, DecidedBy::Threshold)
    }
}

#[cfg(test)]
mod tests;
