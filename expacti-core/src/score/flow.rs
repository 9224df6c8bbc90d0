//! What flows from one command into another: code from the network into a shell, secrets out to the network.

use super::{Candidate, Look, net, paths, secrets};
use crate::see::{Finding, Input, Seen};
use crate::tools::{Arguments, Category, PathRole, Reach, Runs, RunsKind, Tool};

/// Commands that are followed up a stream.
const MAX_STREAM: usize = 64;
/// Bytes of a word that are compared with paths; no longer one can be opened.
const MAX_PATH: usize = 4096;

/// Where what comes into a command comes from.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each true or not")]
#[derive(Debug, Default)]
struct Sources {
    fetched: bool,
    decoded: bool,
    secret: bool,
    environment: bool,
    any: bool,
    gate: bool,
    bulk: bool,
    /// What is packed lies outside of the work tree.
    elsewhere: bool,
    /// A shell that reads its commands while it runs.
    terminal: bool,
}

pub(super) fn candidates<'t>(look: &Look<'t>) -> Vec<Candidate<'t>> {
    let mut found = Vec::new();
    let Some(tool) = look.tool else { return found };
    let known = &look.known.modifiers;
    if plants(look) {
        found.push(Look::stand_alone(&known.command_in_argument, Category::CodeExecution));
    }
    let piped = sources(look, look.seen.upstream.iter().copied());
    let substituted = sources(look, look.seen.substituted.iter().copied());
    let finding = |finding| look.seen.findings.contains(&finding);
    let takes_input =
        finding(Finding::ShellFromInput) || finding(Finding::ProgramFromInput) || look.seen.program_from_text;
    let takes_words =
        (finding(Finding::ComputedProgram) || finding(Finding::UnreadScript) || runs_code(tool))
            && !look.seen.substituted.is_empty();
    let fetched = takes_input && piped.fetched || takes_words && substituted.fetched;
    let decoded = takes_input && piped.decoded || takes_words && substituted.decoded;
    let described = tool.has_verbs
        && tool.otherwise.categories.iter().any(|c| look.known.verbs.infrastructure.contains(c));
    if described && piped.fetched && look.arguments.all_values().any(|(_, value)| value == "-") {
        found.push(Look::stand_alone(&known.fetched_program, Category::RemoteExecution));
    }
    let computed =
        look.seen.words.iter().skip(1).any(|word| !word.literal && word.text.as_bytes().starts_with(b"$("));
    let obeys = tool.otherwise.categories.iter().any(|category| {
        matches!(
            category,
            Category::Container | Category::PackageManagement | Category::CloudAndInfrastructure
        )
    });
    if obeys && substituted.fetched && computed {
        // `docker run $(curl ...)`: somebody else says what.
        found.push(Look::stand_alone(&known.fetched_program, Category::RemoteExecution));
    }
    if fetched {
        found.push(Look::stand_alone(&known.network_to_shell, Category::RemoteExecution));
    } else if decoded {
        found.push(Look::stand_alone(&known.decoded_to_shell, Category::Obfuscation));
    }
    if (piped.gate || substituted.gate) && tool.otherwise.categories.contains(&Category::ProcessAndService) {
        found.push(Look::stand_alone(&known.gate_path, Category::PrivilegeAndEscape));
    }
    let moves = piped.any || substituted.any || matches!(look.seen.input, Input::File) || uploads(look, tool);
    if moves
        && (tool.sends || sends_under(look, tool))
        && look.seen.words.iter().skip(1).take(64).any(|word| net::has_public_address(&word.text.to_lossy()))
    {
        found.push(Look::stand_alone(&known.data_to_address, Category::NetworkTransfer));
    }
    if sends_personal(look, tool) {
        found.push(Look::stand_alone(&known.bulk_to_network, Category::NetworkTransfer));
    }
    if tool.asks && joins_names(look) {
        let secret = piped.secret || substituted.secret;
        let read = piped.environment || substituted.environment || piped.decoded || substituted.decoded;
        if secret {
            found.push(Look::stand_alone(&known.secret_to_network, Category::SecretsAndCredentials));
        } else if read {
            found.push(Look::stand_alone(&known.environment_to_network, Category::SecretsAndCredentials));
        }
    }
    if tool.sends || sends_under(look, tool) {
        let secret = piped.secret
            || substituted.secret
            || (secrets::names_one(look) || secrets::reads_one(look, look.seen))
            || reads_secrets_in_a_loop(look);
        if piped.terminal && !tool.runs.iter().any(|runs| runs.elsewhere) {
            found.push(Look::stand_alone(&known.terminal_to_network, Category::RemoteExecution));
        } else if secret {
            found.push(Look::stand_alone(&known.secret_to_network, Category::SecretsAndCredentials));
        } else if piped.environment || substituted.environment || sends_written(look) {
            found.push(Look::stand_alone(&known.environment_to_network, Category::SecretsAndCredentials));
        } else if piped.bulk && (piped.elsewhere || !tool.runs.iter().any(|runs| runs.elsewhere)) {
            found.push(Look::stand_alone(&known.bulk_to_network, Category::NetworkTransfer));
        } else if tool.sends && piped.any && !tool.runs.iter().any(|runs| runs.elsewhere) {
            found.push(Look::stand_alone(&known.data_to_network, Category::NetworkTransfer));
        }
    }
    found
}

