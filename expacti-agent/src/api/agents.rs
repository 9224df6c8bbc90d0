//! Agents and grants.

use axum::Json;
use axum::http::StatusCode;
use expacti_core::docket::{GrantId, Role};

use super::extract::{Asked, InPath};
use super::problem::{Failure, Problem};
use crate::wire::{AgentState, AgentView, GrantView};

/// Every enrolled agent, those behind them that are to be gated and are not there
#[utoipa::path(get, path = "/v1/agents", tag = "agents", responses(
    (status = 200, body = Vec<AgentView>), Failure))]
pub(super) async fn list(Asked { api, caller }: Asked) -> Result<Json<Vec<AgentView>>, Problem> {
    caller.must_be(&Role::ALL)?;
    let agents = api.desk.agents();
    let operations = api.operations.get().cloned();
    let views = api.desk.look(move |view| {
        let standing = |name: &str| operations.as_ref().and_then(|operations| operations.standing(name));
        let agents = agents.into_iter().map(|agent| AgentView {
            pending: view.docket.pending(&agent.name),
            stopped_by: view.docket.stopped_by(&agent.name).map(str::to_owned),
            standing: standing(&agent.name).map(Into::into),
            name: agent.name,
            state: AgentState::Gated,
            cgroup: agent.cgroup,
            since: agent.since,
            late: agent.late,
            container: agent.container.as_deref().map(Into::into),
        });
        let absent = operations.as_ref().map(|operations| operations.absent()).unwrap_or_default();
        let absent = absent.into_iter().map(|agent| AgentView {
            pending: 0,
            stopped_by: None,
            standing: standing(&agent.name).map(Into::into),
            name: agent.name,
            state: if agent.was_gated { AgentState::Gone } else { AgentState::Awaited },
            cgroup: agent.why,
            since: agent.since,
            late: false,
            container: None,
        });
        agents.chain(absent).collect()
    });
    Ok(Json(views.await?))
}

/// Freeze an agent: nothing further runs, and what runs stands still
#[utoipa::path(post, path = "/v1/agents/{name}/stop", tag = "agents", params(("name" = String, Path)), responses(
    (status = 204), Failure))]
pub(super) async fn stop(
    Asked { api, caller }: Asked,
    InPath(name): InPath<String>,
) -> Result<StatusCode, Problem> {
    // Whoever may look at risk may also pull the brake.
    caller.must_be(&[Role::Reviewer, Role::Admin])?;
    api.desk.stop(name, caller.voter.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a stopped agent go on
#[utoipa::path(post, path = "/v1/agents/{name}/resume", tag = "agents", params(("name" = String, Path)), responses(
    (status = 204), Failure))]
pub(super) async fn resume(
    Asked { api, caller }: Asked,
    InPath(name): InPath<String>,
) -> Result<StatusCode, Problem> {
    caller.must_be(&[Role::Admin])?;
    caller.must_show_totp(&api)?;
    api.desk.resume(name, caller.voter.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End every process of an agent and keep the evidence
#[utoipa::path(post, path = "/v1/agents/{name}/kill", tag = "agents", params(("name" = String, Path)), responses(
    (status = 204), Failure))]
pub(super) async fn kill(
    Asked { api, caller }: Asked,
    InPath(name): InPath<String>,
) -> Result<StatusCode, Problem> {
    caller.must_be(&[Role::Admin])?;
    api.desk.kill(name, caller.voter.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What runs without asking because humans said so
#[utoipa::path(get, path = "/v1/grants", tag = "grants", responses(
    (status = 200, body = Vec<GrantView>), Failure))]
pub(super) async fn grants(Asked { api, caller }: Asked) -> Result<Json<Vec<GrantView>>, Problem> {
    caller.must_be(&Role::ALL)?;
    let grants = |view: &crate::desk::View<'_>| {
        view.docket.grants().map(|grant| GrantView::of(grant, view.now_ms)).collect()
    };
    Ok(Json(api.desk.look(grants).await?))
}

/// Take a grant back
#[utoipa::path(delete, path = "/v1/grants/{id}", tag = "grants",
    params(("id" = String, Path, description = "Such as `42-children`")), responses(
    (status = 204), Failure))]
pub(super) async fn revoke_grant(
    Asked { api, caller }: Asked,
    InPath(id): InPath<String>,
) -> Result<StatusCode, Problem> {
    caller.must_be(&[Role::Reviewer, Role::Admin])?;
    let id: GrantId = id.parse().map_err(|why| Problem::not_found(format!("{why}")))?;
    api.desk.revoke_grant(id, caller.voter.name).await?;
    Ok(StatusCode::NO_CONTENT)
}
