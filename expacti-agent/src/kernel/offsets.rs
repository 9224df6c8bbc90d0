//! The kernel's field offsets, from its type information.

use expacti_abi::offsets::Offsets;

use super::btf::{Btf, BtfError};

/// Looks every field up. A field may have moved or been renamed over the kernels' history: the first place that
/// exists counts, and where none does the error names the newest.
pub(crate) fn find(btf: &Btf<'_>) -> Result<Offsets, BtfError> {
    let mut words = [0; Offsets::SOURCES.len()];
    for (word, (_, places)) in words.iter_mut().zip(Offsets::SOURCES) {
        let mut first_error = None;
        let found = places.iter().find_map(|(name, field)| match btf.offset(name, field) {
            Ok(offset) => Some(offset),
            Err(error) => {
                first_error.get_or_insert(error);
                None
            }
        });
        *word = match (found, first_error) {
            (Some(offset), _) => offset,
            (None, Some(error)) => return Err(error),
            (None, None) => return Err(BtfError::Malformed("a field without a place")),
        };
    }
    Ok(Offsets::from_words(&words))
}

/// Every field that has none of its places, by the newest.
pub(crate) fn missing(btf: &Btf<'_>) -> Vec<String> {
    Offsets::SOURCES
        .iter()
        .filter(|(_, places)| places.iter().all(|(name, field)| btf.offset(name, field).is_err()))
        .filter_map(|(_, places)| places.first().map(|(name, field)| format!("{name}.{field}")))
        .collect()
}
