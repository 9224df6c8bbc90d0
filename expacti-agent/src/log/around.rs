//! What happened around an attempt: before it in the same session, and what it started.

use expacti_core::record::Attempt;
use expacti_core::record::filter::Filter;
use serde::Serialize;

use super::store::{on, signed};
use super::{Cursor, LogError, Reader};

/// How many attempts after one are looked through for what it started.
const FAR: u32 = 2000;

/// An attempt with what is around it.
#[derive(Clone, Debug, Serialize)]
pub struct Around {
    /// What the agent ran just before in the same session (the same cgroup), newest first.
    pub before: Vec<Attempt>,
    /// What it started.
    pub started: Vec<Branch>,
    /// There may be more than `started` shows: too much ran in between.
    pub incomplete: bool,
}

/// What was started, and what that started.
#[derive(Clone, Debug, Serialize)]
pub struct Branch {
    /// It.
    pub attempt: Attempt,
    /// What it started.
    pub started: Vec<Branch>,
}

impl Reader {
    /// What is around an attempt; `before` tells how many of the earlier ones are wanted.
    pub async fn around(&self, attempt: &Attempt, before: u32) -> Result<Around, LogError> {
        let id = self.place_of(attempt).await?;
        let (mut later, incomplete) = self.after(attempt, id).await?;
        later.retain(|other| is_same_session(attempt, other));
        let started = children(attempt.attempted.pid, &mut later);
        Ok(Around { before: self.before(attempt, before).await?, started, incomplete })
    }

    /// What the agent tried before an attempt in the same session, newest first; `most` of its attempts are looked at.
    pub async fn before(&self, attempt: &Attempt, most: u32) -> Result<Vec<Attempt>, LogError> {
        let agent = Some(attempt.attempted.request.agent.name.clone());
        let filter = Filter { agent, ..Filter::default() };
        let place = Cursor(self.place_of(attempt).await?);
        let mut earlier = self.query(&filter, Some(place), most).await?.attempts;
        earlier.retain(|other| is_same_session(attempt, other));
        Ok(earlier)
    }

    async fn place_of(&self, attempt: &Attempt) -> Result<i64, LogError> {
        const ROW: &str = "SELECT id FROM entries WHERE node = $1 AND position = $2";
        Ok(on!(Pool, &self.pool, pool => {
            let query = sqlx::query_scalar(ROW).bind(attempt.node.0.to_vec());
            query.bind(signed(attempt.position)).fetch_one(pool).await?
        }))
    }

    /// Attempts of the same agent while the program ran.
    async fn after(&self, attempt: &Attempt, id: i64) -> Result<(Vec<Attempt>, bool), LogError> {
        let duration = attempt.exit.as_ref().map(|exit| i64::try_from(exit.duration_us).unwrap_or(i64::MAX));
        // It began to run when it was let through.
        let held = attempt.verdict.as_ref().map_or(0, |verdict| signed(verdict.held));
        let end = duration
            .map_or(i64::MAX, |duration| attempt.time_us.saturating_add(held).saturating_add(duration));
        let agent = Some(attempt.attempted.request.agent.name.clone());
        let filter = Filter { agent, until: end.checked_add(1), ..Filter::default() };
        let (later, _) = self.newer(&filter, Cursor(id), FAR).await?;
        let full = later.len() >= FAR as usize;
        Ok((later, full))
    }
}

/// Whether both are of one node and one cgroup.
fn is_same_session(one: &Attempt, other: &Attempt) -> bool {
    other.node == one.node && other.attempted.request.agent.cgroup == one.attempted.request.agent.cgroup
}

/// Takes out of `later` what descends from a process, as a tree. An attempt hangs on the nearest ancestor that is
/// itself an attempt here.
fn children(pid: u32, later: &mut Vec<Attempt>) -> Vec<Branch> {
    let descends = |attempt: &Attempt| {
        attempt.attempted.ppid == pid
            || attempt.attempted.request.lineage.iter().any(|ancestor| ancestor.pid == pid)
    };
    let (mut below, rest): (Vec<_>, Vec<_>) = std::mem::take(later).into_iter().partition(descends);
    *later = rest;
    let mut branches = Vec::new();
    while !below.is_empty() {
        let attempt = below.remove(0);
        let started = children(attempt.attempted.pid, &mut below);
        branches.push(Branch { attempt, started });
    }
    branches
}
