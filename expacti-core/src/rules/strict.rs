//! Deny and review rules: one command of the request that matches is enough.

use std::collections::BTreeMap;

use super::answer::Answer;
use super::hole::Strictness;
use super::rule::{Effect, Rule};
use super::scene::Scene;
use crate::time::Timestamp;

/// Deny rules that match a command of the request, or may and count in doubt. Those that do come first.
pub(crate) fn denied_by<'a>(scene: &Scene<'a>, now: Timestamp) -> Vec<(Answer, &'a Rule)> {
    matching(scene, now, |effect| matches!(effect, Effect::Deny { .. }))
}

/// The same of review rules.
pub(crate) fn reviewed_by<'a>(scene: &Scene<'a>, now: Timestamp) -> Vec<(Answer, &'a Rule)> {
    matching(scene, now, |effect| matches!(effect, Effect::Review { .. }))
}

fn matching<'a>(scene: &Scene<'a>, now: Timestamp, wanted: fn(&Effect) -> bool) -> Vec<(Answer, &'a Rule)> {
    let mut found: BTreeMap<u32, (Answer, &'a Rule)> = BTreeMap::new();
    for sight in scene.sights() {
        for (id, rule) in scene.candidates(sight.index).filter(|(_, rule)| wanted(&rule.effect)) {
            if !rule.is_in_force(now) || !scene.policy.has_rule_set(rule.set.as_deref()) {
                continue;
            }
            let answer = rule.matches(sight, Strictness::Suspicious);
            let in_doubt = || rule.counts_in_doubt() && !sight.is_certain_later();
            if answer == Answer::Yes || (answer == Answer::Maybe && in_doubt()) {
                let best = found.entry(id).or_insert((answer, rule));
                best.0 = answer.max(best.0);
            }
        }
    }
    let mut found: Vec<_> = found.into_values().collect();
    found.sort_by_key(|(answer, _)| std::cmp::Reverse(*answer));
    found
}
