//! Writing down one attempt: who, what, where, and the digests that bind a verdict to it.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::{bpf_d_path, bpf_probe_read_kernel, bpf_probe_read_kernel_str};
use expacti_abi::control::Control;
use expacti_abi::digest::{Digest, Sip};
use expacti_abi::event::{Attempt, WHOLE, flag, kind};
use expacti_abi::file::FileId;
use expacti_abi::limits::{CHUNK, MAX_FILES, PATH};
use expacti_abi::task::TaskState;

use crate::caller::Caller;
use crate::kernel::{Bprm, Task, now};
use crate::strings::Reader;

/// Fills an event with everything but its sequence number.
#[inline(always)]
pub(crate) fn fill(
    event: *mut Attempt,
    control: &Control,
    task: Task,
    bprm: Bprm,
    caller: Caller,
    state: &TaskState,
) {
    // SAFETY: the ring gave us the whole event; every field is written before it is submitted.
    let event = unsafe { &mut *event };
    let credentials = task.credentials();
    let path_len = path(event, bprm);
    let name_len = name(event, path_len, bprm);
    event.kind = kind::ATTEMPT;
    event.flags = caller.flags | if path_len == 0 { flag::NO_PATH } else { 0 };
    event.time_ns = now();
    event.agent = state.agent;
    event.parent = state.origin;
    event.process_start_ns = task.process_start();
    event.argv = caller.argv;
    event.envp = caller.envp;
    event.region = bprm.region();
    event.cwd = task.cwd();
    event.capabilities = credentials.capabilities;
    event.uid = credentials.uid;
    event.euid = credentials.euid;
    event.gid = credentials.gid;
    event.egid = credentials.egid;
    event.root = task.root();
    event.mount_ns = task.mount_namespace();
    event.stages = state.stages;
    copy_files(event, state);
    event.tgid = task.tgid();
    event.tid = task.tid();
    event.ppid = task.parent().tgid();
    event.reason = 0;
    event.path_len = path_len as u32;
    event.name_len = name_len as u32;

    let start = path_len + name_len;
    let mut reader = Reader::new(control.key, event, start);
    // An interpreter gets its own argv[0]; the caller's is dropped by the kernel.
    let skip = u64::from(state.stages > 1);
    reader.pointers(caller.argv, caller.width, skip);
    let argc = reader.found();
    // The kernel adds an empty string to an empty argv, and takes it away again for an interpreter.
    if argc == 0 && skip == 0 {
        reader.empty_string();
    }
    event.argc = if argc == 0 { 1 } else { argc as u32 };
    let argv_end = reader.at();
    let argv = reader.turn_to_environment(control.key);
    reader.pointers(caller.envp, caller.width, 0);
    event.envc = reader.found() as u32;
    event.argv_len = (argv_end - start) as u32;
    event.env_len = (reader.at() - argv_end) as u32;
    event.flags |= if reader.readable() { 0 } else { flag::UNREADABLE };
    event.flags |= if reader.fits() { 0 } else { flag::LARGE };

    let environment = reader.begin_anew(control.key).finish();
    event.content = content(argv, environment);
    let file_words = (size_of::<FileId>() / 8) as u32 * state.stages;
    reader.words(WHOLE.0, ((WHOLE.1 - WHOLE.0) / 8) as u32 + file_words);
    event.digest = reader.finish();
}

/// Digest of argv and of the environment that matters.
#[inline(always)]
pub(crate) fn content(mut argv: Sip, environment: Digest) -> Digest {
    argv.word(environment[0]);
    argv.word(environment[1]);
    argv.finish()
}

/// Where an attempt happens, as the commit hook checks it again.
#[inline(always)]
pub(crate) fn place(task: Task) -> [u64; 4] {
    let cwd = task.cwd();
    let root = task.root();
    [cwd.ino, u64::from(cwd.dev), root.ino, u64::from(root.dev)]
}

/// By one helper call: a plain copy of this size would become a loop over its bytes.
#[inline(always)]
fn copy_files(event: &mut Attempt, state: &TaskState) {
    const SIZE: u32 = size_of::<[FileId; MAX_FILES]>() as u32;
    // SAFETY: both are whole arrays of the same type.
    unsafe { bpf_probe_read_kernel((&raw mut event.files).cast(), SIZE, (&raw const state.files).cast()) };
}

#[inline(always)]
fn path(event: &mut Attempt, bprm: Bprm) -> u64 {
    // SAFETY: the payload is longer than any path; the verifier checks the file's path and the room.
    let length =
        unsafe { bpf_d_path(bprm.path().cast_mut().cast(), (&raw mut event.payload).cast(), PATH as u32) };
    if length <= 0 || length > PATH as i64 { 0 } else { (length as u64 + 7) & !7 }
}

#[inline(always)]
fn name(event: &mut Attempt, at: u64, bprm: Bprm) -> u64 {
    let at = at as usize;
    if at > PATH {
        return 0;
    }
    // SAFETY: `CHUNK` bytes fit behind any path; a longer name is told by argv and path.
    let length = unsafe {
        let target = (&raw mut event.payload).cast::<u8>().add(at);
        bpf_probe_read_kernel_str(target.cast(), CHUNK as u32, bprm.name().cast::<c_void>())
    };
    if length <= 0 || length > CHUNK as i64 { 0 } else { (length as u64 + 7) & !7 }
}
