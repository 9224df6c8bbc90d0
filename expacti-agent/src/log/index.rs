//! Keeps the tables that find attempts up with the entries.
//!
//! The index is made after the entries are durable and the receipts resolved, in a transaction of its own that also
//! says how far it came. So it is never part of what a verdict waits for, and nothing is counted twice. It is always
//! made from the stored entries, so that there is one way only, after a crash as at any time.

use std::collections::HashMap;

use expacti_core::evaluation::Level;
use expacti_core::record::AttemptId;
use expacti_core::record::attempt::State;
use expacti_core::record::chain::{Envelope, NodeId};
use sqlx::Row as _;

use super::LogError;
use super::encode::{Begun, Decided, Trace, What, trace_of};
use super::names::{Kind, Names};
use super::store::{Connection, on, postgres, signed, sqlite, unsigned};

/// How many entries one step takes. An entry that a verdict depends on may have to wait for a step.
const CHUNK: usize = 1000;

/// The next entries of a node, at most `$3`. Not by LIMIT: PostgreSQL, when it knows little of a table that grew fast,
/// sorts all that is left for every piece.
pub(super) const NEXT: &str = "SELECT id, position, body FROM entries WHERE node = $1 AND position > $2
    AND position < (SELECT min(position) FROM entries WHERE node = $1 AND position > $2) + $3 ORDER BY position";

/// A row of `attempts`, and its words.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: i64,
    at: i64,
    /// Node, agent, exe, program, cwd, command.
    names: [i64; 6],
    level: i64,
    score: i64,
    state: State,
    held: bool,
    decider: Option<i64>,
    held_us: Option<i64>,
    review_us: Option<i64>,
    human: bool,
    pub(super) words: Vec<String>,
}

impl Row {
    /// In the order of the table's columns.
    pub(super) fn values(&self) -> [Option<i64>; 16] {
        let [node, agent, exe, program, cwd, command] = self.names.map(Some);
        let [id, at, level, score] = [self.id, self.at, self.level, self.score].map(Some);
        let (state, held) = (Some(code(self.state)), Some(i64::from(self.held)));
        [
            id,
            node,
            at,
            agent,
            exe,
            program,
            cwd,
            command,
            level,
            score,
            state,
            held,
            self.decider,
            self.held_us,
            self.review_us,
            Some(i64::from(self.human)),
        ]
    }
}

/// The number of a state in the tables.
pub(super) fn code(state: State) -> i64 {
    match state {
        State::Pending => 0,
        State::Allowed => 1,
        State::Denied => 2,
        State::Withdrawn => 3,
    }
}

/// The number of a level in the tables.
pub(super) fn rank(level: Level) -> i64 {
    match level {
        Level::Low => 0,
        Level::Medium => 1,
        Level::High => 2,
        Level::Critical => 3,
    }
}

/// Day of a time, counted from the epoch.
pub(super) fn day(at: i64) -> i64 {
    at.div_euclid(86_400_000_000)
}

/// Makes the index of one node.
#[derive(Debug)]
pub(super) struct Indexer {
    node: NodeId,
    node_name: String,
    names: Names,
    done: u64,
}

/// (day, agent, command, state, human)
type Cell = (i64, i64, i64, i64, i64);

#[derive(Default)]
struct Work {
    rows: Vec<Row>,
    by_id: HashMap<AttemptId, usize>,
    tally: HashMap<Cell, i64>,
    votes: Vec<(i64, i64)>,
}

impl Indexer {
    pub(super) fn new(node: NodeId, node_name: String) -> Self {
        Self { node, node_name, names: Names::default(), done: 0 }
    }

