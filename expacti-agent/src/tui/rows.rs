//! A card as rows of text. What decides comes first, and nothing is left out without a mark.

use expacti_core::request::Script;
use expacti_core::untrusted::Untrusted;
use similar::{ChangeTag, TextDiff};

use super::theme::Kind;
use crate::cli::{in_words, stdin};
use crate::wire::{CardDetail, ContainerView, EarlierText, command_line};

/// Bytes of one argument or script that are shown.
const MOST: usize = 64 * 1024;

/// How wide the names on the left are.
pub(super) const LABEL: usize = 12;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// What it is about.
    pub(super) label: String,
    /// What it says.
    pub(super) pieces: Vec<(String, Kind)>,
}

/// A whole card.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    /// Its rows.
    pub(super) all: Vec<Row>,
    /// How many of them, from the top, have to be seen before anybody can approve.
    pub(super) must_see: usize,
}

/// Everything about a card.
pub(super) fn of(detail: &CardDetail) -> Rows {
    let mut rows = Rows::default();
    let CardDetail { card, request, evaluation, before, earlier, claim, node, .. } = detail;
    for (at, word) in request.argv.iter().enumerate() {
        rows.untrusted(&format!("argv[{at}]"), word);
        if word.as_bytes().contains(&b'\n') {
            rows.text(word, earlier.as_ref().filter(|earlier| earlier.word == Some(at)));
        }
    }
    if let Some(script) = &request.script {
        rows.script(script, earlier.as_ref().filter(|earlier| earlier.word.is_none()));
    }
    rows.untrusted("executable", &request.exe.path);
    for interpreter in &request.interpreters {
        rows.untrusted("interpreter", &interpreter.path);
    }
    if let Some(cwd) = &request.cwd {
        rows.untrusted("cwd", cwd);
    }
    rows.plain("stdin", stdin(&request.stdin));
    for missing in &request.missing {
        rows.kind("NOT READ", visible(missing), Kind::Strong);
    }
    rows.must_see = rows.all.len();
    rows.kind(
        "risk",
        format!("{} {}; {}", card.level, card.score, visible(&card.decided_by)),
        Kind::Risk(card.level),
    );
    for factor in &evaluation.factors {
        rows.plain("", format!("{:+} {}", factor.points, visible(&factor.because)));
    }
    let (uid, euid) = (request.credentials.uid, request.credentials.euid);
    let place = if node.is_empty() { String::new() } else { format!(", on node {}", visible(node)) };
    let effective = if uid == euid { String::new() } else { format!(", effective {euid}") };
    rows.plain("user", format!("uid {uid}{effective}{place}"));
    for (name, value) in &request.env {
        rows.untrusted("environment", &Untrusted::from([name.as_bytes(), b"=", value.as_bytes()].concat()));
    }
    if let Some(container) = &request.container {
        rows.plain("container", visible(&ContainerView::from(container).to_string()));
    }
    for git in request.git.iter().flat_map(|git| [&git.branch, &git.remote]).flatten() {
        rows.untrusted("git", git);
    }
    for vote in &card.votes {
        let note = vote.note.as_ref().map(|note| format!(": {}", visible(note))).unwrap_or_default();
        let said = if vote.approve { "approves" } else { "denies" };
        rows.kind("vote", format!("{} {said}{note}", vote.name), Kind::Strong);
    }
    if let Some(claim) = claim {
        rows.untrusted("it claims", claim);
    }
    for ancestor in &request.lineage {
        rows.plain("started by", format!("{} {}", ancestor.pid, command_line(&ancestor.argv, 400).0));
    }
    for past in before.iter().rev() {
        let outcome = visible(past.outcome.as_deref().unwrap_or("waits"));
        rows.plain("before", format!("{} ago: {} ({outcome})", in_words(past.ago_ms), past.command));
    }
    rows.kind("digest", card.digest.clone(), Kind::Faint);
    rows
}

impl Rows {
    fn plain(&mut self, label: &str, text: String) {
        self.kind(label, text, Kind::Plain);
    }

    fn kind(&mut self, label: &str, text: String, kind: Kind) {
        self.all.push(Row { label: label.to_owned(), pieces: vec![(text, kind)] });
    }

    fn untrusted(&mut self, label: &str, text: &Untrusted) {
        self.all.push(Row { label: label.to_owned(), pieces: pieces(text, Kind::Plain) });
    }

