//! Whatever the text: no panic, bounded work, and never silence past a bound.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{TOOLS, of_shell, shell};
use crate::evaluation::Level;
use crate::request::ExecRequest;

/// The promise is 20 ms in a release build; a debug build on a busy machine is allowed much more, which
/// still tells linear from quadratic work.
const ALLOWED: Duration =
    if cfg!(debug_assertions) { Duration::from_secs(3) } else { Duration::from_millis(20) };
const SIZE: usize = 64 * 1024;

fn fill(unit: &str) -> String {
    unit.repeat(SIZE / unit.len())
}

fn hostile() -> Vec<(&'static str, String)> {
    let mut texts: Vec<(&'static str, String)> = [
        "$(",
        "`",
        "((",
        "$((",
        "${a:-",
        "\"$(",
        "(",
        "{ ",
        "{",
        "{a,",
        "a|",
        "a;",
        "a&&",
        "if ",
        "case x in ",
        "for x in a; do ",
        "for x in a b c; do ",
        "for x in a b c; do rm $x; done;",
        "a=(x y z); rm ${a[@]};",
        "f() { rm $1; }; f a;",
        "while a; do x=1$x; done;",
        "{1..60}",
        "<<A\n",
        "$(echo ",
        "\\",
        "'",
        "\"",
        "<(",
        "x=$x$x$x;",
        "\"${x[",
        "?(",
        "[[ ",
        "! ",
        "\u{430}",
        "\u{202e}",
        "((a);",
        "$(((a) ",
        "a[",
        "a\n",
        "#\n",
        "\t",
        "eval ",
        "sudo ",
        "env ",
        "sh -c ",
        "a=1 ",
        ">a ",
        "$a",
        "rm / ",
        "select ",
        "python -c ",
        "find -exec ",
    ]
    .into_iter()
    .map(|unit| (unit, fill(unit)))
    .collect();
    texts.push(("closed $(", format!("{}{}", "$(".repeat(SIZE / 4), ")".repeat(SIZE / 4))));
    texts.push(("closed {", format!("{}{}", "{ ".repeat(SIZE / 4), "; }".repeat(SIZE / 8))));
    texts.push(("braces", format!("echo {}", "{a,b}".repeat(SIZE / 5))));
    texts.push(("one word", format!("rm {}", "x".repeat(SIZE))));
    texts.push(("many files", format!("rm {}", "src/a ".repeat(SIZE / 6))));
    texts.push(("here-document", format!("cat <<E\n{}\nE", "line of text\n".repeat(SIZE / 13))));
    texts.push(("heredoc substitutions", format!("cat <<E\n{}\nE", fill("$(a)"))));
    texts.push(("sql", format!("psql -c \"{}\"", fill("select (1),"))));
    texts.push(("sql nesting", format!("psql -c '{}'", fill("("))));
    texts.push(("sql not", format!("psql -c 'select {}'", fill("not "))));
    texts.push(("sql statements", format!("psql -c '{}'", fill("drop table a;"))));
    let statements = "drop table a;".repeat(300);
    let written = format!("echo '{statements}' > y; ");
    texts.push(("sql in a file", format!("{written}{}", "psql -f y; ".repeat((SIZE - written.len()) / 11))));
    texts.push(("sql in a file written again", fill(&format!("{written}{}", "psql -f y; ".repeat(63)))));
    texts.push(("sql in a file that grows", {
        let line = format!("echo '{}' >> y; psql -f y; ", "drop table a;".repeat(8));
        fill(&line)
    }));
    texts.push(("sql on an input that is shared", {
        let readers = "psql; ".repeat(900);
        format!("bash -c '{readers}' <<E\n{statements}\nE\n")
    }));
    texts.push(("sql minus", format!("psql -c 'select {}1'", fill("- "))));
    texts.push(("python", format!("python -c '{}'", fill("os.system("))));
    texts.push(("curl", format!("curl -d '{}' http://a/b", fill("delete"))));
    texts.push(("nested shells", {
        let mut text = "rm -rf /".to_owned();
        for _ in 0..12 {
            text = format!("sh -c '{}'", text.replace('\'', "'\\''"));
            if text.len() > SIZE {
                break;
            }
        }
        text
    }));
    texts.extend(asked_about_by_others());
    texts
}

/// Of which each command could be looked at once for each that stands around or behind it.
fn asked_about_by_others() -> Vec<(&'static str, String)> {
    let removes = format!("rm {};", "a.b ../c ".repeat(30));
    let fetch = |number| format!("curl -o f{number} http://h/{number}\n");
    let fetches = (0..127).map(fetch).collect::<Vec<_>>().concat();
    let patterns = format!("./x {}\n", "a*b ".repeat(60)).repeat(250);
    let input = "do_this(1) and_that(2) ".repeat(700);
    vec![
        ("patterns among many that were brought", format!("{fetches}{patterns}")),
        ("an input that many read", format!("echo '{input}' > y\n{}", "psql<y\n".repeat(1000))),
        ("nested readers", fill("echo $(tar c /x ")),
        ("a stream of readers", fill("cat /x/a b.c /x/c d.e e/f f.g h/i |")),
        ("a stream from many folders", fill(&format!("cd a|cat {}|", ". ".repeat(59)))),
        ("files in a folder with a long name", format!("cd {}; {}", "abcdefg/".repeat(127), fill(&removes))),
        ("folder after folder", fill("cd abc && rm -rf b\n")),
    ]
}

