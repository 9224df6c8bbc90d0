//! What is stored and not indexed yet.
//!
//! The index is made when the writer has time. Every answer is complete all the same: a question reads through the
//! entries that the index lacks, usually none, and joins what it finds there with what the index gives.

use std::collections::HashMap;

use expacti_core::record::attempt::State;
use expacti_core::record::chain::{Envelope, NodeId};
use expacti_core::record::filter::{By, Filter, Wanted};
use expacti_core::record::{AttemptId, Change};

use super::encode::{Begun, Decided, What, trace_of};
use super::index::NEXT;
use super::names::Kind;
use super::store::{on, signed, unsigned};
use super::{LogError, Reader};

/// How many entries are read at once.
const CHUNK: i64 = 2000;

/// Attempts that the index does not show, or not as they are now.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// By row. Those that do not fit the filter now are here too where the index may still say that they do.
    found: HashMap<i64, Fresh>,
}

/// What can change about an attempt, as it is now.
#[derive(Clone, Debug)]
pub(super) struct Fresh {
    pub(super) at: i64,
    pub(super) begun: Box<Begun>,
    state: State,
    held: bool,
    pub(super) decided: Option<Decided>,
    voters: Vec<String>,
}

impl Fresh {
    fn new(at: i64, mut begun: Begun) -> Self {
        // They were looked at; a long tail need not keep them.
        begun.words = Vec::new();
        let decided = begun.decided.clone();
        let state = decided.as_ref().map_or(State::Pending, |decided| decided.state);
        Self { at, begun: Box::new(begun), state, held: false, decided, voters: Vec::new() }
    }

    fn take(&mut self, what: What) {
        match what {
            What::Begun(_) => {}
            What::Held => self.held = true,
            What::Voted(reviewer) => self.voters.push(reviewer),
            What::Decided(decided) => (self.state, self.decided) = (decided.state, Some(decided)),
            What::Withdrawn => (self.state, self.decided) = (State::Withdrawn, None),
        }
    }

    /// Where it stands.
    pub(super) fn state(&self) -> State {
        self.state
    }

    /// Whether what can change is as the filter wants it.
    fn fits(&self, filter: &Filter) -> bool {
        let decider = self.decided.as_ref().map(|decided| decided.decider.as_str());
        let decision = match filter.decision {
            None => true,
            Some(Wanted::State(state)) => self.state == state,
            Some(Wanted::Held) => self.held,
            Some(Wanted::TimedOut) => decider == Some("timeout"),
        };
        let by = match &filter.by {
            None => true,
            Some(By::Decider(name)) => decider == Some(name),
            Some(By::Reviewer(name)) => self.voters.contains(name),
        };
        decision && by
    }
}

impl Tail {
    /// Rows that fit, the highest first.
    pub(super) fn rows(&self, filter: &Filter) -> Vec<i64> {
        let mut rows: Vec<i64> =
            self.found.iter().filter(|(_, fresh)| fresh.fits(filter)).map(|(&row, _)| row).collect();
        rows.sort_unstable_by(|a, b| b.cmp(a));
        rows
    }

    /// Whether the tail knows better than the index.
    pub(super) fn has(&self, row: i64) -> bool {
        self.found.contains_key(&row)
    }

    /// Everything, by row.
    pub(super) fn all(&self) -> &HashMap<i64, Fresh> {
        &self.found
    }
}

