//! Parquet, through the low-level writer: the columns of [`super::flat`], without arrow.

use std::io::Write;
use std::sync::Arc;

use ::parquet::basic::Compression;
use ::parquet::column::writer::ColumnWriter;
use ::parquet::data_type::ByteArray;
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use expacti_core::record::Attempt;

use super::flat::{Cell, row};
use super::{LogError, Sink};

/// How many attempts make a row group.
const GROUP: usize = 50_000;

pub(super) struct Parquet<W: Write + Send> {
    out: Option<W>,
    writer: Option<SerializedFileWriter<W>>,
    rows: Vec<Vec<(&'static str, Cell)>>,
}

fn failed(error: ParquetError) -> LogError {
    LogError::Io(std::io::Error::other(error))
}

impl<W: Write + Send> Parquet<W> {
    #[expect(clippy::unnecessary_wraps, reason = "one of several formats; others can fail")]
    pub(super) fn new(out: W) -> Result<Self, LogError> {
        Ok(Self { out: Some(out), writer: None, rows: Vec::new() })
    }

    /// The file begins when the columns are known, with the first row.
    fn begin(&mut self, columns: &[(&'static str, Cell)]) -> Result<(), LogError> {
        let Some(out) = self.out.take() else { return Ok(()) };
        let column = |(name, cell): &(&str, Cell)| match cell {
            Cell::Text(_) => format!("REQUIRED BYTE_ARRAY {name} (STRING);"),
            Cell::Number(_) if *name == "time_us" => {
                format!("OPTIONAL INT64 {name} (TIMESTAMP(MICROS, true));")
            }
            Cell::Number(_) => format!("OPTIONAL INT64 {name};"),
            Cell::Flag(_) => format!("REQUIRED BOOLEAN {name};"),
        };
        let columns: Vec<String> = columns.iter().map(column).collect();
        let schema =
            parse_message_type(&format!("message attempt {{ {} }}", columns.join(" "))).map_err(failed)?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer =
            SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(failed)?;
        self.writer = Some(writer);
        Ok(())
    }

    fn group(&mut self) -> Result<(), ParquetError> {
        let Some(writer) = self.writer.as_mut().filter(|_| !self.rows.is_empty()) else { return Ok(()) };
        let mut group = writer.next_row_group()?;
        let mut index = 0;
        while let Some(mut column) = group.next_column()? {
            let cells = self.rows.iter().map(|row| &row[index].1);
            match column.untyped() {
                ColumnWriter::ByteArrayColumnWriter(writer) => {
                    let texts: Vec<ByteArray> =
                        cells.map(|cell| ByteArray::from(text(cell).as_bytes().to_vec())).collect();
                    writer.write_batch(&texts, None, None)?;
                }
                ColumnWriter::Int64ColumnWriter(writer) => {
                    let numbers: Vec<Option<i64>> = cells.map(number).collect();
                    let given: Vec<i16> = numbers.iter().map(|number| i16::from(number.is_some())).collect();
                    let numbers: Vec<i64> = numbers.into_iter().flatten().collect();
                    writer.write_batch(&numbers, Some(&given), None)?;
                }
                ColumnWriter::BoolColumnWriter(writer) => {
                    let flags: Vec<bool> = cells.map(|cell| *cell == Cell::Flag(true)).collect();
                    writer.write_batch(&flags, None, None)?;
                }
                ColumnWriter::Int32ColumnWriter(_)
                | ColumnWriter::Int96ColumnWriter(_)
                | ColumnWriter::FloatColumnWriter(_)
                | ColumnWriter::DoubleColumnWriter(_)
                | ColumnWriter::FixedLenByteArrayColumnWriter(_) => {
                    return Err(ParquetError::General("a column of a type that was not asked for".into()));
                }
            }
            column.close()?;
            index += 1;
        }
        group.close()?;
        self.rows.clear();
        Ok(())
    }
}

fn text(cell: &Cell) -> &str {
    if let Cell::Text(text) = cell { text } else { "" }
}

fn number(cell: &Cell) -> Option<i64> {
    if let Cell::Number(number) = cell { *number } else { None }
}

impl<W: Write + Send> Sink for Parquet<W> {
    fn take(&mut self, attempts: &[Attempt]) -> Result<(), LogError> {
        for attempt in attempts {
            let row = row(attempt);
            self.begin(&row)?;
            self.rows.push(row);
            if self.rows.len() >= GROUP {
                self.group().map_err(failed)?;
            }
        }
        Ok(())
    }

    fn end(mut self: Box<Self>) -> Result<(), LogError> {
        self.group().map_err(failed)?;
        match self.writer {
            Some(writer) => writer.close().map(drop).map_err(failed),
            None => Err(LogError::NotFound("no attempt fits, so there are no columns to write".into())),
        }
    }
}
