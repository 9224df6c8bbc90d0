//! The form of a tool description.

mod inside;
mod kind;

use serde::Deserialize;

pub(crate) use inside::{CodeReader, Runs, RunsKind, SqlReader, SqlSource};
pub(crate) use kind::{Category, PathRole, Undo};

use super::error::ToolError;

/// A program, or several that take the same arguments.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each true or not")]
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Tool {
    /// Without folder.
    pub names: Vec<String>,
    /// Options that take the next word as their value.
    #[serde(default)]
    pub values: Vec<String>,
    /// `subcommand -x`: behind this subcommand the option takes no value.
    #[serde(default)]
    pub plain: Vec<String>,
    /// Long options may be shortened to what is unique.
    #[serde(default)]
    pub abbreviates: bool,
    /// `-abc` is one option with a long name, not three.
    #[serde(default)]
    pub single_dash: bool,
    /// Options end at the first other word.
    #[serde(default)]
    pub options_first: bool,
    /// Kinds of target whose names and variables tell where it points.
    #[serde(default)]
    pub reach: Vec<super::Reach>,
    /// What holds when no effect fits.
    pub otherwise: Effect,
    /// What it can do.
    #[serde(default, rename = "effect")]
    pub effects: Vec<Effect>,
    /// Commands inside its arguments.
    #[serde(default)]
    pub runs: Vec<Runs>,
    /// SQL inside its arguments.
    #[serde(default)]
    pub sql: Option<SqlReader>,
    /// Program text inside its arguments.
    #[serde(default)]
    pub code: Option<CodeReader>,
    /// It speaks HTTP: method, URL and body are read.
    #[serde(default)]
    pub http: bool,
    /// Several programs whose options differ: what seems to be an option's value may be the command already.
    #[serde(default)]
    pub mixed: bool,
    /// It brings things from other machines.
    #[serde(default)]
    pub fetches: bool,
    /// With these options it brings whole sites, each into a folder named after its host.
    #[serde(default)]
    pub mirrors: Vec<String>,
    /// With these options of such it leaves that folder out.
    #[serde(default)]
    pub hostless: Vec<String>,
    /// With these it leaves all folders out.
    #[serde(default)]
    pub folderless: Vec<String>,
    /// Options that name the folder which it puts what it brings into.
    #[serde(default)]
    pub into: Vec<String>,
    /// Options whose value is a program or a library that it loads, or several between colons.
    #[serde(default)]
    pub loads: Vec<String>,
    /// What it is given may leave the machine.
    #[serde(default)]
    pub sends: bool,
    /// It asks other machines about names: what is put into one leaves this machine.
    #[serde(default)]
    pub asks: bool,
    /// It turns text that cannot be read into text that can.
    #[serde(default)]
    pub decodes: bool,
    /// Files that it does what they say without being given them; may be patterns.
    #[serde(default)]
    pub obeys: Vec<String>,
    /// It runs the files it is given (`source`).
    #[serde(default)]
    pub runs_files: bool,
    /// Its first free argument is a pattern or a program, not a file.
    #[serde(default)]
    pub pattern_first: bool,
    /// It searches folders; these options name what it looks for.
    #[serde(default)]
    pub searches: Vec<String>,
    /// It shows what is in the files it is given.
    #[serde(default)]
    pub reveals: bool,
    /// Under these subcommands what it is given may leave the machine.
    #[serde(default)]
    pub sends_under: Vec<String>,
    /// It packs whole folders or databases into one stream.
    #[serde(default)]
    pub bulk: bool,
    /// Subcommands under which it does.
    #[serde(default)]
    pub bulk_under: Vec<String>,
    /// What it prints is meant to be run by the shell that asks (`eval "$(ssh-agent -s)"`).
    #[serde(default)]
    pub prints_settings: bool,
    /// The word `help` at the end asks for help.
    #[serde(default)]
    pub help_word: bool,
    /// Programs and tasks, as patterns, that answer `--help` before they do anything, although they take code as well.
    #[serde(default)]
    pub help_of: Vec<String>,
    /// Options of several letters behind one dash that the description names (`-recurse`). Made at load.
    #[serde(skip)]
    pub long_behind_one_dash: Vec<String>,
    /// Some effect asks for a subcommand: it is a program of many verbs. Made at load.
    #[serde(skip)]
    pub has_verbs: bool,
}

impl Tool {
    /// The description of what nobody described.
    pub(crate) fn is_unknown(&self) -> bool {
        self.names.first().is_some_and(|name| name == "*")
    }
}

