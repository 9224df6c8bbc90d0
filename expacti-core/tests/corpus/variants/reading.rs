//! Where the words of a shell text lie: enough of the grammar to respell words in place, and `None` where it is not enough
//! (here-documents, `for`, `case`, functions, arithmetic), because a variant that means something else would prove nothing.

use std::ops::Range;

use super::quote::is_plain;

/// One word of a shell text.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) at: Range<usize>,
    /// It names the command that runs.
    pub(super) head: bool,
    /// Nothing in it has a meaning for the shell.
    pub(super) plain: bool,
}

/// The words of a text.
#[derive(Clone, Debug)]
pub(super) struct Reading<'t> {
    pub(super) text: &'t str,
    pub(super) words: Vec<Word>,
    /// One command, without assignment, redirection or operator.
    pub(super) simple: bool,
}

impl<'t> Reading<'t> {
    pub(super) fn of(text: &'t str) -> Option<Self> {
        let mut reader = Reader { text, at: 0, head: true, words: Vec::new(), simple: true };
        while reader.step()? {}
        Some(Self { text, words: reader.words, simple: reader.simple })
    }

    pub(super) fn source(&self, word: &Word) -> &'t str {
        &self.text[word.at.clone()]
    }

    /// The text with some words written differently; `None` if nothing changes.
    pub(super) fn respell(
        &self,
        wanted: impl Fn(&Word) -> bool,
        mut spell: impl FnMut(&str) -> String,
    ) -> Option<String> {
        let mut text = String::with_capacity(2 * self.text.len());
        let mut done = 0;
        for word in self.words.iter().filter(|word| wanted(word)) {
            text.push_str(&self.text[done..word.at.start]);
            text.push_str(&spell(self.source(word)));
            done = word.at.end;
        }
        text.push_str(&self.text[done..]);
        (text != self.text).then_some(text)
    }

    /// The arguments, if this is one simple command whose words are all known.
    pub(super) fn literal_words(&self) -> Option<Vec<String>> {
        (self.simple && !self.words.is_empty())
            .then(|| self.words.iter().map(|word| unquoted(self.source(word))).collect::<Option<_>>())?
    }
}

/// A word that is plain or wholly within one pair of quotes.
fn unquoted(source: &str) -> Option<String> {
    if source.chars().all(is_plain) {
        return Some(source.into());
    }
    if let Some(inside) = source.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return (!inside.contains('\'')).then(|| inside.into());
    }
    let inside = source.strip_prefix('"')?.strip_suffix('"')?;
    (!inside.contains(['"', '$', '`', '\\', '!'])).then(|| inside.into())
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    head: bool,
    words: Vec<Word>,
    simple: bool,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// One token; `Some(false)` at the end.
    fn step(&mut self) -> Option<bool> {
        let Some(c) = self.peek() else { return Some(false) };
        match c {
            ' ' | '\t' => self.at += 1,
            '\\' if self.rest().starts_with("\\\n") => self.at += 2,
            '#' => return None,
            '&' if self.rest().starts_with("&>") => self.redirection()?,
            '<' | '>' if !matches!(self.rest().as_bytes().get(1), Some(b'(')) => self.redirection()?,
            '\n' | ';' | '|' | '&' | '(' => {
                if self.rest().starts_with(";;") || self.rest().starts_with("((") {
                    return None;
                }
                self.at += 1;
                (self.head, self.simple) = (true, false);
            }
            ')' => {
                self.at += 1;
                (self.head, self.simple) = (false, false);
            }
            _ => self.word()?,
        }
        Some(true)
    }

    fn redirection(&mut self) -> Option<()> {
        if self.rest().starts_with("<<") && !self.rest().starts_with("<<<") {
            return None;
        }
        self.simple = false;
        self.at += self.rest().find(|c| !"<>&|".contains(c))?;
        self.at += self.rest().find(|c| c != ' ')?;
        self.skip_word()
    }

    fn word(&mut self) -> Option<()> {
        let start = self.at;
        self.skip_word()?;
        let source = &self.text[start..self.at];
        if source.bytes().all(|b| b.is_ascii_digit()) && matches!(self.peek(), Some('<' | '>')) {
            return Some(());
        }
        if self.head {
            match source {
                "if" | "then" | "else" | "elif" | "do" | "while" | "until" | "!" | "{" | "time"
                | "coproc" => {
                    self.simple = false;
                    return Some(());
                }
                "fi" | "done" | "}" => {
                    (self.head, self.simple) = (false, false);
                    return Some(());
                }
                "for" | "case" | "select" | "function" | "[[" | "in" | "esac" => return None,
                _ if is_assignment(source) => {
                    self.simple = false;
                    return Some(());
                }
                _ => {}
            }
        }
        let plain = source.chars().all(is_plain);
        self.words.push(Word { at: start..self.at, head: self.head, plain });
        self.head = false;
        Some(())
    }

    fn skip_word(&mut self) -> Option<()> {
        let start = self.at;
        while let Some(c) = self.peek() {
            match c {
                '<' | '>' if self.rest()[1..].starts_with('(') => self.balanced(1)?,
                ' ' | '\t' | '\n' | ';' | '|' | '&' | ')' | '<' | '>' => break,
                '(' => return None,
                '\\' => self.at += 1 + self.rest()[1..].chars().next()?.len_utf8(),
                '\'' => self.at += 2 + self.rest()[1..].find('\'')?,
                '"' => self.double_quoted()?,
                '`' => self.at += 2 + self.rest()[1..].find('`')?,
                '$' if self.rest().starts_with("$((") => return None,
                '$' if self.rest().starts_with("$(") || self.rest().starts_with("${") => self.balanced(1)?,
                _ => self.at += c.len_utf8(),
            }
        }
        (self.at > start).then_some(())
    }

    fn double_quoted(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match self.peek()? {
                '"' => break,
                '\\' => self.at += 1 + self.rest()[1..].chars().next()?.len_utf8(),
                '$' if self.rest().starts_with("$(") => self.balanced(1)?,
                c => self.at += c.len_utf8(),
            }
        }
        self.at += 1;
        Some(())
    }

    /// From an opening bracket, `lead` bytes on, to behind its closing one.
    fn balanced(&mut self, lead: usize) -> Option<()> {
        self.at += lead;
        let mut depth = 0;
        loop {
            match self.peek()? {
                '(' | '{' => depth += 1,
                ')' | '}' => depth -= 1,
                '\\' => self.at += 1,
                '\'' => self.at += 1 + self.rest()[1..].find('\'')?,
                '"' => {
                    self.double_quoted()?;
                    continue;
                }
                _ => {}
            }
            self.at += self.peek()?.len_utf8();
            if depth == 0 {
                return Some(());
            }
        }
    }
}

