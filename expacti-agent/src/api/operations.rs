//! What administrators do to a running daemon, and what they watch it by.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use expacti_core::docket::Role;

use super::Api;
use super::aside::aside;
use super::extract::{Asked, Body, InPath};
use super::problem::{Failure, Problem};
use crate::config::{DEFAULT_POLICY, check_name};
use crate::operations::{Enrolment, Home, OperationError, Operations, Reloaded};
use crate::wire::{Health, NewAgent, ReloadView};

/// The media type of Prometheus' text format.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

impl Api {
    /// From here on administrators can act.
    pub(crate) fn operate(&self, operations: Arc<dyn Operations>) {
        // There is one daemon, so nobody sets it twice.
        let _there_already = self.operations.set(operations);
    }

    fn operations(&self) -> Result<Arc<dyn Operations>, Problem> {
        self.operations.get().cloned().ok_or_else(|| {
            let detail = "this daemon gates nothing: it is starting, or it is a simulation";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", detail)
        })
    }

    pub(super) async fn operate_on<T: Send + 'static>(
        &self,
        act: impl FnOnce(&dyn Operations) -> Result<T, OperationError> + Send + 'static,
    ) -> Result<T, Problem> {
        let operations = self.operations()?;
        Ok(aside(move || act(&*operations)).await??)
    }
}

/// Gate one more agent
#[utoipa::path(post, path = "/v1/agents", tag = "agents", request_body = NewAgent, responses(
    (status = 204), Failure))]
pub(super) async fn enrol(
    Asked { api, caller }: Asked,
    Body(body): Body<NewAgent>,
) -> Result<StatusCode, Problem> {
    caller.must_be(&[Role::Admin])?;
    let wanted = checked(body)?;
    api.operate_on(move |operations| operations.enrol(wanted, &caller.voter.name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End the gate around an agent: what waits is denied, what runs is free
#[utoipa::path(delete, path = "/v1/agents/{name}", tag = "agents", params(("name" = String, Path)), responses(
    (status = 204), Failure))]
pub(super) async fn withdraw(
    Asked { api, caller }: Asked,
    InPath(name): InPath<String>,
) -> Result<StatusCode, Problem> {
    caller.must_be(&[Role::Admin])?;
    caller.must_show_totp(&api)?;
    api.operate_on(move |operations| operations.withdraw(&name, &caller.voter.name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Read configuration and rules again: all of it or nothing
#[utoipa::path(post, path = "/v1/reload", tag = "meta", responses(
    (status = 200, body = ReloadView), Failure))]
pub(super) async fn reload(Asked { api, caller }: Asked) -> Result<Json<ReloadView>, Problem> {
    caller.must_be(&[Role::Admin])?;
    let done = api.operate_on(move |operations| operations.reload(&caller.voter.name)).await?;
    Ok(Json(done.into()))
}

/// Whether it can gate: the kernel programs act and the log takes entries
#[utoipa::path(get, path = "/v1/ready", tag = "meta", security(()), responses(
    (status = 200, body = Health), Failure))]
pub(super) async fn ready(State(api): State<Arc<Api>>) -> Result<Json<Health>, Problem> {
    match api.operations()?.unready() {
        // The reason is for those who may see the metrics.
        Some(_) => {
            let detail = "it is not ready to gate; its own output and metrics say why";
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", detail))
        }
        None => {
            Ok(Json(Health { status: "ready".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }))
        }
    }
}

/// What is counted, as Prometheus reads it
#[utoipa::path(get, path = "/v1/metrics", tag = "meta", responses(
    (status = 200, body = String, content_type = "text/plain"), Failure))]
pub(super) async fn metrics(Asked { api, caller }: Asked) -> Result<Response, Problem> {
    caller.must_be(&Role::ALL)?;
    let mut text = api.operate_on(|operations| Ok(operations.metrics())).await?;
    let agents = api.desk.agents();
    let pending = api
        .desk
        .look(move |view| {
            let lines = agents.iter().map(|agent| {
                // Names are checked at enrolment: nothing in them needs an escape.
                format!("expacti_pending{{agent=\"{}\"}} {}\n", agent.name, view.docket.pending(&agent.name))
            });
            lines.collect::<String>()
        })
        .await?;
    text.push_str("# HELP expacti_pending Commands that wait for a human.\n# TYPE expacti_pending gauge\n");
    text.push_str(&pending);
    Ok(([(header::CONTENT_TYPE, METRICS)], text).into_response())
}

fn checked(body: NewAgent) -> Result<Enrolment, Problem> {
    let NewAgent { name, cgroup, unit, pid, select, policy, mode } = body;
    let home = match (cgroup, unit, pid, select) {
        (Some(path), None, None, None) => Home::Cgroup(path.into()),
        (None, Some(unit), None, None) => Home::Unit(unit),
        (None, None, Some(pid), None) => Home::Pid(pid),
        (None, None, None, Some(selector)) => Home::Selected(selector),
        _ => return Err(Problem::bad_input("name exactly one of `cgroup`, `unit`, `pid` and `select`")),
    };
    // Of many it is how their names are made, which is looked at where they are enrolled.
    if !matches!(home, Home::Selected(_)) {
        check_name(&name)
            .map_err(|help| Problem::bad_input(format!("{name:?} is no name for an agent; {help}")))?;
    }
    let policy = policy.unwrap_or_else(|| DEFAULT_POLICY.to_owned());
    Ok(Enrolment { name, home, policy, mode: mode.map(Into::into) })
}

impl From<OperationError> for Problem {
    fn from(error: OperationError) -> Self {
        let text = error.to_string();
        match error {
            OperationError::BadInput(_) => Self::bad_input(text),
            OperationError::UnknownAgent(_) => Self::not_found(text),
            OperationError::Conflict(_) => Self::new(StatusCode::CONFLICT, "conflict", text),
            OperationError::Failed(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "failed", text),
        }
    }
}

impl From<Reloaded> for ReloadView {
    fn from(done: Reloaded) -> Self {
        let Reloaded { generation, rules, enrolled, withdrawn, at_next_start } = done;
        let rules = u64::try_from(rules).unwrap_or(u64::MAX);
        Self { generation, rules, enrolled, withdrawn, at_next_start }
    }
}
