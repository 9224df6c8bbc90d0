//! Enrolling and withdrawing while the daemon runs, and finding agents that come and go.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use expacti_core::docket::{Input, Withdrawal};

use super::super::book::{Entry, Standing};
use super::super::say;
use super::expected::may_come_back;
use super::newcomers::classes;
use super::{Office, State, failed, flags_of, unit};
use crate::clock::epoch_seconds;
use crate::config::{AgentConfig, Treatment, Whereabouts, check_template};
use crate::kernel::EnrolError;
use crate::kernel::cgroup::{CgroupError, folder_of};
use crate::operations::{Enrolment, Home, OperationError};

/// Who enrols what the configuration names.
pub(super) const CONFIGURATION: &str = "the configuration";

impl Office {
    /// Gates everything that the configuration and earlier enrolments name, and lets go of the rest. A cgroup that is
    /// not there is awaited: see [`Office::look_after_agents`].
    pub(crate) fn take_up(&self) -> Result<(), OperationError> {
        {
            let state = self.state();
            may_come_back(&state.config, &state.standing.entries)?;
        }
        // First, so that nothing is made unseen between a look and the next.
        self.expect();
        let mut state = self.state();
        for agent in fixed(&state) {
            self.take_up_configured(&mut state, &agent, false)?;
        }
        self.take_up_instances(&mut state)?;
        let mut gone = Vec::new();
        for entry in state.book.entries.clone() {
            let Some(treatment) = state.config.policy(&entry.policy).map(|policy| with_mode(policy, &entry))
            else {
                let text = format!(
                    "agent {:?} was enrolled with the policy {:?}, which the configuration does not have any more; \
                     add it again, or remove the agent from agents.json in the home",
                    entry.name, entry.policy
                );
                return Err(OperationError::BadInput(text));
            };
            if entry.unit.is_some() {
                continue;
            }
            if inode(&entry.cgroup).is_ok_and(|id| id == entry.id) {
                self.gate.enrol(&entry.name, &entry.cgroup, flags_of(&treatment), None)?;
                self.treat(&entry.name, &entry.policy, &treatment);
                say(&format!("agent {}: {} is gated again", entry.name, entry.cgroup.display()));
            } else {
                gone.push(entry.name);
            }
        }
        if !gone.is_empty() {
            state
                .book
                .change(|entries| entries.retain(|entry| !gone.contains(&entry.name)))
                .map_err(failed)?;
        }
        Ok(())
    }

    /// Gates an agent of the configuration, or waits for its cgroup.
    fn take_up_configured(
        &self,
        state: &mut State,
        agent: &AgentConfig,
        was_gated: bool,
    ) -> Result<(), OperationError> {
        match folder(&agent.whereabouts).and_then(|folder| self.gate_at(state, agent, &folder)) {
            Ok(()) => Ok(()),
            Err(NotNow::Absent(why)) => {
                self.treat(&agent.name, &agent.policy, &agent.treatment);
                if self.absences.note(&agent.name, &why, was_gated, epoch_seconds()) {
                    say(&format!("agent {} is awaited: {why}", agent.name));
                }
                Ok(())
            }
            Err(NotNow::Never(error)) => Err(error),
        }
    }

    /// Gates an agent of the configuration where it lives.
    pub(super) fn gate_at(
        &self,
        state: &mut State,
        agent: &AgentConfig,
        folder: &Path,
    ) -> Result<(), NotNow> {
        // Treated before it is gated, so that its first exec is already judged by its own policy.
        self.treat(&agent.name, &agent.policy, &agent.treatment);
        self.gate.enrol(&agent.name, folder, flags_of(&agent.treatment), None)?;
        if let Whereabouts::Unit(name) = &agent.whereabouts {
            state.has_seen(name, folder);
        }
        self.absences.end(&agent.name);
        say(&format!("agent {}: {} is gated", agent.name, folder.display()));
        Ok(())
    }

    /// Looks for agents whose cgroup came, went, or was made anew, as systemd does when it restarts a unit. The
    /// kernel tells of a new one before anything runs in it; this finds what it was not asked about.
    pub(crate) fn look_after_agents(&self) {
        let mut state = self.state();
        for agent in fixed(&state) {
            let known = self.gate.id_of(&agent.name);
            if let Some(known) = known {
                if folder(&agent.whereabouts).is_ok_and(|folder| inode(&folder).is_ok_and(|id| id == known)) {
                    continue;
                }
                self.let_go(&agent.name, "its cgroup is gone");
            }
            if let Err(error) = self.take_up_configured(&mut state, &agent, known.is_some()) {
                let text = error.to_string();
                // Once: it is tried again and again.
                if self.absences.note(&agent.name, &text, known.is_some(), epoch_seconds()) {
                    self.ledger.alarm("agent-not-gated", format!("agent {}: {text}", agent.name));
                }
            }
        }
        let gone: Vec<String> = state
            .book
            .entries
            .iter()
            .filter(|entry| entry.unit.is_none() && inode(&entry.cgroup).map_or(true, |id| id != entry.id))
            .map(|entry| entry.name.clone())
            .collect();
        for name in &gone {
            self.let_go(name, "its cgroup is gone");
        }
        if !gone.is_empty()
            && let Err(error) =
                state.book.change(|entries| entries.retain(|entry| !gone.contains(&entry.name)))
        {
            self.ledger.alarm("agents-not-saved", error.to_string());
        }
        self.look_after_instances(&mut state);
        drop(state);
        self.expect();
    }

