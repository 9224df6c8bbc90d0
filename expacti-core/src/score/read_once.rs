//! Statements that many commands of one judgement are given: `psql -f y; psql -f y`. Each text is read once, and no more
//! of them than a text of the promised size could hold itself.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use super::statements::floor;
use super::{Candidate, Look, calls};
use crate::sql;
use crate::tools::{Category, SqlSource};

/// Bytes of statements that commands of one judgement are given from files and inputs, the same text counted once.
/// The last one may go beyond it: what is bounded is how often, not how long.
const MAX_GIVEN: usize = 64 * 1024;
/// Bytes of a text that are searched for calls.
const MAX_CALLS: usize = 64 * 1024;
/// Places whose files no statement has to do with.
const FILES_OF_THE_SYSTEM: [&str; 6] = ["'/etc/", "'/root/", "'/proc/", "'/home/", "/.ssh/", "'/var/spool/"];

/// What a text of statements does.
#[derive(Debug)]
pub(super) struct Verdict {
    pub names_system_file: bool,
    pub calls_destroy: bool,
    /// The classes of its statements, keys of `knowledge/sql.toml`.
    pub classes: Vec<String>,
}

/// The texts that were read for the commands of one judgement.
#[derive(Debug, Default)]
pub(super) struct ReadOnce {
    given: RefCell<Vec<(SqlSource, String, Rc<Verdict>)>>,
    /// Inputs, and what was asked about them.
    inputs: RefCell<Vec<(Rc<str>, Asked)>>,
}

/// What was asked about an input that many commands may read.
#[derive(Debug, Default)]
struct Asked {
    calls_destroy: Option<bool>,
    looks_like_sql: Option<bool>,
}

impl ReadOnce {
    /// What a text does that stands in a file or comes as input; nothing if too many others were read before.
    pub(super) fn given(&self, look: &Look<'_>, text: &str, dialect: SqlSource) -> Option<Rc<Verdict>> {
        let mut given = self.given.borrow_mut();
        let mut spent = 0;
        for (known_dialect, known, verdict) in given.iter() {
            if *known_dialect == dialect && known == text {
                return Some(Rc::clone(verdict));
            }
            spent += known.len();
        }
        if spent >= MAX_GIVEN {
            return None;
        }
        let verdict = Rc::new(Verdict::of(look, text, dialect));
        given.push((dialect, text.to_owned(), Rc::clone(&verdict)));
        Some(verdict)
    }

    /// Whether an input calls something that destroys.
    pub(super) fn calls_destroy(&self, look: &Look<'_>, input: &Rc<str>) -> bool {
        let destroys = || calls::destroys(input, &look.known.code.words);
        self.ask(input, |asked| &mut asked.calls_destroy, destroys)
    }

    /// Whether an input looks like statements.
    pub(super) fn looks_like_sql(&self, input: &Rc<str>) -> bool {
        self.ask(input, |asked| &mut asked.looks_like_sql, || sql::looks_like_sql(input))
    }

    /// Asks about an input, and remembers the answer if not too many others were asked about before.
    fn ask(
        &self,
        input: &Rc<str>,
        question: fn(&mut Asked) -> &mut Option<bool>,
        find_out: impl FnOnce() -> bool,
    ) -> bool {
        let mut inputs = self.inputs.borrow_mut();
        if let Some((_, asked)) = inputs.iter_mut().find(|(known, _)| known == input) {
            return *question(asked).get_or_insert_with(find_out);
        }
        let answer = find_out();
        if inputs.iter().map(|(known, _)| known.len()).sum::<usize>() < MAX_GIVEN {
            let mut asked = Asked::default();
            *question(&mut asked) = Some(answer);
            inputs.push((Rc::clone(input), asked));
        }
        answer
    }
}

impl Verdict {
    pub(super) fn of(look: &Look<'_>, text: &str, dialect: SqlSource) -> Self {
        let classes = sql::classes(text, dialect, &look.known.sql);
        Self {
            names_system_file: FILES_OF_THE_SYSTEM.iter().any(|place| text.contains(place)),
            calls_destroy: calls::destroys(&text[..floor(text, MAX_CALLS)], &look.known.code.words),
            classes: classes.into_iter().map(str::to_owned).collect(),
        }
    }
}

/// What counts for a text that is not read any more: it may hold the worst of all statements, so that nothing is talked
/// down by what stands before it.
pub(super) fn too_much<'t>(look: &Look<'t>) -> Candidate<'t> {
    let statements = || look.known.sql.values();
    let mut categories: Vec<Category> = statements().map(|statement| statement.category).collect();
    categories.sort_unstable();
    categories.dedup();
    let mut candidate = Look::stand_alone(&look.known.modifiers.too_deep, Category::DatabaseWrite);
    let worst = statements().map(|statement| statement.points).max();
    candidate.points = candidate.points.max(worst.unwrap_or_default());
    candidate.undo = statements().map(|statement| statement.undo).max().unwrap_or_default();
    candidate.production = statements().filter_map(|statement| statement.production).max();
    candidate.categories = Cow::Owned(categories);
    candidate
}
