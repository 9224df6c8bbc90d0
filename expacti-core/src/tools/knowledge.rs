//! What is known beside single tools: modifiers, production's names, places in the file system, SQL, dangerous calls.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::description::{Category, Undo};
use super::error::ToolError;
use super::patterns::Patterns;

/// The tables that every tool shares, each read when it is first asked for.
pub(crate) struct Knowledge {
    pub modifiers: LazyLock<Modifiers>,
    pub context: LazyLock<Context>,
    pub places: LazyLock<Places>,
    pub sql: LazyLock<BTreeMap<String, Statement>>,
    pub code: LazyLock<Code>,
    pub requests: LazyLock<BTreeMap<String, Statement>>,
    pub verbs: LazyLock<Verbs>,
    pub loops: LazyLock<Loops>,
}

/// Of `knowledge/sql.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SqlFile {
    statement: BTreeMap<String, Statement>,
}

/// Of `knowledge/http.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HttpFile {
    request: BTreeMap<String, Statement>,
}

macro_rules! read {
    ($form:ty, $name:literal) => {
        read::<$form>($name, include_str!(concat!("../../knowledge/", $name)))
    };
}

/// What is compiled in.
pub(super) fn embedded() -> &'static Knowledge {
    static KNOWLEDGE: Knowledge = Knowledge {
        modifiers: LazyLock::new(|| read!(Modifiers, "modifiers.toml").name()),
        context: LazyLock::new(|| read!(Context, "context.toml")),
        places: LazyLock::new(|| read!(Places, "paths.toml")),
        sql: LazyLock::new(|| read!(SqlFile, "sql.toml").statement),
        code: LazyLock::new(|| read!(Code, "code.toml")),
        requests: LazyLock::new(|| read!(HttpFile, "http.toml").request),
        verbs: LazyLock::new(|| read!(Verbs, "verbs.toml")),
        loops: LazyLock::new(|| read!(Loops, "loops.toml")),
    };
    &KNOWLEDGE
}

/// Panics never: a test reads all of them, so a build with one that cannot be read does not pass.
fn read<T: DeserializeOwned>(file: &str, text: &str) -> T {
    #[expect(clippy::expect_used, reason = "the embedded files are constants, and a test reads them all")]
    toml::from_str(text)
        .map_err(|error| ToolError::syntax(file, &error))
        .expect("embedded knowledge is valid")
}

/// Something that raises or lowers a score wherever it occurs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Modifier {
    /// Stable name: the key in the file.
    #[serde(skip)]
    pub id: String,
    /// What it adds; a candidate's base points where it stands for itself.
    pub points: i16,
    /// One clause for a human.
    pub why: String,
}