    /// Whether agents may come at any moment: those that have a place and are not there, and those of which there are many.
    /// A folder in which such are expected can go and come without a sign of it.
    pub(crate) fn awaits_agents(&self) -> bool {
        !self.absences.is_empty() || !classes(&self.state()).is_empty()
    }

    pub(super) fn enrol_one(&self, wanted: Enrolment, by: &str) -> Result<(), OperationError> {
        let mut state = self.state();
        let Enrolment { name, home, policy, mode } = wanted;
        let mut treatment = state.config.policy(&policy).cloned().ok_or_else(|| {
            let names: Vec<&str> = state.config.policies.keys().map(String::as_str).collect();
            let known = names.join(", ");
            OperationError::BadInput(format!(
                "there is no policy {policy:?} in the configuration, only {known}"
            ))
        })?;
        if let Some(mode) = mode {
            treatment.mode = mode;
        }
        let mut named = None;
        let folder = match home {
            Home::Cgroup(path) => path,
            Home::Unit(name) => {
                let folder = unit(&name)?;
                named = Some(name);
                folder
            }
            Home::Pid(pid) => of_process(pid)?,
            Home::Selected(select) => {
                drop(state);
                return self.enrol_selected(Standing {
                    name,
                    select,
                    policy,
                    mode: mode.map(Into::into),
                    by: by.to_owned(),
                });
            }
        };
        self.gate.may_enrol(&name, &folder)?;
        if state.config.agents.iter().any(|agent| agent.name == name) {
            return Err(OperationError::Conflict(format!(
                "the configuration names an agent {name:?}; give another name"
            )));
        }
        let id = inode(&folder).map_err(failed)?;
        let shown = folder.display().to_string();
        self.ledger.administer(by, "agent-enrolled", &name, &shown).map_err(failed)?;
        let entry = Entry {
            name: name.clone(),
            cgroup: folder.clone(),
            id,
            unit: named.clone(),
            policy: policy.clone(),
            mode: mode.map(Into::into),
            by: by.to_owned(),
        };
        state.book.change(|entries| entries.push(entry)).map_err(failed)?;
        self.treat(&name, &policy, &treatment);
        if let Some(unit) = named {
            state.has_seen(&unit, &folder);
            // Before it is gated: it may be restarted at any moment, and what runs then is not to run unseen.
            self.expect_all(&state);
        }
        if let Err(error) = self.gate.enrol(&name, &folder, flags_of(&treatment), None) {
            self.forget(&name);
            state.book.change(|entries| entries.retain(|entry| entry.name != name)).map_err(failed)?;
            return Err(error.into());
        }
        say(&format!("agent {name}: {shown} is gated, by {by}"));
        Ok(())
    }

    /// Gates every container that a selector means, now and later.
    fn enrol_selected(&self, standing: Standing) -> Result<(), OperationError> {
        let whereabouts = Whereabouts::Selected(standing.select.clone());
        standing.select.check().map_err(OperationError::BadInput)?;
        check_template(&standing.name, &whereabouts).map_err(|help| {
            OperationError::BadInput(format!("{:?} is no name for many; {help}", standing.name))
        })?;
        let mut state = self.state();
        let is_taken = classes(&state).iter().any(|class| class.name == standing.name)
            || state.config.agents.iter().any(|agent| agent.name == standing.name)
            || self.gate.id_of(&standing.name).is_some();
        if is_taken {
            let text = format!("an agent is called {:?} already; give another name", standing.name);
            return Err(OperationError::Conflict(text));
        }
        let with_it = [state.standing.entries.as_slice(), std::slice::from_ref(&standing)].concat();
        may_come_back(&state.config, &with_it)?;
        let shown = serde_json::to_string(&standing.select).unwrap_or_default();
        self.ledger.administer(&standing.by, "selector-enrolled", &standing.name, &shown).map_err(failed)?;
        say(&format!("agents {}: containers {shown} are gated, by {}", standing.name, standing.by));
        state.standing.change(|entries| entries.push(standing)).map_err(failed)?;
        drop(state);
        self.expect();
        self.look_for_containers();
        Ok(())
    }

    /// Ends what a selector stands for.
    fn withdraw_selected(&self, state: &mut State, name: &str, by: &str) -> Result<(), OperationError> {
        self.ledger.administer(by, "selector-withdrawn", name, "").map_err(failed)?;
        state.standing.change(|entries| entries.retain(|entry| entry.name != name)).map_err(failed)?;
        let of_it = state.instances.entries.iter().filter(|instance| instance.class == name);
        let names: Vec<String> = of_it.map(|instance| instance.name.clone()).collect();
        for instance in &names {
            self.end_gate(instance)?;
        }
        self.forget_instances(state, &names);
        say(&format!("agents {name}: containers are not gated any more, by {by}"));
        Ok(())
    }

