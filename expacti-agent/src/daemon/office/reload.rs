//! Reading configuration and rules again: all of it or nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use expacti_agent::log::Receipt;
use expacti_core::Tools;
use expacti_core::docket::Input;

use super::super::engine::Treated;
use super::super::{Loaded, learned, rules_of, say};
use super::agents::{NotNow, folder, with_mode};
use super::expected::may_come_back;
use super::newcomers::{all_classes, class_of};
use super::{Office, State, failed, flags_of};
use crate::config::{AgentConfig, Config, DEFAULT_POLICY};
use crate::operations::{OperationError, Reloaded};

impl Office {
    pub(super) fn reload_all(&self, by: &str) -> Result<Reloaded, OperationError> {
        let mut state = self.state();
        // First everything that can be wrong.
        let config = (self.load)().map_err(|mistakes| OperationError::BadInput(mistakes.to_string()))?;
        let tools = Tools::embedded();
        may_come_back(&config, &state.standing.entries)?;
        let next = self.gate.generation().map_err(failed)? + 1;
        let learned = learned(&state.config.home).map_err(failed)?;
        let Loaded { rules, sources } = rules_of(&config.rules, Some(&learned), &tools, next)
            .map_err(|error| OperationError::BadInput(format!("{error:#}")))?;
        let (treatments, unmeant) = treatments(&config, &state)?;
        let default = config.policy(DEFAULT_POLICY).cloned().unwrap_or_default();
        let (stay, leave): (Vec<_>, Vec<_>) = state
            .config
            .agents
            .iter()
            .cloned()
            .partition(|old| config.agents.iter().any(|new| is_same(old, new)));
        let come: Vec<AgentConfig> =
            config.agents.iter().filter(|new| !stay.iter().any(|old| is_same(old, new))).cloned().collect();
        for agent in &come {
            if leave.iter().any(|old| old.name == agent.name) {
                continue;
            }
            let may = folder(&agent.whereabouts)
                .and_then(|folder| Ok(self.gate.may_enrol(&agent.name, &folder)?));
            if let Err(NotNow::Never(error)) = may {
                return Err(OperationError::BadInput(format!("agent {}: {error}", agent.name)));
            }
        }

        // Then the record of it.
        let at_next_start = changed_at_start(&state.config, &config);
        let note =
            format!("{} rules, {} agents in the configuration", rules.rules().len(), config.agents.len());
        self.ledger.administer(by, "reloaded", "configuration and rules", &note).map_err(failed)?;
        self.ledger.rules_in_force(next, &sources, by).and_then(Receipt::wait).map_err(failed)?;

        // Then it is done. What an older engine still decides carries the number before, so the kernel does not
        // remember it.
        let generation = self.gate.raise_generation().map_err(failed)?;
        let rule_count = rules.rules().len();
        self.engine.change(|engine| {
            engine.tools = Arc::new(tools);
            engine.rules = Arc::new(rules);
            engine.default = Arc::new(default.clone());
            engine.treatments.clone_from(&treatments);
        });
        self.desk.tell(Input::PolicySet { agent: None, policy: default.tickets });
        for agent in &leave {
            self.end_if_gated(&agent.name)?;
        }
        for name in &unmeant {
            self.end_if_gated(name)?;
        }
        self.forget_instances(&mut state, &unmeant);
        for agent in &leave {
            self.absences.end(&agent.name);
        }
        for (name, treated) in &treatments {
            self.treat(name, &treated.policy, &treated.treatment);
            if self.gate.id_of(name).is_some() {
                self.gate.treat(name, flags_of(&treated.treatment))?;
            }
        }
        state.config = config;
        drop(state);
        self.look_after_agents();
        self.look_for_containers();

        let names = |agents: Vec<AgentConfig>| agents.into_iter().map(|agent| agent.name).collect();
        let enrolled = come.into_iter().filter(|agent| self.gate.id_of(&agent.name).is_some()).collect();
        let done = Reloaded {
            generation,
            rules: rule_count,
            enrolled: names(enrolled),
            withdrawn: names(leave),
            at_next_start,
        };
        say(&format!("configuration and rules were read again, by {by}: {note}"));
        Ok(done)
    }

    pub(super) fn end_if_gated(&self, name: &str) -> Result<(), OperationError> {
        if self.gate.id_of(name).is_some() { self.end_gate(name) } else { Ok(()) }
    }
}

/// How every agent is treated from now on, also those that were enrolled while the daemon ran; and those that nothing
/// means any more.
fn treatments(
    config: &Config,
    state: &State,
) -> Result<(BTreeMap<String, Treated>, Vec<String>), OperationError> {
    let mut treatments = BTreeMap::new();
    for agent in config.agents.iter().filter(|agent| !agent.whereabouts.is_for_many()) {
        let treatment = Arc::new(agent.treatment.clone());
        treatments.insert(agent.name.clone(), Treated { policy: agent.policy.clone(), treatment });
    }
    for entry in &state.book.entries {
        if treatments.contains_key(&entry.name) {
            let text =
                format!("an agent that was enrolled by {} is called {:?} already", entry.by, entry.name);
            return Err(OperationError::BadInput(text));
        }
        let Some(policy) = config.policy(&entry.policy) else {
            let text = format!(
                "agent {:?} is treated by the policy {:?}: keep it, or withdraw the agent first",
                entry.name, entry.policy
            );
            return Err(OperationError::BadInput(text));
        };
        let treatment = Arc::new(with_mode(policy, entry));
        treatments.insert(entry.name.clone(), Treated { policy: entry.policy.clone(), treatment });
    }
    for standing in &state.standing.entries {
        if config.policy(&standing.policy).is_none() {
            let text = format!(
                "agents {:?} are treated by the policy {:?}: keep it, or withdraw them first",
                standing.name, standing.policy
            );
            return Err(OperationError::BadInput(text));
        }
    }
    let classes = all_classes(config, &state.standing.entries);
    let mut unmeant = Vec::new();
    for instance in &state.instances.entries {
        match class_of(&classes, instance) {
            Some(class) => {
                let treatment = Arc::new(class.treatment.clone());
                let treated = Treated { policy: class.policy.clone(), treatment };
                treatments.insert(instance.name.clone(), treated);
            }
            None => unmeant.push(instance.name.clone()),
        }
    }
    Ok((treatments, unmeant))
}

fn is_same(old: &AgentConfig, new: &AgentConfig) -> bool {
    old.name == new.name && old.whereabouts == new.whereabouts
}

/// What is read at the start only.
fn changed_at_start(old: &Config, new: &Config) -> Vec<String> {
    let changed = [
        ("home", old.home != new.home),
        ("bpffs", old.bpffs != new.bpffs),
        ("ring_kib", old.ring_kib != new.ring_kib),
        ("grace", old.grace != new.grace),
        ("canary", old.canary != new.canary),
        ("[log]", old.log != new.log),
        ("[api]", old.api != new.api),
        ("[notifications]", old.notifications != new.notifications),
    ];
    changed.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name.to_owned()).collect()
}
