//! A decision with every step that it went through, for humans who ask why.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Case, ORDER, Ruling, evaluation};
use crate::evaluation::Evaluation;
use crate::rules::Scene;

/// A decision and how it came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// What was decided.
    pub evaluation: Evaluation,
    /// The steps up to the one that decided.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub stage: Stage,
    /// What it said.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What a step said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It decided.
    Decided,
    /// It had nothing to say.
    Silent,
    /// It did not decide, and that is worth knowing.
    Passed {
        /// Why not.
        why: String,
    },
}

/// The steps of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// A deny rule matches.
    DenyRule,
    /// A review rule matches, or a deny rule may.
    ReviewRule,
    /// Something could not be read.
    Incomplete,
    /// It is unusual for this agent.
    Anomaly,
    /// Allow rules cover it.
    AllowRule,
    /// It stands under a grant.
    Grant,
    /// Its score is low enough.
    Threshold,
    /// Nothing else decided.
    Hold,
}

/// Decides one exec exactly as [`super::decide`] does, and says how.
pub fn trace(case: &Case<'_>) -> Trace {
    let scene = Scene::new(case.request, case.assessment, case.policy, case.rules);
    let mut steps = Vec::new();
    let mut decided = None;
    for (stage, step) in ORDER {
        let outcome = match step(case, &scene) {
            Ok(ruling) => {
                decided = Some(ruling);
                Outcome::Decided
            }
            Err(None) => Outcome::Silent,
            Err(Some(why)) => Outcome::Passed { why: why(&scene) },
        };
        steps.push(Step { stage, outcome });
        if decided.is_some() {
            break;
        }
    }
    Trace { evaluation: evaluation(case, decided.unwrap_or_else(Ruling::hold)), steps }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DenyRule => "deny rule",
            Self::ReviewRule => "review rule",
            Self::Incomplete => "gaps",
            Self::Anomaly => "anomaly",
            Self::AllowRule => "allow rule",
            Self::Grant => "grant",
            Self::Threshold => "threshold",
            Self::Hold => "hold",
        })
    }
}
