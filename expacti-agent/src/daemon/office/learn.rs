//! "Always" becomes a rule, and so does what was accepted of the exec log: kept in the node's own folder, in force at once.

use expacti_core::remember::{NotOffered, Suggestion};

use super::super::{Loaded, learned, rules_of, say};
use super::{Office, State, failed};
use crate::desk::Proposal;
use crate::learned::{Learned, Provenance};
use crate::operations::OperationError;

/// Why no rule was made.
#[derive(Debug, thiserror::Error)]
enum NotLearned {
    /// None may be.
    #[error(transparent)]
    NotOffered(#[from] NotOffered),
    /// It could not be kept or put in force.
    #[error("{0:#}")]
    Failed(anyhow::Error),
}

impl Office {
    /// Makes a rule of what humans always want to allow. Their approval stands whatever comes of it, and the log says
    /// what did.
    pub(crate) fn learn(&self, proposal: &Proposal) {
        let by = proposal.by.join(", ");
        let ticket = format!("ticket {}", proposal.ticket);
        let noted = match self.learn_from(proposal) {
            Ok(rule) => {
                say(&format!("{ticket}: from now on the rule {} allows it, by {by}", rule.name));
                self.ledger.administer(&by, "rule-learned", &rule.name, &format!("{ticket}\n{}", rule.text))
            }
            Err(why) => {
                say(&format!("{ticket}: no rule was made: {why}"));
                self.ledger.administer(&by, "rule-not-learned", &ticket, &why.to_string())
            }
        };
        if let Err(error) = noted {
            say(&format!("{ticket}: {error}"));
        }
    }

    fn learn_from(&self, proposal: &Proposal) -> Result<Suggestion, NotLearned> {
        // One at a time, and not while everything is read anew.
        let state = self.state();
        let engine = self.engine.now();
        let rule = engine.suggest(&proposal.request, &because(proposal), &self.masker)?;
        let from = Provenance::Ticket { number: proposal.ticket, by: proposal.by.join(" and ") };
        let by = proposal.by.join(", ");
        self.fit(&state, &rule, &from)
            .and_then(|Fit { learned, loaded }| self.keep(&learned, loaded, &by))
            .map_err(NotLearned::Failed)?;
        Ok(rule)
    }

    /// Keeps a rule that was made of the exec log. The number of the rules in force from then on.
    pub(super) fn accept(&self, rule: &Suggestion, by: &str) -> Result<u64, OperationError> {
        let state = self.state();
        let from = Provenance::Log { by: by.to_owned() };
        let Fit { learned, loaded } =
            self.fit(&state, rule, &from).map_err(|error| OperationError::BadInput(format!("{error:#}")))?;
        self.ledger.administer(by, "rule-accepted", &rule.name, &rule.text).map_err(failed)?;
        let generation =
            self.keep(&learned, loaded, by).map_err(|error| OperationError::Failed(format!("{error:#}")))?;
        say(&format!("from now on the rule {} is in force, by {by}", rule.name));
        Ok(generation)
    }

    /// With everything else there is: a rule that does not fit is not kept.
    fn fit(&self, state: &State, rule: &Suggestion, from: &Provenance) -> anyhow::Result<Fit> {
        let learned = learned(&state.config.home)?.with(rule, from);
        let next = self.gate.generation()? + 1;
        let loaded = rules_of(&state.config.rules, Some(&learned), &self.engine.now().tools, next)?;
        Ok(Fit { learned, loaded })
    }
}

/// A store with one rule more, and everything that is in force with it.
struct Fit {
    learned: Learned,
    loaded: Loaded,
}

fn because(proposal: &Proposal) -> String {
    format!("approved by {}", proposal.by.join(" and "))
}