/// Whether what never changes is as the filter wants it. It must agree with what [`super::query`] asks of the index.
fn fits(filter: &Filter, at: i64, begun: &Begun) -> bool {
    let clean = |text: &str| text.replace('\0', "\u{fffd}");
    let below = |cwd: &str| {
        let folder = cwd.trim_end_matches('/');
        let own = clean(&begun.cwd);
        own.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let runs = |exe: &str| {
        let program = exe.rsplit('/').next().unwrap_or_default();
        clean(&begun.program) == program && (!exe.contains('/') || clean(&begun.exe) == exe)
    };
    filter.since.is_none_or(|since| at >= since)
        && filter.until.is_none_or(|until| at < until)
        && filter.agent.as_ref().is_none_or(|agent| clean(&begun.agent) == *agent)
        && filter.level.is_none_or(|level| begun.level >= level)
        && filter.exe.as_deref().is_none_or(runs)
        && filter.cwd.as_deref().is_none_or(below)
        && says(&begun.words, &filter.words)
}

/// Whether `wanted` stand in a row in `words`; the last may be the beginning of one.
fn says(words: &[String], wanted: &[String]) -> bool {
    let Some((last, rest)) = wanted.split_last() else { return true };
    words
        .windows(wanted.len())
        .any(|row| row[..rest.len()] == *rest && row[rest.len()].starts_with(last.as_str()))
}

impl Reader {
    /// Reads through what the index lacks. What never fits the filter is left out.
    pub(super) async fn tail(&self, filter: &Filter) -> Result<Tail, LogError> {
        let mut tail = Tail::default();
        for node in self.nodes().await? {
            let known = filter.node.is_none() || self.goes_by(node, filter.node.as_deref()).await?;
            if known {
                self.tail_of(node, filter, &mut tail).await?;
            }
        }
        Ok(tail)
    }

    async fn tail_of(&self, node: NodeId, filter: &Filter, tail: &mut Tail) -> Result<(), LogError> {
        const DONE: &str = "SELECT position FROM progress WHERE node = $1";
        let done: Option<i64> = on!(Pool, &self.pool, pool => {
            sqlx::query_scalar(DONE).bind(node.0.to_vec()).fetch_optional(pool).await?
        });
        let mut done = unsigned(done.unwrap_or(0));
        let mut begun = HashMap::new();
        // Changes of attempts that began before the tail; each of these is asked for once.
        let mut earlier: Vec<AttemptId> = Vec::new();
        loop {
            let rows: Vec<(i64, i64, String)> = on!(Pool, &self.pool, pool => {
                let query = sqlx::query_as(NEXT).bind(node.0.to_vec()).bind(signed(done)).bind(CHUNK);
                query.fetch_all(pool).await?
            });
            for (row, position, body) in &rows {
                done = unsigned(*position);
                // What cannot be read cannot be found; `verify` names it.
                let Ok(envelope) = Envelope::read(body.as_bytes()) else { continue };
                let Some(trace) = trace_of(&envelope) else { continue };
                if let What::Begun(attempt) = trace.what {
                    let wanted = fits(filter, trace.at, &attempt);
                    begun.insert(trace.attempt, wanted.then_some(*row));
                    if wanted {
                        tail.found.insert(*row, Fresh::new(trace.at, *attempt));
                    }
                    continue;
                }
                match begun.get(&trace.attempt) {
                    None => earlier.push(trace.attempt),
                    Some(None) => {}
                    Some(Some(row)) => {
                        if let Some(fresh) = tail.found.get_mut(row) {
                            fresh.take(trace.what);
                        }
                    }
                }
            }
            if rows.is_empty() {
                break;
            }
        }
        earlier.sort_unstable();
        earlier.dedup();
        for attempt in earlier {
            self.earlier(attempt, filter, tail).await?;
        }
        Ok(())
    }

    /// An attempt that the index shows, but perhaps not as it is now.
    async fn earlier(&self, id: AttemptId, filter: &Filter, tail: &mut Tail) -> Result<(), LogError> {
        const ENTRIES: &str =
            "SELECT id, body FROM entries WHERE boot = $1 AND sequence = $2 ORDER BY position";
        let boot = id.boot.0.to_be_bytes().to_vec();
        let rows: Vec<(i64, String)> = on!(Pool, &self.pool, pool => {
            sqlx::query_as(ENTRIES).bind(boot).bind(signed(id.sequence)).fetch_all(pool).await?
        });
        let mut fresh: Option<(i64, Fresh)> = None;
        for (row, body) in rows {
            let Ok(envelope) = Envelope::read(body.as_bytes()) else { continue };
            let Some(trace) = trace_of(&envelope) else { continue };
            if let Some((_, fresh)) = &mut fresh {
                fresh.take(trace.what);
            } else if let What::Begun(begun) = trace.what
                && fits(filter, trace.at, &begun)
            {
                fresh = Some((row, Fresh::new(trace.at, *begun)));
            }
        }
        tail.found.extend(fresh);
        Ok(())
    }

    /// Whether a node goes by this name: as the index says, or as its chain began.
    async fn goes_by(&self, node: NodeId, wanted: Option<&str>) -> Result<bool, LogError> {
        const NAMED: &str =
            "SELECT n.text FROM entries e JOIN attempts a ON a.id = e.id JOIN names n ON n.id = a.node
            WHERE e.node = $1 AND n.kind = $2 ORDER BY e.position DESC LIMIT 1";
        const FIRST: &str = "SELECT body FROM entries WHERE node = $1 ORDER BY position LIMIT 1";
        let name: Option<String> = on!(Pool, &self.pool, pool => {
            let query = sqlx::query_scalar(NAMED).bind(node.0.to_vec()).bind(Kind::Node as i64);
            query.fetch_optional(pool).await?
        });
        if name.is_some() {
            return Ok(name.as_deref() == wanted);
        }
        let first: Option<String> = on!(Pool, &self.pool, pool => {
            sqlx::query_scalar(FIRST).bind(node.0.to_vec()).fetch_optional(pool).await?
        });
        let began = first.and_then(|body| Envelope::read(body.as_bytes()).ok()).map(|first| first.change);
        Ok(matches!(began, Some(Change::ChainStarted { name, .. }) if Some(name.as_str()) == wanted))
    }
}
