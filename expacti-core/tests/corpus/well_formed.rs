//! The corpus itself: counts, parts, duplicates, syntax, and that nothing in it is a real host or key.

use std::collections::HashMap;
use std::io::{ErrorKind, Write};
use std::process::{Command as Process, Stdio};

use expacti_core::evaluation::Level;

use crate::entry::{Band, Command, Entry, Kind, Part, load};

const ORDINARY: [&str; 16] = [
    "agent-wrapper",
    "build",
    "cloud",
    "containers",
    "database",
    "files",
    "forge",
    "git",
    "infra",
    "inspect",
    "kubernetes",
    "network",
    "packages",
    "process",
    "script",
    "search",
];
const DANGEROUS: [&str; 15] = [
    "api",
    "cloud",
    "data-loss",
    "database",
    "denial",
    "escape",
    "history-loss",
    "kubernetes",
    "obfuscated",
    "persistence",
    "privilege",
    "remote",
    "secrets",
    "supply-chain",
    "tamper",
];

fn everything() -> impl Iterator<Item = (Kind, Part, Entry)> {
    Kind::ALL.into_iter().flat_map(|kind| {
        Part::ALL
            .into_iter()
            .flat_map(move |part| load(kind, part).into_iter().map(move |entry| (kind, part, entry)))
    })
}

#[test]
fn it_holds_as_much_as_promised() {
    for (kind, promised) in [(Kind::Ordinary, 600), (Kind::Dangerous, 400)] {
        let [dev, sealed] = Part::ALL.map(|part| load(kind, part).len());
        let share = 100 * sealed / (dev + sealed);
        assert!(dev + sealed >= promised, "{}: {} entries of {promised}", kind.name(), dev + sealed);
        assert!((25..=35).contains(&share), "{}: {share} % sealed, about 30 wanted", kind.name());
    }
}

#[test]
fn every_entry_lies_in_the_part_that_its_command_decides() {
    let astray: Vec<String> = everything()
        .filter(|(_, part, entry)| Part::of(&entry.command) != *part)
        .map(|(_, _, entry)| {
            format!("{} belongs to the {} part", entry.place, Part::of(&entry.command).name())
        })
        .collect();
    assert!(astray.is_empty(), "{astray:#?}");
}

#[test]
fn no_request_occurs_twice() {
    let mut places: HashMap<String, String> = HashMap::new();
    for (_, _, entry) in everything() {
        let request = serde_json::to_string(&entry.request()).unwrap();
        if let Some(first) = places.insert(request, entry.place.clone()) {
            panic!("{} repeats {first}: {}", entry.place, entry.command);
        }
    }
}

#[test]
fn every_entry_has_a_known_category_a_sensible_label_and_a_reason() {
    for (kind, _, entry) in everything() {
        let known: &[&str] = match kind {
            Kind::Ordinary => &ORDINARY,
            Kind::Dangerous => &DANGEROUS,
        };
        assert!(known.contains(&entry.category.as_str()), "{}: category {:?}", entry.place, entry.category);
        assert!(entry.why.len() >= 5, "{}: say why", entry.place);
        assert!(!entry.command.argv().is_empty(), "{}: empty argv", entry.place);
        let sensible = match entry.band {
            Band::AtMost(level) => level < Level::High,
            Band::AtLeast(level) => level >= Level::High,
        };
        assert!(sensible, "{}: {} entry labelled {}", entry.place, kind.name(), entry.band);
    }
}

#[test]
fn every_shell_text_is_valid_bash() {
    let mut broken = Vec::new();
    let mut texts = 0;
    for (_, _, entry) in everything() {
        let Command::Shell(text) = &entry.command else { continue };
        texts += 1;
        match bash_complaint(text) {
            Ok(None) => {}
            Ok(Some(complaint)) => broken.push(format!("{}: {complaint}", entry.place)),
            Err(e) if e.kind() == ErrorKind::NotFound => {
                println!("bash is not installed: the syntax of the shell texts was NOT checked");
                return;
            }
            Err(e) => panic!("bash: {e}"),
        }
    }
    println!("{texts} shell texts parsed by bash -n");
    assert!(broken.is_empty(), "{broken:#?}");
}

/// What `bash -n`, which reads and runs nothing, says against a text.
pub(crate) fn bash_complaint(text: &str) -> std::io::Result<Option<String>> {
    let mut bash = Process::new("bash")
        .args(["--norc", "-n"])
        .env_remove("BASH_ENV")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = bash.stdin.take() {
        stdin.write_all(text.as_bytes())?;
    }
    let output = bash.wait_with_output()?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((!output.status.success() || !complaint.is_empty()).then_some(complaint))
}

#[test]
fn every_host_is_made_up() {
    // Reserved names and addresses (RFC 2606, 6761, 5737, 1918), and the metadata services that are the attack itself.
    let fine = |host: &str| {
        let first = host.split('.').next().unwrap_or_default();
        ["localhost", "169.254.169.254", "metadata.google.internal"].contains(&host)
            || ["127.", "0.0.0.0", "10.", "192.0.2.", "198.51.100.", "203.0.113."]
                .iter()
                .any(|net| host.starts_with(net))
            || [".example", "example.com", "example.net", "example.org"]
                .iter()
                .any(|name| host.ends_with(name))
            || (first == host && !host.is_empty())
    };
    for (_, _, entry) in everything() {
        let text = serde_json::to_string(&entry.request()).unwrap();
        for rest in text.split("://").skip(1) {
            let authority =
                rest.split(|c: char| !(c.is_ascii_alphanumeric() || "._-:@%".contains(c))).next().unwrap();
            let host = authority.rsplit('@').next().unwrap().split(':').next().unwrap();
            assert!(host.is_empty() || fine(host), "{}: host {host:?} may be real", entry.place);
        }
    }
}

#[test]
fn nothing_looks_like_a_real_key() {
    for (_, _, entry) in everything() {
        let text = entry.command.key();
        for mark in [
            "AKIA",
            "ASIA",
            "ghp_",
            "github_pat_",
            "sk_live_",
            "rk_live_",
            "xoxb-",
            "glpat-",
            "-----BEGIN",
            "eyJhbGci",
        ] {
            assert!(!text.contains(mark), "{}: {mark}", entry.place);
        }
    }
}
