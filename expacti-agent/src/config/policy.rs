//! `[policy.NAME]`: how agents are treated.

use std::collections::BTreeMap;

use expacti_core::docket::Policy as Docketing;
use expacti_core::evaluation::Level;
use expacti_core::policy::{AnomalyPolicy, Policy};
use expacti_core::rules::read::{Item, Table};

use super::layers::Layer;
use super::{DEFAULT_POLICY, read, with};

pub(super) const KEYS: [&str; 18] = [
    "mode",
    "fail_mode",
    "hold",
    "hold_from",
    "never_allow_from",
    "approvals",
    "roles",
    "rule_sets",
    "trusted_folders",
    "timeout",
    "denials",
    "max_pending",
    "grant_ceiling",
    "max_grant",
    "always_up_to",
    "owner",
    "owner_alone",
    "anomaly",
];
const ANOMALY_KEYS: [&str; 5] =
    ["needs_history", "first_time_from", "unusual_hour_from", "unusual_hour_permille", "risky_per_minute"];

/// What the gate does with what it sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Everything runs and is logged.
    Observe,
    /// Everything runs, and the log says what would have been held or denied.
    Shadow,
    /// What must wait waits.
    #[default]
    Enforce,
}

/// What happens while no daemon answers, beyond the grace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FailMode {
    /// Nothing new runs.
    #[default]
    Closed,
    /// Everything runs, and is marked in the log.
    Open,
}

/// Where an exec waits for a human.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Before it happens: a denial is an exec that fails.
    #[default]
    Before,
    /// After it, before the first instruction: the caller goes on, a denial kills.
    After,
}

/// How agents are treated.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Treatment {
    /// What the gate does with what it sees.
    pub(crate) mode: Mode,
    /// What happens while no daemon answers.
    pub(crate) fail_mode: FailMode,
    /// Where an exec waits for a human.
    pub(crate) hold: Hold,
    /// What runs without a human, and what it takes for the rest.
    pub(crate) decide: Policy,
    /// How tickets are treated.
    pub(crate) tickets: Docketing,
}

/// Every policy of every layer. All begin as `default` does.
pub(super) fn read_all(layers: &[Layer<'_>]) -> BTreeMap<String, Treatment> {
    let mut default = Treatment::default();
    for layer in layers {
        with(&layer.table, "policy", |policies| {
            with(policies, DEFAULT_POLICY, |table| {
                table.only(&KEYS);
                default.read(table);
            });
        });
    }
    let mut all = BTreeMap::from([(DEFAULT_POLICY.to_owned(), default.clone())]);
    for layer in layers {
        with(&layer.table, "policy", |policies| {
            for (name, item) in policies.items().filter(|(name, _)| *name != DEFAULT_POLICY) {
                if KEYS.contains(&name) {
                    item.problem(
                        "this is no policy of its own",
                        format!("write it below [policy.{DEFAULT_POLICY}]"),
                    );
                } else if let Some(table) = item.table() {
                    table.only(&KEYS);
                    let mut treatment = default.clone();
                    treatment.read(&table);
                    all.insert(name.to_owned(), treatment);
                }
            }
        });
    }
    all
}

impl Treatment {
    /// Takes over what a table says; what it does not say stays.
    pub(super) fn read(&mut self, table: &Table<'_>) {
        let modes = [("observe", Mode::Observe), ("shadow", Mode::Shadow), ("enforce", Mode::Enforce)];
        read::word(table, "mode", &modes, &mut self.mode);
        let fail_modes = [("closed", FailMode::Closed), ("open", FailMode::Open)];
        read::word(table, "fail_mode", &fail_modes, &mut self.fail_mode);
        read::word(table, "hold", &[("before", Hold::Before), ("after", Hold::After)], &mut self.hold);
        self.read_decide(table);
        self.read_tickets(table);
    }

    fn read_decide(&mut self, table: &Table<'_>) {
        let decide = &mut self.decide;
        read::risk(table, "hold_from", &mut decide.hold_from);
        read::risk(table, "never_allow_from", &mut decide.never_allow_from);
        let approvals = &mut decide.approvals;
        let levels =
            [&mut approvals.low, &mut approvals.medium, &mut approvals.high, &mut approvals.critical];
        read::per_level(table, "approvals", levels, count);
        let roles = &mut decide.roles;
        let levels = [&mut roles.low, &mut roles.medium, &mut roles.high, &mut roles.critical];
        read::per_level(table, "roles", levels, read::set);
        if let Some(item) = table.get("rule_sets") {
            let is_all = matches!(item.value, toml::de::DeValue::String(text) if text == "all");
            decide.rule_sets = if is_all { None } else { read::set(&item) };
        }
        if let Some(folders) = table.get("trusted_folders").and_then(|item| {
            read::texts(&item)?;
            item.array()
        }) {
            let absolute = folders.iter().filter_map(read::absolute);
            decide.trusted_folders = absolute.map(|path| path.display().to_string()).collect();
        }
        with(table, "anomaly", |table| anomaly(table, &mut decide.anomaly));
    }

    fn read_tickets(&mut self, table: &Table<'_>) {
        let tickets = &mut self.tickets;
        let timeout = &mut tickets.timeout_ms;
        let levels = [&mut timeout.low, &mut timeout.medium, &mut timeout.high, &mut timeout.critical];
        read::per_level(table, "timeout", levels, millis);
        let approvals = &mut tickets.approvals;
        let of = &self.decide.approvals;
        (approvals.low, approvals.medium) = (of.low, of.medium);
        (approvals.high, approvals.critical) = (of.high, of.critical);
        read::number(table, "denials", 1, 16, &mut tickets.denials);
        read::number(table, "max_pending", 1, 16_384, &mut tickets.max_pending);
        read::number(table, "grant_ceiling", 0, 100, &mut tickets.grant_ceiling);
        if let Some(ms) = table.get("max_grant").and_then(|item| millis(&item)) {
            tickets.max_grant_ms = ms;
        }
        if let Some(item) = table.get("always_up_to") {
            match read::level_of(&item) {
                Some(Level::High | Level::Critical) => item.problem(
                    "nobody says \"always\" to what is HIGH or above",
                    "write \"LOW\" or \"MEDIUM\"; a rule that allows it is written by hand, exact, with its max_risk",
                ),
                Some(level) => tickets.always_up_to = level,
                None => {}
            }
        }
        read::optional_text(table, "owner", &mut tickets.owner);
        read::switch(table, "owner_alone", &mut tickets.owner_alone);
    }
}

fn anomaly(table: &Table<'_>, into: &mut AnomalyPolicy) {
    table.only(&ANOMALY_KEYS);
    read::number(table, "needs_history", 0, i64::MAX, &mut into.needs_history);
    read::risk_or_never(table, "first_time_from", &mut into.first_time_from);
    read::risk_or_never(table, "unusual_hour_from", &mut into.unusual_hour_from);
    read::number(table, "unusual_hour_permille", 0, 1000, &mut into.unusual_hour_permille);
    if let Some(item) = table.get("risky_per_minute") {
        if read::is_never(&item) {
            into.risky_per_minute = None;
        } else if let Some(limit) = item.integer_within(1, i64::from(u32::MAX)) {
            into.risky_per_minute = u32::try_from(limit).ok();
        }
    }
}

fn count(item: &Item<'_>) -> Option<u8> {
    item.integer_within(1, 16).and_then(|number| u8::try_from(number).ok())
}

fn millis(item: &Item<'_>) -> Option<u64> {
    read::duration_of(item).map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
