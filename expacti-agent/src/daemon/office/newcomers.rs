//! New cgroups: whose they are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::book::{Instance, Standing};
use super::super::say;
use super::agents::{CONFIGURATION, fixed, inode};
use super::expected::{expected, is_ours};
use super::{Office, State, failed, flags_of};
use crate::config::{AgentConfig, Config, Treatment, Whereabouts};
use crate::containers::{Identity, Said, Template, in_path};
use crate::kernel::{Names, cgroups_below, folder_of_id};
use crate::operations::OperationError;

/// How far below a folder containers are looked for when the daemon starts.
const DEEPEST: usize = 8;

/// What came of a look at a new cgroup.
pub(crate) enum Told {
    /// It is an agent's, or free.
    Done,
    /// Its runtime does not say.
    NotYet {
        /// Where it is.
        folder: PathBuf,
        /// Why.
        why: String,
    },
}

impl Office {
    /// Says whose a new cgroup is.
    pub(crate) fn newcomer(&self, id: u64) -> Told {
        let Some(folder) = folder_of_id(id) else {
            self.gate.release(id);
            return Told::Done;
        };
        if self.gate.new_for(id).is_none() {
            // Only others are expected below it.
            self.expect();
            return Told::Done;
        }
        let told = match self.configured_at(&folder) {
            Some(agent) => self.take_up_at(&agent, &folder, id),
            None => self.consider(&folder),
        };
        if matches!(told, Told::Done) {
            // Where it became an agent's there is nothing to release.
            self.gate.release(id);
        }
        told
    }

    /// Gates a cgroup that fits what is said of many, if it does.
    pub(crate) fn consider(&self, folder: &Path) -> Told {
        if is_ours(folder) {
            return Told::Done;
        }
        let classes = classes(&self.state());
        if let Some(class) = classes.iter().find(|class| is_like(class, folder)) {
            return told(folder, self.enrol_instance(class, folder, None));
        }
        let selects = classes.iter().any(|class| matches!(class.whereabouts, Whereabouts::Selected(_)));
        let Some(found) = in_path(folder).filter(|found| selects && found.folder == folder) else {
            return Told::Done;
        };
        let settings = self.state().config.containers.clone();
        // Without the lock: it may take a while.
        match settings.ask(&found) {
            Ok(Said::Known(identity)) => match classes.iter().find(|class| selects_it(class, &identity)) {
                Some(class) => told(folder, self.enrol_instance(class, folder, Some(*identity))),
                None => Told::Done,
            },
            Ok(Said::Infrastructure) => Told::Done,
            Err(why) => Told::NotYet { folder: folder.to_owned(), why: why.to_string() },
        }
    }

    /// Those of which nobody has said whose they are.
    pub(crate) fn newcomers(&self) -> Vec<u64> {
        self.gate.newcomers()
    }

    /// Whether its fail mode decides about it by now.
    pub(crate) fn is_overdue(&self, id: u64) -> bool {
        self.gate.new_for(id).is_some_and(|age| age >= self.state().config.containers.patience)
    }

    pub(crate) fn alarm_unknown(&self, folder: &Path, why: &str) {
        let text = format!("{}: whose it is cannot be told: {why}", folder.display());
        say(&format!("ALARM: {text}"));
        self.ledger.alarm("container-unknown", text);
    }

    /// Containers, and cgroups that fit a pattern, which are there and not gated.
    pub(crate) fn found_containers(&self) -> Vec<PathBuf> {
        let state = self.state();
        let mut found = Vec::new();
        for expected in expected(&state) {
            if matches!(expected.names, Names::Below { .. }) {
                found.extend(cgroups_below(&expected.folder, DEEPEST));
            }
        }
        let classes = classes(&state);
        found.retain(|folder| {
            let is_container = in_path(folder).is_some_and(|found| found.folder == *folder);
            let is_gated = state.instances.entries.iter().any(|instance| instance.cgroup == *folder);
            (is_container || classes.iter().any(|class| is_like(class, folder))) && !is_gated
        });
        found.sort();
        found.dedup();
        found
    }

    /// Gates what is there already of what is said of many.
    pub(super) fn look_for_containers(&self) {
        for folder in self.found_containers() {
            self.consider(&folder);
        }
    }

    /// Tells the kernel where agents are expected.
    pub(crate) fn expect(&self) {
        self.expect_all(&self.state());
    }

    pub(super) fn expect_all(&self, state: &State) {
        let expected = expected(state);
        let told = self
            .gate
            .set_patience(state.config.containers.patience)
            .and_then(|()| self.gate.expect(&expected));
        if let Err(error) = told {
            self.ledger.alarm("agents-not-expected", error.to_string());
        }
    }