    /// A text of several lines, each on its own row, with what changed since an earlier version.
    fn text(&mut self, text: &Untrusted, earlier: Option<&EarlierText>) {
        let Some(earlier) = earlier.filter(|earlier| earlier.text != *text) else {
            if let Some(EarlierText { by, .. }) = earlier {
                self.kind(
                    "",
                    format!("unchanged since {} approved it", visible(&by.join(", "))),
                    Kind::Strong,
                );
            }
            for line in text.as_bytes().split(|byte| *byte == b'\n') {
                let pieces =
                    if line.is_empty() { Vec::new() } else { pieces(&Untrusted::from(line), Kind::Plain) };
                self.all.push(Row { label: "   |".to_owned(), pieces });
            }
            return;
        };
        let since = if earlier.by.is_empty() {
            "what changed since it last ran here:".to_owned()
        } else {
            format!("what changed since {} approved it:", visible(&earlier.by.join(", ")))
        };
        self.kind("", since, Kind::Strong);
        let (old, new) = (earlier.text.to_lossy(), text.to_lossy());
        for change in TextDiff::from_lines(&*old, &*new).iter_all_changes() {
            let (mark, kind) = match change.tag() {
                ChangeTag::Equal => ("   |", Kind::Plain),
                ChangeTag::Insert => ("  +|", Kind::Added),
                ChangeTag::Delete => ("  -|", Kind::Removed),
            };
            let line = Untrusted::from(change.value().trim_end_matches('\n'));
            self.all.push(Row { label: mark.to_owned(), pieces: pieces(&line, kind) });
        }
    }

    fn script(&mut self, script: &Script, earlier: Option<&EarlierText>) {
        self.untrusted("script", &script.path);
        if script.truncated {
            self.kind("NOT READ", "the script goes on beyond what is shown".to_owned(), Kind::Strong);
        }
        self.text(&script.text, earlier);
    }
}

/// Escaped text, with what was escaped set apart from what an agent may have written to look like it.
fn pieces(text: &Untrusted, kind: Kind) -> Vec<(String, Kind)> {
    let bytes = text.as_bytes();
    if bytes.is_empty() {
        return vec![("(empty)".to_owned(), Kind::Faint)];
    }
    let shown = Untrusted::from(&bytes[..bytes.len().min(MOST)]).to_string();
    let mut pieces = Vec::new();
    let mut rest = shown.as_str();
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        let end = match escape.as_bytes().get(1) {
            Some(b'u') => escape.find('}').map_or(escape.len(), |end| end + 1),
            Some(b'x') => 4,
            _ => 2,
        };
        let (escape, after) = escape.split_at(end.min(escape.len()));
        if !before.is_empty() {
            pieces.push((before.to_owned(), kind));
        }
        pieces.push((escape.to_owned(), Kind::Escape));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push((rest.to_owned(), kind));
    }
    if bytes.len() > MOST {
        let more = format!(" [... {} bytes more: expacti show]", bytes.len() - MOST);
        pieces.push((more, Kind::Strong));
    }
    pieces
}

/// Text that people or rules wrote, without what could move the cursor.
pub(super) fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Breaks rows where they would leave the screen. A row that goes on has an empty label.
pub(super) fn wrapped(row: &Row, width: usize) -> Vec<Row> {
    let room = width.saturating_sub(LABEL).max(8);
    let mut lines = vec![Row { label: row.label.clone(), pieces: Vec::new() }];
    let mut left = room;
    for (text, kind) in &row.pieces {
        let mut rest: &str = text;
        while !rest.is_empty() {
            if left == 0 {
                lines.push(Row { label: String::new(), pieces: Vec::new() });
                left = room;
            }
            let at = rest.char_indices().nth(left).map_or(rest.len(), |(at, _)| at);
            let (head, tail) = rest.split_at(at);
            left -= head.chars().count();
            if let Some(line) = lines.last_mut() {
                line.pieces.push((head.to_owned(), *kind));
            }
            rest = tail;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_set_apart_and_nothing_is_lost() {
        let text = Untrusted::from("a\u{202e}\\u{202e}\n");
        let shown = pieces(&text, Kind::Plain);
        let expected = [
            ("a", Kind::Plain),
            ("\\u{202e}", Kind::Escape),
            ("\\\\", Kind::Escape),
            ("u{202e}", Kind::Plain),
            ("\\n", Kind::Escape),
        ];
        assert_eq!(shown, expected.map(|(text, kind)| (text.to_owned(), kind)));
    }

    #[test]
    fn what_is_left_out_is_said() {
        let long = Untrusted::from("x".repeat(MOST + 5));
        assert_eq!(pieces(&long, Kind::Plain)[1].0, " [... 5 bytes more: expacti show]");
    }

    #[test]
    fn long_rows_go_on_below() {
        let row = Row {
            label: "argv[0]".into(),
            pieces: vec![("abcdefghij".into(), Kind::Plain), ("k".into(), Kind::Escape)],
        };
        let lines: Vec<(String, String)> = wrapped(&row, LABEL + 8)
            .into_iter()
            .map(|row| (row.label, row.pieces.into_iter().map(|piece| piece.0).collect()))
            .collect();
        assert_eq!(lines, [("argv[0]".into(), "abcdefgh".into()), (String::new(), "ijk".into())]);
    }
}
