use super::{Candidate, Look};

pub(super) fn candidates<'t>(_look: &Look<'t>) -> Vec<Candidate<'t>> {
    Vec::new()
}
