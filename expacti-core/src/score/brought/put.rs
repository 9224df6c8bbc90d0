//! Where options put what is fetched: into a folder of its own, or a whole site with all its folders or without.

use super::known::Known;
use super::words::{is_remote, join, names_file, plain, texts};
use super::{COMMON, MAX_WORDS};
use crate::see::Seen;
use crate::tools::{Arguments, Tool};

/// Options that name the endings of what is taken.
const KINDS: [&str; 2] = ["-A", "--accept"];

/// Whether options of a command may say where it puts things.
pub(super) fn says_where(tool: &Tool, seen: &Seen) -> bool {
    let words = || seen.words.iter().skip(1).take(MAX_WORDS).map(|word| word.text.as_bytes());
    !tool.mirrors.is_empty() && words().any(|word| word.starts_with(b"-"))
        || !tool.into.is_empty()
            && words().any(|word| tool.into.iter().any(|option| word.starts_with(option.as_bytes())))
}

impl Known {
    /// It comes to where the options of its command say.
    pub(super) fn is_put(&mut self, tool: &Tool, seen: &Seen) {
        let arguments = Arguments::read(Some(tool), &seen.words[..seen.words.len().min(MAX_WORDS)], None);
        let directory = seen.directory.as_deref();
        let place = arguments.values(&tool.into).last().map(|(place, _)| plain(place));
        let place = place.filter(|place| *place != ".").unwrap_or_default();
        let words = texts(seen);
        let addresses: Vec<&str> = words.iter().map(AsRef::as_ref).filter(|text| is_remote(text)).collect();
        let mirrors = arguments.has(&tool.mirrors);
        if mirrors {
            self.is_mirrored(tool, &arguments, &addresses, &join(directory, place));
        }
        if COMMON.contains(&place) {
            return;
        }
        if mirrors || addresses.is_empty() || !addresses.iter().all(|address| names_file(address)) {
            self.add_folder(join(directory, place));
        }
        for name in words.iter().filter(|text| !is_remote(text)) {
            self.add_path(join(directory, &format!("{place}/{}", plain(name))));
        }
    }

    /// A whole site comes, into a folder that is named after its host unless an option says otherwise.
    fn is_mirrored(&mut self, tool: &Tool, arguments: &Arguments<'_>, addresses: &[&str], place: &str) {
        let below = |folder: &str| join((!place.is_empty()).then_some(place), folder);
        let folderless = arguments.has(&tool.folderless);
        let hostless = arguments.has(&tool.hostless);
        for address in addresses {
            let rest = address.split_once("://").map_or(*address, |(_, rest)| rest);
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let folder = match path.split_once('/') {
                _ if folderless => None,
                _ if !hostless => Some(host.split(['?', '#', ':']).next().unwrap_or(host)),
                Some((first, _)) => Some(first),
                None => None,
            };
            match folder {
                Some(folder) => self.add_folder(below(folder)),
                None => self.is_poured_into(arguments, place),
            }
        }
    }

    /// Files come right into a folder, under names that nobody knows but for their endings.
    fn is_poured_into(&mut self, arguments: &Arguments<'_>, place: &str) {
        let kinds = KINDS.map(str::to_owned);
        let Some((kinds, _)) = arguments.values(&kinds).last() else {
            self.add_flat(place.to_owned());
            return;
        };
        let names = kinds.split(',').map(|kind| format!("*{}", kind.trim_start_matches('*')));
        names.for_each(|name| self.add_name(name));
    }
}
