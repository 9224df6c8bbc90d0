//! What an agent ran just before: the context in which a human judges the next command.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use expacti_core::docket::{Author, Change, Outcome, Record};
use expacti_core::request::{ExecRequest, Script};
use expacti_core::untrusted::Untrusted;

const KEPT_PER_AGENT: usize = 20;
const AGENTS: usize = 1_024;
const SCRIPTS: usize = 256;

/// One exec of the past.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    /// Its ticket.
    pub(crate) ticket: u64,
    /// On the docket's clock.
    pub(crate) at_ms: u64,
    /// What it wanted to run.
    pub(crate) request: Arc<ExecRequest>,
    /// How it ended, where it has.
    pub(crate) outcome: Option<Outcome>,
}

/// A script as it was when it was let run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// Its text.
    pub(crate) script: Script,
    /// Who approved it; nobody where it ran without being asked about.
    pub(crate) by: Vec<String>,
}

/// The last execs of each agent, and the last versions of the scripts that were let run.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    agents: BTreeMap<String, VecDeque<Past>>,
    scripts: VecDeque<(String, Version)>,
    claims: BTreeMap<String, Untrusted>,
}

impl Recent {
    pub(super) fn see(&mut self, record: &Record) {
        let (Some(agent), Some(ticket)) = (&record.agent, record.ticket) else { return };
        if let Change::Opened { request, .. } = &record.change {
            if !self.agents.contains_key(agent) && self.agents.len() >= AGENTS {
                self.agents.pop_first();
            }
            let past = self.agents.entry(agent.clone()).or_default();
            if past.len() >= KEPT_PER_AGENT {
                past.pop_front();
            }
            let request = Arc::clone(request);
            past.push_back(Past { ticket, at_ms: record.at_ms, request, outcome: None });
        }
        if let Change::Ended { outcome, .. } = &record.change {
            let past =
                self.agents.get_mut(agent).and_then(|past| past.iter_mut().find(|p| p.ticket == ticket));
            let Some(past) = past else { return };
            past.outcome = Some(outcome.clone());
            if let (Outcome::Allowed { by, .. }, Some(script)) = (outcome, past.request.script.clone()) {
                let by = if let Author::Humans { names } = by { names.clone() } else { Vec::new() };
                self.keep(agent, Version { script, by });
            }
        }
    }

    /// What the agent wanted to run before this ticket, oldest first.
    pub(crate) fn before(&self, agent: &str, ticket: u64) -> Vec<Past> {
        let past = self.agents.get(agent).into_iter().flatten();
        past.filter(|past| past.ticket < ticket).cloned().collect()
    }

    /// The script of the same path that people last approved for the agent, or else that it last ran.
    pub(crate) fn last_version(&self, agent: &str, script: &Script) -> Option<Version> {
        self.scripts.iter().find(|kept| is_of(kept, agent, script)).map(|(_, kept)| kept.clone())
    }

    /// What an agent says of itself, once it has said anything.
    pub(crate) fn claim(&self, agent: &str) -> Option<&Untrusted> {
        self.claims.get(agent)
    }

    pub(super) fn put_claim(&mut self, agent: String, text: Untrusted) {
        if text.is_empty() {
            self.claims.remove(&agent);
        } else if self.claims.len() < AGENTS || self.claims.contains_key(&agent) {
            self.claims.insert(agent, text);
        }
    }

    fn keep(&mut self, agent: &str, version: Version) {
        let is_same = |kept: &(String, Version)| is_of(kept, agent, &version.script);
        // What people approved is what the next version is held against, whatever ran unasked in between.
        if version.by.is_empty() && self.scripts.iter().any(|kept| is_same(kept) && !kept.1.by.is_empty()) {
            return;
        }
        self.scripts.retain(|kept| !is_same(kept));
        if self.scripts.len() >= SCRIPTS {
            self.scripts.pop_front();
        }
        self.scripts.push_back((agent.to_owned(), version));
    }
}

fn is_of((name, kept): &(String, Version), agent: &str, script: &Script) -> bool {
    name == agent && kept.script.path == script.path
}
