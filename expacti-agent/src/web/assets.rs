//! The files of the pages, inside this binary.

use std::fmt::Write as _;
use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

/// One file.
pub(super) struct Asset {
    /// Its path below `web/`.
    name: &'static str,
    /// Its media type.
    pub(super) kind: &'static str,
    /// Its content.
    pub(super) bytes: &'static [u8],
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PAGE: &str = "text/html; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

macro_rules! asset {
    ($name:literal, $kind:expr) => {
        Asset { name: $name, kind: $kind, bytes: include_bytes!(concat!("../../web/", $name)) }
    };
}

static ASSETS: [Asset; 37] = [
    asset!("index.html", PAGE),
    asset!("app/agents.js", SCRIPT),
    asset!("app/alerts.js", SCRIPT),
    asset!("app/api.js", SCRIPT),
    asset!("app/card.js", SCRIPT),
    asset!("app/cards.js", SCRIPT),
    asset!("app/charts.js", SCRIPT),
    asset!("app/dialogs.js", SCRIPT),
    asset!("app/diff.js", SCRIPT),
    asset!("app/dom.js", SCRIPT),
    asset!("app/editor.js", SCRIPT),
    asset!("app/frame.js", SCRIPT),
    asset!("app/highlight.js", SCRIPT),
    asset!("app/history.js", SCRIPT),
    asset!("app/list.js", SCRIPT),
    asset!("app/live.js", SCRIPT),
    asset!("app/log.js", SCRIPT),
    asset!("app/main.js", SCRIPT),
    asset!("app/overview.js", SCRIPT),
    asset!("app/pages.js", SCRIPT),
    asset!("app/program.js", SCRIPT),
    asset!("app/queue.js", SCRIPT),
    asset!("app/record.js", SCRIPT),
    asset!("app/rules.js", SCRIPT),
    asset!("app/signin.js", SCRIPT),
    asset!("app/suggestions.js", SCRIPT),
    asset!("app/theme.js", SCRIPT),
    asset!("app/tokens.js", SCRIPT),
    asset!("app/untrusted.js", SCRIPT),
    asset!("app/verdict.js", SCRIPT),
    asset!("app/words.js", SCRIPT),
    asset!("icon.svg", IMAGE),
    asset!("style/base.css", STYLE),
    asset!("style/card.css", STYLE),
    asset!("style/frame.css", STYLE),
    asset!("style/pages.css", STYLE),
    asset!("style/queue.css", STYLE),
];

/// What every page begins with.
pub(super) fn page() -> &'static Asset {
    &ASSETS[0]
}

/// A file by its path.
pub(super) fn named(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

impl Asset {
    /// Names exactly this content.
    pub(super) fn tag(&self) -> String {
        static TAGS: LazyLock<Vec<String>> =
            LazyLock::new(|| ASSETS.iter().map(|asset| tag(asset.bytes)).collect());
        let index = ASSETS.iter().position(|asset| asset.name == self.name);
        index.and_then(|index| TAGS.get(index)).cloned().unwrap_or_default()
    }
}

fn tag(bytes: &[u8]) -> String {
    Sha256::digest(bytes)[..12].iter().fold("\"".to_owned(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }) + "\""
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn files(folder: &Path, below: &str, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{below}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                files(&entry.path(), &format!("{name}/"), found);
            } else {
                found.insert(name);
            }
        }
    }

    #[test]
    fn every_file_is_served_and_named_right() {
        let mut found = BTreeSet::new();
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("web"), "", &mut found);
        assert_eq!(ASSETS.iter().map(|asset| asset.name.to_owned()).collect::<BTreeSet<_>>(), found);
        for asset in &ASSETS {
            let kind = match asset.name.rsplit_once('.').unwrap().1 {
                "js" => SCRIPT,
                "css" => STYLE,
                "svg" => IMAGE,
                "html" => PAGE,
                other => panic!("no media type for .{other}"),
            };
            assert_eq!(asset.kind, kind, "{}", asset.name);
        }
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere_and_no_text_becomes_markup() {
        for asset in &ASSETS {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            // The one URL is the name of SVG's vocabulary, which nobody fetches.
            let rest = text.replace("http://www.w3.org/2000/svg", "");
            for forbidden in ["http://", "https://", "innerHTML", "outerHTML", "insertAdjacentHTML", "eval("]
            {
                assert!(!rest.contains(forbidden), "{} contains {forbidden}", asset.name);
            }
        }
        let page = std::str::from_utf8(page().bytes).unwrap();
        assert!(!page.contains("<script>") && !page.contains("style=") && !page.contains(" onclick"));
    }
}
