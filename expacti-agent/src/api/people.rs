//! Reviewers, and who the asker is.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use expacti_core::docket::{Role, Voter};

use super::Api;
use super::extract::{Asked, Body, InPath};
use super::guard::Caller;
use super::problem::{Failure, Problem};
use crate::clock::epoch_seconds;
use crate::reviewers::{Known, New};
use crate::wire::{Me, NewReviewer, ReviewerView, WelcomeView};

/// Whom the API takes you for
#[utoipa::path(get, path = "/v1/me", tag = "reviewers", responses(
    (status = 200, body = Me), Failure))]
pub(super) async fn me(State(api): State<Arc<Api>>, Extension(caller): Extension<Caller>) -> Json<Me> {
    let totp = api.reviewers.needs_totp(&caller.voter.name);
    let Voter { name, roles, teams } = caller.voter;
    Json(Me { name, roles: roles.into_iter().collect(), teams: teams.into_iter().collect(), totp })
}

/// Everybody who may or might answer
#[utoipa::path(get, path = "/v1/reviewers", tag = "reviewers", responses(
    (status = 200, body = Vec<ReviewerView>), Failure))]
pub(super) async fn list(Asked { api, caller }: Asked) -> Result<Json<Vec<ReviewerView>>, Problem> {
    caller.must_be(&[Role::Admin, Role::Auditor])?;
    Ok(Json(api.reviewers.list().into_iter().map(ReviewerView::from).collect()))
}

/// Add a reviewer. The token is in the answer and nowhere else
#[utoipa::path(post, path = "/v1/reviewers", tag = "reviewers", request_body = NewReviewer, responses(
    (status = 201, body = WelcomeView), Failure))]
pub(super) async fn add(
    Asked { api, caller }: Asked,
    Body(body): Body<NewReviewer>,
) -> Result<(StatusCode, Json<WelcomeView>), Problem> {
    caller.must_be(&[Role::Admin])?;
    caller.must_show_totp(&api)?;
    let new = checked(body, api.config.root_is_admin)?;
    let voter = Voter { name: new.name.clone(), roles: new.roles.clone(), teams: new.teams.clone() };
    let _permit = api.hashing.acquire().await;
    let reviewers = Arc::clone(&api.reviewers);
    let added = tokio::task::spawn_blocking(move || reviewers.add(new, epoch_seconds())).await;
    let welcome = added.map_err(|why| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "reviewers-failed", format!("not added: {why}"))
    })??;
    let name = voter.name.clone();
    if let Err(error) = api.desk.add_reviewer(voter, caller.voter.name).await {
        // Nobody answers whose beginning is not on record.
        api.reviewers.revoke(&name, epoch_seconds())?;
        return Err(error.into());
    }
    let token = welcome.token.reveal().to_owned();
    Ok((StatusCode::CREATED, Json(WelcomeView { name, token, totp_uri: welcome.totp_uri })))
}

/// Take a reviewer's right away, at once
#[utoipa::path(delete, path = "/v1/reviewers/{name}", tag = "reviewers", params(("name" = String, Path)), responses(
    (status = 204), Failure))]
pub(super) async fn revoke(
    Asked { api, caller }: Asked,
    InPath(name): InPath<String>,
) -> Result<StatusCode, Problem> {
    caller.must_be(&[Role::Admin])?;
    api.reviewers.revoke(&name, epoch_seconds())?;
    api.desk.revoke_reviewer(name, caller.voter.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn checked(body: NewReviewer, root_is_admin: bool) -> Result<New, Problem> {
    if body.roles.is_empty() {
        return Err(Problem::bad_input("`roles` names at least one of viewer, reviewer, admin, auditor"));
    }
    let is_team = |team: &String| (1..=64).contains(&team.len()) && !team.contains(char::is_control);
    if body.teams.len() > 64 || !body.teams.iter().all(is_team) {
        return Err(Problem::bad_input("`teams` holds at most 64 names of 1 to 64 characters"));
    }
    // Records name the built-in reviewer, who must stay one human; also where it is switched off only now.
    if body.name == super::ROOT {
        return Err(Problem::bad_input("`root` is the built-in reviewer of this host"));
    }
    if body.uid == Some(0) && root_is_admin {
        let detail = "uid 0 is the built-in reviewer `root` as long as `api.root_is_admin` is on";
        return Err(Problem::bad_input(detail));
    }
    let NewReviewer { name, roles, teams, uid, totp } = body;
    Ok(New { name, roles: roles.into_iter().collect(), teams: teams.into_iter().collect(), uid, totp })
}

impl From<Known> for ReviewerView {
    fn from(known: Known) -> Self {
        let Voter { name, roles, teams } = known.voter;
        Self {
            name,
            roles: roles.into_iter().collect(),
            teams: teams.into_iter().collect(),
            uid: known.uid,
            totp: known.totp,
            created: known.created,
            last_use: known.last_use,
            revoked: known.revoked,
        }
    }
}
