//! What a rule asks about a command besides its words.

use globset::GlobMatcher;

use super::answer::Answer;
use super::hole::{Strictness, is_glob_match};
use super::path::{PathGlob, file_name};
use super::scene::Sight;
use crate::policy::Risk;

/// All that are given must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) exe: Vec<PathGlob>,
    pub(crate) sha256: Vec<String>,
    pub(crate) script_sha256: Vec<String>,
    pub(crate) cwd: Vec<PathGlob>,
    pub(crate) agent: Vec<GlobMatcher>,
    pub(crate) user: Vec<u32>,
    pub(crate) env: Vec<(String, Wanted)>,
    pub(crate) category: Vec<GlobMatcher>,
    pub(crate) factor: Vec<GlobMatcher>,
    pub(crate) min_risk: Option<Risk>,
}

/// What is asked of a variable.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    Set,
    Unset,
    Value(Vec<GlobMatcher>),
}

/// Commands that set variables for those that follow them.
const SETS_VARIABLES: [&[u8]; 10] =
    [b"export", b"declare", b"typeset", b"local", b"unset", b"read", b"source", b".", b"eval", b"set"];

impl Conditions {
    /// The rule says itself which file is meant.
    pub(crate) fn name_the_executable(&self) -> bool {
        !self.exe.is_empty() || !self.sha256.is_empty()
    }

    pub(crate) fn is_empty(&self) -> bool {
        let files = self.exe.len() + self.sha256.len() + self.script_sha256.len() + self.cwd.len();
        let texts = self.agent.len() + self.category.len() + self.factor.len();
        files + texts + self.user.len() + self.env.len() == 0 && self.min_risk.is_none()
    }

    pub(crate) fn hold(&self, sight: Sight<'_>, strictness: Strictness) -> Answer {
        let request = sight.scene.request;
        let any_glob =
            |globs: &[GlobMatcher], text: &[u8]| globs.iter().any(|glob| is_glob_match(glob, text));
        if !self.agent.is_empty() && !any_glob(&self.agent, request.agent.name.as_bytes()) {
            return Answer::No;
        }
        let command = sight.command;
        if self.min_risk.is_some_and(|least| command.score.max(own_total(sight)) < least.floor()) {
            return Answer::No;
        }
        if !self.category.is_empty()
            && !command.categories.iter().any(|c| any_glob(&self.category, c.as_bytes()))
        {
            return Answer::No;
        }
        let found =
            |glob: &GlobMatcher| command.factors.iter().any(|f| is_glob_match(glob, f.name.as_bytes()));
        if !self.factor.iter().all(found) {
            return Answer::No;
        }
        if !self.executable_holds(sight) {
            return Answer::No;
        }
        self.user_holds(sight, strictness).min(self.cwd_holds(sight)).min(self.env_holds(sight))
    }

    fn executable_holds(&self, sight: Sight<'_>) -> bool {
        let request = sight.scene.request;
        let names_a_file = self.name_the_executable() || !self.script_sha256.is_empty();
        // Another command's file is not known yet. It is asked about when it starts.
        if names_a_file && !sight.is_own() {
            return false;
        }
        let exe = &request.exe;
        if !self.exe.is_empty() {
            let path = exe.path.as_bytes();
            if exe.unlinked || path.is_empty() || !self.exe.iter().any(|glob| glob.is_match(path)) {
                return false;
            }
        }
        if !self.sha256.is_empty() {
            let bound = exe.sha256.as_ref().filter(|_| !exe.unstable);
            if !bound.is_some_and(|hash| self.sha256.iter().any(|wanted| wanted.eq_ignore_ascii_case(hash))) {
                return false;
            }
        }
        let script = request.script.as_ref();
        self.script_sha256.is_empty()
            || script.is_some_and(|s| self.script_sha256.iter().any(|w| w.eq_ignore_ascii_case(&s.sha256)))
    }

    fn user_holds(&self, sight: Sight<'_>, strictness: Strictness) -> Answer {
        if self.user.is_empty() {
            return Answer::Yes;
        }
        let credentials = &sight.scene.request.credentials;
        let (real, effective) = (self.user.contains(&credentials.uid), self.user.contains(&credentials.euid));
        if !sight.is_own() && !sight.command.via.is_empty() && raises_privileges(sight) {
            return Answer::Maybe;
        }
        Answer::from(match strictness {
            Strictness::Certain => real && effective,
            Strictness::Suspicious => real || effective,
        })
    }

    fn cwd_holds(&self, sight: Sight<'_>) -> Answer {
        if self.cwd.is_empty() {
            return Answer::Yes;
        }
        let Some(folders) = sight.folders() else { return Answer::Maybe };
        Answer::in_one_of(folders.iter().map(|f| Answer::from(self.cwd.iter().any(|glob| glob.is_match(f)))))
    }

    fn env_holds(&self, sight: Sight<'_>) -> Answer {
        self.env.iter().map(|(name, wanted)| variable_holds(name, wanted, sight)).min().unwrap_or(Answer::Yes)
    }
}

fn variable_holds(name: &str, wanted: &Wanted, sight: Sight<'_>) -> Answer {
    if sight.command.elsewhere || may_be_set_on_the_way(name, sight) {
        return Answer::Maybe;
    }
    let assigned = sight.command.assignments.iter().rev().find(|(assigned, _)| assigned == name);
    let value = match assigned {
        Some((_, word)) if !word.literal => return Answer::Maybe,
        Some((_, word)) => Some(word.text.as_bytes()),
        None => {
            let given = sight.scene.request.env.iter().find(|(given, _)| given.as_bytes() == name.as_bytes());
            given.map(|(_, value)| value.as_bytes())
        }
    };
    Answer::from(match (wanted, value) {
        (Wanted::Set, value) => value.is_some(),
        (Wanted::Unset, value) => value.is_none(),
        (Wanted::Value(globs), Some(value)) => globs.iter().any(|glob| is_glob_match(glob, value)),
        (Wanted::Value(_), None) => false,
    })
}

fn may_be_set_on_the_way(name: &str, sight: Sight<'_>) -> bool {
    !sight.is_own()
        && sight.scene.sights().filter(|other| other.index != sight.index).any(|other| {
            let program =
                other.command.words.first().map_or(&b""[..], |word| file_name(word.text.as_bytes()));
            SETS_VARIABLES.contains(&program) || other.command.assignments.iter().any(|(set, _)| set == name)
        })
}

fn raises_privileges(sight: Sight<'_>) -> bool {
    sight.command.elsewhere
        || sight.command.via.iter().any(|via| {
            [
                "sudo",
                "doas",
                "su",
                "runuser",
                "pkexec",
                "setpriv",
                "chroot",
                "nsenter",
                "unshare",
                "systemd-run",
            ]
            .iter()
            .any(|raiser| via.split(' ').next().is_some_and(|name| name.ends_with(raiser)))
        })
}

/// For the request's own argv, the score of all of it.
fn own_total(sight: Sight<'_>) -> u8 {
    if sight.is_own() { sight.scene.assessment.score } else { 0 }
}
