//! What was written becomes what it means. After this nothing is optional that must be there.

mod conditions;
mod element;
mod examples;
mod words;

use std::collections::BTreeSet;

use toml::de::DeTable;

use super::pattern::CommandPattern;
use super::read::{Item, Problems, Table};
use super::rule::{Allowance, Covers, Effect, Rule};
use super::source::{Problem, Source};
use crate::time::{Timestamp, parse_duration};

const FILE_KEYS: [&str; 3] = ["set", "about", "rule"];
const RULE_KEYS: [&str; 33] = [
    "name",
    "decision",
    "because",
    "argv",
    "command",
    "glob",
    "regex",
    "any_flag",
    "any_arg",
    "no_flag",
    "no_arg",
    "exe",
    "sha256",
    "script_sha256",
    "cwd",
    "agent",
    "user",
    "env",
    "category",
    "factor",
    "min_risk",
    "max_risk",
    "children",
    "covers",
    "approvals",
    "roles",
    "in_doubt",
    "expires",
    "created",
    "ttl",
    "match",
    "not_match",
    "by",
];
const ALLOW_ONLY: [&str; 3] = ["max_risk", "children", "covers"];
const REVIEW_ONLY: [&str; 2] = ["approvals", "roles"];

/// Everything that a source says.
pub(super) struct Parsed {
    pub(super) rules: Vec<Rule>,
    pub(super) problems: Vec<Problem>,
}

/// Reads one source. Rules that are wrong are left out and named among the problems.
pub(super) fn parse(source: &Source) -> Parsed {
    let problems = Problems::new(source);
    let mut rules = Vec::new();
    match DeTable::parse(&source.text) {
        Err(error) => problems.add(
            error.span().map_or(0, |span| span.start),
            "",
            format!("this is not TOML: {}", error.message().trim().replace('\n', ", ")),
            "mend the syntax; docs/rules.md shows every key",
        ),
        Ok(table) => rules = file(&Table::new(table.get_ref(), 0, "", &problems), source),
    }
    Parsed { rules, problems: problems.into_found() }
}

fn file(table: &Table<'_>, source: &Source) -> Vec<Rule> {
    table.only(&FILE_KEYS);
    let set = table.get("set").and_then(|item| name(&item));
    table.get("about").and_then(|item| item.text());
    let Some(rules) = table.get("rule") else { return Vec::new() };
    let Some(items) = rules.array() else {
        rules.problem("rules are a list of tables", "begin each with [[rule]]");
        return Vec::new();
    };
    items.iter().filter_map(|item| rule(&item.table()?, item.offset, set, source)).collect()
}

fn rule(table: &Table<'_>, offset: usize, set: Option<&str>, source: &Source) -> Option<Rule> {
    table.only(&RULE_KEYS);
    let name = required(table, "name", "give it a name of its own").and_then(|item| name(&item));
    let because =
        required(table, "because", "say in a few words why it is there; reviewers and agents read it")
            .and_then(|item| item.text());
    let effect = required(table, "decision", "write \"allow\", \"review\" or \"deny\"")
        .and_then(|item| effect(&item, table));
    let command = words::command(table);
    let anywhere = words::anywhere(table);
    let conditions = conditions::conditions(table);
    let expires = expiry(table);
    let examples = examples::examples(table);
    let (Some(name), Some(because), Some(effect)) = (name, because, effect) else { return None };
    let rule = Rule {
        name: set.map_or_else(|| name.to_owned(), |set| format!("{set}/{name}")),
        set: set.map(str::to_owned),
        origin: source.origin,
        at: table.problems.place(offset),
        because: because.to_owned(),
        expires: expires?,
        effect,
        command: command?,
        anywhere: anywhere?,
        conditions: conditions?,
        examples: examples?,
    };
    names_enough(&rule, table).then_some(rule)
}

/// A rule that matches everything by mistake is the worst kind, and an allow rule has to bind an executable.
fn names_enough(rule: &Rule, table: &Table<'_>) -> bool {
    let says_nothing = matches!(rule.command, CommandPattern::Any) && rule.anywhere.is_empty();
    let Effect::Allow(_) = rule.effect else {
        let bound = &rule.conditions;
        if says_nothing && bound.is_empty() {
            table.problem("it would match every command", "say what it is about, for example with argv");
            return false;
        }
        return true;
    };
    let names_its_program = match &rule.command {
        CommandPattern::Argv { program, .. } => program.literals().is_some(),
        CommandPattern::Any | CommandPattern::Regex(_) => false,
    };
    if !names_its_program && !rule.conditions.name_the_executable() {
        table.problem(
            "an allow rule has to name its program, because a name in argv can be forged",
            "begin argv with a literal program, or add exe or sha256",
        );
        return false;
    }
    true
}

