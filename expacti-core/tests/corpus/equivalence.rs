//! Do the variants mean what they should? They are run over harmless commands, and the outcome is compared.

use std::collections::BTreeSet;
use std::env;
use std::path::Path;
use std::process::{Command as Process, Output, Stdio};

use crate::entry::{Command, Kind, Part, fnv1a, load};
use crate::variants::{of_command, of_entry, quote, wrap};
use crate::well_formed::bash_complaint;

/// Kinds that are not run, because they are another program on purpose, need other rights or a terminal, or leave this machine.
const NOT_RUN: [&str; 20] = [
    "look-alike/",
    "nested/parallel",
    "nested/script",
    "nested/ssh",
    "nested/su",
    "nested/watch",
    "nested/wrapped",
    "path/other-folder",
    "path/usr-local",
    "wrapper/bundle-exec",
    "wrapper/deep-stack",
    "wrapper/doas",
    "wrapper/pnpm-exec",
    "wrapper/poetry-run",
    "wrapper/runuser",
    "wrapper/stack",
    "wrapper/sudo",
    "wrapper/systemd-",
    "wrapper/unshare",
    "wrapper/uv-run",
];

/// What a kind needs beyond bash and coreutils.
fn needs(kind: &str) -> Option<&str> {
    match kind {
        "nested/busybox" => Some("busybox"),
        "nested/dash" => Some("dash"),
        "nested/flock" => Some("flock"),
        "nested/zsh" => Some("zsh"),
        "encoded/base64-openssl" => Some("openssl"),
        "encoded/hex" => Some("xxd"),
        "encoded/reversed" => Some("rev"),
        "interpreter/awk" => Some("awk"),
        "interpreter/node" => Some("node"),
        "interpreter/perl" => Some("perl"),
        "interpreter/ruby" => Some("ruby"),
        _ if kind.starts_with("interpreter/python") => Some("python3"),
        _ => wrap::program_of(kind),
    }
}

fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    if program.contains('/') {
        Path::new(program).exists()
    } else {
        env::split_paths(&path).any(|folder| folder.join(program).exists())
    }
}

fn run(command: &Command, folder: &Path) -> Output {
    // A variant that waits for ever is a wrong variant, not a test that hangs.
    Process::new("timeout")
        .arg("20")
        .args(command.argv())
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|e| panic!("{command}: {e}"))
}

#[test]
fn variants_do_what_their_original_does() {
    if !is_installed("bash") {
        println!("bash is not installed: the variants were NOT checked");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let words =
        ["printf", "%s,", "one", "two  three", "it's \"4\"", "five\\n", "$HOME", "c:/six"].map(String::from);
    let plain = ["printf", "%s,", "one", "two/2"].map(String::from);
    let mut kinds = BTreeSet::new();
    let mut left_out = BTreeSet::new();
    let mut wrong = Vec::new();
    for original in [
        Command::Shell(quote::join(&words)),
        Command::Argv(words.to_vec()),
        Command::Shell(quote::join(&plain)),
        Command::Shell("true && printf '%s' \"a $((1+1))\" | cat; ! false".into()),
        Command::Shell("LC_ALL=C printf '%s' x > out; cat < out 2> err".into()),
    ] {
        let expected = run(&original, folder.path()).stdout;
        assert!(!expected.is_empty(), "{original}");
        for variant in of_command(&original) {
            let missing = needs(&variant.kind).is_some_and(|program| !is_installed(program));
            if missing || NOT_RUN.iter().any(|kind| variant.kind.starts_with(kind)) {
                left_out.insert(variant.kind);
                continue;
            }
            let output = run(&variant.command, folder.path());
            if output.stdout == expected {
                kinds.insert(variant.kind);
            } else {
                let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
                wrong.push(format!(
                    "{}: {}\n  gave {out:?}, complained {err:?}",
                    variant.kind, variant.command
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} kinds of variants did what their original did; not run here: {left_out:?}", kinds.len());
    assert!(kinds.len() > 60, "only {} kinds were run", kinds.len());
}

#[test]
fn other_spellings_of_flags_remove_the_same() {
    let original = Command::Argv(["rm", "-rf", "victim", "second"].map(String::from).to_vec());
    let mut count = 0;
    for variant in of_command(&original).iter().filter(|variant| variant.family() == "flags") {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("victim/inside")).unwrap();
        std::fs::write(folder.path().join("second"), "x").unwrap();
        let output = run(&variant.command, folder.path());
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert!(output.status.success() && left == 0, "{}: {}", variant.kind, variant.command);
        count += 1;
    }
    assert!(count >= 10, "only {count} spellings");
}

/// Checking all would take minutes: each variant of every hundredth kind-and-entry pair, chosen by hash, so that the choice is always
/// the same and no kind is left out for long.
#[test]
fn variants_of_the_corpus_are_valid_bash() {
    if !is_installed("bash") {
        println!("bash is not installed: the syntax of the variants was NOT checked");
        return;
    }
    let (mut all, mut checked) = (0, 0);
    for part in Part::ALL {
        for entry in load(Kind::Dangerous, part) {
            for variant in of_entry(&entry) {
                all += 1;
                let Command::Shell(text) = &variant.command else { continue };
                if !fnv1a(text.as_bytes()).is_multiple_of(100) {
                    continue;
                }
                checked += 1;
                let complaint = bash_complaint(text).unwrap();
                assert_eq!(complaint, None, "{} {}: {}", entry.place, variant.kind, variant.command);
            }
        }
    }
    println!("{all} variants, {checked} of them parsed by bash -n");
    assert!(all > 40_000 && checked > 300, "{all} variants, {checked} checked");
}
