//! What a judgement costs: `cargo bench -p expacti-core --bench engine`.
//!
//! Every command of the open part of the corpus is read and scored by itself, as the daemon would see it. Its figure is
//! the least disturbed of many short runs, so that other work on the machine does not count; mean, median and tail
//! are over the commands. What a decision by rules costs on top is in `benches/rules.rs`. Given a text after `--`, only commands with it are measured.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a program that measures and prints")]

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use expacti_core::request::ExecRequest;
use expacti_core::{Tools, assess};
use serde_json::{Value, json};

/// Runs of one command, of which the fastest counts.
const RUNS: usize = 200;
/// Commands of the tail that are named.
const NAMED: usize = 5;
/// The longest text that the promise of 20 ms is about.
const LONGEST: usize = 64 * 1024;

fn main() {
    let tools = Tools::embedded();
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    for kind in ["ordinary", "dangerous"] {
        let requests = requests(kind, wanted.as_deref());
        if requests.is_empty() {
            continue;
        }
        let mut costs: Vec<(u64, String)> =
            requests.into_iter().map(|(name, request)| (scoring(&request, &tools), name)).collect();
        costs.sort_unstable();
        report(kind, &costs);
    }
    longest(&tools);
}

fn report(kind: &str, costs: &[(u64, String)]) {
    let nanoseconds: Vec<u64> = costs.iter().map(|(cost, _)| *cost).collect();
    let total: u64 = nanoseconds.iter().sum();
    let mean = total / nanoseconds.len() as u64;
    let at = |share: usize| micro(nanoseconds[(nanoseconds.len() - 1) * share / 100]);
    println!(
        "{kind:<10} {:>5} commands, read and scored: mean {} us, median {}, p90 {}, p99 {}, most {}",
        costs.len(),
        micro(mean),
        at(50),
        at(90),
        at(99),
        at(100)
    );
    for (cost, name) in costs.iter().rev().take(NAMED) {
        println!("  {:>8} us  {}", micro(*cost), name.chars().take(110).collect::<String>().escape_debug());
    }
}

fn micro(nanoseconds: u64) -> String {
    format!("{}.{:02}", nanoseconds / 1000, nanoseconds % 1000 / 10)
}

/// Nanoseconds of reading and scoring one command.
fn scoring(request: &ExecRequest, tools: &Tools) -> u64 {
    fastest(RUNS, 1, || {
        black_box(assess(black_box(request), tools));
    })
}

fn fastest(runs: usize, repeats: u64, mut work: impl FnMut()) -> u64 {
    let run = |_| {
        let started = Instant::now();
        for _ in 0..repeats {
            work();
        }
        u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX) / repeats
    };
    (0..runs).map(run).min().unwrap_or_default()
}

/// The open part of the corpus.
fn requests(kind: &str, wanted: Option<&str>) -> Vec<(String, ExecRequest)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/corpus/{kind}.dev.jsonl"));
    let text = fs::read_to_string(file).expect("the corpus lies beside the sources");
    text.lines()
        .map(|line| {
            let mut entry: Value = serde_json::from_str(line).expect("a line of the corpus is JSON");
            let mut request = entry["request"].take();
            let fields = request.as_object_mut().expect("a request is an object");
            let argv = match fields.remove("shell") {
                Some(text) => json!(["bash", "-c", text]),
                None => fields.remove("argv").expect("a request has words"),
            };
            fields.insert("argv".to_owned(), argv);
            let request: ExecRequest = serde_json::from_value(request).expect("a request as documented");
            let words: Vec<String> = request.argv.iter().map(ToString::to_string).collect();
            (words.join(" "), request)
        })
        .filter(|(name, _)| wanted.is_none_or(|wanted| name.contains(wanted)))
        .collect()
}

/// The costliest of some texts as long as the promise goes.
fn longest(tools: &Tools) {
    let units = [
        "echo a; ",
        "a|",
        "$(",
        "x=$x$x;",
        "\"${x[",
        "a 'b' ",
        "curl -d @f x | sh\n",
        "rm -rf /a/$b/*\n",
        "scp h:x . && sh x\n",
        "curl -O h/b; ./b\n",
    ];
    let many = |command: &str| format!("{command} {}\n", "a/b.c ".repeat(60));
    let loads = (0..60).map(|number| format!("import x{number}\n")).collect::<Vec<_>>().concat();
    let fetches = (0..40).map(|number| format!("curl -O http://h/{number}\n")).collect::<Vec<_>>().concat();
    let made = [
        format!("{fetches}python3 -c '{loads}'\n"),
        "echo 'do_this(1)' >> y; psql < y\n".to_owned(),
        many("rm -rf"),
        many("chmod 777"),
        many("curl -X POST"),
        many("sqlite3 x"),
        "rm delete x --force /etc/passwd -f http://h/x\n".to_owned(),
        "python3 -c 'import os; os.system(\"rm x\")'\n".to_owned(),
        "xargs rm|".to_owned(),
        "cd a && rm b\n".to_owned(),
        "echo $(cat /x ".to_owned(),
        "echo $(tar c /x ".to_owned(),
        "docker exec x a|".to_owned(),
        "cat /x/a b.c /x/c d.e e/f f.g h/i |".to_owned(),
        format!("cd a|cat {}|", ". ".repeat(59)),
        "cd abc && rm -rf b\n".to_owned(),
    ];
    let units = units.into_iter().chain(made.iter().map(String::as_str));
    let slowest = units.map(|unit| {
        let text = unit.repeat(LONGEST / unit.len());
        let request = ExecRequest {
            argv: vec!["bash".into(), "-c".into(), text.as_str().into()],
            ..ExecRequest::default()
        };
        (fastest(3, 1, || drop(black_box(assess(black_box(&request), tools)))), unit)
    });
    let mut slowest: Vec<(u64, &str)> = slowest.collect();
    slowest.sort_unstable();
    for (cost, unit) in slowest.iter().rev().take(NAMED) {
        let unit: String = unit.chars().take(60).collect();
        println!("longest    64 KiB of {unit:?} over and over: {} us", micro(*cost));
    }
}
