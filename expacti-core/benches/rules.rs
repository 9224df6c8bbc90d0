//! What a decision costs: `cargo bench -p expacti-core --bench rules`.
//!
//! The request is scored before; what is measured is the whole order of decision with 10 and with 100,000 rules. Each
//! figure is in nanoseconds: the least disturbed of many short runs, and their median in brackets.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a program that measures and prints")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use expacti_core::decide::{Case, decide};
use expacti_core::history::History;
use expacti_core::policy::Policy;
use expacti_core::request::ExecRequest;
use expacti_core::rules::{RuleSet, Source, with_assumed_executable};
use expacti_core::time::Timestamp;
use expacti_core::{Tools, assess};

const RUNS: usize = 1_000;
const DECISIONS: u32 = 500;

fn main() {
    let tools = Tools::embedded();
    let few = rules(10, &tools);
    let started = Instant::now();
    let many = rules(100_000, &tools);
    println!("loading 100,000 rules with one example each: {} ms", started.elapsed().as_millis());
    for (what, argv) in [
        ("exact rule, 3 words", vec!["tool-7", "build", "target-7"]),
        ("pattern with a rest, 5 words", vec!["git", "log", "--oneline", "-20", "main"]),
        ("no rule, below the threshold", vec!["ls", "-la"]),
        ("wrapped: sh -c with two commands", vec!["sh", "-c", "git log && git log -5"]),
    ] {
        let request = ExecRequest {
            argv: argv.into_iter().map(Into::into).collect(),
            cwd: Some("/work".into()),
            ..ExecRequest::default()
        };
        let request = with_assumed_executable(request);
        let ((few, few_median), (many, many_median)) =
            (measure(&request, &few, &tools), measure(&request, &many, &tools));
        println!(
            "{what:<32} 10 rules: {few:>5} ({few_median:>5})   100,000 rules: {many:>5} ({many_median:>5})   x{:.2}",
            f64::from(many) / f64::from(few.max(1))
        );
    }
}

/// Rules of every kind, most of them for tools that nobody asks about.
fn rules(count: usize, tools: &Tools) -> RuleSet {
    let mut text = String::from(
        "[[rule]]\nname = \"git-log\"\ndecision = \"allow\"\nbecause = \"reads\"\nargv = [\"git\", \"log\", \"...\"]\n",
    );
    for i in 0..count - 1 {
        let rule = match i % 4 {
            0 => format!(
                "decision = \"deny\"\nargv = [\"git\", \"push\", \"origin\", \"branch-{i}\", \"...\"]"
            ),
            1 => format!(
                "decision = \"review\"\nargv = [\"tool-{i}\", \"deploy\", \"...\"]\nany_flag = [\"-f\"]"
            ),
            2 => format!("decision = \"allow\"\nargv = [\"git\", \"log\", \"branch-{i}\"]"),
            _ => format!(
                "decision = \"allow\"\ncommand = \"tool-{i} build target-{i}\"\nmatch = [\"tool-{i} build target-{i}\"]"
            ),
        };
        write!(text, "[[rule]]\nname = \"rule-{i}\"\nbecause = \"measured\"\n{rule}\n")
            .expect("a string takes everything");
    }
    RuleSet::load(&[Source::file("bench", text)], 1, &|request| assess(request, tools))
        .expect("the rules are right")
}

/// Nanoseconds of one decision: the least and the median.
fn measure(request: &ExecRequest, rules: &RuleSet, tools: &Tools) -> (u32, u32) {
    let assessment = assess(request, tools);
    let (policy, history) = (Policy::default(), History::default());
    let case = Case {
        request,
        assessment: &assessment,
        policy: &policy,
        rules,
        grants: &[],
        history: &history,
        now: Timestamp(1_800_000_000),
    };
    let mut runs: Vec<u32> = (0..RUNS)
        .map(|_| {
            let started = Instant::now();
            for _ in 0..DECISIONS {
                let _ = black_box(decide(black_box(&case)));
            }
            u32::try_from(started.elapsed().as_nanos() / u128::from(DECISIONS)).unwrap_or(u32::MAX)
        })
        .collect();
    runs.sort_unstable();
    (runs[0], runs[RUNS / 2])
}