    pub(super) fn withdraw_one(&self, name: &str, by: &str) -> Result<(), OperationError> {
        let mut state = self.state();
        if state.config.agents.iter().any(|agent| agent.name == name) {
            let text =
                format!("agent {name:?} is in the configuration: take it out there, then `expacti reload`");
            return Err(OperationError::Conflict(text));
        }
        if state.standing.entries.iter().any(|standing| standing.name == name) {
            self.withdraw_selected(&mut state, name, by)?;
            drop(state);
            self.expect();
            return Ok(());
        }
        if let Some(instance) = state.instances.entries.iter().find(|instance| instance.name == name) {
            let text = format!(
                "agent {name:?} is one of {:?}: take that out of the configuration, or withdraw it",
                instance.class
            );
            return Err(OperationError::Conflict(text));
        }
        let is_awaited = state.book.entries.iter().any(|entry| entry.name == name);
        if self.gate.id_of(name).is_none() && !is_awaited {
            return Err(OperationError::UnknownAgent(name.to_owned()));
        }
        self.ledger.administer(by, "agent-withdrawn", name, "").map_err(failed)?;
        if let Err(error) = self.end_if_gated(name) {
            self.ledger.note_administered(by, "agent-not-withdrawn", name, &error.to_string());
            return Err(error);
        }
        state.book.change(|entries| entries.retain(|entry| entry.name != name)).map_err(failed)?;
        self.absences.end(name);
        say(&format!("agent {name} is not gated any more, by {by}"));
        Ok(())
    }

    /// Ends the gate around an agent, and what waits there.
    pub(super) fn end_gate(&self, name: &str) -> Result<(), OperationError> {
        for ticket in self.gate.withdraw(name)? {
            self.desk.tell(Input::Withdrawn { ticket, why: Withdrawal::AgentWithdrawn });
        }
        self.desk.tell(Input::AgentGone { agent: name.to_owned() });
        self.forget(name);
        Ok(())
    }

    pub(super) fn let_go(&self, name: &str, why: &str) {
        self.ledger.note_administered(CONFIGURATION, "agent-withdrawn", name, why);
        match self.end_gate(name) {
            Ok(()) => say(&format!("agent {name} is not gated any more: {why}")),
            Err(error) => self.ledger.alarm("agent-not-withdrawn", format!("agent {name}: {error}")),
        }
    }

    pub(super) fn forget(&self, name: &str) {
        self.engine.change(|engine| {
            engine.treatments.remove(name);
        });
    }
}

/// Agents of one place each: of the configuration, and units that were enrolled while a daemon ran.
pub(super) fn fixed(state: &State) -> Vec<AgentConfig> {
    let configured = state.config.agents.iter().filter(|agent| !agent.whereabouts.is_for_many()).cloned();
    let units = state.book.entries.iter().filter_map(|entry| {
        Some(AgentConfig {
            name: entry.name.clone(),
            whereabouts: Whereabouts::Unit(entry.unit.clone()?),
            policy: entry.policy.clone(),
            treatment: with_mode(state.config.policy(&entry.policy)?, entry),
        })
    });
    configured.chain(units).collect()
}

/// Why an agent of the configuration is not gated.
pub(super) enum NotNow {
    /// Its cgroup is not there.
    Absent(String),
    /// It cannot be gated at all.
    Never(OperationError),
}

impl std::fmt::Display for NotNow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Absent(why) => f.write_str(why),
            Self::Never(error) => write!(f, "{error}"),
        }
    }
}

impl From<EnrolError> for NotNow {
    fn from(error: EnrolError) -> Self {
        if let EnrolError::Cgroup(CgroupError::Io { source, .. }) = &error
            && source.kind() == io::ErrorKind::NotFound
        {
            return Self::Absent(error.to_string());
        }
        Self::Never(error.into())
    }
}

/// The folder where an agent of the configuration lives.
pub(super) fn folder(whereabouts: &Whereabouts) -> Result<PathBuf, NotNow> {
    match whereabouts {
        Whereabouts::Cgroup(path) => Ok(path.clone()),
        Whereabouts::Unit(name) => unit(name).map_err(|error| NotNow::Absent(error.to_string())),
        Whereabouts::Pattern(_) | Whereabouts::Selected(_) => {
            Err(NotNow::Absent("it stands for many".to_owned()))
        }
    }
}

pub(super) fn inode(folder: &Path) -> io::Result<u64> {
    Ok(std::fs::metadata(folder)?.ino())
}

fn of_process(pid: u32) -> Result<PathBuf, OperationError> {
    let folder = folder_of(pid)
        .map_err(|error| OperationError::BadInput(format!("process {pid}: {error}; does it live?")))?;
    // Parked by us: its own cgroup is the one around.
    Ok(match folder.parent() {
        Some(around) if crate::kernel::is_parking(&folder) => around.to_owned(),
        Some(_) | None => folder,
    })
}

pub(super) fn with_mode(policy: &Treatment, entry: &Entry) -> Treatment {
    let mut treatment = policy.clone();
    if let Some(mode) = entry.mode {
        treatment.mode = mode.into();
    }
    treatment
}
