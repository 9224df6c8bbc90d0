//! Watches what the kernel says on its serial console.

use std::collections::VecDeque;

/// How much of it is shown when something went wrong.
const TAIL: usize = 80;

/// Words after which a guest is lost, and what to call that. They stand at the beginning of a message.
const LAST_WORDS: &[(&str, &str)] = &[
    ("Kernel panic", "the guest's kernel panicked"),
    ("Oops:", "the guest's kernel oopsed"),
    ("BUG:", "the guest's kernel hit a bug"),
    ("kernel BUG at", "the guest's kernel hit a bug"),
    ("general protection fault", "the guest's kernel faulted"),
    ("watchdog: BUG: soft lockup", "a CPU of the guest hangs in the kernel"),
    ("rcu: INFO:", "the guest's kernel reports an RCU stall"),
    ("INFO: rcu_", "the guest's kernel reports an RCU stall"),
];

/// The console of one guest.
#[derive(Default)]
pub(crate) struct Console {
    lines: VecDeque<String>,
    partial: Vec<u8>,
    trouble: Option<&'static str>,
}

impl Console {
    /// Takes what arrived.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' => {
                    let line = String::from_utf8_lossy(&std::mem::take(&mut self.partial)).into_owned();
                    self.line(line);
                }
                b'\r' => {}
                byte => self.partial.push(*byte),
            }
        }
    }

    fn line(&mut self, line: String) {
        let message = after_timestamp(&line);
        let found = LAST_WORDS.iter().find(|(words, _)| message.starts_with(words));
        self.trouble = self.trouble.or(found.map(|(_, trouble)| *trouble));
        if self.lines.len() == TAIL {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// What went wrong, if something did.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        self.trouble
    }

    /// The last lines.
    pub(crate) fn tail(&self) -> String {
        let partial = String::from_utf8_lossy(&self.partial);
        let lines = self.lines.iter().map(String::as_str).chain([partial.as_ref()]);
        quoted("  | ", lines.filter(|line| !line.trim().is_empty()))
    }
}

/// Lines of somebody else's, each behind a mark.
pub(crate) fn quoted<'a>(mark: &str, lines: impl Iterator<Item = &'a str>) -> String {
    lines.flat_map(|line| [mark, line, "\n"]).collect()
}

/// `[   12.345678] message` without its front.
fn after_timestamp(line: &str) -> &str {
    match line.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((time, message)) if time.trim().parse::<f64>().is_ok() => message,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble_in(text: &str) -> Option<&'static str> {
        let mut console = Console::default();
        for chunk in text.as_bytes().chunks(7) {
            console.feed(chunk);
        }
        console.trouble()
    }

    #[test]
    fn last_words_are_heard_with_and_without_time() {
        assert!(trouble_in("[    3.1] Kernel panic - not syncing: sysrq\r\n").is_some());
        assert!(trouble_in("rcu: INFO: rcu_preempt self-detected stall on CPU\n").is_some());
        assert!(trouble_in("[   61.0] watchdog: BUG: soft lockup - CPU#1 stuck for 26s!\n").is_some());
    }

    #[test]
    fn other_words_are_not() {
        assert_eq!(trouble_in("[    0.5] Command line: panic=-1 oops=panic\nDEBUG: a\n a BUG: b\n"), None);
    }

    #[test]
    fn the_tail_is_the_end() {
        let mut console = Console::default();
        for number in 0..100 {
            console.feed(format!("line {number}\n").as_bytes());
        }
        console.feed(b"half");
        assert!(console.tail().starts_with("  | line 20\n"));
        assert!(console.tail().ends_with("  | line 99\n  | half\n"));
    }
}
