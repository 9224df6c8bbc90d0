//! What a card's program text is compared with: the version that people approved before.
//!
//! A script is known by its path. A text behind `sh -c` and the like has no name: there the version is the newest
//! approved command that is the same but for the text, and has at least half of its lines.

use expacti_core::record::entry::{Decider, Verdict};
use expacti_core::record::secrets::Masker;
use expacti_core::request::ExecRequest;
use expacti_core::untrusted::Untrusted;
use similar::TextDiff;

use super::Api;
use super::problem::Problem;
use crate::desk::Version;
use crate::wire::EarlierText;

/// How many held commands are looked at, and how many texts are compared.
const LOOKED_AT: u32 = 200;
const COMPARED: usize = 20;
/// How much of two texts has to be the same for one to be a version of the other.
const AKIN: f32 = 0.5;

/// A version that the desk remembers, without its secrets.
pub(super) fn masked(version: Version, masker: &Masker) -> Option<EarlierText> {
    let Version { script, by } = version;
    let mut request = ExecRequest { script: Some(script), ..ExecRequest::default() };
    masker.request(&mut request);
    request.script.map(|script| EarlierText { word: None, text: script.text, by })
}

impl Api {
    /// The version of a request's script or program text that people approved last, as the log has it.
    pub(super) async fn approved_version(
        &self,
        request: &ExecRequest,
    ) -> Result<Option<EarlierText>, Problem> {
        let word = program_text(request);
        if request.script.is_none() && word.is_none() {
            return Ok(None);
        }
        let past = self.held_before(request, LOOKED_AT).await?;
        let approved = past.iter().filter_map(|attempt| match &attempt.verdict {
            Some(Verdict { allow: true, decider: Decider::Reviewers { names }, .. }) => {
                Some((&attempt.attempted.request, names))
            }
            Some(_) | None => None,
        });
        let version = |text: &Untrusted, names: &Vec<String>| EarlierText {
            word: word.filter(|_| request.script.is_none()),
            text: text.clone(),
            by: names.clone(),
        };
        Ok(match (&request.script, word) {
            (Some(script), _) => approved
                .filter_map(|(then, names)| then.script.as_ref().map(|then| (then, names)))
                .find(|(then, _)| then.path == script.path)
                .map(|(then, names)| version(&then.text, names)),
            (None, Some(word)) => approved
                .filter(|(then, _)| is_same_but_for(word, request, then))
                .take(COMPARED)
                .find(|(then, _)| are_akin(&request.argv[word], &then.argv[word]))
                .map(|(then, names)| version(&then.argv[word], names)),
            (None, None) => None,
        })
    }
}

/// The argument of several lines, where there is exactly one.
fn program_text(request: &ExecRequest) -> Option<usize> {
    let mut texts = request
        .argv
        .iter()
        .enumerate()
        .filter(|(_, word)| word.as_bytes().contains(&b'\n'))
        .map(|(at, _)| at);
    texts.next().filter(|_| texts.next().is_none())
}

fn is_same_but_for(word: usize, one: &ExecRequest, other: &ExecRequest) -> bool {
    one.argv.len() == other.argv.len()
        && one.argv.iter().zip(&other.argv).enumerate().all(|(at, (one, other))| at == word || one == other)
}

fn are_akin(one: &Untrusted, other: &Untrusted) -> bool {
    let (one, other) = (one.to_lossy(), other.to_lossy());
    TextDiff::from_lines(&*one, &*other).ratio() >= AKIN
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(argv: &[&str]) -> ExecRequest {
        ExecRequest { argv: argv.iter().map(|word| (*word).into()).collect(), ..ExecRequest::default() }
    }

    #[test]
    fn a_program_text_is_the_one_argument_of_several_lines() {
        assert_eq!(program_text(&request(&["sh", "-c", "cd x\nmake", "sh"])), Some(2));
        assert_eq!(program_text(&request(&["sh", "-c", "make"])), None);
        assert_eq!(program_text(&request(&["psql", "-c", "a\nb", "-c", "c\nd"])), None);
    }

    #[test]
    fn a_version_is_the_same_command_with_much_of_the_same_text() {
        let now = request(&["sh", "-c", "cd x\nmake all\nmake install\n"]);
        let then = request(&["sh", "-c", "cd x\nmake all\n"]);
        assert!(is_same_but_for(2, &now, &then) && are_akin(&now.argv[2], &then.argv[2]));
        let other = request(&["sh", "-c", "git add .\ngit commit\ngit push\n"]);
        assert!(is_same_but_for(2, &now, &other) && !are_akin(&now.argv[2], &other.argv[2]));
        assert!(!is_same_but_for(2, &now, &request(&["bash", "-c", "cd x\nmake all\n"])));
        assert!(!is_same_but_for(2, &now, &request(&["sh", "-c", "cd x\nmake all\n", "sh"])));
    }
}
