//! "Always" becomes a rule: the narrowest one, kept in the node's own folder, in force at once.

use std::sync::Arc;

use expacti_core::remember::{NotOffered, Suggestion};

use super::super::{learned, rules_of, say};
use super::Office;
use crate::desk::Proposal;

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
        let keep = || -> anyhow::Result<()> {
            let learned = learned(&state.config.home)?.with(&rule, proposal.ticket, &proposal.by);
            let next = self.gate.generation()? + 1;
            // With everything else there is: a rule that does not fit is not kept.
            let rules = rules_of(&state.config.rules, Some(&learned), &engine.tools, next)?;
            learned.save()?;
            self.gate.raise_generation()?;
            self.engine.change(|engine| engine.rules = Arc::new(rules));
            Ok(())
        };
        keep().map_err(NotLearned::Failed)?;
        Ok(rule)
    }
}

fn because(proposal: &Proposal) -> String {
    format!("approved by {}", proposal.by.join(" and "))
}
