//! What decides: the same for every exec until the rules are loaded anew.

use std::sync::{Arc, PoisonError, RwLock};

use expacti_core::decide::{Case, decide};
use expacti_core::evaluation::{DecidedBy, Evaluation};
use expacti_core::grant::Grant;
use expacti_core::history::History;
use expacti_core::policy::Policy;
use expacti_core::request::ExecRequest;
use expacti_core::rules::RuleSet;
use expacti_core::time::Timestamp;
use expacti_core::{Tools, assess};

/// One generation of everything that a decision needs. It is never changed, only replaced.
pub(crate) struct Engine {
    /// What commands mean.
    pub(crate) tools: Arc<Tools>,
    /// What agents may do.
    pub(crate) policy: Policy,
    /// The rules in force.
    pub(crate) rules: RuleSet,
}

/// The engine in force. Who decides takes it once for each decision.
pub(crate) struct InForce(RwLock<Arc<Engine>>);

/// What the engine says of one exec.
pub(crate) struct Judged {
    /// With everything that speaks for it.
    pub(crate) evaluation: Evaluation,
    /// The same without grants. The desk, which owns the grants, looks at them itself: one may be over by then.
    pub(crate) without_grants: Evaluation,
}

impl InForce {
    pub(crate) fn new(engine: Engine) -> Self {
        Self(RwLock::new(Arc::new(engine)))
    }

    /// The engine in force now.
    pub(crate) fn now(&self) -> Arc<Engine> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another one in force, and gives back the one before.
    #[expect(dead_code, reason = "rules that humans save will replace it")]
    pub(crate) fn replace(&self, engine: Engine) -> Arc<Engine> {
        std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), Arc::new(engine))
    }
}

impl Engine {
    /// Decides one exec.
    pub(crate) fn judge(&self, request: &ExecRequest, grants: &[Grant], history: &History) -> Judged {
        let assessment = assess(request, &self.tools);
        let case = Case {
            request,
            assessment: &assessment,
            policy: &self.policy,
            rules: &self.rules,
            grants,
            history,
            now: Timestamp(crate::clock::epoch_seconds()),
        };
        let evaluation = decide(&case);
        let without_grants = match evaluation.decided_by {
            DecidedBy::Grant { .. } => decide(&Case { grants: &[], ..case }),
            DecidedBy::Rule { .. } | DecidedBy::Anomaly | DecidedBy::Threshold | DecidedBy::Incomplete => {
                evaluation.clone()
            }
        };
        Judged { evaluation, without_grants }
    }
}
