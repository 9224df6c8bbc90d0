//! docs/bypasses.md claims nothing that no test shows.
#![expect(clippy::expect_used, reason = "all of this is tests; a panic is how a test fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = "docs/bypasses.md";
const HEAD: &str = "| case | what is tried | 6.1 | 6.12 | 7.2 | shown by |";

/// How many cases of each letter have to be there; the page may have more.
const CASES: [(&str, usize); 8] =
    [("A", 12), ("B", 7), ("C", 18), ("D", 8), ("E", 9), ("F", 13), ("G", 11), ("H", 3)];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is around it").to_owned()
}

/// One row.
struct Entry {
    case: String,
    tests: Vec<String>,
}

/// Every row of every table of cases, or what is wrong with a line.
fn entries(page: &str) -> Result<Vec<Entry>, String> {
    let mut found = Vec::new();
    let mut in_table = false;
    for (number, line) in (1..).zip(page.lines()) {
        if line == HEAD {
            in_table = true;
        } else if !line.starts_with('|') {
            in_table = false;
        } else if in_table && !line.starts_with("|---") {
            found.push(entry(line).map_err(|trouble| format!("{PAGE}, line {number}: {trouble}"))?);
        }
    }
    Ok(found)
}

fn entry(line: &str) -> Result<Entry, String> {
    let line =
        line.strip_prefix('|').and_then(|line| line.strip_suffix('|')).ok_or("it ends without a bar")?;
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let [case, what, states @ .., shown] = cells.as_slice() else { return Err("too few cells".to_owned()) };
    if states.len() != 3 || what.is_empty() {
        return Err("it has six cells: case, what, three kernels, tests".to_owned());
    }
    let mut tests = Vec::new();
    for test in shown.split(", ").filter(|test| !test.is_empty()) {
        let name = test.strip_prefix('`').and_then(|test| test.strip_suffix('`'));
        tests.push(name.ok_or_else(|| format!("{test} is not a test's name in backticks"))?.to_owned());
    }
    for state in states {
        match *state {
            "mitigated" | "detected" | "not covered" if tests.is_empty() => {
                return Err(format!("{case} is '{state}', and no test shows it"));
            }
            "mitigated" | "detected" | "not covered" | "open" => {}
            other => return Err(format!("{case}: '{other}' is no state")),
        }
    }
    if states.iter().all(|state| *state == "open") && !tests.is_empty() {
        return Err(format!("{case} is open on every kernel, and yet a test is named"));
    }
    Ok(Entry { case: (*case).to_owned(), tests })
}

/// Whether a test of this name exists: `suite::name` in the suites, or `FILE.rs::name`.
fn exists(root: &Path, test: &str) -> bool {
    let source = |file: String| fs::read_to_string(root.join(file)).unwrap_or_default();
    if let Some((file, name)) = test.split_once(".rs::") {
        return is_test(&source(format!("{file}.rs")), name);
    }
    let Some((suite, _)) = test.split_once("::") else { return false };
    source(format!("tests/src/suite/{suite}.rs")).contains(&format!("\"{test}\","))
}

/// Whether a function of this name is one that cargo runs: it has the attribute, or a macro is given its name.
fn is_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let function = format!("fn {name}(");
    let listed = lines.contains(&format!("{name},").as_str());
    lines.iter().enumerate().filter(|(_, line)| line.contains(&function)).any(|(at, _)| {
        let mut attributes = lines[..at].iter().rev().take_while(|line| line.starts_with("#["));
        listed || attributes.any(|line| line.contains("test"))
    })
}

#[test]
fn every_claim_names_a_test_that_exists() {
    let root = root();
    let page = fs::read_to_string(root.join(PAGE)).unwrap();
    let entries = entries(&page).unwrap_or_else(|trouble| panic!("{trouble}"));
    let mut cases = BTreeSet::new();
    for entry in &entries {
        assert!(cases.insert(entry.case.clone()), "{PAGE}: {} stands there twice", entry.case);
        for test in &entry.tests {
            assert!(exists(&root, test), "{PAGE}: {} is shown by `{test}`, which does not exist", entry.case);
        }
    }
    for (letter, count) in CASES {
        for number in 1..=count {
            assert!(cases.contains(&format!("{letter}{number}")), "{PAGE}: {letter}{number} is missing");
        }
    }
}

#[test]
fn every_probe_is_in_the_page() {
    let root = root();
    let page = fs::read_to_string(root.join(PAGE)).unwrap();
    let probes = fs::read_to_string(root.join("tests/src/suite/probes.rs")).unwrap();
    let names: Vec<&str> =
        probes.split("\"probes::").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(!names.is_empty());
    for name in names {
        assert!(page.contains(&format!("`probes::{name}`")), "{PAGE} does not say what probes::{name} shows");
    }
}

#[test]
fn claims_without_a_test_are_refused() {
    let row = |states: &str, tests: &str| entry(&format!("| A1 | x | {states} | {tests} |"));
    let refused = |states: &str, tests: &str| row(states, tests).err();
    let all = |state: &str| [state; 3].join(" | ");
    for state in ["mitigated", "detected", "not covered"] {
        assert_eq!(refused(&all(state), ""), Some(format!("A1 is '{state}', and no test shows it")));
        assert_eq!(refused(&all(state), "`gate::x`"), None);
        assert!(refused(&format!("open | {state} | open"), "").is_some());
    }
    assert_eq!(refused(&all("open"), ""), None);
    assert!(refused(&all("open"), "`gate::x`").is_some());
    assert!(refused(&all("fine"), "`gate::x`").is_some());
    assert!(refused("mitigated | mitigated", "`gate::x`").is_some());
    assert!(refused(&all("mitigated"), "gate::x").is_some());
}

#[test]
fn tests_that_are_not_there_are_not_found() {
    let root = root();
    assert!(exists(&root, "gate::others_are_left_alone"));
    assert!(!exists(&root, "gate::others_are_left"));
    assert!(!exists(&root, "gates::others_are_left_alone"));
    assert!(!exists(&root, "others_are_left_alone"));
    assert!(exists(&root, "xtask/tests/bypasses.rs::tests_that_are_not_there_are_not_found"));
    assert!(!exists(&root, "xtask/tests/bypasses.rs::exists"));
    assert!(!exists(&root, "xtask/tests/bypass.rs::exists"));
    let by_macro = "on_both!(\n    a_name,\n);\nasync fn a_name(site: Site) {";
    assert!(is_test(by_macro, "a_name") && !is_test(by_macro, "name"));
    assert!(
        is_test("#[test]\n#[ignore = \"x\"]\nfn a() {", "a") && !is_test("#[test]\nfn b() {}\nfn a() {", "a")
    );
}
