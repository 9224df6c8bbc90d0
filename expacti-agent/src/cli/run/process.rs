//! The command's process: joins its cgroup, drops root, has terminal and signals, and gives its exit code.

use std::env;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use anyhow::Context as _;

use super::account::Account;

/// The shell's codes for a command that cannot run and one that is not there.
const CANNOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Signals that are meant for the command, wherever they arrive.
const PASSED_ON: [i32; 5] = [libc::SIGTERM, libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2, libc::SIGWINCH];

/// Runs it to its end in a cgroup. Gives its exit code, as a shell would say it.
pub(super) fn run(
    command: &[OsString],
    agent: &str,
    account: Option<&Account>,
    cgroup: &Path,
) -> anyhow::Result<u8> {
    let (program, arguments) = command.split_first().context("there is no command")?;
    let mut child = Command::new(program);
    child.args(arguments).env("EXPACTI_AGENT", agent).env_remove("EXPACTI_TOKEN");
    if let Some(account) = account {
        as_account(&mut child, account);
    }
    let members = OpenOptions::new().write(true).open(cgroup.join("cgroup.procs"))?;
    let signals = Signals::take();
    let before = signals.before;
    let account = account.map(|account| (account.uid, account.gid, account.groups.clone()));
    let prepare = move || {
        rustix::io::write(&members, b"0").map_err(io::Error::from)?;
        if let Some((uid, gid, groups)) = &account {
            drop_root(*uid, *gid, groups)?;
        }
        before.restore()
    };
    // SAFETY: after the fork it makes system calls only; everything it uses was made before, and nothing is allocated.
    unsafe { child.pre_exec(prepare) };

    let pid = Arc::new(AtomicI32::new(0));
    pass_signals_on(Arc::clone(&pid), cgroup.join("cgroup.kill"))?;
    let spawned = child.spawn();
    let process = match spawned {
        Ok(process) => process,
        Err(error) => {
            writeln!(io::stderr(), "expacti: {}: {error}", program.display())?;
            return Ok(if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { CANNOT_RUN });
        }
    };
    let number = i32::try_from(process.id()).context("a process id fits")?;
    pid.store(number, Ordering::SeqCst);
    // Ctrl-Z reaches its process group as well. If that stopped us, too, we would hear of its stop only when both go on,
    // and stop once more. Until its first exec nobody but us can stop.
    // SAFETY: no handler is installed.
    unsafe { libc::signal(libc::SIGTSTP, libc::SIG_IGN) };
    let code = wait(number);
    // The number may be somebody else's from here on.
    pid.store(0, Ordering::SeqCst);
    code
}

/// What a login as this user would have in its environment; nothing of sudo's.
fn as_account(child: &mut Command, account: &Account) {
    for (name, _) in env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"SUDO_") {
            child.env_remove(name);
        }
    }
    child.env("HOME", &account.home).env("USER", &account.name).env("LOGNAME", &account.name);
    child.env("SHELL", &account.shell);
    // sudo has its own PATH; agents are often installed for one user only.
    let own = [".local/bin", "bin"].map(|folder| PathBuf::from(&account.home).join(folder));
    let path = env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let folders = env::split_paths(&path).chain(own.into_iter().filter(|folder| folder.is_dir()));
    if let Ok(path) = env::join_paths(folders) {
        child.env("PATH", path);
    }
}

/// Between fork and exec. In this order: a user may not choose groups.
fn drop_root(uid: u32, gid: u32, groups: &[u32]) -> io::Result<()> {
    // SAFETY: the pointer is to as many groups as are named.
    let failed = unsafe {
        libc::setgroups(groups.len(), groups.as_ptr()) != 0
            || libc::setresgid(gid, gid, gid) != 0
            || libc::setresuid(uid, uid, uid) != 0
    };
    if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// How signals were treated before.
#[derive(Clone, Copy)]
struct Before {
    interrupt: libc::sighandler_t,
    quit: libc::sighandler_t,
}

struct Signals {
    before: Before,
}

impl Signals {
    /// Ctrl-C and Ctrl-\ are the command's: they reach its process group, which is ours, too. The others wait for the
    /// thread that passes them on.
    fn take() -> Self {
        // SAFETY: no handler is installed, and the set lives through the calls.
        unsafe {
            let interrupt = libc::signal(libc::SIGINT, libc::SIG_IGN);
            let quit = libc::signal(libc::SIGQUIT, libc::SIG_IGN);
            let set = passed_on();
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
            Self { before: Before { interrupt, quit } }
        }
    }
}

impl Before {
    fn restore(self) -> io::Result<()> {
        // SAFETY: as above; the values are those that the kernel gave.
        let failed = unsafe {
            let set = passed_on();
            libc::signal(libc::SIGINT, self.interrupt) == libc::SIG_ERR
                || libc::signal(libc::SIGQUIT, self.quit) == libc::SIG_ERR
                || libc::sigprocmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut()) != 0
        };
        if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

fn passed_on() -> libc::sigset_t {
    // SAFETY: an empty set is made before it is read, and the signals exist.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in PASSED_ON {
            libc::sigaddset(&raw mut set, signal);
        }
        set
    }
}

/// Passes signals on to the process, or ends the cgroup while there is none that a handler could be in.
fn pass_signals_on(pid: Arc<AtomicI32>, kill: PathBuf) -> io::Result<()> {
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let set = passed_on();
        loop {
            let mut signal = 0;
            // SAFETY: both live through the call.
            if unsafe { libc::sigwait(&raw const set, &raw mut signal) } != 0 {
                return;
            }
            match pid.load(Ordering::SeqCst) {
                0 if signal == libc::SIGTERM || signal == libc::SIGHUP => {
                    // It waits for a human before its first exec, or has ended.
                    let _ended = std::fs::write(&kill, "1");
                }
                0 => {}
                // SAFETY: no memory is involved. It fails only where the process has just ended.
                number => _ = unsafe { libc::kill(number, signal) },
            }
        }
    })?;
    Ok(())
}

/// Waits for the end. When the command is stopped, so are we, so that the caller's shell sees a stopped job.
fn wait(pid: i32) -> anyhow::Result<u8> {
    loop {
        let mut status = 0;
        // SAFETY: the status lives through the call.
        if unsafe { libc::waitpid(pid, &raw mut status, libc::WUNTRACED) } < 0 {
            let error = io::Error::last_os_error();
            if error.kind() == io::ErrorKind::Interrupted {
                continue;
            }
            return Err(error).context("waiting for the command");
        }
        if libc::WIFSTOPPED(status) {
            // SAFETY: no memory is involved.
            unsafe {
                libc::raise(libc::SIGSTOP);
                libc::kill(pid, libc::SIGCONT);
            }
        } else if libc::WIFSIGNALED(status) {
            return Ok(u8::try_from(128 + libc::WTERMSIG(status)).unwrap_or(u8::MAX));
        } else {
            return Ok(u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX));
        }
    }
}
