//! Here-documents: their text stands after the line that asks for them.

use super::{Reader, Trouble};

/// A here-document that was asked for.
pub(super) struct Heredoc {
    end: String,
    /// Its end was quoted, so nothing in it is expanded.
    quoted: bool,
    strip_tabs: bool,
    pub(super) text: String,
}

impl Reader<'_> {
    /// Takes the word that ends a here-document; its number.
    pub(super) fn open_heredoc(&mut self, strip_tabs: bool) -> usize {
        let start = self.position;
        let end =
            if matches!(self.peek(), None | Some(b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>')) {
                self.trouble(Trouble::Unreadable);
                String::new()
            } else {
                let commands = self.commands.len();
                let end = self.word().into_one().text.to_lossy().into_owned();
                self.commands.truncate(commands);
                end
            };
        let source = self.text.get(start..self.position).unwrap_or_default();
        let quoted = source.contains(['\'', '"', '\\']);
        self.heredocs.push(Heredoc { end, quoted, strip_tabs, text: String::new() });
        self.heredocs.len() - 1
    }

    /// Reads the texts that were asked for on the line that just ended.
    pub(super) fn read_heredocs(&mut self) {
        while self.heredocs_read < self.heredocs.len() {
            let number = self.heredocs_read;
            self.heredocs_read += 1;
            self.read_heredoc(number);
        }
    }

    fn read_heredoc(&mut self, number: usize) {
        let Some(doc) = self.heredocs.get(number) else { return };
        let (end, quoted, strip_tabs) = (doc.end.clone(), doc.quoted, doc.strip_tabs);
        let mut text = String::new();
        let mut closed = false;
        while self.position < self.text.len() {
            let rest = self.rest();
            let length = rest.find('\n').unwrap_or(rest.len());
            let line = &rest[..length];
            self.position = (self.position + length + 1).min(self.text.len());
            let line = if strip_tabs { line.trim_start_matches('\t') } else { line };
            if line == end {
                closed = true;
                break;
            }
            text.push_str(line);
            text.push('\n');
        }
        if !closed {
            // Shells warn and go on; so do we, but what ends at the end of the text may have been cut.
            self.trouble(Trouble::Unreadable);
        }
        if !quoted && text.contains(['$', '`', '\\']) {
            text = self.expand_heredoc(&text);
        }
        if let Some(doc) = self.heredocs.get_mut(number) {
            doc.text = text;
        }
    }
}
