//! Errors as `application/problem+json` (RFC 9457).

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use expacti_core::docket::Refusal;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response as DocumentedResponse, ResponseBuilder};

use crate::desk::{DeskError, KernelRefused};
use crate::reviewers::ReviewersError;
use crate::wire::ProblemBody;

/// The media type of errors.
const PROBLEM: &str = "application/problem+json";

/// An error on its way out.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into() }
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// Whoever asks is nobody that is known here.
    pub(super) fn unknown_reviewer() -> Self {
        let detail =
            "no reviewer is known by this; ask an administrator for a token (`expacti reviewer add`)";
        Self::new(StatusCode::UNAUTHORIZED, "unknown-reviewer", detail)
    }

    pub(super) fn bad_input(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-input", detail)
    }

    pub(super) fn forbidden(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }
}

/// How every request may end instead, for the OpenAPI document.
pub(super) struct Failure;

impl utoipa::IntoResponses for Failure {
    fn responses() -> BTreeMap<String, RefOr<DocumentedResponse>> {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemBody"))).build();
        let response = ResponseBuilder::new().content(PROBLEM, content).build();
        BTreeMap::from([("default".to_owned(), RefOr::T(response))])
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            kind: format!("urn:expacti:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"expacti\""));
        }
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<Refusal> for Problem {
    fn from(why: Refusal) -> Self {
        let (status, code) = match &why {
            Refusal::Unknown { .. } | Refusal::UnknownGrant { .. } => (StatusCode::NOT_FOUND, "not-found"),
            Refusal::Ended { .. } => (StatusCode::CONFLICT, "ended"),
            Refusal::Changed { .. } => (StatusCode::CONFLICT, "changed"),
            Refusal::AlreadyVoted { .. } => (StatusCode::CONFLICT, "already-voted"),
            Refusal::Stopped { .. } => (StatusCode::CONFLICT, "agent-stopped"),
            Refusal::NotStopped { .. } => (StatusCode::CONFLICT, "agent-not-stopped"),
            Refusal::NotAReviewer { .. } | Refusal::NeedsRole { .. } => {
                (StatusCode::FORBIDDEN, "role-missing")
            }
            Refusal::AlwaysNotOffered { .. } | Refusal::GrantTooLong { .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "not-offered")
            }
        };
        Self::new(status, code, why.to_string())
    }
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Refused(why) => why.into(),
            DeskError::Kernel(KernelRefused::UnknownAgent(_)) => Self::not_found(error.to_string()),
            DeskError::Kernel(KernelRefused::Failed { .. }) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "kernel-refused", error.to_string())
            }
            DeskError::Log(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "log-failed", error.to_string()),
            DeskError::Closed => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "shutting-down", error.to_string())
            }
        }
    }
}

impl From<ReviewersError> for Problem {
    fn from(error: ReviewersError) -> Self {
        let (status, code) = match &error {
            ReviewersError::BadName(_) => (StatusCode::UNPROCESSABLE_ENTITY, "bad-input"),
            ReviewersError::Taken(_) | ReviewersError::UidTaken { .. } => (StatusCode::CONFLICT, "taken"),
            ReviewersError::Unknown(_) => (StatusCode::NOT_FOUND, "not-found"),
            ReviewersError::Io { .. } | ReviewersError::Broken { .. } | ReviewersError::Crypto(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "reviewers-failed")
            }
        };
        Self::new(status, code, error.to_string())
    }
}