/// `dig $x.example.com`, `xargs -I{} dig {}.example.com`: what comes from elsewhere becomes a part of a name.
fn joins_names(look: &Look<'_>) -> bool {
    look.seen.words.iter().skip(1).take(16).any(|word| {
        let text = word.text.to_lossy();
        let computed = !word.literal && text.contains(['$', '`']);
        computed && text.contains('.') || look.seen.appends && text.contains("{}.")
    })
}

/// `while read l; do curl "$u/$l"; done < .env`: what stands behind a loop is what those in it read.
fn reads_secrets_in_a_loop(look: &Look<'_>) -> bool {
    let behind = look.all.get(look.at + 1..).unwrap_or_default().iter().take(MAX_STREAM);
    let mut loops = behind.filter(|other| other.words.is_empty() && other.parent == look.seen.parent);
    look.seen.words.iter().skip(1).any(|word| !word.literal)
        && loops.any(|other| secrets::reads_one(look, other))
}

/// Whether it writes a line that fetches and runs something into a file that is no text for humans.
fn plants(look: &Look<'_>) -> bool {
    let is_text = |file: &str| {
        let name = file.rsplit('/').next().unwrap_or(file).to_ascii_lowercase();
        let runs = name.starts_with("lefthook") || name.starts_with(".pre-commit");
        let ends = [".md", ".txt", ".rst", ".adoc", ".html", ".mdx", ".yml", ".yaml", ".log", ".json5"];
        !runs && (ends.iter().any(|end| name.ends_with(end)) || name.contains("dockerfile"))
    };
    let written = look.seen.redirections.iter().filter(|redirection| redirection.writes);
    let mut files = written.filter_map(|redirection| redirection.target.as_ref());
    let fetches_and_runs = |text: &str| {
        ["curl ", "wget ", "/dev/tcp/"].iter().any(|mark| text.contains(mark))
            && ["|sh", "| sh", "|bash", "| bash", "|sudo", "| sudo", "/dev/tcp/"]
                .iter()
                .any(|mark| text.contains(mark))
    };
    let writes = files.any(|file| {
        let file = file.text.to_lossy();
        !is_text(&file) && !paths::is_harmless_device(look.known, &file)
    });
    writes
        && (look.seen.words.iter().skip(1).take(64).any(|word| fetches_and_runs(&word.text.to_lossy()))
            || matches!(&look.seen.input, Input::Text(text) if fetches_and_runs(text)))
}

/// Whether a command prints what a cloud, a cluster or a tool of infrastructure keeps: `terraform output -json`.
fn hands_out(tool: &Tool, seen: &Seen) -> bool {
    let keeps = |word: &[u8]| {
        matches!(
            word,
            b"output"
                | b"state"
                | b"config"
                | b"env"
                | b"secret"
                | b"secrets"
                | b"variables"
                | b"inspect"
                | b"values"
        )
    };
    let reaches = tool.reach.iter().any(|reach| matches!(reach, Reach::Cloud | Reach::Cluster));
    reaches && seen.words.iter().skip(1).take(4).any(|word| keeps(word.text.as_bytes()))
}

/// Whether it sends a file into which an earlier command of the same text wrote secrets or the environment.
fn sends_written(look: &Look<'_>) -> bool {
    let words = look.seen.words.get(1..).unwrap_or_default();
    // A push takes along whatever was added and committed before.
    let pushes =
        look.seen.program.name == "git" && words.first().is_some_and(|word| word.text.as_bytes() == b"push");
    look.all[look.at.saturating_sub(MAX_STREAM)..look.at].iter().any(|earlier| {
        let written = earlier.redirections.iter().filter(|redirection| redirection.writes);
        let mut files = written.filter_map(|redirection| redirection.target.as_ref());
        let sent = files.any(|file| {
            let file = file.text.to_lossy();
            pushes && !paths::lies_elsewhere(look, &file) && !file.starts_with("/tmp")
                || file.len() > 1
                    && words.iter().take(64).any(|word| word.text.to_lossy().ends_with(file.as_ref()))
        });
        sent && (shows_environment(earlier) || secrets::shows_secret(look, earlier))
    })
}

