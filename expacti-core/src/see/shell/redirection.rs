//! Redirections of a command.

use super::fields::Fields;
use super::{Reader, ShellCommand, ShellInput, Trouble};
use crate::assessment::Redirection;

impl Reader<'_> {
    pub(super) fn redirection_follows(&self) -> bool {
        let rest = self.rest();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        match rest.as_bytes().get(digits..) {
            Some([b'<' | b'>', b'(', ..]) => false,
            Some([b'<' | b'>', ..]) => true,
            Some([b'&', b'>', ..]) => digits == 0,
            _ => false,
        }
    }

    pub(super) fn redirection(&mut self, command: &mut ShellCommand) {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let descriptor = self.rest().get(..digits).unwrap_or_default();
        let reads_input = descriptor.is_empty() || descriptor == "0";
        self.position += digits;
        let operators = ["<<<", "<<-", "<<", "<>", "<&", ">>", ">|", ">&", "&>>", "&>", "<", ">"];
        let Some(operator) = operators.into_iter().find(|op| self.rest().starts_with(op)) else {
            self.unreadable(1);
            return;
        };
        self.position += operator.len();
        self.blanks();
        if matches!(operator, "<<" | "<<-") {
            let number = self.open_heredoc(operator == "<<-");
            command.redirections.push(Redirection { writes: false, target: None });
            if reads_input {
                command.input = ShellInput::Pending(number);
            }
            return;
        }
        if matches!(self.peek(), None | Some(b'\n' | b';' | b'|' | b')' | b'&')) {
            self.trouble(Trouble::Unreadable);
            return;
        }
        let process = operator == "<" && self.rest().starts_with("<(");
        if process {
            self.position += 2;
            let range = self.substitution();
            command.input = match self.output_of_range(range.clone()) {
                Some(text) => ShellInput::Text(text),
                None => ShellInput::Pipe(range),
            };
            command.redirections.push(Redirection { writes: false, target: None });
            return;
        }
        let fields: Fields = self.word();
        let target = fields.into_one();
        let text = target.text.to_lossy().into_owned();
        let copies = matches!(operator, ">&" | "<&")
            && (text == "-" || text.trim_end_matches('-').bytes().all(|b| b.is_ascii_digit()));
        if copies {
            command.redirections.push(Redirection { writes: operator == ">&", target: None });
        } else if operator == "<<<" {
            command.redirections.push(Redirection { writes: false, target: None });
            command.input = ShellInput::Text(text);
        } else {
            let writes = operator != "<" && operator != "<&";
            command.extends |= matches!(operator, ">>" | "&>>") && !text.starts_with("/dev/");
            if !writes && reads_input {
                command.input = ShellInput::File;
            }
            command.redirections.push(Redirection { writes, target: Some(target) });
        }
    }
}
