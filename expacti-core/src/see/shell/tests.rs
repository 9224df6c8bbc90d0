//! What the reader makes of a text: the commands it finds, the words they get, and what it says of the text as a whole.

use super::Around;
use super::{ShellInput, ShellText, read};

fn of(text: &str) -> ShellText {
    read(text, &|_| None, 100)
}

/// The words of every command, those that are known only when it runs marked by `?`.
fn words(text: &str) -> Vec<String> {
    let shown = |word: &crate::assessment::Word| {
        format!("{}{}", word.text.to_lossy(), if word.literal { "" } else { "?" })
    };
    of(text)
        .commands
        .iter()
        .map(|command| command.words.iter().map(shown).collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn names_that_are_put_together_are_read() {
    for (text, expected) in [
        ("a=xrmy; ${a:1:2} -rf /", "rm -rf /"),
        ("a=RM; ${a,,} -rf /", "rm -rf /"),
        ("a=r_m; ${a/_/} -rf /", "rm -rf /"),
        ("a=rm.sh; ${a%.sh} -rf /", "rm -rf /"),
        ("a=./rm; ${a#./} -rf /", "rm -rf /"),
        ("IFS=,; a=rm,-rf,/; $a", "rm -rf /"),
        ("$(echo mr | rev) -rf /", "rm -rf /"),
        ("$(echo ez | tr a-z n-za-m) -rf /", "rm -rf /"),
        ("$(echo cm0= | base64 -d) -rf /", "rm -rf /"),
    ] {
        assert_eq!(words(text).last().map(String::as_str), Some(expected), "{text}");
    }
}

#[test]
fn what_is_not_followed_is_unknown() {
    for text in
        ["${a:1:2} -rf /", "a=rm; ${a:$b} -rf /", "$(date | tr a-z n-za-m) -rf /", "IFS=$x; a=rm; $a /"]
    {
        let last = words(text).pop().unwrap_or_default();
        assert!(last.contains('?'), "{text}: {last}");
    }
}

#[test]
fn loops_over_known_words_are_read_for_each() {
    for (text, expected) in [
        ("for x in a b; do rm $x; done; ls", &["rm a", "rm b", "ls"][..]),
        ("for x in a 'b c'; do rm \"$x\"; done", &["rm a", "rm b c"]),
        ("for x in a b; do for y in 1 2; do rm $x$y; done; done", &["rm a1", "rm a2", "rm b1", "rm b2"]),
        ("for x in a b; do ls; done", &["ls"]),
        ("for x in {1..3} {d..c}; do rm $x; done", &["rm 1", "rm 2", "rm 3", "rm d", "rm c"]),
        ("for x in *.sql; do psql -f $x; done", &["psql -f *.sql?"]),
        ("for x in $(seq 2); do rm $x; done", &["seq 2", "rm 1", "rm 2"]),
        ("set -- a b; for x; do rm $x; done", &["set -- a b", "rm a", "rm b"]),
        ("for x in a b; do cat <<E\n$x\nE\ndone", &["cat", "cat"]),
        ("for x in a b; do echo $x; done | sh", &["echo a", "echo b", "sh"]),
        ("select x in a b; do rm $x; done", &["rm a", "rm b"]),
    ] {
        assert_eq!(words(text), expected, "{text}");
        assert_eq!(of(text).trouble, None, "{text}");
    }
}

#[test]
fn arrays_and_parameters_are_words() {
    for (text, expected) in [
        ("a=(x 'y z'); rm \"${a[@]}\"", "rm x y z"),
        ("a=(x y); a+=(z); rm ${a[*]}", "rm x y z"),
        ("a=(x y); rm ${a[1]} $a", "rm y x"),
        ("declare -a a=(x y); rm ${a[@]}", "rm x y"),
        ("f() { local a=(x); rm ${a[0]}; }; f", "f"),
        ("set -- x y; rm \"$@\"", "rm x y"),
        ("set -- x y; shift; rm $1", "rm y"),
        ("read -ra a <<< 'x y'; rm ${a[@]}", "rm x y"),
        ("read a b <<< 'x y z'; rm $b", "rm y z"),
        ("a=r; a+=m; $a x", "rm x"),
        ("rm ${x:-/}", "rm /?"),
        ("rm ${x:+/etc}", "rm /etc?"),
        ("a=${1:-/var}; rm $a", "rm /var?"),
        ("a=([k]=v); rm ${a[k]}", "rm ${a[k]}?"),
        ("a=(x); a[1]=y; rm ${a[@]}", "rm ${a[@]}?"),
        ("a=x; a+=$(y); rm $a", "rm $a?"),
    ] {
        assert_eq!(words(text).last().map(String::as_str), Some(expected), "{text}");
        assert_eq!(of(text).trouble, None, "{text}");
    }
    assert_eq!(of("a=(x 'y z'); rm \"${a[@]}\"").commands.last().map(|rm| rm.words.len()), Some(3));
}

#[test]
fn functions_are_read_with_what_they_are_given() {
    for (text, expected) in [
        ("f() { rm -rf \"$1\"; }; f /usr", &["rm -rf $1?", "rm -rf /usr", "f /usr"][..]),
        (
            "f() { rm $2; shift; echo $@; }; f a b",
            &["rm $2?", "shift", "echo $@?", "rm b", "shift", "echo b", "f a b"],
        ),
        ("function f { ls; }; f a", &["ls", "f a"]),
        ("f() ( rm $1 ); f a; f b", &["rm $1?", "rm a", "f a", "rm b", "f b"]),
    ] {
        assert_eq!(words(text), expected, "{text}");
    }
}

#[test]
fn one_of_two_values_that_may_hold_is_none() {
    for text in [
        "x=/; if a; then x=/tmp; fi; rm $x",
        "x=/; a && x=/tmp; rm $x",
        "x=/; a || { x=/tmp; }; rm $x",
        "x=/; (x=/tmp); rm $x",
        "x=/; f() { x=/tmp; }; rm $x",
        "f() { x=/; }; x=/tmp; f; rm $x",
        "x=/; f() { local x=/tmp; }; f; rm $x",
        "x=/; echo | x=/tmp; rm $x",
        "x=/; x=/tmp | cat; rm $x",
        "x=/; x=/tmp & rm $x",
        "x=/; case a in a) x=/tmp;; esac; rm $x",
        "x=/; while a; do x=/tmp; done; rm $x",
        "x=/tmp; while a; do rm $x; x=/; done",
        "for x in / /tmp; do break; done; rm $x",
        "for x in / /tmp; do ls $x; break; done; rm $x",
        "x=/; y=$(x=/tmp; a); rm $x",
    ] {
        assert_eq!(
            words(text).iter().rfind(|words| words.starts_with("rm")).map(String::as_str),
            Some("rm $x?"),
            "{text}"
        );
        assert_eq!(of(text).trouble, None, "{text}");
    }
    for (text, expected) in [
        ("x=/; x=/tmp; rm $x", "rm /tmp"),
        ("if a; then x=/tmp; rm $x; fi", "rm /tmp"),
        ("x=/; a && b; x=/tmp; rm $x", "rm /tmp"),
        ("x=/; { x=/tmp; }; rm $x", "rm /tmp"),
        ("f() { rm -f \"$1\"; }; f a; f b", "rm -f b"),
    ] {
        assert_eq!(
            words(text).iter().rfind(|words| words.starts_with("rm")).map(String::as_str),
            Some(expected),
            "{text}"
        );
    }
}

#[test]
fn what_is_read_again_is_bounded() {
    let nested = |depth: usize| {
        let heads = "for x in a b c d; do ".repeat(depth);
        format!("{heads} rm $x {}", "; done".repeat(depth))
    };
    for text in [
        nested(60),
        "f() { f $1; f $1; g $1; }; g() { f $1; g $1; g $1; }; f x".to_owned(),
        format!("for x in {}; do rm $x; done", "a ".repeat(20_000)),
        format!("for x in a b c; do {}; rm $x; done", "echo 'a long body'; ".repeat(30)),
    ] {
        let found = read(&text, &|_| None, 1024);
        assert!(found.commands.len() < 1024, "{} commands", found.commands.len());
        assert!(found.commands.iter().any(|command| command.words.len() == 2), "{text}");
        assert_eq!(found.trouble, None, "{}", text.len());
    }
}

#[test]
fn a_first_value_that_may_not_be_there_is_a_guess() {
    for text in [
        "false && d=build; rm -rf $d",
        "if x; then d=build; fi; rm -rf $d",
        "if x; then false && d=build; rm -rf $d; fi",
        "(d=build); rm -rf $d",
        "x || d=build\nrm -rf $d",
        "d=build | x; rm -rf $d",
        "$(d=build); rm -rf $d",
    ] {
        assert_eq!(words(text).last().map(String::as_str), Some("rm -rf build?"), "{text}");
    }
    for text in [
        "x && d=build && rm -rf $d",
        "if x; then d=build; rm -rf $d; fi",
        "d=build; rm -rf $d",
        "false && d=x; d=build; rm -rf $d",
        "{ d=build; }; rm -rf $d",
    ] {
        assert_eq!(words(text).last().map(String::as_str), Some("rm -rf build"), "{text}");
    }
}

#[test]
fn values_beyond_the_bound_are_one_that_nobody_knows() {
    let text = format!("for x in {} /; do rm $x; done", "a ".repeat(1000));
    assert_eq!(words(&text).last().map(String::as_str), Some("rm $x?"));
}

#[test]
fn a_process_substitution_with_a_known_text_is_an_input() {
    let read = of("source <(printf 'rm -rf %s' /)");
    let source = read.commands.last().expect("there is a command");
    assert_eq!(source.input, ShellInput::Text("rm -rf /".into()));
    let redirected = of("bash < <(echo true)");
    assert_eq!(
        redirected.commands.last().map(|command| command.input.clone()),
        Some(ShellInput::Text("true".into()))
    );
    let unknown = of("source <(curl -s https://example.com/x)");
    assert_eq!(unknown.commands.last().map(|command| command.input.clone()), Some(ShellInput::Inherited));
}

#[test]
fn what_starts_itself_without_end_is_said() {
    for text in [
        ":(){ :|:& };:",
        "bomb() { bomb | bomb & }; bomb",
        "function f { f & f; }; f",
        "while true; do sleep 1000 & done",
        "while :\ndo\n./x &\ndone",
        "until false; do x & done",
        "eval 'f(){ f|f& };f'; $(f(){ f|f& };f)",
        "f() { (f) & f; }; f",
        "f() { { f; f; } & }; f",
        "f() { bash -c f & f; }; export -f f; f",
        "for ((;;)); do x & done",
    ] {
        assert!(of(text).multiplies, "{text}");
    }
    for text in [
        "while true; do sleep 1; done &",
        "f() { g | h & }; f",
        "walk() { for d in */; do walk \"$d\"; done; }; walk",
        "walk() { for d in */; do walk \"$d\"; done | sort; }; walk",
        "f() { (g) & f; }; f",
        "for ((i=0; i<3; i++)); do x & done",
        "while read -r x; do y & done < z",
        "while true; do x && y; done",
        "a & b & c",
    ] {
        assert!(!of(text).multiplies, "{text}");
    }
}

#[test]
fn the_loops_around_a_command_are_known() {
    let around = |text: &str, name: &str| {
        let found = of(text)
            .commands
            .into_iter()
            .find(|command| command.words.first().map(|word| word.text.as_bytes()) == Some(name.as_bytes()));
        found.map(|command| command.around)
    };
    for (text, expected) in [
        ("x", Around::Nothing),
        ("while true; do a; done; x", Around::Nothing),
        ("while true; do a; x; done", Around::Endless(0)),
        ("a; while true; do x; done", Around::Endless(1)),
        ("for ((i=0;;i++)); do x; done", Around::Endless(0)),
        ("for f in $(x); do a; done", Around::Nothing),
        ("for f in $(a); do x; done", Around::Loop),
        ("for i in $(seq 100000); do x; done", Around::Many),
        ("for i in {1..100000}; do x; done", Around::Many),
        ("for ((i=0; i<1000000; i++)); do x; done", Around::Many),
        ("while true; do for i in 1 2; do x; done; done", Around::Endless(0)),
        ("for i in 1 2; do while :; do x; done; done", Around::Endless(0)),
        ("while read -r l; do x; done", Around::Loop),
        ("while true; do (y | x); done", Around::Endless(0)),
        ("eval a; while true; do `a; while :; do x; done`; done", Around::Endless(3)),
    ] {
        assert_eq!(around(text, "x"), Some(expected), "{text}");
    }
    let collected = |text: &str| of(text).commands.last().map(|command| command.collected);
    assert_eq!(collected("while true; do date; done >> log"), Some(Around::Endless(0)));
    assert_eq!(collected("for i in 1; do date; done >> log"), Some(Around::Loop));
    assert_eq!(collected("while true; do date >> log; done"), Some(Around::Nothing));
}

#[test]
fn what_adds_to_a_file_is_told_from_what_writes_it_anew() {
    for (text, extends) in [
        ("a >> f", true),
        ("a &>> f", true),
        ("a >> f 2> g", true),
        ("a > f", false),
        ("a &> f", false),
        ("a >| f", false),
        ("a > f 2>> /dev/null", false),
        ("a < f", false),
    ] {
        assert_eq!(of(text).commands[0].extends, extends, "{text}");
    }
}
