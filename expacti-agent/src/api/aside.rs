//! Work that takes a while, beside everything else: the daemon has one thread for everybody.

use axum::http::StatusCode;

use super::problem::Problem;

/// Does it on a thread of its own.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let failed = |why| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", format!("not done: {why}"));
    tokio::task::spawn_blocking(work).await.map_err(failed)
}
