use super::{Candidate, Look};

pub(super) fn candidates<'t>(_look: &Look<'t>) -> Vec<Candidate<'t>> {
    Vec::new()
}

pub(super) fn additions<'t>(_look: &Look<'t>) -> Vec<super::Addition<'t>> {
    Vec::new()
}
