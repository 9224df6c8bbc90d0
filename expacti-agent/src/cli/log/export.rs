//! `expacti log export`.

use std::path::PathBuf;

use axum::http::Uri;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};
use expacti_agent::log::export::{self, Format};

use super::super::ending::{BadInput, Ending};
use super::evidence::output;
use super::{Where, Which, block_on, push, said};

/// Write records in a format that others read, oldest first
#[derive(Args)]
pub(super) struct Export {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    which: Which,
    /// What to write
    #[arg(long, value_parser = formats())]
    format: Format,
    /// Where to write it; standard output without
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// With otlp: post it there, such as https://collector:4318/v1/logs
    #[arg(long, value_name = "URL", conflicts_with = "output")]
    to: Option<String>,
    /// With --to: a header to send along, such as 'authorization: Bearer ...'; @FILE reads them from a file, one a line
    #[arg(long, value_name = "HEADER", requires = "to")]
    header: Vec<String>,
}

fn formats() -> impl clap::builder::TypedValueParser<Value = Format> {
    let names = Format::ALL.map(|(_, name, what)| PossibleValue::new(name).help(what));
    PossibleValuesParser::new(names).try_map(|given| {
        let found = Format::ALL.iter().find(|(_, name, _)| *name == given);
        found.map(|(format, ..)| *format).ok_or_else(|| format!("there is no format '{given}'"))
    })
}

impl Export {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let filter = self.which.filter()?;
        if let Some(url) = &self.to {
            if self.format != Format::Otlp {
                return Err(BadInput("--to posts OTLP: give --format otlp with it".into()).into());
            }
            let url: Uri = push::collector(url)?;
            let headers = push::headers(&self.header)?;
            return block_on(async {
                push::push(&self.place.reader().await?, &filter, &url, &headers).await?;
                Ok(Ending::Done)
            });
        }
        if self.output.is_none() && self.format == Format::Parquet {
            return Err(BadInput(
                "Parquet is no text for a terminal or a pipe: name a file with --output".into(),
            )
            .into());
        }
        block_on(async {
            let reader = self.place.reader().await?;
            let out = output(self.output.as_deref())?;
            export::export(&reader, &filter, self.format, out).await.map_err(said)?;
            Ok(Ending::Done)
        })
    }
}
