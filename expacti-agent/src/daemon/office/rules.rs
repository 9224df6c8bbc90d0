//! The rules that this node keeps itself, edited by hand, and the record of whatever comes into force.

use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::super::{Loaded, learned, rules_of, say};
use super::{Office, failed};
use crate::learned::Learned;
use crate::operations::{OperationError, StoredRules};

impl Office {
    pub(super) fn stored(&self) -> Result<StoredRules, OperationError> {
        let learned = learned(&self.state().config.home).map_err(failed)?;
        Ok(StoredRules {
            path: learned.path().display().to_string(),
            digest: digest(&learned),
            text: learned.text().to_owned(),
        })
    }

    /// Puts another text in the place of what is stored, if that is still what the author has seen.
    pub(super) fn edit(&self, text: String, was: &str, by: &str) -> Result<u64, OperationError> {
        // One at a time, and not while everything is read anew.
        let state = self.state();
        let old = learned(&state.config.home).map_err(failed)?;
        if digest(&old) != was {
            let text = "somebody else has changed these rules in the meantime; look at them again";
            return Err(OperationError::Conflict(text.to_owned()));
        }
        let new = old.replaced(text);
        let next = self.gate.generation().map_err(failed)? + 1;
        // With everything else there is: what does not fit is not kept.
        let loaded = rules_of(&state.config.rules, Some(&new), &self.engine.now().tools, next)
            .map_err(|error| OperationError::BadInput(format!("{error:#}")))?;
        let path = new.path().display().to_string();
        self.ledger.administer(by, "rules-edited", &path, "").map_err(failed)?;
        let generation = self.keep(&new, loaded, by).map_err(failed)?;
        say(&format!(
            "{path} was edited by {by}: {} rules are in force",
            self.engine.now().rules.rules().len()
        ));
        Ok(generation)
    }

    /// Records it, stores it and puts it in force. What an older engine still decides carries the number before, so the
    /// kernel does not remember it.
    pub(super) fn keep(&self, learned: &Learned, loaded: Loaded, by: &str) -> anyhow::Result<u64> {
        let Loaded { rules, sources } = loaded;
        self.ledger.rules_in_force(rules.generation(), &sources, by)?.wait()?;
        learned.save()?;
        let generation = self.gate.raise_generation()?;
        self.engine.change(|engine| engine.rules = Arc::new(rules));
        Ok(generation)
    }
}

/// Tells one text from another.
fn digest(learned: &Learned) -> String {
    Sha256::digest(learned.text()).iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
