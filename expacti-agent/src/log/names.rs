//! Texts that repeat, by number.

use std::borrow::Cow;
use std::collections::HashMap;

use sqlx::Row as _;

use super::LogError;
use super::store::{Connection, on};

/// What a text is. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Agent = 1,
    Exe = 2,
    Program = 3,
    Cwd = 4,
    Decider = 5,
    Reviewer = 6,
    Node = 7,
    Command = 8,
}

/// The numbers of the texts that were met, so that the database is asked once for each.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By kind, so that looking up needs no key of its own.
    known: [HashMap<String, i64>; 9],
}

/// Agents can make up folders without end; the memory of them must have one.
const MOST: usize = 100_000;

impl Names {
    /// The number of a text, which gets one where it has none.
    pub(super) async fn number(
        &mut self,
        connection: &mut Connection,
        kind: Kind,
        text: &str,
    ) -> Result<i64, LogError> {
        // PostgreSQL cannot keep a NUL. No path has one; an agent's name could.
        let clean = if text.contains('\0') {
            Cow::Owned(text.replace('\0', "\u{fffd}"))
        } else {
            Cow::Borrowed(text)
        };
        let known = &mut self.known[kind as usize];
        if let Some(&id) = known.get(clean.as_ref()) {
            return Ok(id);
        }
        if known.len() >= MOST {
            known.clear();
        }
        let text = clean.into_owned();
        let id: i64 = on!(Connection, connection, connection => {
            sqlx::query("INSERT INTO names (kind, text) VALUES ($1, $2) ON CONFLICT (kind, text) DO NOTHING")
                .bind(kind as i64).bind(text.clone()).execute(&mut *connection).await?;
            sqlx::query("SELECT id FROM names WHERE kind = $1 AND text = $2")
                .bind(kind as i64).bind(text.clone()).fetch_one(&mut *connection).await?.try_get(0)?
        });
        known.insert(text, id);
        Ok(id)
    }

    /// Forgets everything: a transaction that made numbers did not end well.
    pub(super) fn forget(&mut self) {
        self.known.iter_mut().for_each(HashMap::clear);
    }
}
