//! Secrets: files that hold them, variables named after them, arguments that are them.

use std::borrow::Cow;

use super::{Addition, Candidate, Look, net, paths};
use crate::see::Seen;
use crate::tools::{Category, PathRole, Reach, Tool};

/// Beginnings of tokens that their issuers made recognisable.
const TOKEN_PREFIXES: [&str; 20] = [
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xapp-",
    "sk-ant-",
    "sk-proj-",
    "sk_live_",
    "rk_live_",
    "AKIA",
    "ASIA",
    "AIza",
    "npm_",
    "pypi-",
    "dop_v1_",
    "hf_",
];
/// Parts of variable names that say what is in them.
const SECRET_WORDS: [&str; 10] = [
    "SECRET",
    "TOKEN",
    "PASSWORD",
    "PASSWD",
    "PRIVATE_KEY",
    "API_KEY",
    "APIKEY",
    "ACCESS_KEY",
    "CREDENTIAL",
    "BEARER",
];

pub(super) fn candidates<'t>(look: &Look<'t>) -> Vec<Candidate<'t>> {
    let known = &look.known.modifiers;
    let mut found = Vec::new();
    let Some(tool) = look.tool else { return found };
    if tool.reveals && (names_one(look) || reads_one(look)) && !edits(look, tool) {
        found.push(Look::stand_alone(&known.secret_path, Category::SecretsAndCredentials));
    }
    let prints = matches!(look.seen.program.name.as_str(), "echo" | "printf" | "printenv");
    let named = |text: &str| {
        (text.contains('$') || look.seen.program.name == "printenv") && {
            let upper = text.to_ascii_uppercase();
            SECRET_WORDS.iter().any(|word| upper.contains(word))
        }
    };
    let tests_only = |text: &str| text.contains(":+") || text.contains("${#");
    if prints
        && look.arguments.free().iter().any(|word| {
            (!word.literal || look.seen.program.name == "printenv")
                && named(&word.text)
                && !tests_only(&word.text)
        })
        && look.seen.redirections.iter().filter_map(|redirection| redirection.target.as_ref()).all(|target| {
            // In a file it stays here, unless that is one that others can fetch.
            is_served(&target.text.to_lossy())
        })
    {
        found.push(Look::stand_alone(&known.secret_variable, Category::SecretsAndCredentials));
    }
    if look.seen.program.name == "git" && git_shows_one(look) {
        found.push(Look::stand_alone(&known.secret_path, Category::SecretsAndCredentials));
    }
    if tool.pattern_first && tool.reveals && searches_secrets(look) {
        found.push(Look::stand_alone(&known.secret_variable, Category::SecretsAndCredentials));
    }
    if tool.sends && sends_variable(look) {
        found.push(Look::stand_alone(&known.secret_to_network, Category::SecretsAndCredentials));
    }
    found
}

/// `git show HEAD:.env`, `git log -p -- .env`
fn git_shows_one(look: &Look<'_>) -> bool {
    let shows = match look.arguments.free().first().map(|word| word.text.as_ref()) {
        Some("show" | "cat-file" | "diff") => true,
        Some("log") => look.arguments.has_exactly_one("-p") || look.arguments.has_exactly_one("--patch"),
        _ => false,
    };
    let file = |text: &str| text.rsplit_once(':').map_or(text, |(_, file)| file).to_owned();
    shows && look.arguments.free().iter().skip(1).take(64).any(|word| names_secret(look, &file(&word.text)))
}

/// Whether a file lies where a web server or a deployment takes it from.
fn is_served(path: &str) -> bool {
    path.split('/').rev().skip(1).any(|folder| {
        matches!(folder, "public" | "static" | "www" | "htdocs" | "public_html" | "dist" | "assets")
    })
}

