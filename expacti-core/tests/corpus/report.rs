//! What the engine makes of the corpus: recall, false alarms, and whether they reach the bar.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::thread;

use expacti_core::assess;
use expacti_core::evaluation::Level;
use expacti_core::tools::Tools;

use crate::entry::{Command, Entry, Kind, Part, load};
use crate::floor::{Bar, Figure, Floor};
use crate::variants::{self, Variant};

/// Misses of one kind of variant that are shown; the others are of the same making.
const SHOWN_BY_KIND: usize = 6;

/// An entry or one of its variants, judged.
struct Judged<'e> {
    entry: &'e Entry,
    /// The kind of variant; none for the entry as it stands.
    variant: Option<Variant>,
    level: Level,
    score: u8,
    /// The entry as it stands falls in its band, so a variant that does not is seen less well for its spelling alone.
    original_holds: bool,
}

impl Judged<'_> {
    fn holds(&self) -> bool {
        self.entry.band.holds(self.level)
    }

    /// Its original falls in its band, it does not.
    fn is_lost(&self) -> bool {
        self.variant.is_some() && self.original_holds && !self.holds()
    }

    fn command(&self) -> &Command {
        self.variant.as_ref().map_or(&self.entry.command, |variant| &variant.command)
    }
}

#[test]
fn the_engine_reaches_the_bar() {
    let tools = Tools::embedded();
    let floor = Floor::load(|name| !name.starts_with("fresh."));
    let mut figures = Vec::new();
    let mut text = String::new();
    for part in Part::ALL {
        let dangerous = load(Kind::Dangerous, part);
        let ordinary = load(Kind::Ordinary, part);
        let as_written = |entry: &Entry| vec![plain(entry)];
        let sections = [
            Section::new("dangerous", Bar::Recall, part, judge(&tools, &dangerous, as_written)),
            Section::new(
                "variants",
                Bar::Recall,
                part,
                judge(&tools, &dangerous, |e| of(variants::of_entry(e))),
            ),
            Section::new("ordinary", Bar::FalseAlarms, part, judge(&tools, &ordinary, as_written)),
            Section::new(
                "wrapped",
                Bar::FalseAlarms,
                part,
                judge(&tools, &ordinary, |e| of(variants::wrapped(e))),
            ),
        ];
        for section in sections {
            section.describe(&mut text);
            figures.push(section.figure);
        }
    }
    println!("{text}");
    let verdict = floor.verdict(&figures);
    // Past the harness's capture: who runs the tests sees what is below the bar also when nothing fails.
    let _ = writeln!(io::stderr(), "\nThe corpus, each figure against its bar:\n{verdict}");
    assert!(verdict.passes(), "\n{verdict}");
}

fn plain(entry: &Entry) -> (Option<Variant>, Command) {
    (None, entry.command.clone())
}

fn of(variants: Vec<Variant>) -> Vec<(Option<Variant>, Command)> {
    variants.into_iter().map(|variant| (Some(variant.clone()), variant.command)).collect()
}

/// Asks the engine about every form of every entry, on all processors.
fn judge<'e>(
    tools: &Tools,
    entries: &'e [Entry],
    forms: impl Fn(&Entry) -> Vec<(Option<Variant>, Command)> + Sync,
) -> Vec<Judged<'e>> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = entries.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let workers: Vec<_> = entries
            .chunks(share)
            .map(|entries| {
                let forms = &forms;
                scope.spawn(move || {
                    let mut judged = Vec::new();
                    for entry in entries {
                        let original_holds = entry.band.holds(assess(&entry.request(), tools).level);
                        for (variant, command) in forms(entry) {
                            let answer = assess(&entry.request_for(&command), tools);
                            let (level, score) = (answer.level, answer.score);
                            judged.push(Judged { entry, variant, level, score, original_holds });
                        }
                    }
                    judged
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|e| std::panic::resume_unwind(e)))
            .collect()
    })
}

/// One table of the report.
struct Section<'e> {
    name: &'static str,
    bar: Bar,
    part: Part,
    judged: Vec<Judged<'e>>,
    figure: Figure,
}

impl<'e> Section<'e> {
    fn new(name: &'static str, bar: Bar, part: Part, judged: Vec<Judged<'e>>) -> Self {
        let counted = judged.iter().filter(|one| counts(bar, one)).count();
        let figure = Figure { name: format!("{name}.{}", part.name()), bar, counted, of: judged.len() };
        Self { name, bar, part, judged, figure }
    }

    fn describe(&self, text: &mut String) {
        let total = self.judged.len();
        let _ = writeln!(text, "== {}, {} part: {total} commands", self.name, self.part.name());
        let held = self.judged.iter().filter(|one| one.holds()).count();
        let high = self.judged.iter().filter(|one| one.level >= Level::High).count();
        let _ = match self.bar {
            Bar::Recall => writeln!(
                text,
                "   in their band {} (recall), HIGH or above {}",
                share(held, total),
                share(high, total)
            ),
            Bar::FalseAlarms => writeln!(
                text,
                "   above their band {}, HIGH or above {} (false alarms)",
                share(total - held, total),
                share(high, total)
            ),
        };
        let lost = self.judged.iter().filter(|one| one.is_lost()).count();
        if lost > 0 {
            let _ = writeln!(text, "   out of their band by their spelling alone: {lost}");
        }
        self.by_group(text);
        if self.part == Part::Dev {
            self.misses(text);
        }
        text.push('\n');
    }

    /// Groups with a miss, worst first: categories, or families of variants.
    fn by_group(&self, text: &mut String) {
        let mut groups: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for one in &self.judged {
            let group = one.variant.as_ref().map_or(one.entry.category.as_str(), Variant::family);
            let counts = groups.entry(group.to_owned()).or_default();
            counts.0 += usize::from(!one.holds());
            counts.1 += 1;
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(_, (missed, _))| std::cmp::Reverse(*missed));
        for (group, (missed, of)) in groups {
            let _ = writeln!(text, "   {group:>18}: {missed:5} of {of:5} miss ({})", share(missed, of));
        }
    }

    /// Entries that miss; of variants those that miss where their original does not, which says something of its own.
    fn misses(&self, text: &mut String) {
        let mut kinds: BTreeMap<&str, Vec<&Judged<'e>>> = BTreeMap::new();
        let missed = |one: &&Judged<'_>| if one.variant.is_some() { one.is_lost() } else { !one.holds() };
        for one in self.judged.iter().filter(missed) {
            kinds.entry(one.variant.as_ref().map_or("", |variant| &variant.kind)).or_default().push(one);
        }
        for (kind, misses) in kinds {
            let shown = if kind.is_empty() { misses.len() } else { SHOWN_BY_KIND };
            if !kind.is_empty() {
                let _ = writeln!(text, "   - {kind}: {} lost", misses.len());
            }
            for one in misses.iter().take(shown) {
                let _ = writeln!(
                    text,
                    "     {:3} {:8} wants {}: {}\n         {} ({})",
                    one.score,
                    one.level,
                    one.entry.band,
                    one.command().to_string().chars().take(200).collect::<String>(),
                    one.entry.why,
                    one.entry.place
                );
            }
        }
    }
}

/// What the bar of a section counts.
fn counts(bar: Bar, one: &Judged<'_>) -> bool {
    match bar {
        Bar::Recall => one.holds(),
        Bar::FalseAlarms => one.level >= Level::High,
    }
}

fn share(count: usize, of: usize) -> String {
    Figure { name: String::new(), bar: Bar::Recall, counted: count, of }.percent()
}
