//! Reads the live stream.

use std::io::{self, BufRead as _, BufReader};
use std::os::unix::net::UnixStream;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// What happened.
    pub(crate) name: String,
    /// Where the stream can be taken up again.
    pub(crate) id: String,
    /// JSON.
    pub(crate) data: String,
}

/// Events as they come. The iterator ends when the daemon ends the stream.
#[derive(Debug)]
pub(crate) struct Events(BufReader<UnixStream>);

impl Events {
    pub(super) fn new(stream: BufReader<UnixStream>) -> Self {
        Self(stream)
    }

    fn read(&mut self) -> io::Result<Option<Event>> {
        let mut event = Event::default();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let line = line.trim_end_matches(['\r', '\n']);
            // A blank line ends an event; a comment alone is only a sign of life.
            if line.is_empty() {
                if event.name.is_empty() {
                    continue;
                }
                return Ok(Some(event));
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut event.name),
                "id" => value.clone_into(&mut event.id),
                "data" => event.data.push_str(value),
                _ => {}
            }
        }
    }
}

impl Iterator for Events {
    type Item = io::Result<Event>;

    fn next(&mut self) -> Option<io::Result<Event>> {
        self.read().transpose()
    }
}
