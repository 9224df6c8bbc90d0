//! One request as rules look at it: its commands, and what can be told about where each of them runs.

use std::cell::OnceCell;

use super::environment::{Danger, dangers};
use super::path::{Folders, file_name, resolve};
use super::program::is_shells_own;
use super::rule::Rule;
use super::set::RuleSet;
use crate::assessment::{Assessment, SeenCommand, Word};
use crate::policy::Policy;
use crate::request::ExecRequest;

/// More folders than this are as good as unknown.
const MAX_FOLDERS: usize = 8;

/// A request under decision.
pub(crate) struct Scene<'a> {
    pub(crate) request: &'a ExecRequest,
    pub(crate) assessment: &'a Assessment,
    pub(crate) policy: &'a Policy,
    rules: &'a RuleSet,
    /// For each command the rules that can matter for it.
    candidates: OnceCell<Vec<Vec<u32>>>,
    own_folders: OnceCell<Option<Vec<Vec<u8>>>>,
    inner_folders: OnceCell<Option<Vec<Vec<u8>>>>,
    dangers: OnceCell<Vec<Danger>>,
}

/// One command of it.
#[derive(Clone, Copy)]
pub(crate) struct Sight<'a> {
    pub(crate) scene: &'a Scene<'a>,
    pub(crate) index: usize,
    pub(crate) command: &'a SeenCommand,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(
        request: &'a ExecRequest,
        assessment: &'a Assessment,
        policy: &'a Policy,
        rules: &'a RuleSet,
    ) -> Self {
        Self {
            request,
            assessment,
            policy,
            rules,
            candidates: OnceCell::new(),
            own_folders: OnceCell::new(),
            inner_folders: OnceCell::new(),
            dangers: OnceCell::new(),
        }
    }

    pub(crate) fn sights(&self) -> impl Iterator<Item = Sight<'_>> {
        let commands = self.assessment.commands.iter().enumerate();
        commands.map(|(index, command)| Sight { scene: self, index, command })
    }

    /// The rules that can matter for a command, with their numbers, lowest first.
    pub(crate) fn candidates(&self, index: usize) -> impl Iterator<Item = (u32, &'a Rule)> {
        let rules = self.rules;
        let all =
            self.candidates.get_or_init(|| self.sights().map(|sight| rules.candidates(sight)).collect());
        let ids = all.get(index).map(Vec::as_slice).unwrap_or_default();
        ids.iter().filter_map(move |id| Some((*id, rules.rule(*id)?)))
    }

    /// Variables, set by the caller or within the command, that can make any program do something else.
    pub(crate) fn dangers(&self) -> &[Danger] {
        self.dangers.get_or_init(|| dangers(self.request, self.assessment))
    }

    fn own_folders(&self) -> Folders<'_> {
        self.own_folders
            .get_or_init(|| {
                let cwd = self.request.cwd.as_ref().map(crate::untrusted::Untrusted::as_bytes);
                cwd.filter(|cwd| cwd.starts_with(b"/")).map(|cwd| vec![resolve(b"/", cwd)])
            })
            .as_deref()
    }

    fn inner_folders(&self) -> Folders<'_> {
        self.inner_folders
            .get_or_init(|| {
                let mut folders = self.own_folders()?.to_vec();
                for command in &self.assessment.commands {
                    match way(command) {
                        Way::Stays => {}
                        Way::Unknown => return None,
                        Way::To(path) => {
                            let reached: Vec<_> = folders.iter().map(|from| resolve(from, path)).collect();
                            folders.extend(reached);
                            folders.sort_unstable();
                            folders.dedup();
                        }
                    }
                    if folders.len() > MAX_FOLDERS {
                        return None;
                    }
                }
                Some(folders)
            })
            .as_deref()
    }
}

impl<'a> Sight<'a> {
    /// It is the request's own argv, so the executable and the credentials are known to be its.
    pub(crate) fn is_own(self) -> bool {
        self.index == 0 && self.command.via.is_empty()
    }

    /// A script of the request starts it here: whatever program it turns out to be, it is asked about when it starts, with all
    /// its words.
    pub(crate) fn is_asked_again(self) -> bool {
        self.scene.request.reads_in_script(&self.command.via) && !self.command.elsewhere
    }

    /// What is in doubt here is certain then: it is known which program starts, and that an exec starts it.
    pub(crate) fn is_certain_later(self) -> bool {
        let starts = |word: &Word| word.literal && !is_shells_own(word.text.as_bytes());
        self.is_asked_again() && self.command.words.first().is_some_and(starts)
    }

    /// Where it may run.
    pub(crate) fn folders(self) -> Folders<'a> {
        if self.command.elsewhere {
            None
        } else if self.is_own() {
            self.scene.own_folders()
        } else {
            self.scene.inner_folders()
        }
    }
}

/// Where a command leads those that come after it.
enum Way<'a> {
    Stays,
    To(&'a [u8]),
    Unknown,
}

fn way(command: &SeenCommand) -> Way<'_> {
    let Some(program) = command.words.first() else { return Way::Stays };
    let gives = |short: &str, long: &str| {
        command.words.iter().any(|word| {
            let text = word.text.as_bytes();
            super::flag::gives_flag(text, short.as_bytes()) || super::flag::gives_flag(text, long.as_bytes())
        })
    };
    match file_name(program.text.as_bytes()) {
        b"cd" | b"chdir" => match command.words.as_slice() {
            [_, to]
                if to.literal
                    && !to.text.as_bytes().starts_with(b"-")
                    && !to.text.as_bytes().starts_with(b"~") =>
            {
                Way::To(to.text.as_bytes())
            }
            _ => Way::Unknown,
        },
        b"pushd" | b"popd" | b"chroot" | b"nsenter" | b"unshare" | b"systemd-run" | b"su" | b"runuser"
        | b"parallel" | b"eval" | b"source" | b"." => Way::Unknown,
        b"env" if gives("-C", "--chdir") => Way::Unknown,
        b"sudo" if gives("-D", "--chdir") || gives("-R", "--chroot") || gives("-i", "--login") => {
            Way::Unknown
        }
        b"find" if command.words.iter().any(|word| word.text.as_bytes().ends_with(b"dir")) => Way::Unknown,
        _ if !program.literal => Way::Unknown,
        _ => Way::Stays,
    }
}
