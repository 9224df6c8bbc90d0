//! Where the past comes from: JSON lines, or the exec log.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::PathBuf;

use expacti_agent::log::{Cursor, Reader};
use expacti_core::evaluation::Decision;
use expacti_core::record::filter::Filter;
use expacti_core::request::ExecRequest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::ending::BadInput;
use crate::cli::json_lines::{self, BadLine};
use crate::cli::log::{block_on, now, said};
use crate::judging::request_of;

/// Attempts that are read from the exec log at a time.
const PAGE: u32 = 500;

/// What was asked and what was decided.
pub(super) struct Past {
    pub(super) place: Place,
    pub(super) request: ExecRequest,
    pub(super) decision: Decision,
}

/// Where it stands.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Place {
    Line(usize),
    Attempt(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "{number}"),
            Self::Attempt(id) => f.write_str(id),
        }
    }
}

/// One line of a file.
#[derive(Deserialize)]
struct Line {
    request: Value,
    decision: Decision,
}

/// Gives everything of the past to `take`, in its order.
pub(super) fn each(
    file: Option<&PathBuf>,
    exec_log: Option<&str>,
    question: &[String],
    mut take: impl FnMut(Result<Past, BadLine>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if let Some(place) = exec_log {
        let filter =
            Filter::parse(&question.join(" "), now()).map_err(|error| BadInput(error.to_string()))?;
        return block_on(from_exec_log(place, &filter, take));
    }
    let mut line =
        |number, line: &[u8]| take(read(number, line).map_err(|error| BadLine { line: number, error }));
    let Some(path) = file else { return json_lines::each(io::stdin().lock(), line) };
    let file = File::open(path)
        .map_err(|error| BadInput(format!("{}: {error}; name a log that can be read", path.display())))?;
    json_lines::each(BufReader::new(file), &mut line)
}

fn read(number: usize, line: &[u8]) -> Result<Past, String> {
    let line: Line = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    Ok(Past { place: Place::Line(number), request: request_of(line.request)?, decision: line.decision })
}

/// Oldest first, as it was when this began.
async fn from_exec_log(
    place: &str,
    filter: &Filter,
    mut take: impl FnMut(Result<Past, BadLine>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let reader = Reader::open(&place.parse().map_err(said)?).await.map_err(said)?;
    let end = reader.newest().await.map_err(said)?;
    let mut at = Cursor(0);
    while at.0 < end.0 {
        let (attempts, next) = reader.newer(filter, at, PAGE).await.map_err(said)?;
        for attempt in attempts {
            take(Ok(Past {
                place: Place::Attempt(attempt.id),
                request: attempt.attempted.request,
                decision: attempt.attempted.evaluation.decision,
            }))?;
        }
        at = next;
    }
    Ok(())
}
