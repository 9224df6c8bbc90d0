//! One attempt of the past, judged as it would be today.

use super::seen::Member;
use super::{Fate, Ground, Past};
use crate::assessment::{Assessment, SeenCommand};
use crate::decide::{Case, decide};
use crate::evaluation::{DecidedBy, Decision, Level};
use crate::history::History;
use crate::policy::Policy;
use crate::request::ExecRequest;
use crate::rules::{RuleSet, Scene, dangerous_variable, open_commands, vouches_for};

/// See the module.
pub(super) struct Judged<'a> {
    pub(super) past: &'a Past<'a>,
    pub(super) assessment: Assessment,
    /// It would wait for humans now, for its score alone.
    pub(super) waits: bool,
    /// Somebody refused it then, or a rule would now.
    pub(super) was_refused: bool,
    /// Commands that no rule vouches for, of which one could be made.
    open: Vec<usize>,
}

impl<'a> Judged<'a> {
    pub(super) fn of(past: &'a Past<'a>, ground: &Ground<'_>) -> Self {
        let policy = past.policy;
        let assessment = (ground.assess)(past.request);
        let evaluation = decide(&case(past.request, &assessment, policy, ground.rules, ground));
        let waits =
            evaluation.decision == Decision::Hold && matches!(evaluation.decided_by, DecidedBy::Threshold);
        let was_refused = past.fate == Fate::Refused || evaluation.decision == Decision::Deny;
        let ran = matches!(past.fate, Fate::Approved | Fate::Ran) && !was_refused;
        let open = if waits && ran && is_eligible(past, &assessment, policy) {
            let scene = Scene::new(past.request, &assessment, policy, ground.rules);
            let commands = &assessment.commands;
            let is_plain =
                |index: &usize| commands.get(*index).is_some_and(|command| is_plain(command, past.request));
            open_commands(&scene, ground.now).into_iter().filter(is_plain).collect()
        } else {
            Vec::new()
        };
        Self { past, assessment, waits, was_refused, open }
    }

    /// It ran, and nothing speaks against it now.
    pub(super) fn ran(&self) -> bool {
        matches!(self.past.fate, Fate::Approved | Fate::Ran) && !self.was_refused
    }

    /// The commands of it that a rule could be made of.
    pub(super) fn members(&'a self, place: usize) -> impl Iterator<Item = Member<'a>> {
        self.open.iter().filter_map(move |index| Member::of(self, place, *index))
    }

    /// Whether it is the request's own argv, of which the executable is known.
    pub(super) fn is_own(&self, index: usize) -> bool {
        index == 0 && self.assessment.commands.first().is_some_and(|command| command.via.is_empty())
    }

    pub(super) fn is_trusted(&self, path: &str) -> bool {
        self.past.policy.trusted_folders.iter().any(|folder| {
            path.strip_prefix(folder.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
        })
    }

    /// Whether one of its commands is of this program.
    pub(super) fn runs(&self, program: &str) -> bool {
        self.of_program(program).next().is_some()
    }

    /// Whether these rules vouch for one of its commands of this program.
    pub(super) fn is_taken(&self, rules: &RuleSet, program: &str, ground: &Ground<'_>) -> bool {
        let mut commands = self.of_program(program).peekable();
        if commands.peek().is_none() {
            return false;
        }
        let scene = Scene::new(self.past.request, &self.assessment, self.past.policy, rules);
        commands.any(|index| vouches_for(&scene, index, ground.now))
    }

    /// Whether it would run with these rules in force.
    pub(super) fn would_run(&self, rules: &RuleSet, ground: &Ground<'_>) -> bool {
        decide(&case(self.past.request, &self.assessment, self.past.policy, rules, ground)).decision
            == Decision::Allow
    }

    fn of_program(&self, program: &str) -> impl Iterator<Item = usize> {
        let commands = self.assessment.commands.iter().enumerate();
        commands.filter(move |(_, command)| name_of(command) == program).map(|(index, _)| index)
    }
}

/// The last part of what a command calls its program.
pub(super) fn name_of(command: &SeenCommand) -> &str {
    let program = command.words.first().and_then(|word| word.text.as_str()).unwrap_or_default();
    program.rsplit('/').next().unwrap_or(program)
}

fn case<'a>(
    request: &'a ExecRequest,
    assessment: &'a Assessment,
    policy: &'a Policy,
    rules: &'a RuleSet,
    ground: &Ground<'_>,
) -> Case<'a> {
    static NO_HISTORY: History =
        History { execs: 0, of_this_program: 0, in_this_hour_of_day: 0, risky_in_last_minute: 0 };
    Case { request, assessment, policy, rules, grants: &[], history: &NO_HISTORY, now: ground.now }
}

/// What a rule may be made of at all: the same bounds as for "always".
fn is_eligible(past: &Past<'_>, assessment: &Assessment, policy: &Policy) -> bool {
    let exe = &past.request.exe;
    !past.has_secrets
        && assessment.level < Level::High
        && assessment.score < policy.never_allow_from.floor()
        && past.request.missing.is_empty()
        && dangerous_variable(past.request, assessment).is_none()
        && exe.path.as_str().is_some_and(|path| !path.is_empty())
        && !exe.unlinked
        && !exe.unstable
        && !exe.privileged
}

/// Every word of it is known and can be written down, and nothing around it says otherwise.
fn is_plain(command: &SeenCommand, request: &ExecRequest) -> bool {
    let is_sayable =
        |text: &str| !text.is_empty() && text.len() <= 256 && !text.chars().any(char::is_control);
    let is_nowhere = |target: &[u8]| matches!(target, b"/dev/null" | b"/dev/stdout" | b"/dev/stderr");
    let cwd = request.cwd.as_ref().and_then(|cwd| cwd.as_str());
    !command.opaque
        && !command.elsewhere
        && !command.words.is_empty()
        && command.words.len() <= 64
        && command.words.iter().all(|word| word.literal && word.text.as_str().is_some_and(is_sayable))
        && command.assignments.iter().all(|(_, value)| value.literal)
        && cwd.is_some_and(is_sayable)
        && command
            .redirections
            .iter()
            .filter_map(|redirection| redirection.target.as_ref())
            .all(|target| target.literal && is_nowhere(target.text.as_bytes()))
}
