//! Rules: what is in force, what they would say, and whether a text of rules is right.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use expacti_core::assess;
use expacti_core::docket::Role;
use expacti_core::record::filter::{By, Filter};
use expacti_core::rules::{Rule, RuleSet, Source, lint};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use super::extract::{Asked, Body};
use super::problem::{Failure, Problem};
use super::records::now_us;
use crate::daemon::engine::Engine;
use crate::judging::{Outcome, now, request_of};
use crate::wire::{RuleCheck, RulePage, RuleProblem, RuleView};

/// Beyond this many, hits are not counted.
const MOST: u32 = 1_000;
/// How far back hits are counted, in microseconds.
const MONTH: i64 = 30 * 86_400 * 1_000_000;

/// Every rule in force
#[utoipa::path(get, path = "/v1/rules", tag = "rules", responses(
    (status = 200, body = RulePage), Failure))]
pub(super) async fn list(Asked { api, caller }: Asked) -> Result<Json<RulePage>, Problem> {
    caller.must_be(&Role::ALL)?;
    let engine = api.engine()?;
    let mut findings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for finding in lint(&engine.rules, engine.policy(), now()) {
        findings.entry(finding.rule).or_default().push(finding.kind.to_string());
    }
    let mut rules = Vec::new();
    for rule in engine.rules.rules() {
        let (hits, last_us) = api.use_of(rule).await?;
        rules.push(RuleView {
            name: rule.name.clone(),
            decision: rule.effect.to_string(),
            because: rule.because.clone(),
            at: format!("{}:{}", rule.at.file, rule.at.line),
            exact: rule.is_exact(),
            limits: rule.limits(),
            expires: rule.expires.map(expacti_core::time::Timestamp::to_rfc3339),
            findings: findings.remove(&rule.name).unwrap_or_default(),
            hits,
            last_us,
        });
    }
    Ok(Json(RulePage { generation: engine.rules.generation(), rules }))
}

/// Say what would be decided about a command, and why
///
/// The body is a request, such as `{"argv":["git","push"]}`, or one that has `shell` for `argv`. Nothing is run and
/// nobody is asked.
#[utoipa::path(post, path = "/v1/rules/try", tag = "rules", request_body = Object, responses(
    (status = 200, body = Object), Failure))]
pub(super) async fn attempt(
    Asked { api, caller }: Asked,
    Body(body): Body<Value>,
) -> Result<Json<Outcome>, Problem> {
    caller.must_be(&Role::ALL)?;
    let request = request_of(body).map_err(Problem::bad_input)?;
    Ok(Json(Outcome::of(request, &*api.engine()?)))
}

/// A text of rules.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Draft {
    /// Its TOML.
    text: String,
}

/// Say whether a text of rules would be loaded
#[utoipa::path(post, path = "/v1/rules/check", tag = "rules", request_body = Draft, responses(
    (status = 200, body = RuleCheck), Failure))]
pub(super) async fn check(
    Asked { api, caller }: Asked,
    Body(Draft { text }): Body<Draft>,
) -> Result<Json<RuleCheck>, Problem> {
    caller.must_be(&Role::ALL)?;
    let engine = api.engine()?;
    let loaded = RuleSet::load(&[Source::file("draft", text)], 0, &|request| assess(request, &engine.tools));
    Ok(Json(match loaded {
        Ok(rules) => {
            let findings = lint(&rules, engine.policy(), now()).iter().map(ToString::to_string).collect();
            RuleCheck { rules: rules.rules().len() as u64, problems: Vec::new(), findings }
        }
        Err(error) => {
            let problems = error.problems.into_iter().map(|problem| RuleProblem {
                line: problem.at.line as u64,
                column: problem.at.column as u64,
                what: problem.what,
                help: problem.help,
            });
            RuleCheck { rules: 0, problems: problems.collect(), findings: Vec::new() }
        }
    }))
}

impl Api {
    /// What requests are judged by.
    pub(super) fn engine(&self) -> Result<Arc<Engine>, Problem> {
        let none = || Problem::not_found("this daemon judges nothing by rules");
        self.engine.get().map(|in_force| in_force.now()).ok_or_else(none)
    }

    /// How often a rule decided in the last 30 days, and when it last did.
    async fn use_of(&self, rule: &Rule) -> Result<(Option<u64>, Option<i64>), Problem> {
        let Some((reader, _)) = self.records.get() else { return Ok((None, None)) };
        let by = Some(By::Decider(format!("rule:{}", rule.name)));
        let ever = Filter { by, ..Filter::default() };
        let last = reader.query(&ever, None, 1).await?.attempts.first().map(|attempt| attempt.time_us);
        if last.is_none() {
            return Ok((Some(0), None));
        }
        let lately = Filter { since: now_us().checked_sub(MONTH), ..ever };
        Ok((Some(reader.count(&lately, MOST).await?), last))
    }
}
