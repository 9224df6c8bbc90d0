//! The exec log for others: exports, and the proof that nothing in it was changed.

#![expect(unused_qualifications, reason = "what utoipa makes of `params` names its type by a path")]

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use expacti_agent::log::export::{Format, export};
use expacti_agent::log::{Checked, check};
use expacti_core::docket::Role;
use futures_util::stream::unfold;
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use utoipa::IntoParams;

use super::extract::{Asked, InQuery};
use super::problem::{Failure, Problem};
use super::records::{READERS, filter};
use crate::clock::epoch_seconds;
use crate::wire::{ChainView, ProvenChain};

/// Bytes that are sent at once.
const CHUNK: usize = 32 * 1024;

/// What is exported, and as what.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// As on the command line.
    #[serde(default)]
    q: String,
    /// As what.
    #[param(inline)]
    format: FormatWord,
}

/// A format of an export.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum FormatWord {
    /// The whole record, one JSON object a line.
    Jsonl,
    /// Plain columns with a head.
    Csv,
    /// OCSF process activity events, one a line.
    Ocsf,
    /// Common Event Format in syslog lines.
    Cef,
    /// OpenTelemetry logs, one OTLP/JSON request a line.
    Otlp,
}

impl FormatWord {
    fn what(self) -> (Format, &'static str, &'static str) {
        match self {
            Self::Jsonl => (Format::Jsonl, "application/x-ndjson", "jsonl"),
            Self::Csv => (Format::Csv, "text/csv; charset=utf-8", "csv"),
            Self::Ocsf => (Format::Ocsf, "application/x-ndjson", "ocsf.jsonl"),
            Self::Cef => (Format::Cef, "text/plain; charset=utf-8", "cef"),
            Self::Otlp => (Format::Otlp, "application/x-ndjson", "otlp.jsonl"),
        }
    }
}

/// Take records elsewhere, oldest first
#[utoipa::path(get, path = "/v1/records/export", params(Wanted), tag = "records", responses(
    (status = 200, content((String = "application/x-ndjson"), (String = "text/csv"), (String = "text/plain"))), Failure))]
pub(super) async fn take(
    Asked { api, caller }: Asked,
    InQuery(Wanted { q, format }): InQuery<Wanted>,
) -> Result<Response, Problem> {
    caller.must_be(&[Role::Admin, Role::Auditor])?;
    let (reader, filter) = (api.records()?.clone(), filter(&q)?);
    let (format, kind, ending) = format.what();
    // A pipe, so that a slow reader slows the export down instead of filling memory.
    let failed = |why: io::Error| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "export-failed",
            format!("the export cannot begin: {why}"),
        )
    };
    let (receiver, sender) = io::pipe().map_err(failed)?;
    let receiver = pipe::Receiver::from_owned_fd(receiver.into()).map_err(failed)?;
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        // Whoever asked may have gone away: then the pipe is closed, and the export ends.
        let _ = runtime.block_on(export(&reader, &filter, format, Box::new(sender)));
    });
    let chunks = unfold(receiver, |mut receiver| async {
        let mut chunk = vec![0; CHUNK];
        let read = receiver.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        chunk.truncate(read);
        Some((Ok::<_, Infallible>(Bytes::from(chunk)), receiver))
    });
    let name = format!("attachment; filename=\"expacti-log.{ending}\"");
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

/// How far the log was proven
#[utoipa::path(get, path = "/v1/chain", tag = "records", responses(
    (status = 200, body = ChainView), Failure))]
pub(super) async fn chain(Asked { api, caller }: Asked) -> Result<Json<ChainView>, Problem> {
    caller.must_be(&READERS)?;
    api.records()?;
    Ok(Json(api.proof.seen()))
}

/// Prove the log anew, in the background
#[utoipa::path(post, path = "/v1/chain", tag = "records", responses(
    (status = 202, body = ChainView), Failure))]
pub(super) async fn prove(Asked { api, caller }: Asked) -> Result<(StatusCode, Json<ChainView>), Problem> {
    caller.must_be(&READERS)?;
    let reader = api.records()?.clone();
    if api.proof.begin() {
        let api = Arc::clone(&api);
        tokio::spawn(async move {
            let found = check(&reader, None, &[]).await;
            api.proof.end(view(found));
        });
    }
    Ok((StatusCode::ACCEPTED, Json(api.proof.seen())))
}

/// The last proof. One at a time: it reads the whole log.
#[derive(Debug, Default)]
pub(super) struct Proof(Mutex<ChainView>);

impl Proof {
    fn seen(&self) -> ChainView {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn begin(&self) -> bool {
        !std::mem::replace(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).running, true)
    }

    fn end(&self, view: ChainView) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = view;
    }
}

fn view(found: Result<Checked, expacti_agent::log::LogError>) -> ChainView {
    let mut view = ChainView { at: Some(epoch_seconds()), ..ChainView::default() };
    match found {
        Ok(Checked::Whole(chains)) => {
            let proven = chains.into_iter().map(|chain| ProvenChain {
                node: chain.node.to_string(),
                position: chain.head.position,
                signed: chain.signed,
                attempts: chain.attempts,
            });
            view.chains = proven.collect();
        }
        Ok(Checked::Bad(bad)) => view.bad = Some(bad.to_string()),
        Ok(Checked::Misleading { attempt, what }) => view.bad = Some(format!("attempt {attempt}: {what}")),
        Err(error) => view.bad = Some(format!("it could not be read: {error}")),
    }
    view
}
