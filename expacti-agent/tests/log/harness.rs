//! A place for a log of each test, and entries to put there.

use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use expacti_agent::log::{Checked, Config, Durability, Health, Log, Place, Reader, check};
use expacti_core::evaluation::{DecidedBy, Decision, Evaluation, Level};
use expacti_core::record::entry::{Attempted, Decider, Verdict};
use expacti_core::record::{AttemptId, BootId, Change, Entry};
use expacti_core::request::{Agent, Ancestor, ExecRequest, Executable};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

pub(crate) const BOOT: BootId = BootId(0x3f2a_9c1e_0000_0000_0000_0000_0000_0001);
/// 2026-11-20 12:00 UTC.
pub(crate) const NOON: i64 = 1_795_176_000_000_000;

pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test);
}

/// Where a test keeps its log.
pub(crate) struct Site {
    pub(crate) folder: TempDir,
    pub(crate) place: Place,
    drop_database: Option<(String, String)>,
}

impl Site {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Sqlite(folder.path().join("log.db"));
        Self { folder, place, drop_database: None }
    }

    pub(crate) fn postgres() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = std::env::var("EXPACTI_TEST_POSTGRES").ok().filter(|url| !url.is_empty())?;
        let name = format!("expacti_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        admin(&server, &format!("CREATE DATABASE {name}"));
        let mut url = server.clone();
        let (base, query) =
            url.split_once('?').map_or((url.as_str(), None), |(base, query)| (base, Some(query)));
        let base = base.rsplit_once('/').unwrap().0;
        url = query.map_or(format!("{base}/{name}"), |query| format!("{base}/{name}?{query}"));
        let folder = tempfile::tempdir().unwrap();
        Some(Self { folder, place: Place::Postgres(url), drop_database: Some((server, name)) })
    }

    /// A fresh one on the same kind of database.
    pub(crate) fn another(&self) -> Self {
        if self.drop_database.is_some() { Self::postgres().unwrap() } else { Self::sqlite() }
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new(self.place.clone(), self.home());
        config.node_name = "node-a".into();
        config.checkpoint_every = 100;
        config
    }

    pub(crate) async fn open(&self) -> Log {
        Log::open(self.config()).await.unwrap()
    }

    pub(crate) async fn reader(&self) -> Reader {
        Reader::open(&self.place).await.unwrap()
    }

    pub(crate) async fn check(&self) -> Checked {
        check(&self.reader().await, None, &[]).await.unwrap()
    }

    /// How many entries and attempts the whole and proven log has.
    pub(crate) async fn proven(&self) -> (u64, u64) {
        proven_at(&self.place).await
    }

    /// Does to the database what nobody should.
    pub(crate) async fn tamper(&self, sql: &str) -> Result<u64, sqlx::Error> {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        match &self.place {
            Place::Sqlite(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                let mut connection = sqlx::SqliteConnection::connect_with(&options).await?;
                let done = sqlx::raw_sql(sql).execute(&mut connection).await?.rows_affected();
                connection.close().await?;
                Ok(done)
            }
            Place::Postgres(url) => {
                let mut connection = PgConnection::connect(url).await?;
                Ok(sqlx::raw_sql(sql).execute(&mut connection).await?.rows_affected())
            }
        }
    }

    pub(crate) fn database(&self) -> Option<(&str, &str)> {
        self.drop_database.as_ref().map(|(server, name)| (server.as_str(), name.as_str()))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some((server, name)) = self.drop_database.take() {
            admin(&server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

/// How many entries and attempts a whole and proven log has.
pub(crate) async fn proven_at(place: &Place) -> (u64, u64) {
    match check(&Reader::open(place).await.unwrap(), None, &[]).await.unwrap() {
        Checked::Whole(chains) => {
            (chains.iter().map(|c| c.entries).sum(), chains.iter().map(|c| c.attempts).sum())
        }
        bad => panic!("{bad:?}"),
    }
}

pub(crate) fn admin(server: &str, sql: &str) {
    let (server, sql) = (server.to_owned(), sql.to_owned());
    let work = move || {
        run(async {
            let mut connection = PgConnection::connect(&server).await.unwrap();
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        });
    };
    std::thread::spawn(work).join().unwrap();
}

pub(crate) fn id(sequence: u64) -> AttemptId {
    AttemptId { boot: BOOT, sequence }
}

pub(crate) fn request(agent: &str, argv: &[&str]) -> ExecRequest {
    let program = argv.first().copied().unwrap_or("sh");
    ExecRequest {
        argv: argv.iter().map(|&word| word.into()).collect(),
        agent: Agent { name: agent.into(), cgroup: format!("/agents/{agent}"), ..Agent::default() },
        exe: Executable {
            path: format!("/usr/bin/{program}").into(),
            dev: 1,
            ino: 2,
            ..Executable::default()
        },
        cwd: Some("/srv/app".into()),
        ..ExecRequest::default()
    }
}

pub(crate) fn attempted(request: ExecRequest, score: u8) -> Attempted {
    Attempted {
        pid: 100,
        ppid: 1,
        request,
        evaluation: Evaluation {
            decision: Decision::Allow,
            score,
            level: Level::of(score),
            categories: ["vcs".to_owned()].into(),
            factors: Vec::new(),
            decided_by: DecidedBy::Threshold,
            approvals: 0,
            roles: std::collections::BTreeSet::new(),
            rule_generation: 1,
            children_ceiling: None,
        },
        engine: "0.1.0".into(),
        verdict: None,
        masked: Vec::new(),
    }
}

pub(crate) fn verdict(allow: bool, decider: Decider) -> Verdict {
    Verdict { allow, decider, because: String::new(), held: 1_500, review: None }
}

/// An attempt that needed no human.
pub(crate) fn allowed(sequence: u64, argv: &[&str]) -> Entry {
    let mut attempted = attempted(request("claude", argv), 5);
    attempted.verdict = Some(verdict(true, Decider::Cache));
    entry(sequence, Change::Attempted(Box::new(attempted)))
}

pub(crate) fn entry(sequence: u64, change: Change) -> Entry {
    Entry { at: NOON + i64::try_from(sequence).unwrap() * 1_000_000, attempt: Some(id(sequence)), change }
}

pub(crate) fn parent(pid: u32) -> Ancestor {
    Ancestor { pid, ..Ancestor::default() }
}

/// Appends and waits until it is durable.
pub(crate) async fn put(log: &Log, entry: Entry) -> u64 {
    log.append(entry, Durability::Durable).unwrap().await.unwrap()
}

/// Waits until the log's health is as wanted.
pub(crate) async fn until(log: &Log, wanted: impl Fn(&Health) -> bool) -> Health {
    let mut health = log.watch_health();
    let seen = tokio::time::timeout(Duration::from_secs(30), health.wait_for(|health| wanted(health))).await;
    seen.unwrap_or_else(|_| panic!("after 30 s the log is {:?}", log.health())).unwrap().clone()
}