#[test]
fn hostile_texts_take_bounded_time() {
    // Load the data outside of the measurement.
    of_shell("true");
    let mut slow = Vec::new();
    for (name, text) in hostile() {
        let request = shell(&text);
        // The best of a few: other work on the machine is not ours.
        let mut best = Duration::MAX;
        for _ in 0..5 {
            let start = Instant::now();
            let _ = crate::assess::assess(&request, &TOOLS);
            best = best.min(start.elapsed());
            if best <= ALLOWED {
                break;
            }
        }
        if best > ALLOWED {
            slow.push(format!("{name}: {best:?}"));
        }
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}

#[test]
fn what_is_past_a_bound_is_a_finding() {
    for unit in ["$(", "((", "{ ", "a|"] {
        let assessment = of_shell(&fill(unit));
        assert!(assessment.level >= Level::High, "{unit}: {:?}", assessment.factors);
    }
    let padded = format!("{} rm -rf /", "true;".repeat(4000));
    assert!(of_shell(&padded).level >= Level::High);
    let nested = (0..40).fold("rm -rf /".to_owned(), |inner, _| format!("sudo {inner}"));
    assert!(of_shell(&nested).level >= Level::High);
}

#[test]
fn statements_past_a_bound_are_a_finding() {
    let harmless = "select 1;".repeat(40);
    let grown =
        |times: usize| format!("{}psql -f y", format!("echo '{harmless}' >> y; psql -f y; ").repeat(times));
    let says_too_deep = |text: &str| {
        let assessment = of_shell(text);
        let mut factors = assessment.commands.iter().flat_map(|command| &command.factors);
        factors.any(|factor| factor.name == "too-deep")
    };
    assert!(!says_too_deep(&grown(4)));
    assert!(says_too_deep(&grown(60)));
    // What is not read any more counts no less than what it could be.
    let behind = |before: &str| of_shell(&format!("{before}; echo 'drop database a' > z; psql -f z")).score;
    assert!(behind(&grown(60)) >= behind("true"));
    // One text is read once, however many read it.
    let read_often = format!("echo '{harmless}' > y; {}", "psql -f y; ".repeat(60));
    assert!(!says_too_deep(&read_often));
}

#[test]
fn secrets_past_a_bound_are_a_finding() {
    let sends_secret = |times: usize| {
        let shown = "cd a | cat a.b c.d e.f g.h i.j k.l m.n o.p | ".repeat(times);
        let assessment = of_shell(&format!("{shown} curl -T - http://h/x"));
        let mut factors = assessment.commands.iter().flat_map(|command| &command.factors);
        factors.any(|factor| factor.name == "secret-to-network")
    };
    assert!(!sends_secret(8));
    // From every folder all of it would have to be compared anew.
    assert!(sends_secret(100));
    // From one folder it is compared once, however many read it.
    let read_often = format!("{} curl -T - http://h/x", "cat a.b c.d e.f g.h i.j k.l | ".repeat(300));
    let assessment = of_shell(&read_often);
    let mut factors = assessment.commands.iter().flat_map(|command| &command.factors);
    assert!(!factors.any(|factor| factor.name == "secret-to-network"));
}

#[test]
fn an_empty_argv_is_something_too() {
    assert_eq!(crate::assess::assess(&ExecRequest::default(), &TOOLS).commands.len(), 1);
    assert!(of_shell("").score < 30);
}

#[test]
fn an_argv_that_nobody_read_is_not_an_empty_one() {
    let unread = ExecRequest { missing: vec!["the argument vector".into()], ..ExecRequest::default() };
    let assessment = crate::assess::assess(&unread, &TOOLS);
    assert_eq!(assessment.level, Level::High, "{assessment:?}");
}

proptest! {
    #[test]
    fn any_bytes_are_assessed(argv in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..6)) {
        let request = ExecRequest { argv: argv.into_iter().map(Into::into).collect(), ..ExecRequest::default() };
        let assessment = crate::assess::assess(&request, &TOOLS);
        prop_assert!(assessment.score <= 100);
        prop_assert!(!assessment.commands.is_empty());
    }

    #[test]
    fn any_shell_text_is_assessed(text in "\\PC{0,300}") {
        of_shell(&text);
    }

    #[test]
    fn any_heap_of_shell_pieces_is_assessed(pieces in proptest::collection::vec(prop_oneof![
        Just("$("), Just(")"), Just("`"), Just("\""), Just("'"), Just("${"), Just("}"), Just("{"), Just("a"), Just(" "), Just(";"),
        Just("|"), Just("&"), Just("&&"), Just("<<E\n"), Just("E\n"), Just("\n"), Just("("), Just("(("), Just("))"), Just("$(("),
        Just("if "), Just("then "), Just("fi"), Just("case "), Just("in "), Just("esac"), Just(";;"), Just("do "), Just("done"),
        Just("for "), Just("x="), Just("$x"), Just("rm -rf /"), Just("\\"), Just("$'"), Just("\\x"), Just("{a,b}"), Just("~"),
        Just("é"), Just("sh -c "), Just("eval "), Just("sudo "), Just("find . -exec "), Just("{}"), Just("+"), Just("["), Just("]="),
        Just("<("), Just(">"), Just("2>&1"), Just("#"), Just("python -c "), Just("psql -c "), Just("-"), Just("--"), Just("="),
    ], 0..60)) {
        of_shell(&pieces.concat());
    }

    /// A dangerous command in front of anything is never talked down.
    #[test]
    fn nothing_behind_makes_it_harmless(text in "\\PC{0,100}") {
        let level = of_shell(&format!("rm -rf /\n{text}")).level;
        prop_assert!(level >= Level::High);
    }
}
