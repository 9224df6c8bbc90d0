//! What one exec costs, in instructions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What the gate has to do with an exec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// No gate is loaded.
    None,
    /// A gate is there, and the process is not enrolled.
    NotEnrolled,
    /// The kernel allows it by itself, having seen the same exec before.
    Cached,
    /// The same, with what the daemon does until the record is in the database.
    Recorded,
    /// The daemon is asked each time, and allows it; with its record.
    Asked,
    /// The daemon is asked each time, and a rule denies it; with its record and the line that tells the agent.
    Denied,
}

impl State {
    /// All of them, cheapest first.
    pub const ALL: [Self; 6] =
        [Self::None, Self::NotEnrolled, Self::Cached, Self::Recorded, Self::Asked, Self::Denied];

    /// In a table.
    pub fn title(self) -> &'static str {
        match self {
            Self::None => "no gate",
            Self::NotEnrolled => "gate loaded, not enrolled",
            Self::Cached => "cached allow",
            Self::Recorded => "cached allow, record durable",
            Self::Asked => "allowed by the daemon",
            Self::Denied => "denied by the daemon",
        }
    }

    /// Whether only the kernel works for it: then the figure is the same each time.
    pub fn is_the_kernels(self) -> bool {
        matches!(self, Self::None | Self::NotEnrolled | Self::Cached)
    }
}

/// One program in one state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What was started.
    pub program: String,
    /// How the gate was involved.
    pub state: State,
    /// Instructions from before `vfork` to after `waitpid`: the median of all rounds where only the kernel works, else
    /// the mean of everything that agent and daemon executed.
    pub instructions: u64,
    /// Of these, the daemon's.
    pub daemons: u64,
    /// The same by its threads, by their names.
    #[serde(default)]
    pub threads: BTreeMap<String, u64>,
    /// Between these, nine of ten rounds lie.
    pub spread: (u64, u64),
    /// How many rounds.
    pub rounds: usize,
}

/// What one hook does for one exec of the smallest program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hook {
    /// The program's name.
    pub name: String,
    /// How the gate was involved.
    pub state: State,
    /// How often it runs for each exec.
    pub runs: f64,
    /// Instructions in it for each exec.
    pub instructions: f64,
}

/// Everything about the cost of one exec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// The kernel's release.
    pub kernel: String,
    /// What a loop of a million instructions was counted as: shows that the counter counts instructions.
    pub million: u64,
    /// The figures.
    pub figures: Vec<Figure>,
    /// Where they come from.
    pub hooks: Vec<Hook>,
}

/// The figures that are committed: by program and state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Committed {
    /// The kernel's release.
    pub kernel: String,
    /// By program, then state.
    pub instructions: BTreeMap<String, BTreeMap<State, u64>>,
}

/// How much more than committed is too much, as a share of the whole exec.
pub const TOLERANCE: f64 = 0.01;

/// A figure that is not the committed one.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Which program.
    pub program: String,
    /// In which state.
    pub state: State,
    /// What the gate adds by the committed figures.
    pub committed: i64,
    /// What it adds now.
    pub now: i64,
    /// The difference, as a share of the whole exec.
    pub share: f64,
}

impl Cost {
    /// The figure of a program in a state.
    pub fn of(&self, program: &str, state: State) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.program == program && figure.state == state)
    }

    /// What is kept to compare later figures with: those that come out the same each time.
    pub fn to_commit(&self) -> Committed {
        let mut instructions = BTreeMap::<_, BTreeMap<_, _>>::new();
        for figure in self.figures.iter().filter(|figure| figure.state.is_the_kernels()) {
            instructions.entry(figure.program.clone()).or_default().insert(figure.state, figure.instructions);
        }
        Committed { kernel: self.kernel.clone(), instructions }
    }

    /// Compares what the gate adds with what it added. Not the whole figures: the kernel's own share changes with its
    /// patch releases, and is measured in the same run. An error where a committed figure was not measured.
    pub fn changes(&self, committed: &Committed) -> Result<Vec<Change>, String> {
        let mut changes = Vec::new();
        for (program, states) in &committed.instructions {
            let bare = |state| states.get(&state).copied().ok_or_else(|| missing(program, state));
            let measured = |state| {
                self.of(program, state)
                    .map(|figure| figure.instructions)
                    .ok_or_else(|| missing(program, state))
            };
            let (bare_then, bare_now) = (bare(State::None)?, measured(State::None)?);
            for (&state, &then) in states.iter().filter(|(state, _)| **state != State::None) {
                let committed = then.cast_signed() - bare_then.cast_signed();
                let now = measured(state)?.cast_signed() - bare_now.cast_signed();
                #[expect(clippy::cast_precision_loss, reason = "instructions of one exec")]
                let share = (now - committed) as f64 / then as f64;
                changes.push(Change { program: program.clone(), state, committed, now, share });
            }
        }
        Ok(changes)
    }
}

fn missing(program: &str, state: State) -> String {
    format!("no figure of {program}, {}", state.title())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(figures: &[(State, u64)]) -> Cost {
        let figure = |&(state, instructions)| Figure {
            program: "nop".to_owned(),
            state,
            instructions,
            daemons: 0,
            threads: BTreeMap::new(),
            spread: (instructions, instructions),
            rounds: 1,
        };
        let figures = figures.iter().map(figure).collect();
        Cost { kernel: "6.12".to_owned(), million: 1_000_000, figures, hooks: Vec::new() }
    }

    #[test]
    fn another_kernel_is_no_change_and_more_work_of_ours_is() {
        let before = cost(&[(State::None, 200_000), (State::Cached, 220_000), (State::Asked, 1)]).to_commit();
        assert_eq!(before.instructions["nop"].len(), 2);
        let slower_kernel = cost(&[(State::None, 210_000), (State::Cached, 230_000)]);
        assert!(slower_kernel.changes(&before).unwrap()[0].share.abs() < 1e-9);
        let more = cost(&[(State::None, 200_000), (State::Cached, 224_400)]).changes(&before).unwrap();
        assert_eq!((more[0].committed, more[0].now), (20_000, 24_400));
        assert!(more[0].share > TOLERANCE);
    }

    #[test]
    fn what_was_not_measured_is_not_passed_over() {
        let before = cost(&[(State::None, 200_000), (State::Cached, 220_000)]).to_commit();
        let error = cost(&[(State::None, 200_000)]).changes(&before).unwrap_err();
        assert_eq!(error, "no figure of nop, cached allow");
    }
}
