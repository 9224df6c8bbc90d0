//! From a kernel event to a request: what is about to run, in the engine's words.
//!
//! The task waits while it is looked at, but its agent is alive and may change everything that `/proc` shows. What a
//! verdict binds is in the event, which came from the kernel; `/proc` adds what helps to judge. What cannot be read
//! is named in `missing`, and a request with gaps is never allowed by itself.

mod argv;
mod closer;
mod git;
mod hash;
mod places;
mod process;
mod script;
mod within;

use expacti_abi::event::{Head, flag};
use expacti_abi::file::FileId;
use expacti_core::request::{Agent, Credentials, ExecRequest, Executable, LocalTime};
use expacti_core::untrusted::Untrusted;

pub(crate) use self::closer::look;
pub(crate) use self::hash::Hashes;
use self::process::Process;
pub(crate) use self::script::runs_text;

/// What is missing of a request whose argument vector was not read yet.
const LONG: &str = "the argument vector: it is too long to come with the event";
/// What is missing where the task was gone before it was looked at.
const FOLDER: &str = "the working directory";

/// What the kernel saw, with what can be told without touching the agent's memory or files. [`look`] adds the rest.
pub(crate) fn request(event: &Head, payload: &[u8], agent: Agent) -> ExecRequest {
    let mut missing = Vec::new();
    let process = Process::new(event.tgid, event.tid);
    let strings = argv::Strings::of(event, payload);
    let mut env = std::collections::BTreeMap::new();
    let argv = if event.flags & flag::LARGE == 0 {
        env = variables(strings.environment());
        strings.argv(event.stages > 1)
    } else {
        missing.push(LONG.to_owned());
        Vec::new()
    };
    if event.flags & flag::UNREADABLE != 0 {
        missing.push("the argument vector: its memory could not be read".to_owned());
    }
    let cwd = process.link("cwd");
    if cwd.is_none() {
        missing.push(FOLDER.to_owned());
    }
    let last = strings.path();
    let name = strings.name();
    let count = event.stages as usize;
    let files = event.files.get(..count).unwrap_or(&event.files);
    // d_path tells the last file of the chain. Of a script, which is the first, the caller gave a name.
    let first_path = if count > 1 { absolute(&name, cwd.as_ref()) } else { last.clone() };
    let argv = if count > 1 && event.flags & flag::LARGE == 0 {
        // The kernel drops the caller's argv[0] for a script, so its path stands for it.
        std::iter::once(first_path.clone()).chain(argv).collect()
    } else {
        argv
    };
    let exe = files.first().map(|file| executable(file, first_path)).unwrap_or_default();
    let interpreters = files.iter().enumerate().skip(1).map(|(index, file)| {
        executable(file, if index + 1 == count { last.clone() } else { Untrusted::default() })
    });
    ExecRequest {
        argv,
        agent,
        exe,
        interpreters: interpreters.collect(),
        cwd,
        env,
        credentials: Credentials {
            uid: event.uid,
            euid: event.euid,
            gid: event.gid,
            egid: event.egid,
            capabilities: event.capabilities,
        },
        tty: process.terminal(),
        stdin: process.stdin(),
        local_time: Some(local_time()),
        missing,
        ..ExecRequest::default()
    }
}

fn executable(file: &FileId, path: Untrusted) -> Executable {
    const SETUID_OR_SETGID: u32 = 0o6000;
    /// File systems whose server may give other bytes at each read: FUSE, 9p, NFS, CIFS, SMB2, AFS, Ceph.
    const UNSTABLE: [u64; 7] =
        [0x6573_5546, 0x0102_1997, 0x6969, 0xff53_4d42, 0xfe53_4d42, 0x5346_414f, 0x00c3_6400];
    let (major, minor) = (file.dev >> 20, file.dev & 0xf_ffff);
    Executable {
        path,
        dev: rustix::fs::makedev(major, minor),
        ino: file.ino,
        ctime_ns: file.ctime_s * 1_000_000_000 + i64::from(file.ctime_ns),
        unlinked: file.nlink == 0,
        privileged: file.mode & SETUID_OR_SETGID != 0,
        unstable: UNSTABLE.contains(&file.fs_magic),
        ..Executable::default()
    }
}

fn variables(list: impl Iterator<Item = Untrusted>) -> std::collections::BTreeMap<Untrusted, Untrusted> {
    let split = |variable: Untrusted| {
        let bytes = variable.as_bytes();
        let at = bytes.iter().position(|byte| *byte == b'=').unwrap_or(bytes.len());
        (bytes[..at].into(), bytes.get(at + 1..).unwrap_or_default().into())
    };
    list.map(split).collect()
}

fn absolute(name: &Untrusted, cwd: Option<&Untrusted>) -> Untrusted {
    match cwd {
        Some(cwd) if !name.as_bytes().starts_with(b"/") => {
            let mut path = cwd.as_bytes().to_vec();
            if !path.ends_with(b"/") {
                path.push(b'/');
            }
            path.extend_from_slice(name.as_bytes().strip_prefix(b"./").unwrap_or(name.as_bytes()));
            path.into()
        }
        Some(_) | None => name.clone(),
    }
}

/// The wall clock at this node.
pub(crate) fn local_time() -> LocalTime {
    let now = jiff::Zoned::now();
    let small = |number: i8| u8::try_from(number).unwrap_or_default();
    LocalTime {
        hour: small(now.hour()),
        minute: small(now.minute()),
        weekday: small(now.weekday().to_monday_one_offset()),
    }
}
