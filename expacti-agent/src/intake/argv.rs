//! Strings of an event: those it carries, and those that are too many to be carried.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use expacti_abi::digest::{Digest, Sip};
use expacti_abi::environment;
use expacti_abi::event::{Attempt, flag};
use expacti_core::untrusted::Untrusted;

/// The kernel's own bounds: more is no argument vector.
const MAX_STRING: usize = 131_072;
const MAX_TOTAL: usize = 8 << 20;

/// The payload of an event, by its parts.
pub(super) struct Strings<'a> {
    event: &'a Attempt,
}

impl<'a> Strings<'a> {
    pub(super) fn of(event: &'a Attempt) -> Self {
        Self { event }
    }

    /// The last file's path as the task sees it.
    pub(super) fn path(&self) -> Untrusted {
        split(self.part(0, self.event.path_len)).next().unwrap_or_default()
    }

    /// The name that the caller gave.
    pub(super) fn name(&self) -> Untrusted {
        split(self.part(self.event.path_len, self.event.name_len)).next().unwrap_or_default()
    }

    /// The argument vector; of a script without its first string, which the kernel drops.
    pub(super) fn argv(&self, of_script: bool) -> Vec<Untrusted> {
        let count = (self.event.argc as usize).saturating_sub(usize::from(of_script));
        split(self.part(self.argv_at(), self.event.argv_len)).take(count).collect()
    }

    /// The variables that matter.
    pub(super) fn environment(&self) -> impl Iterator<Item = Untrusted> {
        split(self.part(self.argv_at() + self.event.argv_len, self.event.env_len))
    }

    fn argv_at(&self) -> u32 {
        self.event.path_len + self.event.name_len
    }

    /// Lengths come from the kernel side; one that does not fit means no bytes, not a wrong read.
    fn part(&self, at: u32, len: u32) -> &'a [u8] {
        let at = at as usize;
        self.event.payload.get(at..at + len as usize).unwrap_or_default()
    }
}

/// Strings that end in a NUL and are padded to whole words.
fn split(mut bytes: &[u8]) -> impl Iterator<Item = Untrusted> {
    std::iter::from_fn(move || {
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let text = &bytes[..end];
        bytes = bytes.get((end + 8) & !7..).unwrap_or_default();
        Some(text.into())
    })
}

/// Reads argv and the variables that matter from the waiting task, and checks that they are what the hook read.
pub(super) fn read_large(event: &Attempt, key: [u64; 2]) -> io::Result<(Vec<Untrusted>, Vec<Untrusted>)> {
    let memory = Memory { file: File::open(format!("/proc/{}/mem", event.tid))?, left: MAX_TOTAL };
    let width = if event.flags & flag::COMPAT == 0 { 8 } else { 4 };
    let (mut argv, memory) = memory.strings(event.argv, width, |_| true)?;
    if event.stages > 1 && !argv.is_empty() {
        argv.remove(0);
    }
    let (environment, _) = memory.strings(event.envp, width, environment::matters)?;
    if content(key, &argv, &environment) != event.content {
        return Err(io::Error::other("it changed while it was read"));
    }
    Ok((argv, environment))
}

/// The digest that the hook makes of argv and the environment that matters.
fn content(key: [u64; 2], argv: &[Untrusted], environment: &[Untrusted]) -> Digest {
    let absorbed = |strings: &[Untrusted]| {
        let mut sip = Sip::new(key);
        for string in strings {
            sip.string(string.as_bytes());
        }
        sip
    };
    let (mut sip, environment) = (absorbed(argv), absorbed(environment).finish());
    sip.word(environment[0]);
    sip.word(environment[1]);
    sip.finish()
}

struct Memory {
    file: File,
    left: usize,
}

impl Memory {
    fn strings(
        mut self,
        array: u64,
        width: usize,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> io::Result<(Vec<Untrusted>, Self)> {
        let mut found = Vec::new();
        let mut at = array;
        while at != 0 {
            let mut pointer = [0; 8];
            self.file.read_exact_at(&mut pointer[..width], at)?;
            let pointer = u64::from_le_bytes(pointer);
            if pointer == 0 {
                break;
            }
            let text = self.string(pointer)?;
            if wanted(&text) {
                found.push(text.into());
            }
            at += width as u64;
        }
        Ok((found, self))
    }

    fn string(&mut self, mut at: u64) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        loop {
            let mut page = [0; 4096];
            // Not beyond the page: the next one may not be there.
            let room = 4096 - usize::try_from(at % 4096).unwrap_or_default();
            let read = self.file.read_at(&mut page[..room], at)?;
            let end = page[..read].iter().position(|byte| *byte == 0);
            text.extend_from_slice(&page[..end.unwrap_or(read)]);
            self.left = self.left.saturating_sub(read);
            if end.is_some() {
                return Ok(text);
            }
            if read == 0 || self.left == 0 || text.len() > MAX_STRING {
                return Err(io::Error::other("it is longer than the kernel allows, so it changed meanwhile"));
            }
            at += read as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_split_at_whole_words() {
        let bytes = b"git\0\0\0\0\0status12\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        let expected: Vec<Untrusted> = ["git", "status12", ""].map(Untrusted::from).to_vec();
        assert_eq!(split(bytes).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_cut_payload_gives_no_half_string() {
        assert_eq!(split(b"git\0\0\0\0\0stat").collect::<Vec<_>>(), [Untrusted::from("git")]);
    }
}
