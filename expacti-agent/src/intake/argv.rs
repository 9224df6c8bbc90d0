//! Strings of an event: those it carries, and those that are too many to be carried.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use expacti_abi::digest::{Digest, Sip};
use expacti_abi::environment;
use expacti_abi::event::{Head, flag};
use expacti_core::untrusted::Untrusted;

/// The kernel's own bounds: more is no argument vector.
const MAX_STRING: usize = 131_072;
const MAX_TOTAL: usize = 8 << 20;

/// The payload of an event, by its parts.
pub(super) struct Strings<'a> {
    event: &'a Head,
    payload: &'a [u8],
}

impl<'a> Strings<'a> {
    pub(super) fn of(event: &'a Head, payload: &'a [u8]) -> Self {
        Self { event, payload }
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
        self.payload.get(at..at + len as usize).unwrap_or_default()
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
pub(super) fn read_large(event: &Head, key: [u64; 2]) -> io::Result<(Vec<Untrusted>, Vec<Untrusted>)> {
    let mut memory = Memory::of(event.tid)?;
    let width = if event.flags & flag::COMPAT == 0 { 8 } else { 4 };
    let mut argv = memory.strings(event.argv, width, |_| true)?;
    if event.stages > 1 && !argv.is_empty() {
        argv.remove(0);
    }
    let environment = memory.strings(event.envp, width, environment::matters)?;
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

/// Memory of the waiting task, read a page at a time: an argument vector has up to a million strings, mostly short ones
/// that lie side by side. Never beyond the page asked for, because whoever serves the next one may let us wait.
struct Memory {
    file: File,
    /// Where the pointers lie, and where the strings lie.
    pointers: Page,
    text: Page,
    left: usize,
}

impl Memory {
    fn of(tid: u32) -> io::Result<Self> {
        let file = File::open(format!("/proc/{tid}/mem"))?;
        Ok(Self { file, pointers: Page::default(), text: Page::default(), left: MAX_TOTAL })
    }

    fn strings(
        &mut self,
        array: u64,
        width: u64,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> io::Result<Vec<Untrusted>> {
        let mut found = Vec::new();
        let mut at = array;
        while at != 0 {
            let pointer = self.pointer(at, width)?;
            if pointer == 0 {
                break;
            }
            let text = self.string(pointer)?;
            if wanted(&text) {
                found.push(text.into());
            }
            at = at.wrapping_add(width);
        }
        Ok(found)
    }

    /// A pointer may lie across the border of two pages.
    fn pointer(&mut self, at: u64, width: u64) -> io::Result<u64> {
        self.spend(usize::try_from(width).unwrap_or(usize::MAX))?;
        (0..width).try_fold(0, |pointer, index| {
            let byte = *self.pointers.from(&self.file, at.wrapping_add(index))?.first().ok_or_else(beyond)?;
            Ok(pointer | u64::from(byte) << (8 * index))
        })
    }

    fn string(&mut self, mut at: u64) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        loop {
            let rest = self.text.from(&self.file, at)?;
            let end = rest.iter().position(|byte| *byte == 0);
            let read = end.unwrap_or(rest.len());
            text.extend_from_slice(&rest[..read]);
            if end.is_none() && (read == 0 || text.len() > MAX_STRING) {
                return Err(beyond());
            }
            self.spend(read + 1)?;
            if end.is_some() {
                return Ok(text);
            }
            at = at.wrapping_add(read as u64);
        }
    }

    fn spend(&mut self, bytes: usize) -> io::Result<()> {
        self.left = self.left.checked_sub(bytes).ok_or_else(beyond)?;
        Ok(())
    }
}

fn beyond() -> io::Error {
    io::Error::other("it is longer than the kernel allows, so it changed meanwhile")
}

/// The page that was read last.
#[derive(Default)]
struct Page {
    start: u64,
    bytes: Vec<u8>,
}

impl Page {
    const SIZE: usize = 4096;

    /// What is in memory from here to the end of its page.
    fn from(&mut self, memory: &File, at: u64) -> io::Result<&[u8]> {
        let within = usize::try_from(at % Self::SIZE as u64).unwrap_or_default();
        let start = at - within as u64;
        if self.start != start || self.bytes.is_empty() {
            self.bytes.resize(Self::SIZE, 0);
            self.start = start;
            let read = memory.read_at(&mut self.bytes, start);
            self.bytes.truncate(*read.as_ref().unwrap_or(&0));
            read?;
        }
        Ok(self.bytes.get(within..).unwrap_or_default())
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
    fn memory_is_read_across_pages() {
        let pages: &[u8] = &[b'x'; 3 * Page::SIZE + 100];
        let words = [&pages[..0], b"git", &pages[..Page::SIZE - 1], &pages[..Page::SIZE], pages, b"end"];
        let joined: Vec<u8> = words.iter().flat_map(|word| [word, &b"\0"[..]].concat()).collect();
        let mut at = joined.as_ptr() as u64;
        let mut array = vec![0_u8];
        for word in words {
            array.extend(at.to_le_bytes());
            at += word.len() as u64 + 1;
        }
        array.extend([0; 8]);
        let mut memory = Memory::of(std::process::id()).unwrap();
        // Not at a whole word, so that some pointer would lie across a border if there were more of them.
        let read = memory.strings(array.as_ptr() as u64 + 1, 8, |_| true).unwrap();
        assert_eq!(read, words.map(Untrusted::from));
    }

    #[test]
    fn a_pointer_across_two_pages_is_whole() {
        let bytes = vec![0x11_u8; 3 * Page::SIZE];
        let border = (bytes.as_ptr() as u64).next_multiple_of(Page::SIZE as u64) + Page::SIZE as u64;
        let mut memory = Memory::of(std::process::id()).unwrap();
        assert_eq!(memory.pointer(border - 3, 8).unwrap(), 0x1111_1111_1111_1111);
        assert_eq!(memory.pointer(border - 3, 4).unwrap(), 0x1111_1111);
    }

    #[test]
    fn what_the_kernel_would_not_take_is_no_argv() {
        let endless = vec![b'x'; MAX_STRING + 2 * Page::SIZE];
        let array = [endless.as_ptr() as u64, 0];
        let mut memory = Memory::of(std::process::id()).unwrap();
        assert!(memory.strings(array.as_ptr() as u64, 8, |_| true).is_err());
        assert!(memory.strings(8, 8, |_| true).is_err(), "nothing is mapped there");
    }

    #[test]
    fn a_cut_payload_gives_no_half_string() {
        assert_eq!(split(b"git\0\0\0\0\0stat").collect::<Vec<_>>(), [Untrusted::from("git")]);
    }
}