fn effect(item: &Item<'_>, table: &Table<'_>) -> Option<Effect> {
    let decision = item.text()?;
    let in_doubt = table.get("in_doubt").map(|item| match item.text()? {
        "hold" => Some(true),
        "ignore" => Some(false),
        _ => {
            item.problem("this is no way to treat doubt", "write \"hold\" or \"ignore\"");
            None
        }
    });
    let reject = |keys: &[&str], belongs_to: &str| {
        for item in keys.iter().filter_map(|key| table.get(key)) {
            item.problem(
                format!("it has no meaning for a rule that says {decision}"),
                format!("take it out; it belongs to rules that say {belongs_to}"),
            );
        }
    };
    match decision {
        "allow" => {
            reject(&REVIEW_ONLY, "review");
            reject(&["in_doubt"], "review or deny");
            allowance(table).map(Effect::Allow)
        }
        "review" => {
            reject(&ALLOW_ONLY, "allow");
            let approvals = match table.get("approvals") {
                None => Some(1),
                Some(item) => item.integer_within(1, 20).and_then(|n| u8::try_from(n).ok()),
            };
            let roles = match table.get("roles") {
                None => Some(BTreeSet::new()),
                Some(item) => item.texts().map(|roles| roles.into_iter().map(str::to_owned).collect()),
            };
            Some(Effect::Review {
                approvals: approvals?,
                roles: roles?,
                in_doubt: in_doubt.unwrap_or(Some(true))?,
            })
        }
        "deny" => {
            reject(&ALLOW_ONLY, "allow");
            reject(&REVIEW_ONLY, "review");
            Some(Effect::Deny { in_doubt: in_doubt.unwrap_or(Some(true))? })
        }
        _ => {
            item.problem("this is no decision", "write \"allow\", \"review\" or \"deny\"");
            None
        }
    }
}

fn allowance(table: &Table<'_>) -> Option<Allowance> {
    let max_risk = table.get("max_risk").map(|item| item.risk());
    let children = table.get("children").map(|item| match item.text()? {
        "gate" => Some(false),
        "inherit" => Some(true),
        _ => {
            item.problem("this is no way to treat children", "write \"gate\" or \"inherit\"");
            None
        }
    });
    let covers = match table.get("covers") {
        None => Some(Covers::default()),
        Some(item) => item.table().and_then(|table| words::covers(&table)),
    };
    Some(Allowance {
        max_risk: max_risk.map_or(Some(None), |risk| risk.map(Some))?,
        children_inherit: children.unwrap_or(Some(false))?,
        covers: covers?,
    })
}

/// `expires`, or `ttl` counted from `created`. The outer `None` means a problem.
#[expect(clippy::option_option, reason = "a problem, no expiry, and an expiry are three things")]
fn expiry(table: &Table<'_>) -> Option<Option<Timestamp>> {
    let expires = table.get("expires").map(|item| item.moment());
    let created = table.get("created").map(|item| item.moment());
    let Some(ttl) = table.get("ttl") else { return expires.map_or(Some(None), |expires| expires.map(Some)) };
    if expires.is_some() {
        ttl.problem("the rule has expires as well", "keep one of the two");
        return None;
    }
    let Some(seconds) = ttl.text().and_then(parse_duration) else {
        ttl.problem("this is no duration", "write a number and a unit: \"90m\", \"8h\", \"7d\", \"2w\"");
        return None;
    };
    let Some(created) = created else {
        ttl.problem("a ttl needs its beginning", "add created = 2027-01-31T18:00:00Z, or use expires");
        return None;
    };
    Some(Some(created?.plus(seconds)))
}

fn required<'a>(table: &Table<'a>, key: &str, help: &str) -> Option<Item<'a>> {
    let item = table.get(key);
    if item.is_none() {
        table.problem(format!("{key} is missing"), help);
    }
    item
}

fn name<'a>(item: &Item<'a>) -> Option<&'a str> {
    let text = item.text()?;
    let fits = !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b));
    if !fits {
        item.problem("this is no name", "use up to 64 of a-z, 0-9, '-', '_' and '.'");
        return None;
    }
    Some(text)
}
