//! How many fit, up to a bound.

use expacti_core::record::filter::Filter;

use super::{LogError, Reader};

impl Reader {
    /// How many attempts fit, counted up to `most`.
    pub async fn count(&self, filter: &Filter, most: u32) -> Result<u64, LogError> {
        let Some((sql, text)) = self.statement(filter, None, most.saturating_sub(1)).await? else {
            return Ok(0);
        };
        Ok(self.ids(&sql, text.as_deref()).await?.len() as u64)
    }
}
