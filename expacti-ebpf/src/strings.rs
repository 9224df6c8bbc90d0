//! Reading lists of strings from user memory into a digest, and into an event as far as they fit.
//!
//! The same code reads the caller's argv before the exec and the new program's after it, so the two digests are
//! equal exactly if the kernel copied what was judged.

use core::ffi::c_void;
use core::mem::MaybeUninit;

use aya_ebpf::helpers::generated::{bpf_loop, bpf_probe_read_user, bpf_probe_read_user_str};
use expacti_abi::digest::{Digest, Sip};
use expacti_abi::event::NOTES;
use expacti_abi::limits::MAX_STRINGS;

use crate::maps;
use crate::page::Page;

/// Reads strings into a page.
///
/// Its notes lie there, not on the stack: the verifier follows every value on the stack and would walk each round of each
/// loop anew, but what comes out of a map's memory is any number to it, so it walks each loop once.
#[repr(C)]
pub(crate) struct Reader<P> {
    page: *mut P,
}

#[repr(C)]
struct Notes {
    sip: Sip,
    /// Where in the payload the next chunk goes.
    at: u64,
    /// Where strings begin in the payload: what lies before is kept.
    start: u64,
    /// The pointer array.
    source: u64,
    /// Bytes of a pointer.
    width: u64,
    /// Where the string that is being read goes on; at its end, where the next one begins.
    cursor: u64,
    /// Strings to pass over at the start.
    skip: u64,
    /// Strings found.
    found: u64,
    /// Not zero: only variables that matter count.
    environment: u64,
    /// Not zero: something did not fit into the payload.
    overflow: u64,
    /// Not zero: something could not be read.
    unreadable: u64,
    /// Where the words to absorb begin, as an offset into the event.
    words_at: u64,
}

const _: () = assert!(size_of::<Notes>() == 8 * NOTES);

impl<P: Page> Reader<P> {
    /// Strings go to the page from `at` on.
    #[inline(always)]
    pub(crate) fn new(key: [u64; 2], page: *mut P, at: u64) -> Self {
        let mut reader = Self { page };
        let notes = reader.notes();
        notes.sip = Sip::new(key);
        notes.at = at;
        notes.start = at;
        notes.found = 0;
        notes.environment = 0;
        notes.overflow = 0;
        notes.unreadable = 0;
        reader
    }

    /// Reads the strings that an array of pointers leads to, but for the first `skip` ones.
    #[inline(always)]
    pub(crate) fn pointers(&mut self, array: u64, width: u64, skip: u64) {
        let notes = self.notes();
        notes.source = array;
        notes.width = width;
        notes.skip = skip;
        notes.found = 0;
        if array != 0 {
            repeat(MAX_STRINGS, each_pointer::<P>, self);
        }
    }

    /// Where the first of the strings lies that lie one behind the other.
    #[inline(always)]
    pub(crate) fn begin_at(&mut self, cursor: u64) {
        self.notes().cursor = cursor;
    }

    /// Reads `count` strings that lie one behind the other, but for the first `skip` ones.
    #[inline(always)]
    pub(crate) fn neighbours(&mut self, count: u32, skip: u64) {
        self.notes().skip = skip;
        repeat(count, each_neighbour::<P>, self);
    }

    /// From here on only variables that matter count, and the digest begins anew: what it was is returned.
    #[inline(always)]
    pub(crate) fn turn_to_environment(&mut self, key: [u64; 2]) -> Sip {
        self.notes().environment = 1;
        self.begin_anew(key)
    }

    /// The digest begins anew: what it was is returned.
    #[inline(always)]
    pub(crate) fn begin_anew(&mut self, key: [u64; 2]) -> Sip {
        core::mem::replace(&mut self.notes().sip, Sip::new(key))
    }

    /// One empty string, as the kernel adds it to an empty argv.
    #[inline(always)]
    pub(crate) fn empty_string(&mut self) {
        let notes = self.notes();
        notes.sip.word(0);
        let at = notes.at as usize & !7;
        if at <= P::LAST {
            notes.at += 8;
            // SAFETY: within the page; the verifier checks it too.
            unsafe { self.byte(P::PAYLOAD + at).cast::<u64>().write(0) };
        }
    }

    /// Absorbs words of the page's head.
    #[inline(always)]
    pub(crate) fn words(&mut self, from: usize, count: u32) {
        self.notes().words_at = from as u64;
        repeat(count, each_word::<P>, self);
    }

    #[inline(always)]
    pub(crate) fn finish(&mut self) -> Digest {
        self.notes().sip.finish()
    }

    #[inline(always)]
    pub(crate) fn found(&mut self) -> u64 {
        self.notes().found
    }

