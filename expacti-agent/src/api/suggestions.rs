//! Rules that the exec log speaks for, and accepting one of them.

#![expect(unused_qualifications, reason = "what utoipa makes of `params` names its type by a path")]

use axum::Json;
use expacti_core::docket::Role;
use expacti_core::remember::Suggestion;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Api;
use super::aside::aside;
use super::extract::{Asked, Body, InPath, InQuery};
use super::problem::{Failure, Problem};
use super::records::{READERS, now_us};
use crate::suggestions::{Looked, look_back, part_of_the_past};
use crate::wire::{Acceptance, AcceptedView, SuggestionPage};

/// Which part of the past, and what is worth a rule.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// `agent:claude since:7d`; also `node`, `until`, `exe` and `cwd`. Without `since` the last 30 days.
    #[serde(default)]
    q: String,
    /// Commands that were seen less often are not worth a rule, 1 to 1,000,000.
    #[serde(default = "Acceptance::at_least")]
    #[param(minimum = 1, maximum = 1_000_000)]
    at_least: u64,
}

/// Rules that would have saved questions, with what they would have matched and what not
#[utoipa::path(get, path = "/v1/rules/suggestions", params(Wanted), tag = "rules", responses(
    (status = 200, body = SuggestionPage), Failure))]
pub(super) async fn list(
    Asked { api, caller }: Asked,
    InQuery(Wanted { q, at_least }): InQuery<Wanted>,
) -> Result<Json<SuggestionPage>, Problem> {
    caller.must_be(&READERS)?;
    check(at_least)?;
    let looked = api.look_back_for(&q).await?;
    let engine = api.engine()?;
    Ok(Json(aside(move || looked.page(&engine, at_least)).await?))
}

/// Keep a suggested rule, in force at once
///
/// The suggestions are made anew with the same `q` and `at_least`. Where they hold no rule of this name any more, such
/// as because the log went on, nothing is kept (409).
#[utoipa::path(post, path = "/v1/rules/suggestions/{name}/accept", tag = "rules", params(("name" = String, Path)), request_body = Acceptance, responses(
    (status = 200, body = AcceptedView), Failure))]
pub(super) async fn accept(
    Asked { api, caller }: Asked,
    InPath(name): InPath<String>,
    Body(Acceptance { q, at_least }): Body<Acceptance>,
) -> Result<Json<AcceptedView>, Problem> {
    caller.must_be(&[Role::Admin])?;
    caller.must_show_totp(&api)?;
    check(at_least)?;
    let looked = api.look_back_for(&q).await?;
    let engine = api.engine()?;
    let wanted = name.clone();
    let found = aside(move || {
        let mut proposals = looked.report(&engine, at_least).proposals.into_iter();
        proposals.find(|proposal| proposal.name == wanted)
    });
    let Some(found) = found.await? else {
        let why = format!("{name:?} is not suggested (any more); look at the suggestions again");
        return Err(Problem::new(axum::http::StatusCode::CONFLICT, "changed", why));
    };
    let rule = Suggestion { name: found.name, text: found.text, expires: found.expires };
    let kept = rule.clone();
    let generation =
        api.operate_on(move |operations| operations.accept_rule(&kept, &caller.voter.name)).await?;
    Ok(Json(AcceptedView { name: rule.name, text: rule.text, generation }))
}

fn check(at_least: u64) -> Result<(), Problem> {
    if (1..=1_000_000).contains(&at_least) {
        return Ok(());
    }
    Err(Problem::bad_input("`at_least` is 1 to 1000000"))
}

impl Api {
    async fn look_back_for(&self, question: &str) -> Result<Looked, Problem> {
        let filter = part_of_the_past(question, now_us()).map_err(Problem::bad_input)?;
        Ok(look_back(self.records()?, &filter).await?)
    }
}
