//! `expacti log export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use expacti_agent::log::export::{self, Format};

use super::super::ending::{BadInput, Ending};
use super::evidence::output;
use super::{Where, Which, block_on, said};

/// Write records in a format that others read, oldest first
#[derive(Args)]
pub(super) struct Export {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    which: Which,
    /// What to write
    #[arg(long, value_enum)]
    format: Name,
    /// Where to write it; standard output without
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// The whole record, one JSON object a line
    Jsonl,
    /// Plain columns with a head
    Csv,
    /// Columns for analysis
    Parquet,
    /// OCSF process activity events, one a line
    Ocsf,
    /// Common Event Format in syslog lines
    Cef,
    /// OpenTelemetry logs, one OTLP/JSON request a line
    Otlp,
}

impl Export {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let filter = self.which.filter()?;
        let format = match self.format {
            Name::Jsonl => Format::Jsonl,
            Name::Csv => Format::Csv,
            Name::Parquet => Format::Parquet,
            Name::Ocsf => Format::Ocsf,
            Name::Cef => Format::Cef,
            Name::Otlp => Format::Otlp,
        };
        if self.output.is_none() && format == Format::Parquet {
            return Err(BadInput(
                "Parquet is no text for a terminal or a pipe: name a file with --output".into(),
            )
            .into());
        }
        block_on(async {
            let reader = self.place.reader().await?;
            export::export(&reader, &filter, format, output(self.output.as_deref())?).await.map_err(said)?;
            Ok(Ending::Done)
        })
    }
}
