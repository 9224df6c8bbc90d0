//! Matching has three answers, because some words are known only when the command runs.

/// Whether something matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answer {
    /// It does not, whatever happens.
    No,
    /// That depends on what is not known yet: `$X`, a glob, a folder that is left with `cd`.
    Maybe,
    /// It does.
    Yes,
}

impl From<bool> for Answer {
    fn from(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }
}

impl Answer {
    /// The answer for "any of them".
    pub(crate) fn any(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut best = Self::No;
        for answer in answers {
            best = best.max(answer);
            if best == Self::Yes {
                break;
            }
        }
        best
    }

    /// The answer where several places are possible and it is in one of them.
    pub(crate) fn in_one_of(answers: impl IntoIterator<Item = Self>) -> Self {
        answers.into_iter().reduce(|a, b| if a == b { a } else { Self::Maybe }).unwrap_or(Self::Maybe)
    }
}
