//! What is about to run: one exec, as the intake understood it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::rules::{file_name, is_many_in_one};
use crate::untrusted::Untrusted;

/// One exec under decision.
///
/// In JSON every field but `argv` may be left out, so that `{"argv":["git","status"]}` is a whole request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecRequest {
    /// The argument vector exactly as it will reach the program.
    pub argv: Vec<Untrusted>,
    /// Whose exec it is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub agent: Agent,
    /// The file that will be executed; for a `#!` script the script itself.
    #[serde(default, skip_serializing_if = "is_default")]
    pub exe: Executable,
    /// The interpreters of a `#!` script, outermost first. Empty for a binary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interpreters: Vec<Executable>,
    /// The working directory as the task sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<Untrusted>,
    /// Environment variables that can change what runs or what it touches. Secrets in them are still clear here:
    /// they are masked where a record is made.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<Untrusted, Untrusted>,
    /// The credentials it will start with.
    #[serde(default, skip_serializing_if = "is_default")]
    pub credentials: Credentials,
    /// The controlling terminal, such as `/dev/pts/3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tty: Option<Untrusted>,
    /// What file descriptor 0 is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stdin: Stdin,
    /// Parents, nearest first, up to the agent's first process.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lineage: Vec<Ancestor>,
    /// The container it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// The git work tree around `cwd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<GitContext>,
    /// The text that an interpreter will run, where it could be read (a `#!` script, `sh FILE`, `python FILE`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<Script>,
    /// Local time of the attempt, for rules about working hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_time: Option<LocalTime>,
    /// What could not be read, in words. A request with gaps is never allowed by a rule or a score.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

impl ExecRequest {
    /// Whether a command that was unwrapped from `via` stands in the text of the script that this request runs, in a shell
    /// that execs what it starts. One that is many programs in one file may run them without an exec.
    pub(crate) fn reads_in_script(&self, via: &[String]) -> bool {
        let mut files = [&self.exe].into_iter().chain(&self.interpreters);
        self.script.is_some()
            && via.first().is_some_and(|outer| outer.ends_with(" script"))
            && !files.any(|file| is_many_in_one(file_name(file.path.as_bytes())))
    }
}

/// Whose exec it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Agent {
    /// The name that operators gave it.
    pub name: String,
    /// Its cgroup's path on the host.
    pub cgroup: String,
    /// It had begun before it was gated: what it ran before is not in the log.
    #[serde(skip_serializing_if = "is_default")]
    pub late: bool,
}

/// A file that will be executed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Executable {
    /// As the task sees it.
    pub path: Untrusted,
    /// As the host sees it, where that differs and could be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_path: Option<Untrusted>,
    /// Device number of its file system.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Change time of the inode in nanoseconds since the epoch.
    pub ctime_ns: i64,
    /// SHA-256 of the content, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// It has no name in any file system any more (deleted, memfd).
    pub unlinked: bool,
    /// It gains privileges when run (setuid, setgid or file capabilities).
    pub privileged: bool,
    /// Its file system may serve other bytes at each read (FUSE, network), so that no hash binds it.
    pub unstable: bool,
}

/// Credentials of the task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Credentials {
    /// Real user id on the host.
    pub uid: u32,
    /// Effective user id on the host.
    pub euid: u32,
    /// Real group id on the host.
    pub gid: u32,
    /// Effective group id on the host.
    pub egid: u32,
    /// Effective capabilities as the kernel's bit set.
    pub capabilities: u64,
}

/// What file descriptor 0 is. A shell that reads its program from a pipe is judged by that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stdin {
    /// Not told.
    #[default]
    Unknown,
    /// Not open.
    Closed,
    /// `/dev/null`.
    Null,
    /// A terminal.
    Terminal,
    /// A pipe; who writes into it is among the lineage's siblings and not always known.
    Pipe,
    /// A socket.
    Socket,
    /// A regular file.
    File {
        /// Its path as the task sees it.
        path: Untrusted,
    },
    /// Anything else.
    Other,
}

/// One parent on the way up to the agent's first process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ancestor {
    /// Process id on the host.
    pub pid: u32,
    /// Its executable as the task sees it.
    pub exe: Untrusted,
    /// Its argument vector now.
    pub argv: Vec<Untrusted>,
}

/// Container or pod around the task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Container {
    /// Runtime: podman, docker, containerd, ...
    pub runtime: String,
    /// The runtime's id of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The image it was made from.
    pub image: String,
    /// Kubernetes pod name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// Kubernetes namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Labels and annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// The git work tree around the working directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GitContext {
    /// The top of the work tree.
    pub work_tree: Untrusted,
    /// The branch that is checked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<Untrusted>,
    /// The remote that `git push` would use, as a URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<Untrusted>,
}

/// The text of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// Its path as the task sees it.
    pub path: Untrusted,
    /// SHA-256 of the content, hexadecimal.
    pub sha256: String,
    /// The content, up to the intake's limit.
    pub text: Untrusted,
    /// The content goes on beyond `text`.
    pub truncated: bool,
}

/// Wall-clock time at the node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalTime {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 1 is Monday, 7 is Sunday.
    pub weekday: u8,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argv_alone_is_a_whole_request() {
        let request: ExecRequest = serde_json::from_str(r#"{"argv":["git","status"]}"#).unwrap();
        assert_eq!(
            request,
            ExecRequest { argv: vec!["git".into(), "status".into()], ..ExecRequest::default() }
        );
        assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"argv":["git","status"]}"#);
    }

    #[test]
    fn stdin_has_a_short_form() {
        let request: ExecRequest = serde_json::from_str(r#"{"argv":["sh"],"stdin":"pipe"}"#).unwrap();
        assert_eq!(request.stdin, Stdin::Pipe);
    }
}
