//! What administrators do to the running daemon: reload, enrol, withdraw.
//!
//! Everything here is a transaction: it is checked whole, recorded, and only then done.

mod absences;
mod agents;
mod expected;
mod learn;
mod newcomers;
mod reload;
mod rules;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use expacti_abi::control::agent;
use expacti_agent::log::Health;
use expacti_core::docket::Input;
use expacti_core::record::secrets::Masker;
use expacti_core::remember::Suggestion;
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::absences::Absences;
pub(crate) use self::newcomers::Told;
use super::book::{Book, Entry, Instance, Standing as StandingSelector};
use super::engine::{InForce, Treated};
use super::ledger::Ledger;
use super::metrics::{Metrics, Page};
use crate::config::{Config, FailMode, Hold, Mistakes, Mode, Treatment};
use crate::desk::Desk;
use crate::kernel::{EnrolError, Gate};
use crate::operations::{Absent, Enrolment, OperationError, Operations, Reloaded, Standing, StoredRules};

/// Reads the configuration again, as the daemon was told to at its start.
pub(crate) type Loader = Box<dyn Fn() -> Result<Config, Mistakes> + Send + Sync>;

/// The rooms that it changes things in.
pub(crate) struct Rooms {
    pub(crate) gate: Arc<Gate>,
    pub(crate) desk: Desk,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) engine: Arc<InForce>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) masker: Masker,
}

/// See the module.
pub(crate) struct Office {
    gate: Arc<Gate>,
    desk: Desk,
    ledger: Arc<Ledger>,
    engine: Arc<InForce>,
    metrics: Arc<Metrics>,
    masker: Masker,
    load: Loader,
    /// One operation at a time.
    state: Mutex<State>,
    /// Agents that have a name and no cgroup. Beside the state, so that whoever lists agents waits for no operation.
    absences: Absences,
}

struct State {
    /// As it is in force.
    config: Config,
    /// Agents that were enrolled while a daemon ran.
    book: Book<Entry>,
    /// Selectors that were.
    standing: Book<StandingSelector>,
    /// Agents that came by selectors and patterns.
    instances: Book<Instance>,
    /// In which folder units were seen last.
    seen: HashMap<String, PathBuf>,
}

impl State {
    /// Where a unit is made again, most likely.
    fn has_seen(&mut self, unit: &str, cgroup: &Path) {
        if let Some(around) = cgroup.parent() {
            self.seen.insert(unit.to_owned(), around.to_owned());
        }
    }
}

impl Office {
    /// Opens it. Nothing is gated yet.
    pub(crate) fn open(config: Config, load: Loader, rooms: Rooms) -> anyhow::Result<Self> {
        let book: Book<Entry> = open(&config.home.join("agents.json"))?;
        let standing = open(&config.home.join("selectors.json"))?;
        let instances = open(&config.home.join("containers.json"))?;
        let unit = |entry: &Entry| Some((entry.unit.clone()?, entry.cgroup.parent()?.to_owned()));
        let seen = book.entries.iter().filter_map(unit).collect();
        let state = Mutex::new(State { config, book, standing, instances, seen });
        let Rooms { gate, desk, ledger, engine, metrics, masker } = rooms;
        let absences = Absences::default();
        Ok(Self { gate, desk, ledger, engine, metrics, masker, load, state, absences })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // It is changed in whole steps.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on engine and desk treat an agent so.
    fn treat(&self, name: &str, policy: &str, treatment: &Treatment) {
        let treated = Treated { policy: policy.to_owned(), treatment: Arc::new(treatment.clone()) };
        self.engine.change(|engine| {
            engine.treatments.insert(name.to_owned(), treated);
        });
        let policy = treatment.tickets.clone();
        self.desk.tell(Input::PolicySet { agent: Some(name.to_owned()), policy });
    }
}

impl Operations for Office {
    fn reload(&self, by: &str) -> Result<Reloaded, OperationError> {
        let done = self.reload_all(by);
        self.metrics.reload(done.is_ok());
        done
    }

    fn enrol(&self, wanted: Enrolment, by: &str) -> Result<(), OperationError> {
        self.enrol_one(wanted, by)
    }

    fn withdraw(&self, agent: &str, by: &str) -> Result<(), OperationError> {
        self.withdraw_one(agent, by)
    }

    fn accept_rule(&self, rule: &Suggestion, by: &str) -> Result<u64, OperationError> {
        self.accept(rule, by)
    }

    fn stored_rules(&self) -> Result<StoredRules, OperationError> {
        self.stored()
    }

    fn edit_rules(&self, text: String, was: &str, by: &str) -> Result<u64, OperationError> {
        self.edit(text, was, by)
    }

    fn standing(&self, agent: &str) -> Option<Standing> {
        let engine = self.engine.now();
        let treated = engine.treatments.get(agent)?;
        let (execs, denied) = self.metrics.of(agent);
        let Treatment { mode, hold, .. } = *treated.treatment;
        Some(Standing { policy: treated.policy.clone(), mode, hold, execs, denied })
    }

