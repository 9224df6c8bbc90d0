//! What earlier commands of the same text have done that a description asks about.

use super::{Look, secrets};
use crate::assessment::Word;
use crate::see::{Around, Seen};
use crate::tools::{Arguments, RunsKind, glob};

/// Commands before one, and words of each, that are looked at.
const MAX_BEFORE: usize = 64;

/// Whether a variable that fits one of these patterns is set in front of the command, or was exported before it.
pub(super) fn sets_one(look: &Look<'_>, patterns: &[String]) -> bool {
    let fits = |text: &str| patterns.iter().any(|pattern| glob(pattern, text));
    let mut set = look.seen.assignments.iter();
    set.any(|(name, value)| fits(&format!("{name}={}", value.text.to_lossy())))
        || earlier(look)
            .filter(|seen| matches!(seen.program.name.as_str(), "export" | "declare"))
            .any(|seen| seen.words.iter().skip(1).take(MAX_BEFORE).any(|word| fits(&word.text.to_lossy())))
}

/// Whether an earlier command is one of these, with nothing but options: `npm pack` packs what lies here, and
/// `npm pack NAME` what somebody else has published.
pub(super) fn ran_one(look: &Look<'_>, commands: &[String]) -> bool {
    let is_one = |seen: &Seen| {
        let name = seen.program.name.as_str();
        let mut named = commands.iter().filter_map(|command| command.split_once(' '));
        named.any(|(program, rest)| {
            program == name && {
                let words = &seen.words[..seen.words.len().min(MAX_BEFORE)];
                let arguments = Arguments::read(look.tools.find(name), words, None);
                arguments.free().iter().map(|word| word.text.as_ref()).eq(rest.split(' '))
            }
        })
    };
    earlier(look).any(is_one)
}

/// `wget "$URL" && sh x.sh`: whether the script that runs lies right where something of a name that nobody knows was
/// fetched to just before.
pub(super) fn may_have_fetched_it(look: &Look<'_>) -> bool {
    let Some(tool) = look.tool else { return false };
    let is_shell = tool.runs.iter().any(|runs| runs.kind == RunsKind::Script);
    let file = match &look.seen.program.folder {
        Some(folder) => (folder == "." && tool.is_unknown()).then_some(""),
        None if is_shell => look.arguments.free().first().map(|word| word.text.as_ref()),
        None => None,
    };
    let here = file.is_some_and(|file| !file.strip_prefix("./").unwrap_or(file).contains('/'));
    here && !look.seen.program_from_text
        && earlier(look).any(|seen| {
            seen.parent == look.seen.parent
                && seen.directory == look.seen.directory
                && saves_unnamed(look, seen)
        })
}

/// Whether it saves what it fetches under the name that an address has which nobody knows.
fn saves_unnamed(look: &Look<'_>, seen: &Seen) -> bool {
    let saves = match seen.program.name.as_str() {
        "wget" | "wget2" => true,
        "curl" => false,
        _ => return false,
    };
    let Some(tool) = look.tools.find(&seen.program.name) else { return false };
    let arguments = Arguments::read(Some(tool), &seen.words[..seen.words.len().min(MAX_BEFORE)], None);
    let given = |names: &[&str]| names.iter().any(|name| arguments.flag_names().any(|given| given == *name));
    let is_unknown = |text: &str| text.starts_with(['$', '`']) && !text.contains('/');
    arguments.free().iter().any(|word| !word.literal && is_unknown(&word.text))
        && (saves && !given(&["-O", "--output-document", "-P", "--directory-prefix", "-i"])
            || given(&["--remote-name", "-J"])
            || !saves && given(&["-O"]))
}

/// `git add -f .env && git commit -m x && git push`: whether what is pushed was taken out of a file of secrets. Each
/// command that takes files notes what it took, so that a push looks at none of them again.
pub(super) fn pushes_a_secret(look: &Look<'_>) -> bool {
    let taken = &look.so_far.took_a_secret;
    let verb = look.seen.words.get(1).filter(|_| look.seen.program.name == "git");
    match verb.map(|word| word.text.as_bytes()) {
        Some(b"push") => taken.get(),
        Some(b"add" | b"stage" | b"notes" | b"hash-object" | b"update-index" | b"tag") if !taken.get() => {
            let mut files = look.seen.words.iter().skip(2).take(MAX_BEFORE).map(|word| word.text.to_lossy());
            taken.set(files.any(|file| !file.starts_with('-') && secrets::names_secret(look, &file)));
            false
        }
        _ => false,
    }
}

