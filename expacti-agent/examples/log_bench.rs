//! How fast the exec log is: appends attempts in batches and waits until each is durable, then asks every form of
//! question of what it wrote.
//!
//! `cargo run --release -p expacti-agent --example log_bench -- PLACE FOLDER [RECORDS]`
//!
//! It fails where an answer takes longer than 200 ms.
//!
//! PLACE is a path of SQLite or a URL of an empty PostgreSQL database, FOLDER a folder for the key and the spool.

use std::collections::VecDeque;
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use expacti_agent::log::{Config, Durability, Log, Receipt};
use expacti_agent::memory;
use expacti_core::evaluation::{DecidedBy, Decision, Evaluation, Level};
use expacti_core::record::entry::{Attempted, Decider, Verdict};
use expacti_core::record::filter::Filter;
use expacti_core::record::{AttemptId, BootId, Change, Entry};
use expacti_core::request::{Agent, Ancestor, Credentials, ExecRequest, Executable};

const NOON: i64 = 1_795_176_000_000_000;
const COMMANDS: [&[&str]; 8] = [
    &["git", "-C", "/srv/app", "status", "--porcelain", "--branch"],
    &["git", "diff", "--stat", "HEAD~1", "--", "src", "tests"],
    &["cargo", "test", "-p", "app", "--quiet", "--", "handlers"],
    &["sed", "-n", "1,120p", "src/main.rs", "src/lib.rs"],
    &["rg", "--line-number", "--hidden", "fn handle_request", "src", "tests"],
    &["ls", "-la", "--color=never", "/srv/app/target"],
    &["python3", "-m", "pytest", "-q", "--maxfail=1", "tests/test_users.py"],
    &["psql", "postgres://app@db/app", "-At", "-c", "SELECT count(*) FROM users"],
];

/// A number that looks random and is the same in every run.
fn scatter(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32
}

fn attempt(number: u64) -> Entry {
    let random = scatter(number);
    let argv = COMMANDS[usize::try_from(random % 8).unwrap_or(0)];
    // Of other digits, so that every agent runs every command.
    let (agent, folder) = (scatter(random) % 20, scatter(random + 1) % 50);
    let seldom = number.is_multiple_of(5000);
    let agent = if seldom { "agent-seldom".to_owned() } else { format!("agent-{agent}") };
    let (risky, denied) = (random.is_multiple_of(200), random.is_multiple_of(1000));
    let score = if risky { 75 } else { 5 + u8::try_from(random % 20).unwrap_or(0) };
    let word = |text: &&str| (*text).into();
    let request = ExecRequest {
        argv: argv.iter().map(word).collect(),
        agent: Agent { name: agent.clone(), cgroup: format!("/agents/{agent}"), ..Agent::default() },
        exe: Executable {
            path: format!("/usr/bin/{}", argv[0]).into(),
            dev: 65_024,
            ino: 1000 + random % 8,
            sha256: Some("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into()),
            ..Executable::default()
        },
        cwd: Some(format!("/srv/app-{folder}/src").into()),
        env: [
            ("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into()),
            ("PGHOST".into(), "db".into()),
            ("GIT_DIR".into(), "/srv/app/.git".into()),
        ]
        .into(),
        credentials: Credentials { uid: 1000, euid: 1000, gid: 1000, egid: 1000, capabilities: 0 },
        tty: Some("/dev/pts/3".into()),
        lineage: vec![
            Ancestor {
                pid: 42,
                exe: "/usr/bin/bash".into(),
                argv: vec!["bash".into(), "-lc".into(), "make check".into()],
            },
            Ancestor {
                pid: 40,
                exe: "/usr/bin/node".into(),
                argv: vec!["node".into(), "/opt/agent/cli.js".into()],
            },
        ],
        ..ExecRequest::default()
    };
    let attempted = Attempted {
        pid: 10_000 + u32::try_from(number % 1_000_000).unwrap_or(0),
        ppid: 42,
        request,
        evaluation: Evaluation {
            decision: if denied { Decision::Deny } else { Decision::Allow },
            score,
            level: Level::of(score),
            categories: ["read".to_owned()].into(),
            factors: Vec::new(),
            decided_by: DecidedBy::Threshold,
            approvals: 0,
            roles: std::collections::BTreeSet::new(),
            rule_generation: 3,
            children_ceiling: None,
        },
        engine: env!("CARGO_PKG_VERSION").into(),
        verdict: Some(Verdict {
            allow: !denied,
            decider: if denied { Decider::Timeout } else { Decider::Cache },
            because: String::new(),
            held: random % 300,
            review: None,
        }),
        masked: Vec::new(),
    };
    let attempt = Some(AttemptId { boot: BootId(1), sequence: number });
    Entry {
        at: NOON + i64::try_from(number).unwrap_or(0) * 1000,
        attempt,
        change: Change::Attempted(Box::new(attempted)),
    }
}

/// An answer may take this long, the middle of three.
const LONGEST: Duration = Duration::from_millis(200);
/// How many attempts may be under way: fewer than the log's queue has room for.
const UNDER_WAY: usize = 32_768;
/// How many are appended one at a time.
const ALONE: u64 = 1_000;

/// Appends without waiting for each; waits for the oldest where too many are under way.
struct Stream<'a> {
    log: &'a Log,
    under_way: VecDeque<Receipt>,
}

impl Stream<'_> {
    async fn append(&mut self, entry: Entry) -> anyhow::Result<()> {
        if self.under_way.len() >= UNDER_WAY
            && let Some(oldest) = self.under_way.pop_front()
        {
            oldest.await?;
        }
        self.under_way.push_back(self.log.append(entry, Durability::Batched)?);
        Ok(())
    }

    async fn finish(&mut self) -> anyhow::Result<()> {
        for receipt in self.under_way.drain(..) {
            receipt.await?;
        }
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    memory::keep_no_fast_bins();
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: log_bench PLACE FOLDER [RECORDS]";
    let place = arguments.next().context(usage)?.parse()?;
    let home = arguments.next().context(usage)?;
    let records: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse()).context(usage)?;
    let mut out = std::io::stdout();
    let log = Log::open(Config { patience: Duration::from_mins(1), ..Config::new(place, home) }).await?;
    let first = log.last_sequence(BootId(1)).await?.unwrap_or(0) + 1;

    let made = Instant::now();
    let entries: Vec<Entry> = (first..first + records.min(200_000)).map(attempt).collect();
    writeln!(out, "made {} records in {:?} (not part of what follows)", entries.len(), made.elapsed())?;
    let (began, taken) = (Instant::now(), entries.len());
    let mut stream = Stream { log: &log, under_way: VecDeque::new() };
    for entry in entries {
        stream.append(entry).await?;
    }
    stream.finish().await?;
    rate(&mut out, "durable", taken, began)?;
    let asked = Instant::now();
    let found = log.query(&Filter::parse("git agent:agent-7", NOON)?, None, 50).await?.attempts.len();
    writeln!(out, "asked at once, before the index is made: {found} found in {:?}", asked.elapsed())?;
    log.settle().await?;
    rate(&mut out, "durable and indexed", taken, began)?;
    let began = Instant::now();
    for number in first + taken as u64..first + records {
        stream.append(attempt(number)).await?;
    }
    stream.finish().await?;
    let rest = usize::try_from(records)? - taken;
    if rest > 0 {
        rate(&mut out, "the rest, made on the way: durable", rest, began)?;
        log.settle().await?;
        rate(&mut out, "the rest, made on the way: durable and indexed", rest, began)?;
    }
    let began = Instant::now();
    for number in first + records..first + records + ALONE {
        log.append(attempt(number), Durability::Durable)?.await?;
    }
    rate(&mut out, "one at a time, each waited for: durable", usize::try_from(ALONE)?, began)?;
    log.settle().await?;
    ask(&mut out, &log).await?;
    Ok(log.close().await?)
}

