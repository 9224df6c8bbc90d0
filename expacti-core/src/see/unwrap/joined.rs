//! Shell text that lies in several arguments.

use crate::tools::Free;

/// Words behind `:::` that are looked at: one line of text is made of each.
const MAX_INPUTS: usize = 32;

/// Shell text in several arguments, and those of them that say what is run. `parallel gzip {} ::: a b` runs it for each word
/// behind the `:::`, and without anything before that each is a command of its own.
pub(super) fn joined<'f, 'a>(free: &'f [Free<'a>]) -> (String, &'f [Free<'a>]) {
    let end = free.iter().position(|word| word.text.starts_with(":::"));
    let Some(end) = end else { return (words_of(free), free) };
    let (template, inputs) = free.split_at(end);
    let from_files = inputs.first().is_some_and(|word| word.text.starts_with("::::"));
    let inputs = inputs.iter().filter(|word| !word.text.starts_with(":::")).take(MAX_INPUTS);
    if template.is_empty() {
        let lines: Vec<&str> = inputs.map(|word| word.text.as_ref()).collect();
        return (lines.join("\n"), free);
    }
    if from_files {
        return (words_of(template), template);
    }
    let template_text = words_of(template);
    let line = |input: &Free<'_>| {
        let places = ["{}", "{.}", "{/}", "{//}", "{/.}", "{1}", "{2}"];
        if places.iter().any(|place| template_text.contains(place)) {
            places.iter().fold(template_text.clone(), |text, place| text.replace(place, &input.text))
        } else {
            format!("{template_text} {}", input.text)
        }
    };
    (inputs.map(line).collect::<Vec<_>>().join("\n"), template)
}

fn words_of(free: &[Free<'_>]) -> String {
    free.iter().map(|word| word.text.as_ref()).collect::<Vec<_>>().join(" ")
}
