//! What one command is worth: the strongest thing it does, then everything that makes it worse or better.

mod before;
mod brought;
mod calls;
mod checks;
mod context;
mod flow;
mod form;
mod http;
mod messages;
mod names;
mod net;
mod paths;
mod read_once;
mod secrets;
mod statements;
mod throwaway;
mod total;
mod without_end;

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use self::brought::BroughtSoFar;
use self::flow::AskedBefore;
use self::paths::{Folder, Folders};
use self::read_once::ReadOnce;
use crate::evaluation::Factor;
use crate::request::ExecRequest;
use crate::see::unwrap::search_targets;
use crate::see::{Input, Seen};
use crate::tools::{
    Arguments, Category, Effect, Knowledge, Modifier, PathRole, Tool, Tools, Undo, glob, glob_text,
};

/// The score of one command, with every reason.
#[derive(Clone, Debug)]
pub(crate) struct Scored {
    pub score: u8,
    pub categories: BTreeSet<Category>,
    pub factors: Vec<Factor>,
}

/// Something a command does, with what belongs to it alone. The strongest becomes the base of the score.
#[derive(Clone, Debug)]
struct Candidate<'t> {
    id: Cow<'t, str>,
    points: i16,
    why: Cow<'t, str>,
    categories: Cow<'t, [Category]>,
    undo: Undo,
    production: Option<i16>,
    /// Modifiers that come with it: of the paths it touches, for example.
    with: Vec<(&'t Modifier, i16)>,
}

impl Candidate<'_> {
    fn total(&self) -> i16 {
        let undo = if self.undo == Undo::Never { 10 } else { 0 };
        self.points + undo + self.with.iter().map(|(_, points)| points).sum::<i16>()
    }
}

/// What all parts of scoring look at.
struct Look<'t> {
    seen: &'t Seen,
    at: usize,
    all: &'t [Seen],
    /// The folder that it is looked at from.
    folder: Rc<Folder>,
    so_far: &'t SoFar,
    request: &'t ExecRequest,
    tools: &'t Tools,
    known: &'t Knowledge,
    tool: Option<&'t Tool>,
    arguments: Arguments<'t>,
}

/// What is carried along from one command of a text to the next, so that nothing is found out once for each of them.
#[derive(Debug, Default)]
struct SoFar {
    /// What those before it have brought.
    brought: BroughtSoFar,
    /// Statements that those before it were given.
    read_once: ReadOnce,
    /// What those said that others asked about.
    asked: AskedBefore,
    /// One of those has taken a file of secrets into a repository.
    took_a_secret: Cell<bool>,
    folders: Folders,
}

/// Scores each command of a request by itself.
pub(crate) fn commands(all: &[Seen], request: &ExecRequest, tools: &Tools) -> Vec<Scored> {
    let so_far = SoFar { folders: Folders::of(request), ..SoFar::default() };
    (0..all.len()).map(|at| command(at, all, &so_far, request, tools)).collect()
}

fn command(at: usize, all: &[Seen], so_far: &SoFar, request: &ExecRequest, tools: &Tools) -> Scored {
    let Some(seen) = all.get(at) else {
        return Scored { score: 0, categories: BTreeSet::new(), factors: Vec::new() };
    };
    let tool = tools.find(&seen.program.name);
    let tool = tool.or_else(|| if seen.words.is_empty() { None } else { tools.find("*") });
    let limit = seen.words.len().min(4096);
    let arguments = Arguments::read(tool, &seen.words[..limit], None);
    let (folder, known) = (so_far.folders.of_command(seen), tools.knowledge());
    let look = Look { seen, at, all, folder, so_far, request, tools, known, tool, arguments };
    if net::asks_for_help(&look) {
        let help = Look::stand_alone(&look.known.modifiers.asks_for_help, Category::ReadOnly);
        let written = look.redirections();
        let base = written.iter().max_by_key(|c| c.total()).unwrap_or(&help);
        return look.add_up(base, &written, &[]);
    }
    let (mut candidates, covered) = look.effects();
    candidates.extend(net::candidates(&look, &covered));
    let mut adds = look.additions();
    candidates.extend(look.findings());
    candidates.extend(names::candidates(&look));
    candidates.extend(look.redirections());
    candidates.extend(flow::candidates(&look));
    candidates.extend(checks::candidates(&look));
    candidates.extend(secrets::candidates(&look));
    candidates.extend(http::candidates(&look));
    candidates.extend(statements::candidates(&look));
    candidates.extend(without_end::candidates(&look));
    adds.extend(names::additions(&look));
    adds.extend(secrets::additions(&look));
    let base =
        candidates.iter().enumerate().max_by_key(|(number, c)| (c.total(), std::cmp::Reverse(*number)));
    let Some((_, base)) = base else {
        let nothing = Look::stand_alone(&look.known.modifiers.empty_command, Category::ReadOnly);
        return look.add_up(&nothing, &[], &[]);
    };
    look.add_up(base, &candidates, &adds)
}

