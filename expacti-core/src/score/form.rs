//! What the form of a command says, whatever its program is: files it is redirected to, and what could not be seen.

use std::borrow::Cow;

use super::{Candidate, Look, paths};
use crate::see::{Finding, MAX_REDIRECTIONS};
use crate::tools::{Category, PathRole, Undo};

impl<'t> Look<'t> {
    /// Files that it is redirected to, each as something it does.
    pub(super) fn redirections(&self) -> Vec<Candidate<'t>> {
        let writes = self.seen.redirections.iter().filter(|redirection| redirection.writes);
        writes
            .take(MAX_REDIRECTIONS)
            .filter_map(|redirection| redirection.target.as_ref())
            .filter(|target| !paths::is_harmless_device(self.known, &target.text.to_lossy()))
            .map(|target| {
                let text = target.text.to_lossy();
                let empties = self.writes_nothing() || paths::is_database(self, &text);
                let (id, points, why) = if empties {
                    ("shell.empty-file", 35, "empties a file, or writes over a database")
                } else {
                    ("shell.write-file", 15, "writes its output to a file")
                };
                let mut candidate = Candidate {
                    id: Cow::Borrowed(id),
                    // In `find -exec sh -c '> "$1"'` it is every file that is found.
                    points: if self.seen.appends && !target.literal { 50 } else { points },
                    why: Cow::Borrowed(why),
                    categories: Cow::Borrowed(&[Category::FileMutation]),
                    undo: Undo::Hard,
                    production: None,
                    with: Vec::new(),
                };
                paths::judge(
                    self,
                    if empties { PathRole::Delete } else { PathRole::Write },
                    std::iter::once((text.as_ref(), target.literal)),
                    &mut candidate,
                );
                candidate
            })
            .collect()
    }

    /// Whether nothing comes out of it, so that a file it is sent to ends up empty: `> file`, `cat /dev/null > file`.
    pub(super) fn writes_nothing(&self) -> bool {
        let literal =
            |at: usize| self.seen.words.get(at).filter(|word| word.literal).map(|word| word.text.as_bytes());
        match self.seen.words.len() {
            // Behind a loop or a group it is their output.
            0 => {
                let beside = self.all.iter().filter(|other| other.parent == self.seen.parent);
                self.seen.assignments.is_empty() && beside.take(2).count() == 1
            }
            1 => matches!(literal(0), Some(b":" | b"true")),
            2 => literal(1) == Some(b"/dev/null") && literal(0) == Some(b"cat"),
            _ => false,
        }
    }

    /// What its form alone says.
    pub(super) fn findings(&self) -> Vec<Candidate<'t>> {
        let known = &self.known.modifiers;
        let candidate = |finding: &Finding| match finding {
            Finding::ComputedCommand
                if self.request.reads_in_script(&self.seen.via) && self.starts_here() =>
            {
                Self::stand_alone(&known.computed_command_of_script, Category::CodeExecution)
            }
            Finding::ComputedCommand => Self::stand_alone(&known.computed_command, Category::Obfuscation),
            Finding::UnparsedShell => Self::stand_alone(&known.unparsed_shell, Category::Obfuscation),
            Finding::TooDeep => Self::stand_alone(&known.too_deep, Category::Obfuscation),
            Finding::ScriptCut => Self::stand_alone(&known.script_cut, Category::CodeExecution),
            Finding::UnreadScript => Self::stand_alone(&known.unread_script, Category::CodeExecution),
            Finding::ProgramFromInput => {
                Self::stand_alone(&known.program_from_input, Category::CodeExecution)
            }
            Finding::ShellFromInput => Self::stand_alone(&known.pipe_to_shell, Category::CodeExecution),
            Finding::SocketToShell => Self::stand_alone(&known.socket_to_shell, Category::RemoteExecution),
            Finding::ComputedProgram => Self::stand_alone(&known.computed_program, Category::Obfuscation),
            Finding::ComputedStart => Self::stand_alone(&known.computed_start, Category::CodeExecution),
            Finding::Multiplies => Self::stand_alone(&known.multiplies, Category::ProcessAndService),
            Finding::Empty => Self::stand_alone(&known.empty_command, Category::ReadOnly),
            Finding::UnreadArguments => Self::stand_alone(&known.unread_arguments, Category::CodeExecution),
        };
        self.seen.findings.iter().map(candidate).collect()
    }

    /// Whether a program that is only known when it runs is started by this kernel, where it is asked about with all its
    /// words. What another command prints (`$(...)`) is no variable of the script, and stays a disguise.
    fn starts_here(&self) -> bool {
        let is_variable = |word: &crate::assessment::Word| {
            !word.text.to_lossy().contains("$(") && !word.text.as_bytes().contains(&b'`')
        };
        !self.seen.elsewhere && self.seen.words.first().is_some_and(is_variable)
    }
}
