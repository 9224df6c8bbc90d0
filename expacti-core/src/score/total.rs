//! The sum: the strongest thing a command does, what comes on top, where it points, and the bounds that always hold.

use std::collections::BTreeSet;

use super::{Addition, Candidate, Look, Scored, context, throwaway};
use crate::assessment::Word;
use crate::evaluation::Factor;
use crate::tools::{Category, Modifier, Undo};

impl<'t> Look<'t> {
    /// Base, additions, context, and the bounds that always hold.
    pub(super) fn add_up(
        &self,
        base: &Candidate<'t>,
        all: &[Candidate<'t>],
        adds: &[Addition<'t>],
    ) -> Scored {
        let known = &self.known.modifiers;
        let mut factors = vec![Factor {
            name: base.id.clone().into(),
            points: base.points,
            because: base.why.clone().into(),
        }];
        let mut total = base.points;
        let mut add = |total: &mut i16, id: &str, points: i16, why: &str| {
            if points != 0 {
                *total += points;
                factors.push(Factor { name: id.to_owned(), points, because: why.to_owned() });
            }
        };
        for (modifier, points) in &base.with {
            add(&mut total, &modifier.id, *points, &modifier.why);
        }
        for addition in adds {
            add(&mut total, &addition.id, addition.points, &addition.why);
        }
        let reads_only = all.iter().chain([base]).all(|c| c.categories.iter().all(|c| c.reads_only()));
        if !reads_only || base.points >= 30 {
            for modifier in context::circumstances(self, base) {
                add(&mut total, &modifier.id, modifier.points, &modifier.why);
            }
        }
        let from_input = self.seen.appends && !self.ends_what_holds_a_port() || self.finds_its_targets(base);
        if base.undo >= Undo::Hard && (from_input && base.with.is_empty() || self.takes_what_was_found(base))
        {
            let modifier = &known.targets_from_input;
            add(&mut total, &modifier.id, modifier.points, &modifier.why);
        }
        let undo = if context::is_throwaway(self, base) { Undo::Hard } else { base.undo };
        if undo < base.undo {
            add(&mut total, &known.development.id, known.development.points, &known.development.why);
        }
        if undo == Undo::Never {
            add(&mut total, &known.irreversible.id, known.irreversible.points, &known.irreversible.why);
        }
        let before = total;
        let ceiling = self.known.context.ceiling.max(before);
        for (modifier, points) in context::target(self, base) {
            let points = points.min(ceiling - total).max(points.min(0));
            add(&mut total, &modifier.id, points, &modifier.why);
        }
        if undo == Undo::Never && total < known.irreversible_floor.points {
            let missing = known.irreversible_floor.points - total;
            add(&mut total, &known.irreversible_floor.id, missing, &known.irreversible_floor.why);
        }
        if reads_only && total > known.read_only_ceiling.points {
            let over = known.read_only_ceiling.points - total;
            add(&mut total, &known.read_only_ceiling.id, over, &known.read_only_ceiling.why);
        }
        if total > known.throwaway.points && throwaway::is_one(self, all, base) {
            let over = known.throwaway.points - total;
            add(&mut total, &known.throwaway.id, over, &known.throwaway.why);
        }
        let bounded = total.clamp(0, 100);
        if bounded != total {
            let difference = bounded - total;
            add(&mut total, &known.range.id, difference, &known.range.why);
        }
        let categories = all
            .iter()
            .chain([base])
            .flat_map(|candidate| candidate.categories.iter().copied())
            .collect::<BTreeSet<_>>();
        Scored { score: u8::try_from(bounded).unwrap_or(100), categories: strongest(categories), factors }
    }

    /// `lsof -ti :3000 | xargs kill`: what it ends is what `lsof` or `fuser` found at a port.
    fn ends_what_holds_a_port(&self) -> bool {
        let finds = |number: &usize| {
            let Some(seen) = self.all.get(*number) else { return false };
            let at_port = |word: &Word| {
                word.text.to_lossy().rsplit(':').next().is_some_and(|port| {
                    word.text.as_bytes().contains(&b':')
                        && port.len() > 1
                        && port.bytes().all(|b| b.is_ascii_digit())
                })
            };
            matches!(seen.program.name.as_str(), "lsof" | "fuser") && seen.words.iter().skip(1).any(at_port)
        };
        !self.seen.upstream.is_empty() && self.seen.upstream.iter().all(finds)
    }

    /// Whether it destroys whatever another command names: `branch -D $(...)`.
    fn finds_its_targets(&self, base: &Candidate<'t>) -> bool {
        base.points >= 50
            && !self.seen.substituted.is_empty()
            && !base.categories.contains(&Category::ProcessAndService)
            && self.arguments.free().iter().skip(1).any(|word| !word.literal && word.text.contains("$("))
    }

    /// `find ... | while read f; do rm "$f"; done`: it deletes what another command has named.
    fn takes_what_was_found(&self, base: &Candidate<'_>) -> bool {
        let modifiers = &self.known.modifiers;
        let is_plain = |(modifier, points): &(&Modifier, i16)| {
            modifier.id == modifiers.computed_argument.id
                || modifier.id == modifiers.wildcard.id
                || *points == 0
        };
        base.points >= 30
            && !self.seen.upstream.is_empty()
            && base.categories.contains(&Category::FileMutation)
            && base.with.iter().all(is_plain)
            && self.arguments.free().iter().any(|word| !word.literal && word.text.starts_with('$'))
    }
}

/// A command that does something is not called read-only too.
fn strongest(mut categories: BTreeSet<Category>) -> BTreeSet<Category> {
    if categories.len() > 1 {
        categories.remove(&Category::ReadOnly);
    }
    categories
}
