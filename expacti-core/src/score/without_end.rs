//! What goes on without end, or so often that nobody stands it: a disk that fills up, a service that is flooded, programs
//! that are started faster than they end.

use super::{Candidate, Look, http};
use crate::assessment::Word;
use crate::see::{Around, Input, Seen, is_many};
use crate::tools::{Category, Loops, glob};

/// Commands of a loop, and of a stream, that are looked at.
const MAX_COMMANDS: usize = 64;
/// Words of each.
const MAX_WORDS: usize = 64;

pub(super) fn candidates<'t>(look: &Look<'t>) -> Vec<Candidate<'t>> {
    let seen = look.seen;
    let mut found = Vec::new();
    let is_in_loop = seen.around != Around::Nothing || seen.collected != Around::Nothing;
    if !is_in_loop && seen.upstream.is_empty() {
        return found;
    }
    let known = &look.known.modifiers;
    if fills_disk(look) {
        found.push(Look::stand_alone(&known.fills_disk, Category::ProcessAndService));
    }
    if starts_without_end(look) {
        found.push(Look::stand_alone(&known.multiplies, Category::ProcessAndService));
    }
    match presses(look) {
        Pressed::Not => {}
        Pressed::ByOne => {
            found.push(Look::stand_alone(&known.presses_service, Category::NetworkTransfer));
        }
        Pressed::ByMany => {
            found.push(Look::stand_alone(&known.floods_service, Category::ProcessAndService));
        }
    }
    found
}

/// `while true; do date >> log; done`, the same around `done >> log`, and `yes | tee log`.
fn fills_disk(look: &Look<'_>) -> bool {
    let seen = look.seen;
    let adds =
        |first| seen.extends && look.writes_a_file() || adds_what_it_reads(look) || makes_files(look, first);
    if let Around::Endless(first) = seen.around
        && adds(first)
        && never_rests(look, first)
    {
        return true;
    }
    if let Around::Endless(first) = seen.collected
        && look.writes_a_file()
        && never_rests(look, first)
    {
        return true;
    }
    !seen.upstream.is_empty() && keeps_what_it_reads(look) && passes(look, seen) && reads_without_end(look)
}

/// `tee -a log`
fn adds_what_it_reads(look: &Look<'_>) -> bool {
    look.seen.program.name == "tee"
        && look.arguments.flag_names().any(|name| matches!(name, "-a" | "--append"))
        && keeps_what_it_reads(look)
}

/// Whether it makes a file under another name at each turn, or in another folder.
fn makes_files(look: &Look<'_>, first: usize) -> bool {
    let loops = &look.known.loops;
    let changes = |word: &Word| {
        let text = word.text.to_lossy();
        !word.literal && loops.changing.iter().any(|mark| text.contains(mark.as_str()))
    };
    let written = look.seen.redirections.iter().filter(|redirection| redirection.writes);
    let mut targets = written.filter_map(|redirection| redirection.target.as_ref());
    let name = look.seen.program.name.as_str();
    targets.any(changes)
        || loops.makes_files.contains(name)
            && (name == "mktemp"
                || name == "mkdir" && body(look, first).any(|(_, seen)| seen.program.name == "cd")
                || look.seen.words.iter().skip(1).take(MAX_WORDS).any(changes))
}

/// Whether all that a loop does ends at once, so that nothing slows it down and nothing leaves it.
fn never_rests(look: &Look<'_>, first: usize) -> bool {
    let loops = &look.known.loops;
    body(look, first).all(|(number, seen)| {
        ends_at_once(loops, seen)
            && (!seen.wraps
                || look.inside(number).take(MAX_COMMANDS).all(|(_, inner)| ends_at_once(loops, inner)))
    })
}

/// The commands of the loop that begins there, as they stand in its text.
fn body<'l>(look: &'l Look<'_>, first: usize) -> impl Iterator<Item = (usize, &'l Seen)> {
    let parent = look.all.get(first).and_then(|seen| seen.parent);
    let behind = (first..).zip(look.all.get(first..).unwrap_or_default()).take(MAX_COMMANDS);
    behind.filter(move |(_, seen)| seen.parent == parent && seen.around == Around::Endless(first))
}

fn ends_at_once(loops: &Loops, seen: &Seen) -> bool {
    // It reads what somebody types, or what comes through a named pipe.
    let waits = seen.words.len() == 1
        && loops.passing.contains(&seen.program.name)
        && matches!(seen.input, Input::Request | Input::File);
    seen.words.is_empty() || loops.quick.contains(&seen.program.name) && !waits
}

