//! What flows from one command into another: code from the network into a shell, secrets out to the network.

mod sources;

use self::sources::{shows_environment, sources};
use super::{Candidate, Look, net, paths, secrets};
use crate::see::{Finding, Input};
use crate::tools::{Category, PathRole, Reach, RunsKind, Tool};

pub(super) use self::sources::AskedBefore;

/// Commands that are followed up a stream.
const MAX_STREAM: usize = 64;

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
    let takes_words = (finding(Finding::ComputedProgram)
        || finding(Finding::UnreadScript)
        || runs_code(tool)
        || look.arguments.values(&tool.loads).any(|(_, literal)| !literal))
        && !look.seen.substituted.is_empty();
    let fetched = takes_input && piped.fetched || takes_words && substituted.fetched;
    let decoded = takes_input && piped.decoded || takes_words && substituted.decoded;
    let described = tool.has_verbs
        && tool.otherwise.categories.iter().any(|c| look.known.verbs.infrastructure.contains(c));
    if described
        && (piped.fetched || is_rendered_elsewhere(look))
        && look.arguments.all_values().any(|(_, value)| value == "-")
    {
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
            || (secrets::names_one(look) || secrets::reads_one(look))
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
    let behind = look.all.iter().enumerate().skip(look.at + 1).take(MAX_STREAM);
    let mut loops = behind.filter(|(_, other)| other.words.is_empty() && other.parent == look.seen.parent);
    look.seen.words.iter().skip(1).any(|word| !word.literal)
        && loops.any(|(number, other)| look.so_far.asked.reads_secret(look, number, other))
}

/// `helm template oci://host/chart | kubectl apply -f -`: what comes in was made of what lies elsewhere.
fn is_rendered_elsewhere(look: &Look<'_>) -> bool {
    let upstream = look.seen.upstream.iter().take(MAX_STREAM).filter_map(|number| look.all.get(*number));
    let mut renders = upstream.filter(|seen| {
        matches!(
            seen.program.name.as_str(),
            "helm" | "kustomize" | "kubectl" | "ytt" | "jsonnet" | "timoni" | "cue"
        )
    });
    renders.any(|seen| {
        seen.words.iter().skip(1).take(64).any(|word| {
            let text = word.text.as_bytes();
            [b"oci://".as_slice(), b"https://", b"http://", b"git::", b"github.com/"]
                .iter()
                .any(|begin| text.starts_with(begin))
        })
    })
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
    let files = written.filter_map(|redirection| redirection.target.as_ref());
    let fetches_and_runs = |text: &str| {
        ["curl ", "wget ", "/dev/tcp/"].iter().any(|mark| text.contains(mark))
            && ["|sh", "| sh", "|bash", "| bash", "|sudo", "| sudo", "/dev/tcp/"]
                .iter()
                .any(|mark| text.contains(mark))
    };
    let sends_all = |text: &str| {
        ["env | curl", "env|curl", "printenv | curl", "env | nc ", "env | base64 | curl", "toJSON(secrets)"]
            .iter()
            .any(|mark| text.contains(mark))
    };
    let says = |is: &dyn Fn(&str) -> bool| {
        look.seen.words.iter().skip(1).take(64).any(|word| is(&word.text.to_lossy()))
            || matches!(&look.seen.input, Input::Text(text) if is(text))
    };
    let (mut runs, mut is_prose) = (false, true);
    files.take(MAX_STREAM).for_each(|file| {
        let file = file.text.to_lossy();
        let is_kept = !paths::is_harmless_device(look.known, &file);
        runs |= is_kept && !is_text(&file);
        is_prose &=
            !is_kept || [".md", ".txt", ".rst", ".adoc", ".log"].iter().any(|end| file.ends_with(end));
    });
    !is_prose && says(&sends_all) || runs && says(&fetches_and_runs)
}

/// Whether it sends a file into which an earlier command of the same text wrote secrets or the environment.
fn sends_written(look: &Look<'_>) -> bool {
    let words = look.seen.words.get(1..).unwrap_or_default();
    // A push takes along whatever was added and committed before.
    let pushes =
        look.seen.program.name == "git" && words.first().is_some_and(|word| word.text.as_bytes() == b"push");
    let before = look.at.saturating_sub(MAX_STREAM)..look.at;
    before.clone().zip(&look.all[before]).any(|(number, earlier)| {
        let written = earlier.redirections.iter().filter(|redirection| redirection.writes);
        let mut files = written.filter_map(|redirection| redirection.target.as_ref());
        let sent = files.any(|file| {
            let file = file.text.to_lossy();
            pushes && !paths::lies_elsewhere(look, &file) && !file.starts_with("/tmp")
                || file.len() > 1
                    && words.iter().take(64).any(|word| word.text.to_lossy().ends_with(file.as_ref()))
        });
        sent && (shows_environment(earlier) || look.so_far.asked.shows_secret(look, number, earlier))
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