fn rate(out: &mut impl std::io::Write, what: &str, count: usize, since: Instant) -> anyhow::Result<()> {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = count as f64 / since.elapsed().as_secs_f64();
    writeln!(out, "{what}: {count} records in {:?}: {rate:.0} a second", since.elapsed())?;
    Ok(writeln!(out, "    processor time so far by thread: {}", processor_time()?)?)
}

/// Processor time of each thread in seconds: what a busy machine does not change.
fn processor_time() -> anyhow::Result<String> {
    let mut times = Vec::new();
    for task in std::fs::read_dir("/proc/self/task")? {
        let stat = std::fs::read_to_string(task?.path().join("stat"))?;
        let name = stat.split(['(', ')']).nth(1).unwrap_or_default().to_owned();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        // utime and stime in hundredths, counted from the field behind the name.
        let hundredths: u64 =
            fields.iter().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        times.push(format!("{name} {}.{:02}", hundredths / 100, hundredths % 100));
    }
    Ok(times.join(", "))
}

async fn ask(out: &mut impl std::io::Write, log: &Log) -> anyhow::Result<()> {
    let now =
        log.query(&Filter::default(), None, 1).await?.attempts.first().map_or(NOON, |last| last.time_us);
    let questions = [
        "",
        "agent:agent-7",
        "agent:nobody",
        "level:high",
        "level:critical",
        "decision:denied",
        "decision:allowed",
        "decision:held",
        "by:timeout",
        "by:alice",
        "exe:git",
        "exe:/usr/bin/git",
        "cwd:/srv/app-7",
        "cwd:/srv",
        "since:10s",
        "until:900s",
        "since:500s until:400s agent:agent-7",
        "git",
        "count users",
        "handle_req",
        "nowhere",
        "git agent:agent-7",
        "git decision:denied level:high agent:agent-7",
        "git agent:agent-seldom",
        "handle_req agent:agent-seldom",
        "agent:agent-7 exe:psql cwd:/srv/app-8 level:high decision:allowed",
        "cwd:/srv exe:git decision:denied by:cache",
    ];
    let mut slow = Vec::new();
    for question in questions {
        let filter = Filter::parse(question, now)?;
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..3 {
            let began = Instant::now();
            found = log.query(&filter, None, 50).await?.attempts.len();
            times.push(began.elapsed());
        }
        times.sort_unstable();
        writeln!(out, "{:>10.2?} at most {:>10.2?}  {found:>3} found  {question}", times[1], times[2])?;
        if times[1] > LONGEST {
            slow.push(question);
        }
    }
    let began = Instant::now();
    log.reader().stats(&Filter::default()).await?;
    writeln!(out, "{:>10.2?}  statistics", began.elapsed())?;
    anyhow::ensure!(slow.is_empty(), "answers took longer than {LONGEST:?}: {slow:?}");
    Ok(())
}