/// Whether it goes on for as long as it is given something.
fn passes(look: &Look<'_>, seen: &Seen) -> bool {
    let loops = &look.known.loops;
    loops.passing.contains(&seen.program.name)
        && !seen.words.iter().skip(1).take(MAX_WORDS).any(|word| {
            let text = word.text.to_lossy();
            loops.stops.iter().any(|stop| glob(stop, &text))
        })
}

/// Whether what it reads ends up in a file.
fn keeps_what_it_reads(look: &Look<'_>) -> bool {
    let is_file = |word: &Word| {
        let text = word.text.to_lossy();
        let file = text.strip_prefix("of=").unwrap_or(&text);
        !file.starts_with(['-', '>']) && !file.starts_with("/dev/")
    };
    let mut words = look.seen.words.iter().skip(1).take(MAX_WORDS);
    look.writes_a_file()
        || match look.seen.program.name.as_str() {
            "tee" => words.any(is_file),
            "dd" => words.any(|word| word.text.as_bytes().starts_with(b"of=") && is_file(word)),
            _ => false,
        }
}

/// Whether what comes into it never ends.
fn reads_without_end(look: &Look<'_>) -> bool {
    let mut todo: Vec<usize> = look.seen.upstream.iter().copied().take(MAX_COMMANDS).collect();
    let mut done = 0;
    while let Some(number) = todo.pop() {
        done += 1;
        let Some(seen) = look.all.get(number).filter(|_| done <= MAX_COMMANDS) else { return false };
        // A loop around both gives it a little at each turn.
        let by_loop = || match seen.around {
            Around::Endless(first) => seen.around != look.seen.around && never_rests(look, first),
            Around::Nothing | Around::Loop | Around::Many => false,
        };
        if by_loop() || writes_without_end(look, seen) {
            return true;
        }
        if passes(look, seen) {
            todo.extend(seen.upstream.iter().copied().filter(|next| *next < number));
        }
    }
    false
}

fn writes_without_end(look: &Look<'_>, seen: &Seen) -> bool {
    let loops = &look.known.loops;
    let is_endless = |text: &str| {
        let file = text.strip_prefix("if=").unwrap_or(text);
        loops.endless_files.contains(file)
    };
    let read = seen.redirections.iter().filter(|redirection| !redirection.writes);
    let mut read = read.filter_map(|redirection| redirection.target.as_ref());
    let mut words = seen.words.iter().skip(1).take(MAX_WORDS);
    let reads = |word: &Word| is_endless(&word.text.to_lossy());
    loops.endless_programs.contains(&seen.program.name)
        || passes(look, seen) && (words.any(reads) || read.any(reads))
}

/// `yes | xargs -P 0 -n 1 x`: it starts others for as long as it is given names, and does not wait for them.
fn starts_without_end(look: &Look<'_>) -> bool {
    let loops = &look.known.loops;
    look.seen.wraps
        && !look.seen.upstream.is_empty()
        && look.arguments.values(&loops.at_once).any(|(number, _)| number != "1")
        && reads_without_end(look)
}

/// How hard a service is pressed.
enum Pressed {
    Not,
    /// Again and again, but each time when the last answer is there.
    ByOne,
    ByMany,
}

fn presses(look: &Look<'_>) -> Pressed {
    let seen = look.seen;
    if !look.tool.is_some_and(|tool| tool.http) || http::asks_only_here(look) {
        return Pressed::Not;
    }
    let is_fed = || {
        let feeding = |outer: &Seen| {
            let mut upstream = outer.upstream.iter().filter_map(|number| look.all.get(*number));
            upstream.any(|source| writes_without_end(look, source) || counts_far(source))
        };
        look.handed_on_by().is_some_and(feeding)
    };
    match seen.around {
        Around::Many => Pressed::ByMany,
        Around::Nothing | Around::Loop if is_fed() => Pressed::ByMany,
        Around::Endless(first) if rests_for_answers_only(look, first) => Pressed::ByOne,
        Around::Nothing | Around::Loop | Around::Endless(_) => Pressed::Not,
    }
}

/// `seq 100000`, `printf '%s\n' {1..100000}`.
fn counts_far(source: &Seen) -> bool {
    let words = || source.words.iter().skip(1).take(MAX_WORDS).map(|word| word.text.to_lossy());
    if matches!(source.program.name.as_str(), "seq" | "gseq" | "jot") {
        return is_many(&words().fold("$(seq".to_owned(), |all, word| all + " " + &word));
    }
    words().any(|word| is_many(&word))
}

/// Whether nothing in a loop takes its time but questions to services.
fn rests_for_answers_only(look: &Look<'_>, first: usize) -> bool {
    let loops = &look.known.loops;
    let asks = |seen: &Seen| look.tools.find(&seen.program.name).is_some_and(|tool| tool.http);
    body(look, first).all(|(_, seen)| asks(seen) || ends_at_once(loops, seen))
}
