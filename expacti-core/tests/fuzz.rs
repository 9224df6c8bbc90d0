//! Commands, SQL and rules that nobody would write, made from those that people do: no panic, the same answer twice, and
//! no more time than was promised.
//!
//! Deterministic: the same seed makes the same texts, so a failure can be run again. How many are made, and from
//! which seed: `EXPACTI_FUZZ_RUNS=200000 EXPACTI_FUZZ_SEED=7 cargo test --release -p expacti-core --test fuzz`.

use std::env;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use expacti_core::request::ExecRequest;
use expacti_core::rules::{RuleSet, Source};
use expacti_core::{Tools, assess};
use serde_json::Value;

static TOOLS: LazyLock<Tools> = LazyLock::new(Tools::embedded);

/// Texts that are made of each kind in plain `cargo test`.
const RUNS: u64 = 1500;
/// The size that the promise is about.
const SIZE: usize = 64 * 1024;
/// The promise is 20 ms in a release build; a debug build on a busy machine still tells linear from quadratic work.
const ALLOWED: Duration =
    if cfg!(debug_assertions) { Duration::from_secs(3) } else { Duration::from_millis(20) };
/// Texts of the full size that are timed.
const TIMED: usize = 24;

/// Pieces that mean something to one of the readers.
const PIECES: [&str; 48] = [
    "$(",
    ")",
    "`",
    "\"",
    "'",
    "${",
    "}",
    "{a,b}",
    " ",
    ";",
    "|",
    "&",
    "&&",
    "||",
    "<<E\n",
    "\n",
    "((",
    "))",
    ">",
    "<(",
    "2>&1",
    "\\",
    "$'\\x41'",
    "x=1 ",
    "$x",
    "${x:1:2}",
    "${x/a/b}",
    "$IFS",
    "while true; do ",
    "done",
    "f() { ",
    "}; f",
    "--",
    "-",
    "--force",
    "=",
    "*",
    "/",
    "\u{430}",
    "\u{202e}",
    "\0",
    "eval ",
    "sudo ",
    "sh -c ",
    "psql -c ",
    "DROP TABLE x",
    "/* ",
    "$$",
];

/// A small generator, the same everywhere.
struct Dice(u64);

