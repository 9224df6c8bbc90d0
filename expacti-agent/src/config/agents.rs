//! `[[agent]]`: what is gated from the start.

use std::collections::BTreeMap;
use std::path::PathBuf;

use expacti_core::rules::read::{Item, Table, nearest};

use super::policy::KEYS as POLICY_KEYS;
use super::{DEFAULT_POLICY, Treatment, containers, read};
use crate::containers::{Selector, Template};

/// Where an agent lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// In this cgroup.
    Cgroup(PathBuf),
    /// In the cgroup of this unit of systemd.
    Unit(String),
    /// In every cgroup whose path is like this, each an agent of its own.
    Pattern(PathBuf),
    /// In every container that this means, each an agent of its own.
    Selected(Selector),
}

impl Whereabouts {
    /// Whether it stands for agents that come and go, each with a name of its own.
    pub(crate) fn is_for_many(&self) -> bool {
        matches!(self, Self::Pattern(_) | Self::Selected(_))
    }
}

/// An agent that is gated from the start.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AgentConfig {
    /// Its name, or how the names of its agents are made.
    pub(crate) name: String,
    /// Where it lives.
    pub(crate) whereabouts: Whereabouts,
    /// The policy it begins with.
    pub(crate) policy: String,
    /// That policy, and what is said about this agent alone.
    pub(crate) treatment: Treatment,
}

/// Every agent of a layer. Those that are wrong are left out and named among the problems.
pub(super) fn read(table: &Table<'_>, policies: &BTreeMap<String, Treatment>) -> Vec<AgentConfig> {
    let Some(item) = table.get("agent") else { return Vec::new() };
    let Some(items) = item.array() else {
        item.problem("agents are a list of tables", "begin each with [[agent]]");
        return Vec::new();
    };
    let mut agents: Vec<AgentConfig> = Vec::new();
    for item in &items {
        let Some(agent) = item.table().and_then(|table| agent(&table, policies)) else { continue };
        let place_is_taken = agents.iter().find(|other| other.whereabouts == agent.whereabouts);
        if agents.iter().any(|other| other.name == agent.name) {
            item.problem(
                format!("an agent is called {:?} already", agent.name),
                "give this one another name",
            );
        } else if let Some(other) = place_is_taken {
            item.problem(
                format!("agent {:?} lives there already", other.name),
                "name another place, or leave one out",
            );
        } else {
            agents.push(agent);
        }
    }
    agents
}

fn agent(table: &Table<'_>, policies: &BTreeMap<String, Treatment>) -> Option<AgentConfig> {
    let keys: Vec<&str> =
        ["name", "cgroup", "unit", "select", "policy"].into_iter().chain(POLICY_KEYS).collect();
    table.only(&keys);
    let whereabouts = match (table.get("cgroup"), table.get("unit"), table.get("select")) {
        (Some(item), None, None) => cgroup(&item).map(|path| {
            let is_pattern = path.as_os_str().to_string_lossy().contains('*');
            if is_pattern { Whereabouts::Pattern(path) } else { Whereabouts::Cgroup(path) }
        }),
        (None, Some(item), None) => unit(&item).map(Whereabouts::Unit),
        (None, None, Some(item)) => containers::selector(&item).map(Whereabouts::Selected),
        (None, None, None) => {
            table.problem(
                "it is not said where it lives",
                "write cgroup = \"/sys/fs/cgroup/...\", unit = \"...\" or select = { container = \"...\" }",
            );
            None
        }
        _ => {
            table.problem("`cgroup`, `unit` and `select` each say where it lives", "leave one of them");
            None
        }
    };
    let name = name(table, whereabouts.as_ref());
    let mut policy = DEFAULT_POLICY.to_owned();
    read::text(table, "policy", &mut policy);
    let Some(mut treatment) = policies.get(&policy).cloned() else {
        let names: Vec<&str> = policies.keys().map(String::as_str).collect();
        let help = match nearest(&policy, &names) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("write a table [policy.{policy}], or name one of {}", names.join(", ")),
        };
        if let Some(item) = table.get("policy") {
            item.problem(format!("there is no policy {policy:?}"), help);
        }
        return None;
    };
    treatment.read(table);
    Some(AgentConfig { name: name?, whereabouts: whereabouts?, policy, treatment })
}

fn name(table: &Table<'_>, whereabouts: Option<&Whereabouts>) -> Option<String> {
    let Some(item) = table.get("name") else {
        table.problem("`name` is missing", "give the agent a name of its own");
        return None;
    };
    let name = item.text()?;
    if let Some(many) = whereabouts.filter(|whereabouts| whereabouts.is_for_many()) {
        return match check_template(name, many) {
            Ok(()) => Some(name.to_owned()),
            Err(help) => {
                item.problem(format!("{name:?} is no name for many"), help);
                None
            }
        };
    }
    match check_name(name) {
        Ok(()) => Some(name.to_owned()),
        Err(help) => {
            item.problem(format!("{name:?} is no name"), help);
            None
        }
    }
}

/// The names of those that come and go must differ.
pub(crate) fn check_template(name: &str, of: &Whereabouts) -> Result<(), String> {
    let is_one = matches!(of, Whereabouts::Selected(selector) if selector.names_one());
    let template = Template::parse(name)?;
    if template.has_holes() || is_one {
        return Ok(());
    }
    let hole = if matches!(of, Whereabouts::Pattern(_)) { "cgroup" } else { "container" };
    Err(format!("there may be several: say what tells them apart, as in {name}-{{{hole}}}"))
}

/// Names appear in commands, paths and messages, so they are plain.
pub(crate) fn check_name(name: &str) -> Result<(), &'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(plain)
        && name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    if fits {
        Ok(())
    } else {
        Err("take 1 to 64 letters, digits, - _ or ., and begin with a letter or digit")
    }
}

pub(super) fn cgroup(item: &Item<'_>) -> Option<PathBuf> {
    let path = read::absolute(item)?;
    if path.starts_with("/sys/fs/cgroup") && path.components().count() > 4 {
        return Some(path);
    }
    item.problem(
        format!("{} is no folder below /sys/fs/cgroup", path.display()),
        "name a cgroup of version 2, such as /sys/fs/cgroup/system.slice/ci.service",
    );
    None
}

fn unit(item: &Item<'_>) -> Option<String> {
    let unit = item.text()?;
    let known = [".service", ".slice", ".scope"];
    if known.iter().any(|suffix| unit.len() > suffix.len() && unit.ends_with(suffix)) && !unit.contains('/') {
        return Some(unit.to_owned());
    }
    item.problem(format!("{unit:?} is no unit with a cgroup"), "name a .service, .slice or .scope");
    None
}
