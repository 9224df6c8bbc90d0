//! The word that somebody probably meant.

/// The nearest of `known`, if it is near enough to be a slip.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let (distance, near) = known.iter().map(|known| (distance(word, known), *known)).min()?;
    (distance <= 1 + word.chars().count() / 4).then_some(near)
}

/// Insertions, deletions and replacements between the two.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_another_word_does_not() {
        let known = ["argv", "cwd", "decision", "because", "not_match"];
        for (word, near) in
            [("descision", Some("decision")), ("notmatch", Some("not_match")), ("arg", Some("argv"))]
        {
            assert_eq!(nearest(word, &known), near);
        }
        assert_eq!(nearest("colour", &known), None);
    }
}
