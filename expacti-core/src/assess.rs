//! The scorer's entry: what a request would do and how risky that is.

use std::collections::BTreeSet;

use crate::assessment::{Assessment, SeenCommand};
use crate::evaluation::Level;
use crate::request::ExecRequest;
use crate::score;
use crate::see;
use crate::tools::Tools;

/// Judges one exec: every command in it is scored by itself, the strictest counts. No rule is asked here.
#[must_use]
pub fn assess(request: &ExecRequest, tools: &Tools) -> Assessment {
    let seen = see::see(request, tools);
    let scored = score::commands(&seen, request, tools);
    let categories =
        scored.iter().flat_map(|scored| scored.categories.iter()).map(|c| c.name().to_owned()).collect();
    // Of equal ones the innermost tells most: `sudo rm` is a matter of rm.
    let counting = scored.iter().max_by_key(|scored| scored.score);
    let score = counting.map_or(0, |scored| scored.score);
    let factors = counting.map(|scored| scored.factors.clone()).unwrap_or_default();
    let commands = seen
        .into_iter()
        .zip(scored)
        .map(|(seen, scored)| SeenCommand {
            via: seen.via,
            parent: seen.parent,
            opaque: seen.appends || !seen.findings.is_empty(),
            words: seen.words,
            redirections: seen.redirections,
            assignments: seen.assignments,
            elsewhere: seen.elsewhere,
            score: scored.score,
            categories: scored.categories.iter().map(|c| c.name().to_owned()).collect::<BTreeSet<_>>(),
            factors: scored.factors,
        })
        .collect();
    Assessment { score, level: Level::of(score), categories, factors, commands }
}

#[cfg(test)]
mod tests;