    /// Up to which position it is made, as far as this daemon knows.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// Makes the next piece of what is missing, from the entries themselves. False where nothing is missing any more.
    pub(super) async fn step(&mut self, connection: &mut Connection) -> Result<bool, LogError> {
        const PROGRESS: &str = "SELECT position FROM progress WHERE node = $1";
        let rows: Vec<(i64, u64, String)> = on!(Connection, &mut *connection, sql => {
            let node = self.node.0.to_vec();
            let done: Option<i64> = sqlx::query_scalar(PROGRESS).bind(node.clone()).fetch_optional(&mut *sql).await?;
            let rows = sqlx::query(NEXT).bind(node).bind(done.unwrap_or(0)).bind(signed(CHUNK as u64)).fetch_all(&mut *sql).await?;
            let read = |row: &_| Ok::<_, sqlx::Error>(read_row(row));
            rows.iter().map(|row| read(row)?).collect::<Result<_, _>>()?
        });
        let Some(&(_, up_to, _)) = rows.last() else { return Ok(false) };
        let mut traces = Vec::with_capacity(rows.len());
        for (id, _, body) in &rows {
            // What cannot be read cannot be found, but must not keep the rest from being found; verify names it.
            let envelope = Envelope::read(body.as_bytes()).ok();
            traces.extend(envelope.and_then(|envelope| trace_of(&envelope)).map(|trace| (*id, trace)));
        }
        let taken = self.transact(connection, traces, up_to).await;
        if taken.is_err() {
            // Numbers that were given in a transaction that did not end well belong to nothing.
            self.names.forget();
        }
        self.done = if taken.is_ok() { up_to } else { self.done };
        taken.map(|()| true)
    }

    async fn transact(
        &mut self,
        connection: &mut Connection,
        traces: Vec<(i64, Trace)>,
        up_to: u64,
    ) -> Result<(), LogError> {
        connection.durable(false).await?;
        connection.begin().await?;
        let mut work = Work::default();
        self.collect(connection, &mut work, traces).await?;
        self.write(connection, work, up_to).await?;
        connection.commit().await?;
        connection.durable(true).await
    }