fn is_assignment(source: &str) -> bool {
    source.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// Names that a shell runs itself, so that no path, wrapper or other file can stand for them.
pub(super) fn is_builtin(name: &str) -> bool {
    [
        ".", ":", "[", "alias", "bg", "builtin", "cd", "command", "coproc", "declare", "eval", "exec",
        "exit", "export", "fg", "history", "jobs", "let", "local", "read", "return", "set", "shopt",
        "source", "trap", "true", "type", "ulimit", "umask", "unalias", "unset", "wait",
    ]
    .contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(text: &str) -> Option<Vec<&str>> {
        let reading = Reading::of(text)?;
        Some(reading.words.iter().filter(|w| w.head).map(|w| reading.source(w)).collect())
    }

    #[test]
    fn it_finds_what_runs() {
        assert_eq!(heads("rm -rf /srv"), Some(vec!["rm"]));
        assert_eq!(
            heads("A=1 B='x y' env | grep A && true; ! false"),
            Some(vec!["env", "grep", "true", "false"])
        );
        assert_eq!(heads("if test -d x; then rm x; fi > log 2>&1"), Some(vec!["test", "rm"]));
        assert_eq!(heads("(cd /; ls) < in"), Some(vec!["cd", "ls"]));
        assert_eq!(heads("echo \"$(rm -rf ')' \")\")\" $(date)"), Some(vec!["echo"]));
        assert_eq!(heads("diff <(ls a) b"), Some(vec!["diff"]));
    }

    #[test]
    fn it_gives_up_where_it_does_not_know() {
        for text in
            ["cat <<EOF\nx\nEOF", "for a in b; do c; done", "f() { x; }", "case x in y) z;; esac", "ls # x"]
        {
            assert_eq!(heads(text), None, "{text}");
        }
    }

    #[test]
    fn a_simple_command_has_known_words() {
        let words = |text| Reading::of(text).and_then(|reading: Reading| reading.literal_words());
        assert_eq!(
            words("psql -c 'DROP TABLE x'"),
            Some(vec!["psql".into(), "-c".into(), "DROP TABLE x".into()])
        );
        assert_eq!(words("rm \"$HOME\""), None);
        assert_eq!(words("ls | wc"), None);
    }
}