impl Dice {
    fn of(kind: &str) -> Self {
        let seed = env::var("EXPACTI_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1u64);
        let kind = kind.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ kind | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or_default()
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

fn runs() -> u64 {
    env::var("EXPACTI_FUZZ_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(RUNS)
}

/// A text with some of it cut out, doubled, exchanged with another's, or with pieces put in.
fn mutated(dice: &mut Dice, seeds: &[String]) -> String {
    let mut bytes = dice.pick(seeds).clone().into_bytes();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        match dice.below(6) {
            0 => drop(bytes.drain(at..(at + dice.below(12)).min(bytes.len()))),
            1 => {
                let part = bytes[at..(at + dice.below(40)).min(bytes.len())].to_vec();
                let to = dice.below(bytes.len() + 1);
                bytes.splice(to..to, part);
            }
            2 => {
                let other = dice.pick(seeds).as_bytes();
                let from = dice.below(other.len() + 1);
                bytes.splice(at.., other[from..].iter().copied());
            }
            3 if at < bytes.len() => bytes[at] = u8::try_from(dice.below(256)).unwrap_or_default(),
            _ => {
                let piece = *dice.pick(&PIECES);
                bytes.splice(at..at, piece.bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Commands of the open part of the corpus, as shell texts.
fn commands() -> Vec<String> {
    ["ordinary", "dangerous"]
        .iter()
        .flat_map(|kind| {
            let file =
                Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/corpus/{kind}.dev.jsonl"));
            let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            text.lines().map(command).collect::<Vec<_>>()
        })
        .collect()
}

fn command(line: &str) -> String {
    let entry: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    let request = &entry["request"];
    request["shell"].as_str().map_or_else(
        || {
            let words = request["argv"].as_array().into_iter().flatten();
            words.filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
        },
        str::to_owned,
    )
}

fn request(argv: &[&str]) -> ExecRequest {
    ExecRequest {
        argv: argv.iter().map(|word| (*word).into()).collect(),
        cwd: Some("/home/dev/shop".into()),
        ..ExecRequest::default()
    }
}

/// Judges twice; the answers must be one.
fn judge(argv: &[&str]) {
    let request = request(argv);
    let (first, second) = (assess(&request, &TOOLS), assess(&request, &TOOLS));
    assert!(first.score <= 100 && !first.commands.is_empty(), "{argv:?}");
    assert_eq!((first.score, first.factors.len()), (second.score, second.factors.len()), "{argv:?}");
    let sum: i32 = first.factors.iter().map(|factor| i32::from(factor.points)).sum();
    assert_eq!(sum, i32::from(first.score), "the reasons of {argv:?} add up");
}

/// Texts of the full size out of mutated ones, timed: the best of a few, because other work on the machine is not ours.
fn within_time(kind: &str, seeds: &[String], judge: impl Fn(&str)) {
    let mut dice = Dice::of(&format!("{kind} long"));
    for _ in 0..TIMED {
        let unit = format!("{}{}", mutated(&mut dice, seeds), dice.pick(&["", "\n", ";", " "]));
        let long: String = unit.chars().cycle().take(SIZE / 4).collect();
        let long = long.get(..SIZE.min(long.len())).unwrap_or(&long);
        let timed = || {
            let started = Instant::now();
            judge(long);
            started.elapsed()
        };
        let best = (0..5).map(|_| timed()).find(|took| *took <= ALLOWED);
        assert!(best.is_some(), "{} bytes of {unit:?} take more than {ALLOWED:?}", long.len());
    }
}

#[test]
fn any_shell_text_is_judged() {
    let seeds = commands();
    let mut dice = Dice::of("shell");
    for _ in 0..runs() {
        judge(&["bash", "-c", &mutated(&mut dice, &seeds)]);
    }
    within_time("shell", &seeds, |text| drop(assess(&request(&["bash", "-c", text]), &TOOLS)));
}

#[test]
fn any_argument_vector_is_judged() {
    let seeds = commands();
    let mut dice = Dice::of("argv");
    for _ in 0..runs() {
        let text = mutated(&mut dice, &seeds);
        judge(&text.split(' ').collect::<Vec<_>>());
    }
    within_time("argv", &seeds, |text| {
        drop(assess(&request(&text.split(' ').collect::<Vec<_>>()), &TOOLS));
    });
}

#[test]
fn any_sql_is_judged() {
    let seeds: Vec<String> = [
        "SELECT * FROM users WHERE id IN (SELECT user_id FROM orders) FOR UPDATE",
        "UPDATE users SET a = CASE WHEN b THEN 'x' ELSE \"y\" END WHERE id = 1",
        "WITH gone AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM gone",
        "DO $$ BEGIN EXECUTE 'DROP TABLE ' || 'a'; END $$",
        "ALTER TABLE a ADD COLUMN b int, DROP COLUMN c CASCADE",
        "COPY a FROM PROGRAM 'curl x'",
        "\\copy a to program 'x'",
        "/*!50000 DROP TABLE a */; -- b\nEXPLAIN ANALYZE DELETE FROM a",
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $f$ BEGIN NULL; END $f$",
        "GRANT ALL ON SCHEMA public TO PUBLIC; SET GLOBAL read_only = ON",
    ]
    .map(str::to_owned)
    .to_vec();
    let mut dice = Dice::of("sql");
    let clients = ["psql", "mysql", "sqlite3", "clickhouse-client"];
    for _ in 0..runs() {
        let client = *dice.pick(&clients);
        let text = mutated(&mut dice, &seeds);
        judge(&client_argv(client, &text));
    }
    for client in clients {
        within_time(client, &seeds, |text| drop(assess(&request(&client_argv(client, text)), &TOOLS)));
    }
}

/// A client that is given SQL.
fn client_argv<'a>(client: &'a str, text: &'a str) -> Vec<&'a str> {
    match client {
        "sqlite3" => vec![client, "a.db", text],
        "clickhouse-client" => vec![client, "-q", text],
        "mysql" => vec![client, "-e", text],
        _ => vec![client, "-c", text],
    }
}

#[test]
fn any_rule_file_is_read_or_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let files: Vec<String> = fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok())
        .collect();
    // One rule at a time, so that what is mutated is most of what is read.
    let seeds: Vec<String> = files
        .iter()
        .flat_map(|file| file.split("\n[[rule]]").skip(1).map(|rule| format!("[[rule]]{rule}")))
        .collect();
    assert!(seeds.len() > 20, "the starter sets have rules");
    let mut dice = Dice::of("rules");
    let (mut read, mut refused) = (0, 0);
    for _ in 0..runs() {
        let text = mutated(&mut dice, &seeds);
        match RuleSet::load(&[Source::file("fuzz", text)], 1, &|request| assess(request, &TOOLS)) {
            Ok(_) => read += 1,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
        }
    }
    assert!(read > 0 && refused > 0, "{read} read, {refused} refused: both ways are tried");
    let text = "x".repeat(SIZE);
    let started = Instant::now();
    let _ = RuleSet::load(&[Source::file("fuzz", text)], 1, &|request| assess(request, &TOOLS));
    assert!(started.elapsed() < ALLOWED.max(Duration::from_millis(200)), "{:?}", started.elapsed());
}