    #[inline(always)]
    pub(crate) fn at(&mut self) -> u64 {
        self.notes().at
    }

    #[inline(always)]
    pub(crate) fn fits(&mut self) -> bool {
        self.notes().overflow == 0
    }

    #[inline(always)]
    pub(crate) fn readable(&mut self) -> bool {
        self.notes().unreadable == 0
    }

    #[inline(always)]
    fn notes(&mut self) -> &'static mut Notes {
        // SAFETY: the page outlives the reader, and has as many words as the notes need; one reference at a time.
        unsafe { &mut *self.byte(P::NOTES).cast::<Notes>() }
    }

    /// A byte of the page.
    ///
    /// # Safety
    /// There are so many.
    #[inline(always)]
    unsafe fn byte(&self, at: usize) -> *mut u8 {
        // SAFETY: the caller's.
        unsafe { self.page.cast::<u8>().add(at) }
    }
}

impl Notes {
    #[inline(always)]
    fn is_wanted(&self, index: u64) -> bool {
        index >= self.skip && (self.environment == 0 || variable_matters(self.cursor))
    }
}

const GO_ON: i64 = 0;
const STOP: i64 = 1;

type Step<P> = unsafe extern "C" fn(u64, *mut Reader<P>) -> i64;

#[inline(always)]
fn repeat<P>(times: u32, step: Step<P>, reader: *mut Reader<P>) {
    // SAFETY: the verifier walks into the callback with the reader as its context.
    unsafe { bpf_loop(times, step as *mut c_void, reader.cast(), 0) };
}

/// # Safety
/// Called by `bpf_loop` with the reader it was given.
unsafe extern "C" fn each_pointer<P: Page>(index: u64, reader: *mut Reader<P>) -> i64 {
    // SAFETY: see above; no other reference to the reader is in use during the loop.
    let reader = unsafe { &mut *reader };
    let notes = reader.notes();
    let address = notes.source.wrapping_add(index.wrapping_mul(notes.width));
    let mut pointer = MaybeUninit::<[u64; 2]>::uninit();
    let word = pointer.as_mut_ptr().cast::<u64>();
    // SAFETY: at most twelve bytes into sixteen of ours; the word that is read was written before.
    let (failed, pointer) = unsafe {
        word.write_volatile(0);
        let failed = bpf_probe_read_user(word.cast(), notes.width as u32 & 0xc, address as *const c_void);
        (failed, word.read_volatile())
    };
    if failed != 0 {
        notes.unreadable = 1;
        return STOP;
    }
    if pointer == 0 {
        return STOP;
    }
    notes.cursor = pointer;
    notes.found = index + 1;
    if notes.is_wanted(index) {
        repeat(P::CHUNKS, each_chunk::<P>, reader);
    }
    if notes.unreadable != 0 { STOP } else { GO_ON }
}

/// # Safety
/// Called by `bpf_loop` with the reader it was given.
unsafe extern "C" fn each_neighbour<P: Page>(index: u64, reader: *mut Reader<P>) -> i64 {
    // SAFETY: as in `each_pointer`.
    let reader = unsafe { &mut *reader };
    let notes = reader.notes();
    let wanted = if notes.environment == 0 {
        index >= notes.skip
    } else {
        match reader.look() {
            // All of it was seen, and it does not matter: the next one begins behind it.
            Look::Passed => return GO_ON,
            Look::Unreadable => return STOP,
            Look::Matters => true,
            Look::Long => false,
        }
    };
    if wanted {
        repeat(P::CHUNKS, each_chunk::<P>, reader);
    } else {
        // The next one begins where this one ends.
        repeat(P::CHUNKS, pass_chunk::<P>, reader);
    }
    let notes = reader.notes();
    if notes.unreadable != 0 { STOP } else { GO_ON }
}

#[inline(always)]
fn variable_matters(address: u64) -> bool {
    let mut start = MaybeUninit::<[u64; 2]>::uninit();
    let word = start.as_mut_ptr().cast::<u64>();
    // SAFETY: nine bytes with the NUL into sixteen of ours; the word that is read was written just before. Volatile,
    // because a zeroed array would become a loop over its bytes.
    let (length, word) = unsafe {
        word.write_volatile(0);
        (bpf_probe_read_user_str(word.cast(), 9, address as *const c_void), word.read_volatile())
    };
    // What cannot be read here is read in full and found unreadable there.
    length < 0 || maps::matters(word)
}

/// The helper counts the NUL of every string but the empty one, of which it says zero.
#[inline(always)]
fn with_nul(length: i64) -> u64 {
    if length == 0 { 1 } else { length as u64 }
}

