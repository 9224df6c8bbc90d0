//! Sequences of elements run over words as a set of states, so that time is words times elements at worst.

use super::{Element, Reading, Repeat};
use crate::assessment::Word;
use crate::rules::answer::Answer;
use crate::rules::hole::Strictness;

/// Bit `i`: the next word meets element `i`. Bit `VALUE + i`: the next word is the value of an option of element
/// `i`. Bit `elements.len()`: everything is matched.
type States = u128;

const VALUE: u32 = 64;

/// Whether the words, from the first to the last, run through the elements.
pub(super) fn run(elements: &[Element], words: &[Word], reading: Reading<'_>) -> Answer {
    let start = closed(elements, 1);
    let mut sure = start;
    let mut possible = start;
    for word in words {
        if word.literal {
            sure = step(elements, sure, word, reading, Answer::Yes);
            possible = step(elements, possible, word, reading, Answer::Maybe);
        } else {
            match reading.strictness {
                Strictness::Certain => {
                    sure = if reading.covers_expansions { resting(elements, sure) } else { 0 };
                    possible = sure;
                }
                // It may become any number of words; and its text as written may be what the rule names.
                Strictness::Suspicious => {
                    sure = step(elements, sure, word, reading, Answer::Yes);
                    possible = onward(elements, possible);
                }
            }
        }
        if sure | possible == 0 {
            return Answer::No;
        }
    }
    let end = 1 << elements.len();
    if sure & end != 0 {
        Answer::Yes
    } else if possible & end != 0 {
        Answer::Maybe
    } else {
        Answer::No
    }
}

fn step(elements: &[Element], states: States, word: &Word, reading: Reading<'_>, least: Answer) -> States {
    let text = word.text.as_bytes();
    let mut next: States = 0;
    for (i, element) in elements.iter().enumerate() {
        let here = 1 << i;
        if states & (here << VALUE) != 0 {
            next |= here;
        }
        if states & here == 0 {
            continue;
        }
        match element {
            Element::Rest => next |= here,
            Element::Options(with_value) => {
                if with_value.iter().any(|option| option.as_bytes() == text) {
                    next |= here << VALUE;
                } else if text.len() > 1 && text[0] == b'-' {
                    next |= here;
                }
            }
            Element::Words(hole, repeat) => {
                if hole.takes(text, reading.folders, reading.strictness) >= least {
                    next |= if *repeat == Repeat::Many { here } else { here << 1 };
                }
            }
        }
    }
    closed(elements, next)
}

/// With the states that are reached without a word.
fn closed(elements: &[Element], mut states: States) -> States {
    for (i, element) in elements.iter().enumerate() {
        let optional = match element {
            Element::Rest | Element::Options(_) => true,
            Element::Words(_, repeat) => *repeat != Repeat::Once,
        };
        if optional && states & (1 << i) != 0 {
            states |= 1 << (i + 1);
        }
    }
    states
}

/// The states in which any number of words may come.
fn resting(elements: &[Element], states: States) -> States {
    let rests =
        elements.iter().enumerate().filter(|(_, e)| matches!(e, Element::Rest)).map(|(i, _)| 1u128 << i);
    closed(elements, states & rests.fold(0, |all, rest| all | rest))
}

/// Every state from the first one on.
fn onward(elements: &[Element], states: States) -> States {
    let positions = (states | states >> VALUE) & ((1 << VALUE) - 1);
    if positions == 0 {
        return 0;
    }
    let all = (1u128 << (elements.len() + 1)) - 1;
    all & !((1u128 << positions.trailing_zeros()) - 1)
}
