//! What one command is worth: the strongest thing it does, then everything that makes it worse or better.

mod context;
mod flow;
mod http;
mod names;
mod paths;
mod secrets;
mod statements;

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::evaluation::Factor;
use crate::request::ExecRequest;
use crate::see::{Finding, Seen};
use crate::tools::{Arguments, Category, Effect, Knowledge, Modifier, PathRole, Tool, Tools, Undo};

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
    request: &'t ExecRequest,
    tools: &'t Tools,
    known: &'t Knowledge,
    tool: Option<&'t Tool>,
    arguments: Arguments<'t>,
}

/// Scores the command at `at`.
pub(crate) fn command(at: usize, all: &[Seen], request: &ExecRequest, tools: &Tools) -> Scored {
    let Some(seen) = all.get(at) else {
        return Scored { score: 0, categories: BTreeSet::new(), factors: Vec::new() };
    };
    let tool = tools.find(&seen.program.name);
    let tool = tool.or_else(|| if seen.words.is_empty() { None } else { tools.find("*") });
    let limit = seen.words.len().min(4096);
    let arguments = Arguments::read(tool, &seen.words[..limit], None);
    let look = Look { seen, at, all, request, tools, known: tools.knowledge(), tool, arguments };
    let mut candidates = look.effects();
    let mut adds = look.additions();
    candidates.extend(look.findings());
    candidates.extend(names::candidates(&look));
    candidates.extend(look.redirections());
    candidates.extend(flow::candidates(&look));
    candidates.extend(secrets::candidates(&look));
    candidates.extend(http::candidates(&look));
    candidates.extend(statements::candidates(&look));
    adds.extend(names::additions(&look));
    adds.extend(secrets::additions(&look));
    let base =
        candidates.iter().enumerate().max_by_key(|(number, c)| (c.total(), std::cmp::Reverse(*number)));
    let Some((_, base)) = base else {
        let nothing = look.stand_alone(&look.known.modifiers.empty_command, Category::ReadOnly);
        return look.add_up(&nothing, &[], Vec::new());
    };
    look.add_up(base, &candidates, adds)
}

/// One thing that comes on top.
struct Addition<'t> {
    id: Cow<'t, str>,
    points: i16,
    why: Cow<'t, str>,
}