    fn absent(&self) -> Vec<Absent> {
        // One that came this very moment is gated, and not absent.
        self.absences.all().into_iter().filter(|absent| self.gate.id_of(&absent.name).is_none()).collect()
    }

    fn unready(&self) -> Option<String> {
        match self.ledger.health() {
            Health::Full { .. } => Some("the exec log cannot store anything".to_owned()),
            Health::Healthy | Health::Spooling { .. } => None,
        }
    }

    fn metrics(&self) -> String {
        let engine = self.engine.now();
        let mut page = Page(self.metrics.text());
        page.family("expacti_info", "gauge", "The daemon's version.");
        page.sample("expacti_info", &[("version", env!("CARGO_PKG_VERSION"))], &1);
        page.family("expacti_agents", "gauge", "Agents that are gated, by mode.");
        for (word, mode) in [("observe", Mode::Observe), ("shadow", Mode::Shadow), ("enforce", Mode::Enforce)]
        {
            let count = engine.treatments.values().filter(|treated| treated.treatment.mode == mode).count();
            page.sample("expacti_agents", &[("mode", word)], &count);
        }
        page.family(
            "expacti_agents_awaited",
            "gauge",
            "Agents of the configuration whose cgroup is not there.",
        );
        page.sample("expacti_agents_awaited", &[], &self.absences.all().len());
        page.family(
            "expacti_agents_fail_open",
            "gauge",
            "Agents whose execs all run while no daemon answers, beyond the grace.",
        );
        let open = |treated: &&Treated| treated.treatment.fail_mode == FailMode::Open;
        page.sample("expacti_agents_fail_open", &[], &engine.treatments.values().filter(open).count());
        page.family("expacti_rules", "gauge", "Rules in force.");
        page.sample("expacti_rules", &[], &engine.rules.rules().len());
        page.family("expacti_rules_generation", "gauge", "The number of the rules in force.");
        page.sample("expacti_rules_generation", &[], &engine.rules.generation());
        page.family(
            "expacti_log_state",
            "gauge",
            "1 where entries of the exec log go: database, spool, or nowhere.",
        );
        let (state, spooled) = match self.ledger.health() {
            Health::Healthy => ("stored", 0),
            Health::Spooling { entries, .. } => ("spooled", entries),
            Health::Full { .. } => ("full", 0),
        };
        for word in ["stored", "spooled", "full"] {
            page.sample("expacti_log_state", &[("state", word)], &u8::from(word == state));
        }
        page.family(
            "expacti_log_waiting_entries",
            "gauge",
            "Entries of the exec log that are not stored yet: how far it is behind.",
        );
        page.sample("expacti_log_waiting_entries", &[], &self.ledger.waiting());
        page.family(
            "expacti_log_spooled_entries",
            "gauge",
            "Entries in the spool, for a database that does not answer.",
        );
        page.sample("expacti_log_spooled_entries", &[], &spooled);
        page.family(
            "expacti_kernel_events_total",
            "counter",
            "What the kernel programs counted since they were loaded.",
        );
        for (name, count) in self.gate.counters() {
            page.sample("expacti_kernel_events_total", &[("event", name)], &count);
        }
        page.0
    }
}

/// The bits that the kernel programs read.
fn flags_of(treatment: &Treatment) -> u32 {
    let watched = match treatment.mode {
        Mode::Observe | Mode::Shadow => agent::OBSERVE,
        Mode::Enforce => 0,
    };
    let open = match treatment.fail_mode {
        FailMode::Open => agent::FAIL_OPEN,
        FailMode::Closed => 0,
    };
    let after = match treatment.hold {
        Hold::After => agent::HOLD_AFTER,
        Hold::Before => 0,
    };
    watched | open | after
}

fn open<T: Clone + Serialize + DeserializeOwned>(path: &Path) -> anyhow::Result<Book<T>> {
    Book::open(path.to_owned())
        .map_err(|error| anyhow::anyhow!("{}: {error}; mend or remove it", path.display()))
}

fn failed(error: impl std::fmt::Display) -> OperationError {
    OperationError::Failed(error.to_string())
}

impl From<EnrolError> for OperationError {
    fn from(error: EnrolError) -> Self {
        match error {
            EnrolError::Cgroup(_) | EnrolError::TooMuch(..) | EnrolError::TooDeep(..) => {
                Self::BadInput(error.to_string())
            }
            EnrolError::Taken(_) | EnrolError::Gated(..) => Self::Conflict(error.to_string()),
            EnrolError::Unknown(name) => Self::UnknownAgent(name),
            EnrolError::Maps(_) | EnrolError::Waits(..) => Self::Failed(error.to_string()),
        }
    }
}

/// The cgroups of this name that are units.
fn unit(name: &str) -> Result<PathBuf, OperationError> {
    let found = crate::kernel::cgroup::named(name);
    match &found[..] {
        [one] => Ok(one.clone()),
        [] => Err(OperationError::BadInput(format!("no cgroup is called {name}; is the unit running?"))),
        [first, ..] => Err(OperationError::BadInput(format!(
            "{} cgroups are called {name}, such as {}; name the one you mean by its path",
            found.len(),
            first.display()
        ))),
    }
}
