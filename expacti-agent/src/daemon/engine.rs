//! What decides: the same for every exec until the rules are loaded anew.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use expacti_core::decide::{Case, decide};
use expacti_core::evaluation::{DecidedBy, Evaluation};
use expacti_core::grant::Grant;
use expacti_core::history::History;
use expacti_core::policy::Policy;
use expacti_core::record::secrets::Masker;
use expacti_core::remember::{NotOffered, Suggestion, Width, suggest};
use expacti_core::request::ExecRequest;
use expacti_core::rules::RuleSet;
use expacti_core::time::Timestamp;
use expacti_core::{Tools, assess};

use crate::config::Treatment;

/// One generation of everything that a decision needs. Who decides sees it as it was when it began.
#[derive(Clone)]
pub(crate) struct Engine {
    /// What commands mean.
    pub(crate) tools: Arc<Tools>,
    /// The rules in force. What the kernel may remember of a decision carries their generation.
    pub(crate) rules: Arc<RuleSet>,
    /// For agents without a treatment of their own.
    pub(crate) default: Arc<Treatment>,
    /// How agents are treated, by name.
    pub(crate) treatments: BTreeMap<String, Treated>,
}

/// How one agent is treated.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Treated {
    /// The policy it comes from.
    pub(crate) policy: String,
    /// What that says, and what is said about this agent alone.
    pub(crate) treatment: Arc<Treatment>,
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

    /// Puts a changed one in force. It is a copy where somebody decides by the one before.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Engine)) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut current));
    }
}

impl Engine {
    /// One that treats everybody by the same policy.
    pub(crate) fn of_one_policy(tools: Tools, policy: Policy, rules: RuleSet) -> Self {
        let default = Treatment { decide: policy, ..Treatment::default() };
        Self {
            tools: Arc::new(tools),
            rules: Arc::new(rules),
            default: Arc::new(default),
            treatments: BTreeMap::new(),
        }
    }

    /// How an agent is treated.
    pub(crate) fn treatment(&self, agent: &str) -> &Treatment {
        self.treatments.get(agent).map_or(&self.default, |treated| &treated.treatment)
    }

    /// What agents may do that have no policy of their own.
    pub(crate) fn policy(&self) -> &Policy {
        &self.default.decide
    }

    /// The narrowest rule that would allow this from now on, where one may be made. A rule is kept as it is, so none is
    /// made of a command that holds a secret.
    pub(crate) fn suggest(
        &self,
        request: &ExecRequest,
        because: &str,
        masker: &Masker,
    ) -> Result<Suggestion, NotOffered> {
        let mut shown = request.clone();
        masker.request(&mut shown);
        if shown.argv != request.argv {
            return Err(NotOffered::Refused("it holds a secret, and a rule is kept in clear".to_owned()));
        }
        let policy = &self.treatment(&request.agent.name).decide;
        let assessment = assess(request, &self.tools);
        let now = Timestamp(crate::clock::epoch_seconds());
        suggest(request, &assessment, policy, Width::SameFolder, because, now)
    }

    /// Decides one exec.
    pub(crate) fn judge(&self, request: &ExecRequest, grants: &[Grant], history: &History) -> Judged {
        let assessment = assess(request, &self.tools);
        let case = Case {
            request,
            assessment: &assessment,
            policy: &self.treatment(&request.agent.name).decide,
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