    async fn collect(
        &mut self,
        connection: &mut Connection,
        work: &mut Work,
        traces: Vec<(i64, Trace)>,
    ) -> Result<(), LogError> {
        const BEFORE: &str = "SELECT at, agent, command, state, human FROM attempts WHERE id = $1";
        const DECIDE: &str = "UPDATE attempts SET state = $2, decider = $3, held_us = $4, review_us = $5, human = $6 WHERE id = $1";
        for (id, Trace { attempt, at, what }) in traces {
            let decided = match what {
                What::Begun(begun) => {
                    let row = self.row(connection, id, at, *begun).await?;
                    work.by_id.insert(attempt, work.rows.len());
                    work.rows.push(row);
                    continue;
                }
                What::Voted(reviewer) => {
                    let reviewer = self.names.number(connection, Kind::Reviewer, &reviewer).await?;
                    if let Some(id) = self.find(connection, work, attempt).await? {
                        work.votes.push((reviewer, id));
                    }
                    continue;
                }
                What::Held => None,
                What::Withdrawn => Some((State::Withdrawn, None, None, None, false)),
                What::Decided(Decided { state, decider, human, held, review }) => {
                    let decider = self.names.number(connection, Kind::Decider, &decider).await?;
                    Some((state, Some(decider), Some(signed(held)), review.map(signed), human))
                }
            };
            if let Some(&known) = work.by_id.get(&attempt) {
                let row = &mut work.rows[known];
                match decided {
                    None => row.held = true,
                    Some(decided) => {
                        (row.state, row.decider, row.held_us, row.review_us, row.human) = decided;
                    }
                }
            } else if let Some(id) = self.find(connection, work, attempt).await? {
                match decided {
                    None => on!(Connection, &mut *connection, sql => {
                        let hold = "UPDATE attempts SET held = 1 WHERE id = $1";
                        sqlx::query(hold).bind(id).execute(&mut *sql).await.map(drop)?;
                    }),
                    Some((state, by, held, review, human)) => on!(Connection, &mut *connection, sql => {
                        let row = sqlx::query(BEFORE).bind(id).fetch_one(&mut *sql).await?;
                        let cell: Cell = (day(row.try_get(0)?), row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
                        let query = sqlx::query(DECIDE).bind(id).bind(code(state)).bind(by).bind(held).bind(review);
                        query.bind(i64::from(human)).execute(&mut *sql).await?;
                        if cell.3 != code(State::Pending) {
                            *work.tally.entry(cell).or_default() -= 1;
                        }
                        *work.tally.entry((cell.0, cell.1, cell.2, code(state), i64::from(human))).or_default() += 1;
                    }),
                }
            }
        }
        Ok(())
    }

    async fn row(
        &mut self,
        connection: &mut Connection,
        id: i64,
        at: i64,
        begun: Begun,
    ) -> Result<Row, LogError> {
        let texts = [
            (Kind::Node, &self.node_name),
            (Kind::Agent, &begun.agent),
            (Kind::Exe, &begun.exe),
            (Kind::Program, &begun.program),
            (Kind::Cwd, &begun.cwd),
            (Kind::Command, &begun.command),
        ];
        let mut names = [0; 6];
        for (number, (kind, text)) in names.iter_mut().zip(texts) {
            *number = self.names.number(connection, kind, text).await?;
        }
        let by = match &begun.decided {
            Some(decided) => Some(self.names.number(connection, Kind::Decider, &decided.decider).await?),
            None => None,
        };
        let decided = begun.decided.as_ref();
        Ok(Row {
            id,
            at,
            names,
            level: rank(begun.level),
            score: i64::from(begun.score),
            state: decided.map_or(State::Pending, |decided| decided.state),
            held: false,
            decider: by,
            held_us: decided.map(|decided| signed(decided.held)),
            review_us: decided.and_then(|decided| decided.review).map(signed),
            human: decided.is_some_and(|decided| decided.human),
            words: begun.words,
        })
    }

    async fn find(
        &self,
        connection: &mut Connection,
        work: &Work,
        attempt: AttemptId,
    ) -> Result<Option<i64>, LogError> {
        const FIND: &str =
            "SELECT a.id FROM entries e JOIN attempts a ON a.id = e.id WHERE e.boot = $1 AND e.sequence = $2";
        if let Some(&known) = work.by_id.get(&attempt) {
            return Ok(Some(work.rows[known].id));
        }
        Ok(on!(Connection, connection, sql => {
            let boot = attempt.boot.0.to_be_bytes().to_vec();
            sqlx::query_scalar(FIND).bind(boot).bind(signed(attempt.sequence)).fetch_optional(&mut *sql).await?
        }))
    }

    async fn write(&self, connection: &mut Connection, mut work: Work, up_to: u64) -> Result<(), LogError> {
        const COUNT: &str = "INSERT INTO tally (day, agent, command, state, human, count) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (day, agent, command, state, human) DO UPDATE SET count = tally.count + excluded.count";
        const VOTE: &str = "INSERT INTO votes (reviewer, attempt) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        const PROGRESS: &str = "INSERT INTO progress (node, position) VALUES ($1, $2)
            ON CONFLICT (node) DO UPDATE SET position = excluded.position";
        match connection {
            Connection::Sqlite(sql, _) => sqlite::add_rows(sql, &work.rows).await?,
            Connection::Postgres(sql) => postgres::add_rows(sql, &work.rows).await?,
        }
        for row in work.rows.iter().filter(|row| row.state != State::Pending) {
            let [_, agent, _, _, _, command] = row.names;
            let cell = (day(row.at), agent, command, code(row.state), i64::from(row.human));
            *work.tally.entry(cell).or_default() += 1;
        }
        let mut tally: Vec<(Cell, i64)> = work.tally.into_iter().collect();
        // Several daemons take the same rows in the same order, so none waits for the other in a circle.
        tally.sort_unstable();
        on!(Connection, connection, sql => {
            for ((day, agent, command, state, human), count) in tally {
                let query = sqlx::query(COUNT).bind(day).bind(agent).bind(command).bind(state).bind(human).bind(count);
                query.execute(&mut *sql).await?;
            }
            for (reviewer, attempt) in work.votes {
                sqlx::query(VOTE).bind(reviewer).bind(attempt).execute(&mut *sql).await?;
            }
            sqlx::query(PROGRESS).bind(self.node.0.to_vec()).bind(signed(up_to)).execute(&mut *sql).await?;
        });
        Ok(())
    }
}

fn read_row<R: sqlx::Row>(row: &R) -> Result<(i64, u64, String), sqlx::Error>
where
    usize: sqlx::ColumnIndex<R>,
    i64: for<'r> sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    String: for<'r> sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    Ok((row.try_get(0)?, unsigned(row.try_get(1)?), row.try_get(2)?))
}