/// `*`, `./*`: everything in the folder where a command runs.
fn is_everything(text: &str) -> bool {
    matches!(
        text,
        "*" | "./*" | "../*" | "$PWD/*" | "\"$PWD\"/*" | "\"$PWD/\"*" | "{*,.*}" | "{.*,*}" | "**" | "./**"
    )
}

/// One thing that comes on top.
struct Addition<'t> {
    id: Cow<'t, str>,
    points: i16,
    why: Cow<'t, str>,
}

impl<'t> Look<'t> {
    /// The commands that were taken out of one, with their numbers: they stand together, behind those that were taken out
    /// of commands before it.
    fn inside(&self, number: usize) -> impl Iterator<Item = (usize, &'t Seen)> + use<'t> {
        let first = self.all.partition_point(|other| other.parent < Some(number));
        let inner = self.all[first..].iter().take_while(move |other| other.parent == Some(number));
        (first..).zip(inner)
    }

    /// The command that starts this one with what it reads behind its words, as `xargs` does.
    fn handed_on_by(&self) -> Option<&'t Seen> {
        self.seen.parent.and_then(|number| self.all.get(number)).filter(|outer| {
            let tool = self.tools.find(&outer.program.name);
            tool.is_some_and(|tool| tool.runs.iter().any(|runs| runs.appends))
        })
    }

    /// The effects of the program's description that apply, and how much of the subcommand they say.
    fn effects(&self) -> (Vec<Candidate<'t>>, net::Covered) {
        let Some(tool) = self.tool else { return (Vec::new(), net::Covered::default()) };
        let fitting: Vec<(&Effect, usize)> = tool
            .effects
            .iter()
            .filter(|effect| !effect.adds)
            .filter_map(|effect| Some((effect, self.fits(effect)?)))
            .collect();
        // `delete pod` says more than `delete`. What has no subcommand as a condition holds beside either.
        let longest = fitting.iter().map(|(_, length)| *length).max().unwrap_or_default();
        // But a pattern that only happens to be longer (`* * resize` on `functions delete resize`) says less.
        let is_said = |verb: &str| {
            let mut longest = fitting.iter().filter(|(_, length)| *length == longest);
            longest.any(|(effect, _)| self.arguments.subcommand_says(&effect.sub_words, verb))
        };
        let counts = |(effect, length): &(&Effect, usize)| {
            effect.sub.is_empty()
                || *length == longest
                || effect.undo == Undo::Never
                    && self.arguments.verb_of(&effect.sub_words).is_some_and(|verb| !is_said(verb))
        };
        let covered = net::Covered {
            words: longest,
            nothing: fitting.is_empty(),
            harmless: fitting
                .iter()
                .filter(|fit| counts(fit))
                .all(|(effect, _)| effect.categories.iter().all(|category| category.reads_only())),
        };
        let mut found: Vec<Candidate<'t>> = fitting
            .iter()
            .filter(|fit| counts(fit))
            .map(|(effect, length)| self.candidate(effect, *length))
            .collect();
        if found.is_empty() {
            let mut otherwise = self.candidate(&tool.otherwise, 0);
            if self.seen.wraps {
                // What counts is what it runs.
                otherwise.points = 0;
            }
            found.push(otherwise);
        }
        let tells = if fitting.is_empty() {
            tool.otherwise.tells
        } else {
            fitting.iter().any(|fit| fit.0.tells && counts(fit))
        };
        if tells && messages::goes_to_many(self) {
            found.push(Self::stand_alone(&self.known.modifiers.many_messages, Category::NetworkTransfer));
        }
        (found, covered)
    }

