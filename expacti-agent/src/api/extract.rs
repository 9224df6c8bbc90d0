//! What comes in, with errors that speak the API's language.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::Api;
use super::guard::Caller;
use super::problem::Problem;

/// Who asks, and the API that they ask.
pub(super) struct Asked {
    /// It.
    pub(super) api: Arc<Api>,
    /// The human, as the guard found them.
    pub(super) caller: Caller,
}

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

/// Parameters in the path.
pub(super) struct InPath<T>(pub(super) T);

/// Parameters behind the question mark.
pub(super) struct InQuery<T>(pub(super) T);

impl FromRequestParts<Arc<Api>> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        // The guard lets nobody pass without a name but to what is public, and no handler of that asks for this.
        let caller = parts.extensions.get().cloned().ok_or_else(Problem::unknown_reviewer)?;
        Ok(Self { api: Arc::clone(api), caller })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(why) => Err(Problem::new(why.status(), "bad-body", why.body_text())),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(path)) => Ok(Self(path)),
            // Whatever it is, nothing has such a name.
            Err(why) => Err(Problem::not_found(why.body_text())),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for InQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(query)) => Ok(Self(query)),
            Err(why) => Err(Problem::new(StatusCode::BAD_REQUEST, "bad-query", why.body_text())),
        }
    }
}
