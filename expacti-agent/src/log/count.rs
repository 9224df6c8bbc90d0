//! How many fit, up to a bound, and where a page far down begins.

use expacti_core::record::filter::Filter;

use super::{Cursor, LogError, Reader};

impl Reader {
    /// How many attempts fit, counted up to `most`. What came in the last moments may not be counted yet.
    pub async fn count(&self, filter: &Filter, most: u32) -> Result<u64, LogError> {
        let Some((sql, text)) = self.statement(filter, None, most.saturating_sub(1)).await? else {
            return Ok(0);
        };
        let counted = self.ids(&format!("SELECT count(*) FROM ({sql}) AS fitting"), text.as_deref()).await?;
        Ok(counted.first().copied().map_or(0, super::store::unsigned))
    }

    /// Where the attempts begin that fit and lie behind so many others; none where there are not so many.
    pub async fn skip(
        &self,
        filter: &Filter,
        after: Option<Cursor>,
        skipped: u32,
    ) -> Result<Option<Cursor>, LogError> {
        let Some(before) = skipped.checked_sub(1) else { return Ok(after) };
        let Some((sql, text)) = self.statement(filter, after, 0).await? else { return Ok(None) };
        let last = self.ids(&format!("{sql} OFFSET {before}"), text.as_deref()).await?;
        Ok(last.first().copied().map(Cursor))
    }
}
