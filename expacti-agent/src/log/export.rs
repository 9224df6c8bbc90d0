//! The log in formats that others read.

mod cef;
mod csv;
mod flat;
mod ocsf;
mod otlp;
#[cfg(feature = "parquet")]
mod parquet;

use std::fmt::Write as _;
use std::io::Write;

use expacti_core::record::Attempt;
use expacti_core::record::filter::Filter;

use super::{Cursor, LogError, Reader};

/// What the log can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON lines.
    Jsonl,
    /// Comma-separated values.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// Open Cybersecurity Schema Framework.
    Ocsf,
    /// Common Event Format.
    Cef,
    /// OpenTelemetry.
    Otlp,
}

impl Format {
    /// Every format with its name and what it is, for people.
    pub const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Jsonl, "jsonl", "The whole record, one JSON object a line"),
        (Self::Csv, "csv", "Plain columns with a head"),
        (Self::Parquet, "parquet", "Columns for analysis"),
        (Self::Ocsf, "ocsf", "OCSF process activity events, one a line"),
        (Self::Cef, "cef", "Common Event Format in syslog lines"),
        (Self::Otlp, "otlp", "OpenTelemetry logs, one OTLP/JSON request a line"),
    ];
}

/// How many attempts are read at once.
const PAGE: u32 = 500;

/// Takes attempts and writes them.
trait Sink {
    fn take(&mut self, attempts: &[Attempt]) -> Result<(), LogError>;
    fn end(self: Box<Self>) -> Result<(), LogError>;
}

/// Writes every attempt that fits, oldest first, as it was when the export began. Gives how many.
pub async fn export(
    reader: &Reader,
    filter: &Filter,
    format: Format,
    out: Box<dyn Write + Send>,
) -> Result<u64, LogError> {
    let mut sink: Box<dyn Sink> = match format {
        Format::Jsonl => Box::new(Lines { out, line: jsonl }),
        Format::Ocsf => Box::new(Lines { out, line: ocsf::line }),
        Format::Cef => Box::new(Lines { out, line: cef::line }),
        Format::Csv => Box::new(csv::Csv::new(out)?),
        Format::Otlp => Box::new(Requests { out }),
        #[cfg(feature = "parquet")]
        Format::Parquet => Box::new(parquet::Parquet::new(out)?),
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => {
            return Err(LogError::BadInput("this expacti was built without the feature 'parquet'".into()));
        }
    };
    let end = reader.newest().await?;
    let (mut at, mut count) = (Cursor(0), 0);
    while at.0 < end.0 {
        let (attempts, next) = reader.newer(filter, at, PAGE).await?;
        count += attempts.len() as u64;
        sink.take(&attempts)?;
        at = next;
    }
    sink.end()?;
    Ok(count)
}

/// Attempts as the body of one OTLP request, which `POST /v1/logs` takes as JSON.
pub fn otlp_request(attempts: &[Attempt]) -> Result<String, LogError> {
    otlp::request(attempts)
}

/// One attempt as a line of CSV, for lists on the command line.
pub fn csv_line(attempt: &Attempt) -> String {
    csv::line(attempt)
}

/// The head that belongs to [`csv_line`].
pub fn csv_head() -> String {
    csv::head()
}

struct Lines<W> {
    out: W,
    line: fn(&Attempt) -> Result<String, LogError>,
}

impl<W: Write> Sink for Lines<W> {
    fn take(&mut self, attempts: &[Attempt]) -> Result<(), LogError> {
        for attempt in attempts {
            writeln!(self.out, "{}", (self.line)(attempt)?)?;
        }
        Ok(())
    }

    fn end(mut self: Box<Self>) -> Result<(), LogError> {
        Ok(self.out.flush()?)
    }
}

struct Requests<W> {
    out: W,
}

impl<W: Write> Sink for Requests<W> {
    fn take(&mut self, attempts: &[Attempt]) -> Result<(), LogError> {
        if !attempts.is_empty() {
            writeln!(self.out, "{}", otlp::request(attempts)?)?;
        }
        Ok(())
    }

    fn end(mut self: Box<Self>) -> Result<(), LogError> {
        Ok(self.out.flush()?)
    }
}

fn jsonl(attempt: &Attempt) -> Result<String, LogError> {
    json(attempt)
}

/// Compact JSON; what an agent wrote stays within printable ASCII, which reads back the same.
fn json<T: serde::Serialize>(value: &T) -> Result<String, LogError> {
    let json = serde_json::to_string(value).map_err(std::io::Error::other)?;
    let mut ascii = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, ' '..='~') {
            ascii.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    Ok(ascii)
}

#[cfg(test)]
mod tests;