/// Whether it looks for secrets in what a cloud, a cluster or a container engine prints.
fn searches_secrets(look: &Look<'_>) -> bool {
    let reaches = |number: &usize| {
        let seen = look.all.get(*number);
        let environment = matches!(
            seen.map(|seen| seen.program.name.as_str()),
            Some("env" | "printenv" | "set" | "export" | "declare" | "strings" | "ps")
        );
        if environment {
            return true;
        }
        let shows = seen.is_some_and(|seen| {
            let settings = |word: &[u8]| {
                matches!(
                    word,
                    b"inspect"
                        | b"config"
                        | b"env"
                        | b"secret"
                        | b"secrets"
                        | b"values"
                        | b"output"
                        | b"outputs"
                        | b"state"
                        | b"variables"
                        | b"vars"
                        | b"appsettings"
                        | b"manifest"
                        | b"logs"
                )
            };
            seen.words.iter().skip(1).take(8).any(|word| settings(word.text.as_bytes()))
        });
        let tool = seen.and_then(|seen| look.tools.find(&seen.program.name)).filter(|_| shows);
        tool.is_some_and(|tool| tool.reach.iter().any(|reach| matches!(reach, Reach::Cloud | Reach::Cluster)))
    };
    let patterns = look.arguments.free().first().map(|word| word.text.as_ref());
    let named = |text: &str| {
        let upper = text.to_ascii_uppercase();
        SECRET_WORDS.iter().any(|word| upper.contains(word))
    };
    patterns.is_some_and(named) && look.seen.upstream.iter().any(reaches)
}

/// Whether it changes the files it is given and shows nothing of them (`sed -i`).
fn edits(look: &Look<'_>, tool: &Tool) -> bool {
    let mut writes = tool.effects.iter().filter(|effect| effect.paths == Some(PathRole::Write));
    writes.any(|effect| !effect.flags.is_empty() && look.arguments.fits(effect).is_some())
}

/// Whether an address or a body carries a variable whose name says secret. Headers carry tokens by their nature, but to a
/// service that has a name.
fn sends_variable(look: &Look<'_>) -> bool {
    let named = |text: &str| {
        let upper = text.to_ascii_uppercase();
        text.contains('$') && SECRET_WORDS.iter().any(|word| upper.contains(word))
    };
    let urls = look.arguments.free().iter().filter(|word| !word.literal && word.text.contains("://"));
    let data = |name: &str| {
        name.starts_with("-d") || name.starts_with("--data") || name.starts_with("-F") || name == "--json"
    };
    let anywhere = || {
        let words = look.seen.words.iter().skip(1).take(64).map(|word| word.text.to_lossy());
        words.clone().any(|word| net::has_public_address(&word)) && words.clone().any(|word| named(&word))
    };
    urls.map(|word| word.text.as_ref()).any(named)
        || anywhere()
        || look.arguments.all_values().any(|(name, value)| data(name) && named(value))
}

pub(super) fn additions<'t>(look: &Look<'t>) -> Vec<Addition<'t>> {
    let known = &look.known.modifiers;
    let values = look.arguments.all_values().map(|(_, value)| value);
    let free = look.arguments.free().iter().map(|word| word.text.as_ref());
    let is_token = |text: &str| {
        text.split(|c: char| c.is_whitespace() || matches!(c, '=' | ':' | '"' | '\'' | '@' | '/'))
            .any(|part| part.len() >= 20 && TOKEN_PREFIXES.iter().any(|prefix| part.starts_with(prefix)))
    };
    if values.chain(free).take(256).any(is_token) {
        return vec![Addition {
            id: Cow::Borrowed(&known.secret_in_argument.id),
            points: known.secret_in_argument.points,
            why: Cow::Borrowed(&known.secret_in_argument.why),
        }];
    }
    Vec::new()
}

/// Whether this command's arguments name a file that holds secrets.
pub(super) fn names_one(look: &Look<'_>) -> bool {
    let writes_last = look.tool.is_some_and(|tool| {
        tool.otherwise.paths == Some(PathRole::WriteLast) && look.arguments.free().len() > 1
    });
    let count = look.arguments.free().len() - usize::from(writes_last);
    let skip = usize::from(look.tool.is_some_and(|tool| tool.pattern_first));
    let free = look.arguments.free().iter().take(count.min(1024)).skip(skip).map(|word| word.text.as_ref());
    let values = look
        .arguments
        .all_values()
        .filter(|(name, _)| {
            !matches!(
                *name,
                "-i" | "--identity" | "--cert" | "--cacert" | "--key" | "--env-file" | "--kubeconfig" | "-m"
            )
        })
        .map(|(_, value)| value);
    free.chain(values).any(|text| names_secret(look, text))
}

