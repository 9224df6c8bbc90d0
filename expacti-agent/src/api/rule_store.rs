//! The rules that this node keeps itself: their text, a new one for it, and what came into force before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use axum::Json;
use expacti_agent::log::InForce;
use expacti_core::docket::Role;
use expacti_core::record::attempt::rfc3339;
use similar::TextDiff;

use super::aside::aside;
use super::extract::{Asked, Body};
use super::problem::{Failure, Problem};
use super::records::READERS;
use crate::operations::{Operations, StoredRules};
use crate::wire::{RuleChange, RuleEdit, RulesKept, StoredRulesView};

/// How many changes are told.
const CHANGES: u32 = 100;

/// The text of the rules that this node keeps itself
#[utoipa::path(get, path = "/v1/rules/stored", tag = "rules", responses(
    (status = 200, body = StoredRulesView), Failure))]
pub(super) async fn show(Asked { api, caller }: Asked) -> Result<Json<StoredRulesView>, Problem> {
    caller.must_be(&Role::ALL)?;
    let StoredRules { path, text, digest } = api.operate_on(Operations::stored_rules).await?;
    Ok(Json(StoredRulesView { path, text, digest }))
}

/// Put another text in its place, in force at once
///
/// It is kept only if it is right together with all other rules, and if nobody else has changed it since (409).
#[utoipa::path(put, path = "/v1/rules/stored", tag = "rules", request_body = RuleEdit, responses(
    (status = 200, body = RulesKept), Failure))]
pub(super) async fn keep(
    Asked { api, caller }: Asked,
    Body(RuleEdit { text, was }): Body<RuleEdit>,
) -> Result<Json<RulesKept>, Problem> {
    caller.must_be(&[Role::Admin])?;
    caller.must_show_totp(&api)?;
    let generation =
        api.operate_on(move |operations| operations.edit_rules(text, &was, &caller.voter.name)).await?;
    Ok(Json(RulesKept { generation }))
}

/// Who changed the rules in force, when and how, newest first
#[utoipa::path(get, path = "/v1/rules/history", tag = "rules", responses(
    (status = 200, body = Vec<RuleChange>), Failure))]
pub(super) async fn history(Asked { api, caller }: Asked) -> Result<Json<Vec<RuleChange>>, Problem> {
    caller.must_be(&READERS)?;
    let past = api.records()?.rules_in_force(CHANGES + 1).await?;
    Ok(Json(aside(move || changes(&past)).await?))
}

/// What is different from what was in force on the same node before. A daemon that began with the same rules changed
/// nothing.
fn changes(newest_first: &[InForce]) -> Vec<RuleChange> {
    let mut changes = Vec::new();
    for (index, new) in newest_first.iter().enumerate() {
        let old = newest_first.iter().skip(index + 1).find(|old| old.node == new.node);
        // Before the oldest that was read there may be others.
        if old.is_none() && newest_first.len() > CHANGES as usize {
            continue;
        }
        let (diff, added, removed) = difference(old, new);
        if diff.is_empty() {
            continue;
        }
        changes.push(RuleChange {
            node: new.node.to_string(),
            at: rfc3339(new.at),
            at_us: new.at,
            generation: new.generation,
            by: new.by.clone(),
            added,
            removed,
            diff,
        });
    }
    changes
}

fn difference(old: Option<&InForce>, new: &InForce) -> (String, u64, u64) {
    let by_path = |rules: &InForce| -> BTreeMap<String, String> {
        rules.sources.iter().map(|source| (source.path.to_string(), source.text.clone())).collect()
    };
    let (old, new) = (old.map(by_path).unwrap_or_default(), by_path(new));
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let (mut text, mut added, mut removed) = (String::new(), 0, 0);
    for path in paths {
        let side = |rules: &BTreeMap<String, String>| rules.get(path).cloned().unwrap_or_default();
        let (before, after) = (side(&old), side(&new));
        if before == after {
            continue;
        }
        let diff = TextDiff::from_lines(&before, &after);
        for change in diff.iter_all_changes() {
            match change.tag() {
                similar::ChangeTag::Insert => added += 1,
                similar::ChangeTag::Delete => removed += 1,
                similar::ChangeTag::Equal => {}
            }
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "{}", diff.unified_diff().context_radius(2).header(path, path));
    }
    (text, added, removed)
}

#[cfg(test)]
mod tests {
    use expacti_core::record::chain::NodeId;
    use expacti_core::record::entry::RuleSource;

    use super::*;

    fn in_force(node: u8, generation: u64, by: &str, files: &[(&str, &str)]) -> InForce {
        let source = |(path, text): &(&str, &str)| RuleSource { path: (*path).into(), text: (*text).into() };
        InForce {
            node: NodeId([node; 16]),
            at: 1_000_000,
            generation,
            sources: files.iter().map(source).collect(),
            by: by.into(),
        }
    }

    #[test]
    fn a_change_is_told_against_what_the_same_node_had_before() {
        let past = [
            in_force(1, 3, "ada", &[("a.toml", "one\ntwo\n"), ("b.toml", "three\n")]),
            in_force(2, 9, "bob", &[("a.toml", "else\n")]),
            // Another daemon with the same rules.
            in_force(1, 2, "", &[("a.toml", "one\n")]),
            in_force(1, 1, "", &[("a.toml", "one\n")]),
        ];
        let changes = changes(&past);
        let told: Vec<_> =
            changes.iter().map(|c| (c.generation, c.by.as_str(), c.added, c.removed)).collect();
        assert_eq!(told, [(3, "ada", 2, 0), (9, "bob", 1, 0), (1, "", 1, 0)]);
        assert_eq!(
            changes[0].diff,
            "--- a.toml\n+++ a.toml\n@@ -1 +1,2 @@\n one\n+two\n--- b.toml\n+++ b.toml\n@@ -0,0 +1 @@\n+three\n"
        );
    }
}