/// # Safety
/// Called by `bpf_loop` with the reader it was given.
unsafe extern "C" fn each_chunk<P: Page>(_index: u64, reader: *mut Reader<P>) -> i64 {
    // SAFETY: as in `each_string`.
    let reader = unsafe { &mut *reader };
    let notes = reader.notes();
    if notes.at > P::LAST as u64 {
        // It does not fit: the page is only the place to hash from now, and the daemon reads for itself.
        notes.overflow = 1;
        notes.at = notes.start;
    }
    let at = notes.at as usize & !7;
    if at > P::LAST {
        return STOP;
    }
    // SAFETY: `CHUNK` bytes and the NUL fit behind the last place; the verifier checks it too.
    let target = unsafe { reader.byte(P::PAYLOAD + at) };
    // SAFETY: as above.
    let length =
        unsafe { bpf_probe_read_user_str(target.cast(), P::CHUNK as u32 + 1, notes.cursor as *const c_void) };
    if length < 0 {
        notes.unreadable = 1;
        return STOP;
    }
    let length = with_nul(length);
    notes.words_at = (P::PAYLOAD + at) as u64;
    if length > P::CHUNK as u64 {
        repeat(P::CHUNK as u32 / 8, each_word::<P>, reader);
        notes.cursor += P::CHUNK as u64;
        notes.at = at as u64 + P::CHUNK as u64;
        return GO_ON;
    }
    // Behind the end lies what was there before: the last word is cut to what is the string's.
    let bytes = length - 1;
    let last = (bytes as usize & (P::CHUNK - 1)) & !7;
    // SAFETY: within what was just read into, and aligned.
    unsafe {
        let last = target.add(last).cast::<u64>();
        *last &= (1 << (8 * (bytes & 7))) - 1;
    }
    repeat(bytes as u32 / 8 + 1, each_word::<P>, reader);
    notes.cursor += length;
    notes.at = at as u64 + (bytes & !7) + 8;
    STOP
}

/// # Safety
/// Called by `bpf_loop` with the reader it was given.
unsafe extern "C" fn each_word<P: Page>(index: u64, reader: *mut Reader<P>) -> i64 {
    // SAFETY: as in `each_string`.
    let reader = unsafe { &mut *reader };
    let notes = reader.notes();
    let at = notes.words_at.wrapping_add(index * 8) as usize & !7;
    if at > size_of::<P>() - 8 {
        return STOP;
    }
    // SAFETY: within the page and aligned.
    let word = unsafe { reader.byte(at).cast::<u64>().read() };
    notes.sip.word(word);
    GO_ON
}

/// What a variable turns out to be that lies where the reader is.
enum Look {
    /// It does not matter, and the reader is behind it.
    Passed,
    /// It does not matter, and goes on.
    Long,
    Matters,
    Unreadable,
}

impl<P: Page> Reader<P> {
    /// Reads the beginning of a variable, which mostly is all of it.
    #[inline(always)]
    fn look(&mut self) -> Look {
        let (length, word) = self.scratch();
        if length < 0 {
            self.notes().unreadable = 1;
            return Look::Unreadable;
        }
        if maps::matters(word) {
            return Look::Matters;
        }
        let length = with_nul(length);
        if length > P::CHUNK as u64 {
            return Look::Long;
        }
        self.notes().cursor += length;
        Look::Passed
    }

    /// Reads a chunk to where it is not kept: its length as the helper counts, and its first eight bytes.
    #[inline(always)]
    fn scratch(&mut self) -> (i64, u64) {
        // SAFETY: what lies behind the last place is scratch here; `CHUNK` bytes and the NUL fit there. What a short string
        // leaves of its first word was written before. Volatile, because the helper writes behind the compiler's back.
        unsafe {
            let target = self.byte(P::PAYLOAD + P::LAST);
            target.cast::<u64>().write_volatile(0);
            let length = bpf_probe_read_user_str(
                target.cast(),
                P::CHUNK as u32 + 1,
                self.notes().cursor as *const c_void,
            );
            (length, target.cast::<u64>().read_volatile())
        }
    }
}

/// # Safety
/// Called by `bpf_loop` with the reader it was given.
unsafe extern "C" fn pass_chunk<P: Page>(_index: u64, reader: *mut Reader<P>) -> i64 {
    // SAFETY: as in `each_string`.
    let reader = unsafe { &mut *reader };
    let (length, _) = reader.scratch();
    let notes = reader.notes();
    if length < 0 {
        notes.unreadable = 1;
        return STOP;
    }
    let length = with_nul(length);
    if length > P::CHUNK as u64 {
        notes.cursor += P::CHUNK as u64;
        return GO_ON;
    }
    notes.cursor += length;
    STOP
}
