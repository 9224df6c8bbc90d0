//! Reads what test programs print: libtest's text, which is all that the stable compiler's has, and the JSON of ours.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::report::{Counts, Row};

/// What `cargo test` printed, on both streams in their order.
#[derive(Default)]
pub(crate) struct CargoTest {
    /// The program that runs; none while everything is being built.
    current: String,
    /// What was printed until then.
    pub(crate) compiler: Vec<String>,
    pub(crate) rows: Vec<Row>,
    /// Tests that were left out, with the reason they give.
    pub(crate) ignored: Vec<String>,
}

impl CargoTest {
    /// Takes a line, and tells whether somebody should see it.
    pub(crate) fn line(&mut self, line: &str) -> bool {
        let trimmed = line.trim();
        if let Some(rest) = trimmed.strip_prefix("Running ") {
            self.current = program_in(rest);
            return false;
        }
        if let Some(name) = trimmed.strip_prefix("Doc-tests ") {
            self.current = format!("{name} (documentation)");
            return false;
        }
        if let Some(rest) = line.strip_prefix("test result: ") {
            let (counts, took) = result(rest);
            if counts.total() > 0 {
                self.rows.push(Row { suite: self.current.clone(), counts, took });
            }
            return false;
        }
        if let Some((name, outcome)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) {
            if outcome.starts_with("ignored") {
                self.ignored.push(format!("{} {name}: {outcome}", self.current));
            }
            return outcome != "ok" && !outcome.starts_with("ignored");
        }
        if self.current.is_empty() {
            // What the compiler says. Its warnings are clippy's to show.
            self.compiler.push(line.to_owned());
            return false;
        }
        let announces = line.starts_with("running ") && line.contains(" test");
        !(trimmed.is_empty() || announces)
    }
}

/// `unittests src/lib.rs (target/debug/deps/expacti_core-1a2b)` is `expacti_core`.
fn program_in(text: &str) -> String {
    let path = text.rsplit_once('(').map_or(text, |(_, path)| path).trim_end_matches(')');
    let file = path.rsplit('/').next().unwrap_or(path);
    file.rsplit_once('-').map_or(file, |(name, _)| name).to_owned()
}

/// `ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.12s`.
fn result(text: &str) -> (Counts, Duration) {
    let mut counts = Counts::default();
    let mut took = Duration::ZERO;
    let text = text.split_once(". ").map_or(text, |(_, rest)| rest);
    for part in text.split(';').map(str::trim) {
        if let Some(seconds) = part.strip_prefix("finished in ").and_then(|time| time.strip_suffix('s')) {
            took = seconds.parse().map(Duration::from_secs_f64).unwrap_or_default();
        } else if let Some((number, what)) = part.split_once(' ') {
            let number = number.parse().unwrap_or(0);
            match what {
                "passed" => counts.passed = number,
                "failed" => counts.failed = number,
                "ignored" => counts.skipped = number,
                _ => {}
            }
        }
    }
    (counts, took)
}

/// What a program of suites printed in a guest, an object of JSON a line.
#[derive(Default)]
pub(crate) struct GuestSuites {
    pub(crate) suites: BTreeMap<String, (Counts, Duration)>,
    /// Failed tests, with what they said.
    pub(crate) failures: Vec<(String, String)>,
    /// The test that has begun and not ended.
    pub(crate) running: Option<String>,
    began: Option<Instant>,
    /// It has come to its end.
    pub(crate) finished: bool,
}

impl GuestSuites {
    pub(crate) fn line(&mut self, line: &str) {
        let field = |key: &str| field(line, key);
        match (field("type").as_deref(), field("event").as_deref()) {
            (Some("test"), Some("started")) => {
                self.running = field("name");
                self.began = Some(Instant::now());
            }
            (Some("test"), Some(outcome)) => {
                let name = field("name").unwrap_or_default();
                let suite = name.split("::").next().unwrap_or_default().to_owned();
                let (counts, took) = self.suites.entry(suite).or_default();
                *took += self.began.take().map_or(Duration::ZERO, |began| began.elapsed());
                match outcome {
                    "ok" => counts.passed += 1,
                    "ignored" => counts.skipped += 1,
                    _ => {
                        counts.failed += 1;
                        self.failures.push((name, field("stdout").unwrap_or_default()));
                    }
                }
                self.running = None;
            }
            (Some("suite"), Some("ok" | "failed")) => self.finished = true,
            _ => {}
        }
    }
}

/// The string under a key of one of libtest's flat objects.
fn field(line: &str, key: &str) -> Option<String> {
    serde_json::from_str::<serde_json::Value>(line).ok()?.get(key)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_cargo_test_becomes_rows() {
        let text = "\
     Running unittests src/lib.rs (target/debug/deps/expacti_core-1a2b3c)

running 3 tests
test a::b ... ok
test c ... ignored, needs a moon
test d ... FAILED

failures:

---- d stdout ----
thread 'd' panicked

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.25s

   Doc-tests expacti_core

running 0 tests

test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";
        let mut run = CargoTest::default();
        let shown: Vec<&str> = text.lines().filter(|line| run.line(line)).collect();
        assert_eq!(shown, ["test d ... FAILED", "failures:", "---- d stdout ----", "thread 'd' panicked"]);
        let counts = Counts { passed: 1, failed: 1, skipped: 1 };
        let expected = Row { suite: "expacti_core".into(), counts, took: Duration::from_millis(1250) };
        assert_eq!(run.rows, [expected]);
        assert_eq!(run.ignored, ["expacti_core c: ignored, needs a moon"]);
    }

    #[test]
    fn the_json_of_a_guest_becomes_counts() {
        let mut run = GuestSuites::default();
        for line in [
            r#"{ "type": "suite", "event": "started", "test_count": 3 }"#,
            r#"{ "type": "test", "event": "started", "name": "gate::a" }"#,
            r#"{ "type": "test", "name": "gate::a", "event": "ok" }"#,
            r#"{ "type": "test", "event": "started", "name": "gate::b" }"#,
            r#"{ "type": "test", "name": "gate::b", "event": "failed", "stdout": "Error: \"x\"\n" }"#,
            r#"{ "type": "test", "event": "started", "name": "log::c" }"#,
        ] {
            run.line(line);
        }
        assert_eq!(run.suites["gate"].0, Counts { passed: 1, failed: 1, skipped: 0 });
        assert_eq!(run.failures, [("gate::b".to_owned(), "Error: \"x\"\n".to_owned())]);
        assert_eq!(run.running.as_deref(), Some("log::c"));
        assert!(!run.finished);
    }
}