/// Whether it copies a person's folder to a place on another machine: `rclone copy ~/Documents remote:x`.
fn sends_personal(look: &Look<'_>, tool: &Tool) -> bool {
    let copies = tool.sends || tool.reach.contains(&Reach::Cloud);
    let Some((last, before)) = look.arguments.free().split_last() else { return false };
    copies && last.text.contains(':') && before.iter().any(|word| paths::is_personal(look, &word.text))
}

/// Whether its last argument, behind others, is a place on another machine.
fn uploads(look: &Look<'_>, tool: &Tool) -> bool {
    let copies = tool.otherwise.paths == Some(PathRole::WriteLast) || tool.reveals && tool.sends;
    let [_, .., last] = look.arguments.free() else { return false };
    copies && last.text.contains(':')
}

/// A subcommand that opens a connection, of a program that has others.
fn sends_under(look: &Look<'_>, tool: &Tool) -> bool {
    look.arguments.free().first().is_some_and(|word| tool.sends_under.iter().any(|sub| *sub == word.text))
}

fn runs_code(tool: &Tool) -> bool {
    tool.runs_files
        || tool
            .runs
            .iter()
            .any(|runs| matches!(runs.kind, RunsKind::Script | RunsKind::Joined) && !runs.elsewhere)
}

/// What the commands that write into this one are, and those that write into them.
fn sources(look: &Look<'_>, from: impl Iterator<Item = usize>) -> Sources {
    let mut sources = Sources::default();
    let mut todo: Vec<usize> = from.take(MAX_STREAM).collect();
    let mut done = 0;
    while let Some(number) = todo.pop() {
        done += 1;
        if done > MAX_STREAM {
            break;
        }
        let Some(seen) = look.all.get(number) else { continue };
        sources.any = true;
        sources.terminal |= is_terminal(look, seen);
        if let Some(tool) = look.tools.find(&seen.program.name) {
            sources.fetched |= tool.fetches;
            sources.decoded |= tool.decodes;
            let under = seen.words.get(1).map(|word| word.text.to_lossy());
            let packs = |sub: &String| under.as_deref() == Some(sub.as_str());
            let reads_database = tool.sql.is_some() && tool.reach.contains(&Reach::Database);
            let bulk =
                tool.bulk || reads_database || hands_out(tool, seen) || tool.bulk_under.iter().any(packs);
            sources.bulk |= bulk;
            sources.elsewhere |= bulk && !sources.elsewhere && {
                let mut words = seen.words.iter().skip(1).take(MAX_STREAM).map(|word| word.text.to_lossy());
                words.any(|word| word.starts_with(['/', '~']) && paths::lies_elsewhere(look, &word))
            };
        }
        sources.gate |= seen.words.iter().skip(1).take(16).any(|word| {
            let bytes = word.text.as_bytes();
            let path = format!("/{}", String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_PATH)]));
            look.known.places.gate.fit(&path)
        });
        sources.secret |= secrets::shows_secret(look, seen) || secrets::looks_for_some(look, seen);
        sources.environment |= shows_environment(seen);
        if seen.wraps {
            // What was taken out of one command stands together, behind what was taken out of those before it.
            let first = look.all.partition_point(|other| other.parent < Some(number));
            let inner = look.all[first..].iter().take_while(|other| other.parent == Some(number));
            todo.extend((first..).zip(inner).map(|(inner, _)| inner).take(MAX_STREAM));
        }
        todo.extend(seen.upstream.iter().chain(&seen.substituted).copied().filter(|next| *next != number));
    }
    sources
}

/// A shell without a script and without a text: what it runs comes from where it reads.
fn is_terminal(look: &Look<'_>, seen: &Seen) -> bool {
    let Some(tool) = look.tools.find(&seen.program.name) else { return false };
    let script = tool.runs.iter().find(|runs| runs.kind == RunsKind::Script);
    let reads = |runs: &Runs| {
        let arguments = Arguments::read(Some(tool), &seen.words, None);
        arguments.free().is_empty() && !arguments.has(&runs.options) && !tool.runs_files
    };
    script.is_some_and(reads) && !seen.program_from_text && !matches!(seen.input, Input::Text(_))
}

/// `env`, `printenv`, `set`, `export -p` without arguments that narrow them.
fn shows_environment(seen: &Seen) -> bool {
    let rest = seen.words.len() - usize::from(!seen.words.is_empty());
    match seen.program.name.as_str() {
        "env" | "printenv" | "set" => rest == 0,
        "export" | "declare" | "typeset" => {
            seen.words.get(1).is_none_or(|word| matches!(word.text.as_bytes(), b"-p" | b"-x" | b"-px"))
        }
        _ => false,
    }
}