impl<'t> Look<'t> {
    /// The effects of the program's description that apply.
    fn effects(&self) -> Vec<Candidate<'t>> {
        let Some(tool) = self.tool else { return Vec::new() };
        let mut found: Vec<Candidate<'t>> = tool
            .effects
            .iter()
            .filter(|effect| !effect.adds)
            .filter_map(|effect| Some(self.candidate(effect, self.arguments.fits(effect)?)))
            .collect();
        if found.is_empty() {
            let mut otherwise = self.candidate(&tool.otherwise, 0);
            if self.seen.wraps {
                // What counts is what it runs.
                otherwise.points = 0;
            }
            found.push(otherwise);
        }
        found
    }

    fn candidate(&self, effect: &'t Effect, rest: usize) -> Candidate<'t> {
        let mut candidate = Candidate {
            id: Cow::Borrowed(&effect.id),
            points: effect.points,
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
        let free = self.arguments.free().get(rest..).unwrap_or_default();
        let skip = usize::from(role == PathRole::Own);
        let paths = free.iter().skip(skip).map(|word| (word.text.as_ref(), word.literal));
        let last_only = role == PathRole::WriteLast;
        let skip = if last_only { free.len().saturating_sub(1) } else { 0 };
        if self.seen.appends {
            candidate.with.push((
                &self.known.modifiers.targets_from_input,
                self.known.modifiers.targets_from_input.points,
            ));
        }
        paths::judge(self, role, paths.skip(skip), candidate);
    }

    fn redirections(&self) -> Vec<Candidate<'t>> {
        let writes = self.seen.redirections.iter().filter(|redirection| redirection.writes);
        writes
            .filter_map(|redirection| redirection.target.as_ref())
            .filter(|target| !paths::is_harmless_device(self.known, &target.text.to_lossy()))
            .map(|target| {
                let mut candidate = Candidate {
                    id: Cow::Borrowed("shell.write-file"),
                    points: 15,
                    why: Cow::Borrowed("writes its output to a file"),
                    categories: Cow::Borrowed(&[Category::FileMutation]),
                    undo: Undo::Hard,
                    production: None,
                    with: Vec::new(),
                };
                let text = target.text.to_lossy();
                paths::judge(
                    self,
                    PathRole::Write,
                    std::iter::once((text.as_ref(), target.literal)),
                    &mut candidate,
                );
                candidate
            })
            .collect()
    }

    fn additions(&self) -> Vec<Addition<'t>> {
        let Some(tool) = self.tool else { return Vec::new() };
        let fitting =
            tool.effects.iter().filter(|effect| effect.adds && self.arguments.fits(effect).is_some());
        fitting
            .map(|effect| Addition {
                id: Cow::Borrowed(&effect.id),
                points: effect.points,
                why: Cow::Borrowed(&effect.why),
            })
            .collect()
    }

    /// A modifier that is an effect of its own.
    fn stand_alone(&self, modifier: &'t Modifier, category: Category) -> Candidate<'t> {
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

    fn findings(&self) -> Vec<Candidate<'t>> {
        let known = &self.known.modifiers;
        let candidate = |finding: &Finding| match finding {
            Finding::ComputedCommand => self.stand_alone(&known.computed_command, Category::Obfuscation),
            Finding::UnparsedShell => self.stand_alone(&known.unparsed_shell, Category::Obfuscation),
            Finding::TooDeep => self.stand_alone(&known.too_deep, Category::Obfuscation),
            Finding::ScriptCut => self.stand_alone(&known.script_cut, Category::CodeExecution),
            Finding::UnreadScript => self.stand_alone(&known.unread_script, Category::CodeExecution),
            Finding::ProgramFromInput => self.stand_alone(&known.program_from_input, Category::CodeExecution),
            Finding::ShellFromInput => self.stand_alone(&known.pipe_to_shell, Category::CodeExecution),
            Finding::SocketToShell => self.stand_alone(&known.socket_to_shell, Category::RemoteExecution),
            Finding::ComputedProgram => self.stand_alone(&known.computed_command, Category::Obfuscation),
            Finding::Empty => self.stand_alone(&known.empty_command, Category::ReadOnly),
        };
        self.seen.findings.iter().map(candidate).collect()
    }

    /// Base, additions, context, and the bounds that always hold.
    fn add_up(&self, base: &Candidate<'t>, all: &[Candidate<'t>], adds: Vec<Addition<'t>>) -> Scored {
        let known = &self.known.modifiers;
        let mut factors = vec![Factor {
            name: base.id.clone().into(),
            points: base.points,
            because: base.why.clone().into(),
        }];
        let mut total = base.points;
        let mut add = |total: &mut i16, id: &str, points: i16, why: &str| {
            if points != 0 {
                *total += points;
                factors.push(Factor { name: id.to_owned(), points, because: why.to_owned() });
            }
        };
        for (modifier, points) in &base.with {
            add(&mut total, &modifier.id, *points, &modifier.why);
        }
        for addition in &adds {
            add(&mut total, &addition.id, addition.points, &addition.why);
        }
        let reads_only = all.iter().chain([base]).all(|c| c.categories.iter().all(|c| c.reads_only()));
        if !reads_only || base.points >= 30 {
            for modifier in context::circumstances(self, base) {
                add(&mut total, &modifier.id, modifier.points, &modifier.why);
            }
        }
        if base.undo == Undo::Never {
            add(&mut total, &known.irreversible.id, known.irreversible.points, &known.irreversible.why);
        }
        let before = total;
        let ceiling = self.known.context.ceiling.max(before);
        for (modifier, points) in context::target(self, base) {
            let points = points.min(ceiling - total).max(points.min(0));
            add(&mut total, &modifier.id, points, &modifier.why);
        }
        if base.undo == Undo::Never && total < known.irreversible_floor.points {
            let missing = known.irreversible_floor.points - total;
            add(&mut total, &known.irreversible_floor.id, missing, &known.irreversible_floor.why);
        }
        if reads_only && total > known.read_only_ceiling.points {
            let over = known.read_only_ceiling.points - total;
            add(&mut total, &known.read_only_ceiling.id, over, &known.read_only_ceiling.why);
        }
        let bounded = total.clamp(0, 100);
        if bounded != total {
            let difference = bounded - total;
            add(&mut total, &known.range.id, difference, &known.range.why);
        }
        let categories = all
            .iter()
            .chain([base])
            .flat_map(|candidate| candidate.categories.iter().copied())
            .collect::<BTreeSet<_>>();
        Scored { score: u8::try_from(bounded).unwrap_or(100), categories: strongest(categories), factors }
    }
}

/// A command that does something is not called read-only too.
fn strongest(mut categories: BTreeSet<Category>) -> BTreeSet<Category> {
    if categories.len() > 1 {
        categories.remove(&Category::ReadOnly);
    }
    categories
}
