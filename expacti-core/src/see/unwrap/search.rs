//! What programs that search folders would find.

use std::borrow::Cow;

use crate::assessment::Word;
use crate::tools::{Arguments, Tool};

/// What a search would find, as patterns: each starting point with each name that is looked for.
pub(crate) fn search_targets(tool: &Tool, arguments: &Arguments<'_>, words: &[Word]) -> Vec<String> {
    let starts = arguments.free().iter().map(|word| word.text.trim_end_matches('/'));
    let starts: Vec<&str> = starts.take(16).take_while(|start| !start.starts_with(['(', '!'])).collect();
    let names = names_searched(tool, words);
    let starts = if starts.is_empty() { vec!["."] } else { starts };
    let names = if names.is_empty() { vec!["*".into()] } else { names };
    starts.iter().flat_map(|start| names.iter().map(move |name| format!("{start}/{name}"))).collect()
}

/// The names that it looks for, but for those that it leaves out: `-not -name x`, `-path x -prune -o`.
fn names_searched<'w>(tool: &Tool, words: &'w [Word]) -> Vec<Cow<'w, str>> {
    let is =
        |at: usize, known: &[&[u8]]| words.get(at).is_some_and(|word| known.contains(&word.text.as_bytes()));
    let options = (1..words.len()).filter(|at| {
        words
            .get(*at)
            .is_some_and(|word| tool.searches.iter().any(|name| name.as_bytes() == word.text.as_bytes()))
    });
    let left_out =
        |at: usize| is(at - 1, &[b"-not", b"!"]) || is(at + 2, &[b"-prune"]) && is(at + 3, &[b"-o", b"-or"]);
    let wanted = options.filter(|at| !left_out(*at));
    wanted.filter_map(|at| words.get(at + 1)).map(|word| word.text.to_lossy()).take(16).collect()
}