/// Something a program does under some condition. The effect with the most points is the base of a command's score;
/// those with `adds` come on top.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each true or not")]
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Effect {
    /// Stable name.
    pub id: String,
    /// What it contributes.
    pub points: i16,
    /// One clause for a human.
    pub why: String,
    /// What kind of thing it is.
    #[serde(default)]
    pub categories: Vec<Category>,
    /// How hard it is to undo.
    #[serde(default)]
    pub undo: Undo,
    /// It is no base but comes on top.
    #[serde(default)]
    pub adds: bool,
    /// Points in production, where they differ from its categories'.
    #[serde(default)]
    pub production: Option<i16>,
    /// What it does to paths.
    #[serde(default)]
    pub paths: Option<PathRole>,
    /// Condition: subcommands, any of; words of each may be patterns.
    #[serde(default)]
    pub sub: Vec<String>,
    /// Condition: any of these options.
    #[serde(default)]
    pub flags: Vec<String>,
    /// Condition: and any of these.
    #[serde(default)]
    pub also: Vec<String>,
    /// Condition: none of these.
    #[serde(default)]
    pub without: Vec<String>,
    /// Condition: an argument after the subcommand fits any of these patterns.
    #[serde(default)]
    pub args: Vec<String>,
    /// Condition: and another (or the same) fits any of these.
    #[serde(default)]
    pub also_args: Vec<String>,
    /// Condition: no argument fits any of these.
    #[serde(default)]
    pub without_args: Vec<String>,
    /// Condition: at least so many arguments after the subcommand.
    #[serde(default)]
    pub min_args: usize,
    /// Condition: at most so many.
    #[serde(default)]
    pub max_args: Option<usize>,
    /// Condition: the value of any of these options...
    #[serde(default)]
    pub value_of: Vec<String>,
    /// ... fits any of these patterns.
    #[serde(default)]
    pub value_is: Vec<String>,
    /// Where another command was taken out of it, that one counts and this is only the way there.
    #[serde(default)]
    pub carries: bool,
    /// Condition: some argument after the subcommand is known only when it runs.
    #[serde(default)]
    pub computed: bool,
    /// Condition: the program's own name fits any of these patterns.
    #[serde(default)]
    pub program: Vec<String>,
    /// Condition: a wrapper gave it more rights.
    #[serde(default)]
    pub privileged: bool,
    /// Condition: an argument names a file that holds secrets.
    #[serde(default)]
    pub secret_args: bool,
    /// Condition: what it reads from standard input is known and fits any of these patterns.
    #[serde(default)]
    pub input: Vec<String>,
    /// Condition: an argument is a pattern for everything in this folder.
    #[serde(default)]
    pub takes_all: bool,
    /// Condition: its output goes into a file that stays.
    #[serde(default)]
    pub into_file: bool,
    /// Condition: it runs on another machine or in another container.
    #[serde(default)]
    pub elsewhere: bool,
    /// Condition: a command with any of these names carries it.
    #[serde(default)]
    pub within: Vec<String>,
    /// Condition: a variable set for it, or exported before it, fits any of these patterns (`NAME=value`).
    #[serde(default)]
    pub assigned: Vec<String>,
    /// Condition: no earlier command of the same text is any of these, given nothing but options.
    #[serde(default)]
    pub without_before: Vec<String>,
    /// It tells people something, which cannot be taken back.
    #[serde(default)]
    pub tells: bool,
    /// `sub` split into words, made at load.
    #[serde(skip)]
    pub sub_words: Vec<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    tool: Vec<Tool>,
}

/// Reads one file of descriptions.
pub(crate) fn parse(file: &str, text: &str) -> Result<Vec<Tool>, ToolError> {
    let parsed: File = toml::from_str(text).map_err(|error| ToolError::syntax(file, &error))?;
    let mut tools = parsed.tool;
    for tool in &mut tools {
        prepare(file, tool)?;
    }
    Ok(tools)
}

fn prepare(file: &str, tool: &mut Tool) -> Result<(), ToolError> {
    let Some(name) = tool.names.first().cloned() else {
        return Err(ToolError::meaning(file, "[[tool]]", "`names` is empty; list the program's name"));
    };
    if let Some(bad) = tool.names.iter().find(|name| name.is_empty() || name.contains('/')) {
        return Err(ToolError::meaning(file, bad, "a name is the program without its folder, and not empty"));
    }
    for effect in tool.effects.iter_mut().chain([&mut tool.otherwise]) {
        if !effect.adds && !(0..=100).contains(&effect.points) {
            let problem = format!("points must be 0 to 100, not {}", effect.points);
            return Err(ToolError::meaning(file, &effect.id, problem));
        }
        if effect.value_of.is_empty() != effect.value_is.is_empty() {
            let problem = "`value-of` and `value-is` belong together; give both or neither";
            return Err(ToolError::meaning(file, &effect.id, problem));
        }
        if !effect.adds && effect.categories.is_empty() {
            return Err(ToolError::meaning(file, &effect.id, "an effect needs at least one category"));
        }
        effect.sub_words = words(&effect.sub);
    }
    tool.has_verbs = tool.effects.iter().any(|effect| !effect.sub.is_empty());
    let mut values: Vec<String> = Vec::new();
    if let Some(code) = &tool.code {
        values.extend(code.options.iter().chain(&code.modules).cloned());
    }
    if let Some(sql) = &tool.sql {
        values.extend(sql.options.iter().chain(&sql.files).cloned());
    }
    for runs in &mut tool.runs {
        if runs.kind == RunsKind::ShellOption {
            values.extend(runs.options.iter().cloned());
        }
        let needs_options = matches!(runs.kind, RunsKind::ShellOption | RunsKind::Between);
        if needs_options && runs.options.is_empty() {
            return Err(ToolError::meaning(file, &name, "this kind of `runs` needs `options`"));
        }
        runs.sub_words = words(&runs.sub);
    }
    tool.values.extend(values);
    let lists = tool.effects.iter().flat_map(|effect| [&effect.flags, &effect.also, &effect.without]);
    let mut long: Vec<String> = lists
        .chain([&tool.values, &tool.hostless, &tool.folderless])
        .flatten()
        .filter(|name| is_long_behind_one_dash(name))
        .cloned()
        .collect();
    long.sort_unstable();
    long.dedup();
    tool.long_behind_one_dash = long;
    Ok(())
}

fn is_long_behind_one_dash(name: &str) -> bool {
    name.strip_prefix('-').is_some_and(|letters| letters.len() > 1 && !letters.starts_with('-'))
}

fn words(paths: &[String]) -> Vec<Vec<String>> {
    paths.iter().map(|path| path.split_whitespace().map(str::to_owned).collect()).collect()
}