macro_rules! modifiers {
    ($($(#[$doc:meta])* $field:ident),* $(,)?) => {
        /// Every modifier the code knows how to find. Points and words are data.
        #[derive(Clone, Debug, Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        pub(crate) struct Modifiers {
            $($(#[$doc])* pub $field: Modifier,)*
        }

        impl Modifiers {
            fn name(mut self) -> Self {
                $(self.$field.id = stringify!($field).replace('_', "-");)*
                self
            }
        }
    };
}

modifiers! {
    // Where paths lead.
    root_path, home_path, system_path, device_path, secret_path, secret_file_change, startup_file, outside_work_tree, git_directory,
    gate_path, data_file, wildcard, many_targets, regenerable, temporary, production_path,
    // Where targets lie.
    production, staging, development, remote_database, throwaway,
    // How it runs.
    sudo, unattended, elsewhere_root, outside_hours, gains_privileges, no_file, unstable_file,
    // What cannot be seen.
    computed_argument, computed_command, computed_command_of_script, unparsed_shell, too_deep, targets_from_input, input_unknown, script_cut,
    partial_request, unseen_program, empty_command, unread_arguments, asks_for_help,
    // What a name says where nobody described the program.
    name_destroys, unheard_verb, calls_destroy, unknown_on_disk, name_stops, grants_rights, weakens_protection, command_in_argument, name_shows_secrets, writes_named_file, multiplies, fills_disk, leaves_encrypted, presses_service, floods_service, many_messages,
    // What runs.
    pipe_to_shell, network_to_shell, decoded_to_shell, socket_to_shell, terminal_to_network, program_from_input, unread_script,
    environment_hijack, computed_program, computed_start, fetched_program, maybe_fetched, fetched_image, disguised_name, look_alike_name, temporary_program, temporary_helper, hidden_characters,
    // What leaks.
    secret_in_argument, secret_variable, secret_to_network, environment_to_network, data_to_network, data_to_address, bulk_to_network,
    // What it costs.
    irreversible, irreversible_floor, read_only_ceiling, context_ceiling, range,
}

/// Names that tell where a command points.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Context {
    /// Words that mean production where they stand between separators.
    pub production_words: Vec<String>,
    /// The same, but only in names of hosts, databases, clusters and accounts.
    pub production_target_words: Vec<String>,
    /// Words that mean a rehearsal with other people's data.
    pub staging_words: Vec<String>,
    /// Words that mean it may be broken.
    pub development_words: Vec<String>,
    /// Of these such as name what nobody keeps anything in.
    pub throwaway_words: Vec<String>,
    /// Endings of hosts that are run by a provider.
    pub remote_hosts: Vec<String>,
    /// What production adds to an effect of a category.
    pub production_points: BTreeMap<Category, i16>,
    /// Variables that tell where a kind of tool points.
    pub variables: BTreeMap<Reach, Vec<String>>,
    /// Variables through which other code gets into a program, and patterns of values that do not.
    pub hijacking_variables: BTreeMap<String, Vec<String>>,
    /// Variables that are everyday ones, and patterns of values that are not.
    pub harmful_values: BTreeMap<String, Vec<String>>,
    /// Options that answer questions in advance.
    pub unattended_options: Vec<String>,
    /// From this score on, context adds no more.
    pub ceiling: i16,
    /// Weekday hours that count as working hours: first and the one after the last.
    pub working_hours: [u8; 2],
}

/// A kind of thing that a tool reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reach {
    /// Databases.
    Database,
    /// Kubernetes and container engines.
    Cluster,
    /// Cloud accounts and platforms.
    Cloud,
    /// The application's own environment.
    Application,
    /// Other hosts.
    Host,
}

/// Places in the file system.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Places {
    /// Folders the system lives in.
    pub system: Vec<String>,
    /// Folders for what may vanish.
    pub temporary: Vec<String>,
    /// Patterns of files that hold secrets.
    pub secrets: Patterns,
    /// Patterns of files that are kept in repositories although they look like secrets.
    pub harmless: Patterns,
    /// Patterns of files that run at the next login, boot or commit.
    pub startup: Patterns,
    /// Patterns of devices that are harmless to write.
    pub harmless_devices: Patterns,
    /// Patterns of devices on which file systems lie.
    pub disks: Patterns,
    /// Names of folders and files that a build makes anew.
    pub regenerable: Patterns,
    /// Patterns of files that hold data.
    pub data: Patterns,
    /// Patterns of folders that belong to a person and not to a project.
    pub personal: Patterns,
    pub gate_doors: Vec<String>,
    /// Patterns of files that are databases.
    pub databases: Patterns,
    /// Patterns of files that say who has to agree to a change.
    pub owners: Patterns,
    /// Patterns of files that check every change.
    pub checks: Patterns,
    /// Patterns of files that are there for nothing else than to keep something out.
    pub guards: Patterns,
    /// Patterns of files that say how a project is tested.
    pub test_settings: Patterns,
    /// Patterns of what belongs to the gate.
    pub gate: Patterns,
    /// Folders under which people keep work trees.
    pub work_roots: Vec<String>,
}