    /// Whether an effect's conditions hold, those on the arguments and those on what is around them; then how many
    /// words its subcommand has.
    fn fits(&self, effect: &Effect) -> Option<usize> {
        let rest = self.arguments.fits(effect)?;
        let free = || self.arguments.free().get(rest..).unwrap_or_default().iter();
        let input_fits = || match &self.seen.input {
            Input::Text(text) => effect.input.iter().any(|pattern| glob_text(pattern, text)),
            Input::Request | Input::Pipe | Input::File => false,
        };
        let holds = (!effect.computed || free().any(|word| !word.literal))
            && (effect.program.is_empty()
                || effect.program.iter().any(|pattern| glob(pattern, &self.seen.program.name)))
            && (!effect.privileged || self.seen.privileged)
            && (!effect.elsewhere || self.seen.elsewhere)
            && (effect.within.is_empty() || self.lies_within(&effect.within))
            && (!effect.secret_args || free().any(|word| secrets::names_secret(self, &word.text)))
            && (effect.input.is_empty() || input_fits())
            && (!effect.takes_all || free().any(|word| !word.literal && is_everything(&word.text)))
            && (!effect.into_file || self.writes_a_file())
            && (effect.assigned.is_empty() || before::sets_one(self, &effect.assigned))
            && (effect.without_before.is_empty() || !before::ran_one(self, &effect.without_before));
        holds.then_some(rest)
    }

    /// Whether a command of one of these names carries it.
    fn lies_within(&self, names: &[String]) -> bool {
        let outer = |via: &String| via.split(' ').next().unwrap_or_default().to_owned();
        self.seen.via.iter().map(outer).any(|outer| names.contains(&outer))
    }

    /// Whether its output goes into a file that stays.
    fn writes_a_file(&self) -> bool {
        let writes = self.seen.redirections.iter().filter(|redirection| redirection.writes);
        writes
            .filter_map(|redirection| redirection.target.as_ref())
            .any(|target| !paths::is_harmless_device(self.known, &target.text.to_lossy()))
    }

    fn candidate(&self, effect: &'t Effect, rest: usize) -> Candidate<'t> {
        let mut candidate = Candidate {
            id: Cow::Borrowed(&effect.id),
            points: if effect.carries && self.seen.wraps { effect.points.min(10) } else { effect.points },
            why: Cow::Borrowed(&effect.why),
            categories: Cow::Borrowed(&effect.categories),
            undo: effect.undo,
            production: effect.production,
            with: Vec::new(),
        };
        if let Some(role) = effect.paths {
            self.judge_paths(role, rest, &mut candidate);
        }
        candidate
    }

    fn judge_paths(&self, role: PathRole, rest: usize, candidate: &mut Candidate<'t>) {
        if let Some(tool) = self.tool.filter(|tool| !tool.searches.is_empty()) {
            let targets = search_targets(tool, &self.arguments, &self.seen.words);
            paths::judge(self, role, targets.iter().map(|target| (target.as_str(), false)), candidate);
            return;
        }
        let free = self.arguments.free().get(rest..).unwrap_or_default();
        let skip = usize::from(role == PathRole::Own);
        let paths = free.iter().skip(skip).map(|word| (word.text.as_ref(), word.literal));
        let last_only = role == PathRole::WriteLast;
        let skip = if last_only { free.len().saturating_sub(1) } else { 0 };
        paths::judge(self, role, paths.skip(skip), candidate);
        let harmless = candidate.with.iter().any(|(_, points)| *points < 0);
        if self.seen.appends && !harmless {
            let modifiers = &self.known.modifiers;
            match role {
                PathRole::Delete | PathRole::Own => {
                    let modifier = &modifiers.targets_from_input;
                    candidate.with.push((modifier, modifier.points));
                }
                PathRole::Write | PathRole::WriteLast => {
                    candidate.with.push((&modifiers.many_targets, modifiers.many_targets.points));
                }
                PathRole::Read => {}
            }
        }
    }

    fn additions(&self) -> Vec<Addition<'t>> {
        let Some(tool) = self.tool else { return Vec::new() };
        let fitting = tool.effects.iter().filter(|effect| effect.adds && self.fits(effect).is_some());
        fitting
            .map(|effect| Addition {
                id: Cow::Borrowed(&effect.id),
                points: effect.points,
                why: Cow::Borrowed(&effect.why),
            })
            .collect()
    }

    /// A modifier that is an effect of its own.
    fn stand_alone(modifier: &'t Modifier, category: Category) -> Candidate<'t> {
        Candidate {
            id: Cow::Borrowed(&modifier.id),
            points: modifier.points,
            why: Cow::Borrowed(&modifier.why),
            categories: Cow::Owned(vec![category]),
            undo: Undo::Easy,
            production: None,
            with: Vec::new(),
        }
    }
}