    /// Cgroups that an earlier daemon gated and nobody names any more.
    pub(crate) fn let_go_of_the_nameless(&self) {
        match self.gate.let_go_of_the_nameless() {
            Ok(0) => {}
            Ok(count) => {
                say(&format!(
                    "{count} cgroups that an earlier daemon gated are named nowhere any more, and free"
                ));
            }
            Err(error) => self.ledger.alarm("agent-not-withdrawn", error.to_string()),
        }
    }

    /// The agent of the configuration that lives exactly there.
    fn configured_at(&self, folder: &Path) -> Option<AgentConfig> {
        let lives_there = |agent: &&AgentConfig| match &agent.whereabouts {
            Whereabouts::Cgroup(path) => path == folder,
            Whereabouts::Unit(name) => folder.ends_with(name),
            Whereabouts::Pattern(_) | Whereabouts::Selected(_) => false,
        };
        fixed(&self.state()).iter().find(lives_there).cloned()
    }

    /// Gates an agent of the configuration whose cgroup has just come.
    fn take_up_at(&self, agent: &AgentConfig, folder: &Path, id: u64) -> Told {
        let mut state = self.state();
        match self.gate.id_of(&agent.name) {
            // Found by the look around before us.
            Some(known) if known == id => return Told::Done,
            // Two of one name.
            Some(_) if self.gate.is_there(&agent.name) => return Told::Done,
            Some(_) => self.let_go(&agent.name, "its cgroup is gone"),
            None => {}
        }
        told(folder, self.gate_at(&mut state, agent, folder))
    }

    fn enrol_instance(
        &self,
        class: &AgentConfig,
        folder: &Path,
        identity: Option<Identity>,
    ) -> Result<(), OperationError> {
        let mut state = self.state();
        let name = self.free_name(&mut state, class, folder, identity.as_ref());
        let container = identity.as_ref().map(|identity| Arc::new(identity.shown.clone()));
        // Treated before it is gated, so that its first exec is already judged by its own policy.
        self.treat(&name, &class.policy, &class.treatment);
        let flags = flags_of(&class.treatment);
        let enrolled = inode(folder).map_err(failed).and_then(|id| {
            self.gate.enrol(&name, folder, flags, container)?;
            Ok(id)
        });
        let id = match enrolled {
            Ok(id) => id,
            Err(error) => {
                self.forget(&name);
                return Err(error);
            }
        };
        let what = shown(folder, identity.as_ref());
        let when = match self.gate.agent(id) {
            Some(member) if member.late => "it had begun before",
            Some(_) | None => "before its first exec",
        };
        self.ledger.note_administered(CONFIGURATION, "agent-enrolled", &name, &format!("{what}, {when}"));
        let instance = Instance {
            name: name.clone(),
            class: class.name.clone(),
            cgroup: folder.to_owned(),
            id,
            identity,
        };
        if let Err(error) = state.instances.change(|instances| instances.push(instance)) {
            self.ledger.alarm("agents-not-saved", error.to_string());
        }
        say(&format!("agent {name}: {what} is gated, {when}"));
        Ok(())
    }

    /// The name that an agent's is made to, and another where that is taken.
    fn free_name(
        &self,
        state: &mut State,
        class: &AgentConfig,
        folder: &Path,
        identity: Option<&Identity>,
    ) -> String {
        let Ok(template) = Template::parse(&class.name) else { return class.name.clone() };
        let name = match identity {
            Some(identity) => template.of(identity),
            None => template.of_cgroup(folder),
        };
        if self.gate.id_of(&name).is_none() {
            return name;
        }
        if !self.gate.is_there(&name) {
            // The same container in an earlier life.
            self.let_go(&name, "its cgroup is gone");
            self.forget_instances(state, std::slice::from_ref(&name));
            return name;
        }
        let number = inode(folder).unwrap_or_default();
        format!("{}-{number}", name.chars().take(43).collect::<String>())
    }

    /// Lets go of agents whose cgroup is gone.
    pub(super) fn look_after_instances(&self, state: &mut State) {
        let gone: Vec<String> = state
            .instances
            .entries
            .iter()
            .filter(|instance| inode(&instance.cgroup).map_or(true, |id| id != instance.id))
            .map(|instance| instance.name.clone())
            .collect();
        for name in &gone {
            self.let_go(name, "its cgroup is gone");
        }
        self.forget_instances(state, &gone);
    }