/// `gpg -e "$f" && rm "$f"` for one file after another: what is left can be read by whoever has the key alone.
pub(super) fn leaves_it_encrypted(look: &Look<'_>) -> bool {
    let takes_away =
        matches!(look.seen.program.name.as_str(), "rm" | "shred" | "unlink" | "srm" | "truncate");
    if look.seen.around == Around::Nothing || !takes_away {
        return false;
    }
    let gone =
        |word: &Word| !word.literal && look.seen.words.iter().skip(1).any(|gone| gone.text == word.text);
    earlier(look)
        .filter(|seen| encrypts(seen))
        .any(|seen| seen.words.iter().skip(1).take(MAX_BEFORE).any(gone))
}

fn encrypts(seen: &Seen) -> bool {
    let has = |known: &[&str]| {
        seen.words.iter().skip(1).take(MAX_BEFORE).any(|word| {
            let text = word.text.to_lossy();
            known.iter().any(|begin| text.starts_with(begin))
        })
    };
    match seen.program.name.as_str() {
        "gpg" | "gpg2" => has(&["-e", "-c", "--encrypt", "--symmetric"]),
        "openssl" => has(&["enc", "-aes", "-chacha", "cms", "smime"]) && !has(&["-d"]),
        "age" | "rage" => !has(&["-d", "--decrypt"]),
        "7z" | "zip" | "rar" | "7za" => has(&["-p", "-P", "-e", "--password"]),
        "ccrypt" | "scrypt" | "aescrypt" | "mcrypt" => !has(&["-d"]),
        _ => false,
    }
}

/// `docker load -i x.tar && docker run x`: whether an image out of a file that was fetched just before is among those
/// that it may run.
pub(super) fn loaded_what_was_fetched(look: &Look<'_>) -> bool {
    let is_engine = |name: &str| matches!(name, "docker" | "podman" | "nerdctl");
    let runs =
        look.arguments.free().first().is_some_and(|verb| matches!(verb.text.as_ref(), "run" | "create"));
    if look.at == 0 || !runs || !is_engine(&look.seen.program.name) {
        return false;
    }
    let loads = |seen: &&Seen| {
        let mut words = seen.words.iter().skip(1).take(2).map(|word| word.text.as_bytes());
        is_engine(&seen.program.name) && words.any(|word| matches!(word, b"load" | b"import"))
    };
    let is_fetch = |seen: &Seen| look.tools.find(&seen.program.name).is_some_and(|tool| tool.fetches);
    let fetching: Vec<&Seen> = earlier(look).filter(|seen| is_fetch(seen)).collect();
    earlier(look).filter(loads).any(|load| {
        let mut upstream = load.upstream.iter().filter_map(|number| look.all.get(*number));
        let read = load.redirections.iter().filter(|redirection| !redirection.writes);
        let read = read.filter_map(|redirection| redirection.target.as_ref());
        let mut files =
            load.words.iter().skip(2).take(MAX_BEFORE).chain(read).map(|word| word.text.to_lossy());
        let names = |seen: &Seen, file: &str| {
            let written = seen.redirections.iter().filter_map(|redirection| redirection.target.as_ref());
            let mut words = seen.words.iter().skip(1).take(MAX_BEFORE).chain(written);
            words.any(|word| word.text.to_lossy().rsplit('/').next() == file.rsplit('/').next())
        };
        upstream.any(is_fetch)
            || files.any(|file| !file.starts_with('-') && fetching.iter().any(|seen| names(seen, &file)))
    })
}

fn earlier<'l>(look: &'l Look<'_>) -> impl Iterator<Item = &'l Seen> {
    let from = look.at.saturating_sub(MAX_BEFORE);
    look.all.get(from..look.at).unwrap_or_default().iter()
}