/// Whether an argument names a file that holds secrets.
pub(super) fn names_secret(look: &Look<'_>, text: &str) -> bool {
    file_named_by(text).is_some_and(|file| paths::is_secret(look, &file))
}

/// `@file`, `name=@file`, `file`, where it can be one of secrets.
fn file_named_by(text: &str) -> Option<Cow<'_, str>> {
    let text = text
        .rsplit_once('@')
        .filter(|(before, _)| before.is_empty() || before.ends_with('='))
        .map_or(text, |(_, file)| file);
    let text = text.split(';').next().unwrap_or(text);
    // `host:/etc/shadow`
    let text = text
        .split_once(":/")
        .filter(|(host, rest)| {
            // `namespace/pod:/path`
            !host.starts_with(['/', '.', '~']) && host.matches('/').count() < 2 && !rest.starts_with('/')
        })
        .map_or(Cow::Borrowed(text), |(_, path)| Cow::Owned(format!("/{path}")));
    if text.len() > paths::MAX_SECRET {
        return None;
    }
    // A text with blanks is prose, but for `/proc/$(pgrep -n node)/environ`.
    let blanks = text.matches(' ').count();
    let is_path = blanks == 0
        || text.starts_with('/') && text.contains("$(")
        // `~/.config/google-chrome/Default/Login Data`
        || blanks < 3 && text.starts_with(['/', '~']);
    Some(text).filter(|text| is_path && !text.contains("://") && paths::may_be_secret(text))
}

/// Whether it reads a file that holds secrets as its input.
pub(super) fn reads_one(look: &Look<'_>) -> bool {
    look.seen
        .redirections
        .iter()
        .filter(|redirection| !redirection.writes)
        .filter_map(|redirection| redirection.target.as_ref())
        .any(|target| paths::is_secret(look, &target.text.to_lossy()))
}

/// Files that a command reads as its input and that may hold secrets.
pub(super) fn texts_read(seen: &Seen) -> Vec<String> {
    let read = seen.redirections.iter().filter(|redirection| !redirection.writes);
    let read =
        read.filter_map(|redirection| redirection.target.as_ref()).map(|target| target.text.to_lossy());
    read.filter(|file| paths::may_be_secret(file)).map(Cow::into_owned).collect()
}

/// What a command's output may be a secret by: the files that it shows.
pub(super) fn texts_shown(look: &Look<'_>, seen: &Seen) -> Vec<String> {
    let Some(tool) = look.tools.find(&seen.program.name) else { return Vec::new() };
    let by_git = seen.program.name == "git"
        && seen.words.get(1).is_some_and(|sub| {
            matches!(
                sub.text.as_bytes(),
                b"diff" | b"show" | b"blame" | b"cat-file" | b"log" | b"grep" | b"archive"
            )
        });
    if !tool.reveals && !by_git {
        return Vec::new();
    }
    let words = seen.words.iter().skip(1).take(256).map(|word| word.text.to_lossy());
    let named = words.filter_map(|word| file_named_by(&word).map(Cow::into_owned));
    texts_read(seen).into_iter().chain(named).collect()
}

/// Whether a command picks out of what it reads the lines that name secrets: `grep -i password`.
pub(super) fn looks_for_some(look: &Look<'_>, seen: &Seen) -> bool {
    let picks = look.tools.find(&seen.program.name).is_some_and(|tool| tool.pattern_first && tool.reveals);
    let turned =
        |word: &[u8]| word.first() == Some(&b'-') && word.get(1) != Some(&b'-') && word.contains(&b'v');
    picks
        && !seen.words.iter().skip(1).take(8).any(|word| turned(word.text.as_bytes()))
        && seen.words.iter().skip(1).take(8).any(|word| {
            let upper = word.text.to_lossy().to_ascii_uppercase();
            SECRET_WORDS.iter().any(|secret| upper.contains(secret))
        })
}
