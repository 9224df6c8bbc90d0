//! What was added since: for following and exporting.

use expacti_core::record::Attempt;
use expacti_core::record::filter::Filter;

use super::{Cursor, Driver};
use crate::log::store::Pool;
use crate::log::store::postgres::writers_done;
use crate::log::{LogError, Reader};

impl Reader {
    /// Attempts that were added after a cursor, oldest first: for following.
    pub async fn newer(
        &self,
        filter: &Filter,
        after: Cursor,
        limit: u32,
    ) -> Result<(Vec<Attempt>, Cursor), LogError> {
        let newest = self.newest().await?;
        let tail = self.tail(filter).await?;
        let mut ids = Vec::new();
        if let Some(terms) = self.terms(filter).await? {
            let mut conditions = terms.conditions(&self.pool, Driver::Order);
            conditions.push(format!("a.id > {} AND a.id <= {}", after.0, newest.0));
            conditions.extend(terms.since.map(|since| format!("+a.at >= {since}")));
            conditions.extend(terms.until.map(|until| format!("+a.at < {until}")));
            let sql = format!(
                "SELECT a.id FROM attempts a WHERE {} ORDER BY a.id LIMIT {limit}",
                conditions.join(" AND ")
            );
            ids = self.ids(&sql, terms.text.as_deref()).await?;
        }
        let ceiling = ids.last().filter(|_| ids.len() >= limit as usize).map_or(newest.0, |&id| id);
        ids.retain(|&id| !tail.has(id));
        ids.extend(tail.rows(filter).into_iter().filter(|&id| id > after.0 && id <= ceiling));
        ids.sort_unstable();
        let full = ids.len() >= limit as usize;
        ids.truncate(limit as usize);
        let seen = if full { ids.last().copied().unwrap_or(ceiling) } else { ceiling };
        Ok((self.attempts(&ids).await?, Cursor(seen)))
    }

    /// The end of the log. Nothing will come before it any more.
    pub async fn newest(&self) -> Result<Cursor, LogError> {
        let newest = self.number("SELECT coalesce(max(id), 0) FROM entries", None).await?.unwrap_or(0);
        if let Pool::Postgres(pool) = &self.pool {
            writers_done(pool).await?;
        }
        Ok(Cursor(newest))
    }
}