    pub(super) fn forget_instances(&self, state: &mut State, names: &[String]) {
        if names.is_empty() {
            return;
        }
        let kept =
            state.instances.change(|instances| instances.retain(|instance| !names.contains(&instance.name)));
        if let Err(error) = kept {
            self.ledger.alarm("agents-not-saved", error.to_string());
        }
    }

    /// Gates again what an earlier daemon gated, as far as it is there and still meant.
    pub(super) fn take_up_instances(&self, state: &mut State) -> Result<(), OperationError> {
        let classes = classes(state);
        let mut gone = Vec::new();
        for instance in state.instances.entries.clone() {
            let is_there = inode(&instance.cgroup).is_ok_and(|id| id == instance.id);
            let Some(class) = class_of(&classes, &instance).filter(|_| is_there) else {
                gone.push(instance.name);
                continue;
            };
            let container = instance.identity.as_ref().map(|identity| Arc::new(identity.shown.clone()));
            self.gate.enrol(&instance.name, &instance.cgroup, flags_of(&class.treatment), container)?;
            self.treat(&instance.name, &class.policy, &class.treatment);
            let what = shown(&instance.cgroup, instance.identity.as_ref());
            say(&format!("agent {}: {what} is gated again", instance.name));
        }
        self.forget_instances(state, &gone);
        Ok(())
    }
}

/// One that cannot be gated is not let go: the fail mode decides about it.
fn told<E: std::fmt::Display>(folder: &Path, gated: Result<(), E>) -> Told {
    match gated {
        Ok(()) => Told::Done,
        Err(error) => Told::NotYet { folder: folder.to_owned(), why: error.to_string() },
    }
}

/// What stands for many: of the configuration, and what was enrolled while a daemon ran.
pub(super) fn classes(state: &State) -> Vec<AgentConfig> {
    all_classes(&state.config, &state.standing.entries)
}

/// The same of another configuration.
pub(super) fn all_classes(config: &Config, standing: &[Standing]) -> Vec<AgentConfig> {
    let configured = config.agents.iter().filter(|agent| agent.whereabouts.is_for_many()).cloned();
    let enrolled = standing.iter().filter_map(|standing| {
        let mut treatment: Treatment = config.policy(&standing.policy)?.clone();
        if let Some(mode) = standing.mode {
            treatment.mode = mode.into();
        }
        Some(AgentConfig {
            name: standing.name.clone(),
            whereabouts: Whereabouts::Selected(standing.select.clone()),
            policy: standing.policy.clone(),
            treatment,
        })
    });
    configured.chain(enrolled).collect()
}

/// What an agent is of, among these.
pub(super) fn class_of<'c>(classes: &'c [AgentConfig], instance: &Instance) -> Option<&'c AgentConfig> {
    classes.iter().find(|class| match &instance.identity {
        Some(identity) => selects_it(class, identity),
        None => is_like(class, &instance.cgroup),
    })
}

fn selects_it(class: &AgentConfig, identity: &Identity) -> bool {
    matches!(&class.whereabouts, Whereabouts::Selected(selector) if selector.fits(identity))
}

fn is_like(class: &AgentConfig, folder: &Path) -> bool {
    let Whereabouts::Pattern(pattern) = &class.whereabouts else { return false };
    let (mut wanted, mut found) = (pattern.components(), folder.components());
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some(wanted), Some(found)) => {
                let (wanted, found) =
                    (wanted.as_os_str().to_string_lossy(), found.as_os_str().to_string_lossy());
                if !crate::containers::fits(&wanted, &found) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

fn shown(folder: &Path, identity: Option<&Identity>) -> String {
    match identity {
        Some(Identity { shown, .. }) => {
            let pod = match (&shown.namespace, &shown.pod) {
                (Some(namespace), Some(pod)) => format!(" of pod {namespace}/{pod}"),
                (None, Some(pod)) => format!(" of pod {pod}"),
                (_, None) => String::new(),
            };
            format!("{} container {}{pod} ({})", shown.runtime, shown.name, shown.image)
        }
        None => folder.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNT: &str = "/sys/fs/cgroup";

    #[test]
    fn a_pattern_fits_whole_paths() {
        let class = AgentConfig {
            name: "job-{cgroup}".to_owned(),
            whereabouts: Whereabouts::Pattern("/sys/fs/cgroup/jobs.slice/*/run-*".into()),
            policy: "default".to_owned(),
            treatment: Treatment::default(),
        };
        for (folder, is_so) in
            [("jobs.slice/a/run-1", true), ("jobs.slice/a", false), ("jobs.slice/a/run-1/b", false)]
        {
            assert_eq!(is_like(&class, &Path::new(MOUNT).join(folder)), is_so, "{folder}");
        }
    }
}
