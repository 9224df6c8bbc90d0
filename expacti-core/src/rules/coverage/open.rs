//! What no rule vouches for yet: where a new rule would help.

use super::{Sight, covering, inside, is_known, only_assigns, only_starts_others, too_risky};
use crate::rules::Scene;
use crate::time::Timestamp;

/// The commands of a request that need a rule and have none, as indices into its assessment.
pub(crate) fn open_commands(scene: &Scene<'_>, now: Timestamp) -> Vec<usize> {
    let commands = &scene.assessment.commands;
    let mut vouched = vec![false; commands.len()];
    let mut open = Vec::new();
    for sight in scene.sights() {
        if vouched.get(sight.index).copied().unwrap_or_default() {
            continue;
        }
        match covering(scene, sight, score_of(sight), now) {
            Ok((rule, allowance)) if rule.is_exact() || allowance.covers.inner => {
                let inner = inside(sight);
                let is_covered = |index: &usize| {
                    commands.get(*index).is_some_and(|command| {
                        is_known(command, allowance)
                            && too_risky(command.score, rule, allowance, scene).is_none()
                    })
                };
                if inner.iter().all(is_covered) {
                    for index in inner {
                        if let Some(place) = vouched.get_mut(index) {
                            *place = true;
                        }
                    }
                }
            }
            Ok(_) => {}
            Err(_) if only_starts_others(sight) || only_assigns(sight) => {}
            Err(_) => open.push(sight.index),
        }
    }
    open
}

/// Whether a rule of the scene vouches for this one command of the request.
pub(crate) fn vouches_for(scene: &Scene<'_>, index: usize, now: Timestamp) -> bool {
    let mut sights = scene.sights();
    sights
        .find(|sight| sight.index == index)
        .is_some_and(|sight| covering(scene, sight, score_of(sight), now).is_ok())
}

/// The risk that a rule for this command has to reach up to.
fn score_of(sight: Sight<'_>) -> u8 {
    let assessment = sight.scene.assessment;
    match assessment.commands.as_slice() {
        [only] => only.score.max(assessment.score),
        _ => sight.command.score,
    }
}