/// What words say where no description says more.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Verbs {
    /// Verbs that take something away for good.
    pub destroy: HashSet<String>,
    /// Verbs that do so where the program works on clouds, clusters, databases or deployments.
    pub remove: HashSet<String>,
    /// Verbs that stop something or take it back, where the program works on such things.
    pub stop: HashSet<String>,
    /// Verbs that only look.
    pub look: HashSet<String>,
    /// Verbs that make or begin something, and take nothing away.
    pub make: HashSet<String>,
    /// Nouns that say secret.
    pub secret: HashSet<String>,
    /// Verbs that show what a noun stands for.
    pub show: HashSet<String>,
    /// Options that make a command only try.
    pub tries: HashSet<String>,
    /// Options that destroy, of programs nobody described.
    pub destroying_options: HashSet<String>,
    /// Beginnings of long options that destroy, of any program whose description does not name them.
    pub destroying_beginnings: HashSet<String>,
    /// Of these such as take away only what the command itself has done with.
    pub harmless_options: HashSet<String>,
    /// Options whose value is what to do.
    pub action_options: HashSet<String>,
    /// Options whose value is text for humans.
    pub prose_options: HashSet<String>,
    /// Verbs of looking that are things as well.
    pub nouns: HashSet<String>,
    /// Nouns that say secret only where the program is known to keep such things.
    pub weak_secret: HashSet<String>,
    /// Verbs that shut somebody or something out, where they stand behind the name of several things.
    pub bars: HashSet<String>,
    /// Verbs that show what was hidden.
    pub reveals: HashSet<String>,
    /// Verbs that send what they are given to somebody else.
    pub sends: HashSet<String>,
    /// Words of an unknown program behind which another command stands.
    pub carries: HashSet<String>,
    /// Options of an unknown program whose value may be program or shell text.
    pub code_options: HashSet<String>,
    /// Words in names of options that stand for a protection, or for a copy that is kept.
    pub protections: HashSet<String>,
    /// Names whose value is a right.
    pub rights: HashSet<String>,
    /// Values that mean every right, or everybody.
    pub all_rights: HashSet<String>,
    /// Options that show what is kept secret.
    pub showing_options: HashSet<String>,
    /// Options that let everybody in.
    pub opening_options: HashSet<String>,
    /// Values of such options that switch it off.
    pub off: HashSet<String>,
    /// Words in names of options, settings and variables whose value is a program that is run.
    pub helpers: HashSet<String>,
    /// Texts that stand in a command line which destroys, stops or fetches, and hardly in any other text.
    pub command_marks: Vec<String>,
    /// Options whose value is a file that is written.
    pub writing_options: HashSet<String>,
    /// Subcommands of known programs that print settings for a shell.
    pub settings: HashSet<String>,
    /// What a file of checks says where one no longer stops anything, without blanks.
    pub disabled_checks: Vec<String>,
    /// Words that stand for a check.
    pub checks: Vec<String>,
    /// Of these such as guard against attacks.
    pub guards: Vec<String>,
    /// Kinds of work in which `remove` and `stop` are meant.
    pub infrastructure: HashSet<Category>,
}

/// What goes on without end, and how fast.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Loops {
    /// Programs that end at once.
    pub quick: HashSet<String>,
    /// Of these such as make files.
    pub makes_files: HashSet<String>,
    /// What makes a name another one at each turn.
    pub changing: Vec<String>,
    /// Programs that write for as long as they are given something to read.
    pub passing: HashSet<String>,
    /// Options that make them stop.
    pub stops: Vec<String>,
    /// Programs that write for ever.
    pub endless_programs: HashSet<String>,
    /// Files that can be read for ever.
    pub endless_files: HashSet<String>,
    /// Options that say how many run at a time.
    pub at_once: Vec<String>,
}

/// What a class of SQL statements does.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Statement {
    /// Its base points.
    pub points: i16,
    /// One clause for a human.
    pub why: String,
    /// What kind of thing it is.
    pub category: Category,
    /// How hard it is to undo.
    #[serde(default)]
    pub undo: Undo,
    /// Points in production, where they differ from its category's.
    #[serde(default)]
    pub production: Option<i16>,
    /// Words that stand for it where SQL cannot be parsed, in order; each may end with `*`.
    #[serde(default)]
    pub keywords: Vec<String>,
}

/// What program text can do.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Code {
    /// What says it where no call is named.
    pub words: CallWords,
    /// Calls that are known.
    #[serde(rename = "call")]
    pub calls: Vec<Call>,
}

/// Words in the names of calls that no table names.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct CallWords {
    /// Verbs that take something away, whatever stands behind them.
    pub destroy: HashSet<String>,
    /// Nouns behind these that say it is only a part of a text or a page.
    pub harmless_nouns: HashSet<String>,
    /// Verbs that do so with some nouns.
    pub remove: HashSet<String>,
    /// Those nouns.
    pub nouns: HashSet<String>,
    /// Languages in which backquotes run a command.
    pub backquote_languages: HashSet<String>,
}

/// A call in program text that does something a reviewer would want to know.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Call {
    /// Stable name.
    pub id: String,
    /// Languages it belongs to; none means any.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Texts any of which show it, without spaces.
    pub texts: Vec<String>,
    /// Texts one of which must be there too.
    #[serde(default)]
    pub also: Vec<String>,
    /// And the text has none of these.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Its base points.
    pub points: i16,
    /// One clause for a human.
    pub why: String,
    /// What kind of thing it is.
    pub categories: Vec<Category>,
    /// How hard it is to undo.
    #[serde(default)]
    pub undo: Undo,
    /// The string or list that follows is a command of its own.
    #[serde(default)]
    pub runs: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_file_is_valid() {
        let known = embedded();
        let lengths = [
            known.modifiers.root_path.why.len(),
            known.context.ceiling.try_into().unwrap(),
            known.places.system.len(),
            known.sql.len(),
            known.code.calls.len(),
            known.requests.len(),
            known.verbs.destroy.len(),
            known.loops.quick.len(),
        ];
        assert!(lengths.iter().all(|length| *length > 0), "{lengths:?}");
    }
}
