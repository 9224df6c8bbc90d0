//! Requests from options and from lines of JSON.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use expacti_core::request::{ExecRequest, Stdin};
use expacti_core::untrusted::Untrusted;
use serde_json::Value;

use super::Explain;
use crate::cli::ending::BadInput;
use crate::judging::request_of;

impl Explain {
    /// The request that the options describe.
    pub(super) fn request(self) -> anyhow::Result<ExecRequest> {
        let argv = match self.shell {
            Some(text) => shell(bytes(text)),
            None if self.command.is_empty() => {
                let text = "there is no command to explain; write it behind --, or use --shell or --jsonl";
                return Err(BadInput(text.to_owned()).into());
            }
            None => self.command.into_iter().map(bytes).collect(),
        };
        let cwd = match self.cwd {
            Some(folder) => Some(bytes(folder)),
            None => std::env::current_dir().ok().map(|folder| bytes(folder.into_os_string())),
        };
        let mut request = ExecRequest { argv, cwd, ..ExecRequest::default() };
        request.agent.name = self.agent.unwrap_or_default();
        request.exe.path = self.exe.map(bytes).unwrap_or_default();
        for variable in self.env {
            let text = variable.into_vec();
            let Some(equals) = text.iter().position(|b| *b == b'=').filter(|at| *at > 0) else {
                let shown = Untrusted::from(text);
                return Err(BadInput(format!("--env {shown}: write NAME=VALUE")).into());
            };
            request.env.insert(text[..equals].into(), text[equals + 1..].into());
        }
        if let Some(kind) = self.stdin {
            request.stdin = stdin(&kind)?;
        }
        Ok(request)
    }
}

/// A request from one line: an `ExecRequest`, or one that has `shell` for `argv`.
pub(super) fn read_line(line: &[u8]) -> Result<ExecRequest, String> {
    let value: Value = serde_json::from_slice(line).map_err(|error| format!("not a JSON object: {error}"))?;
    request_of(value)
}

fn shell(text: Untrusted) -> Vec<Untrusted> {
    vec!["sh".into(), "-c".into(), text]
}

fn stdin(kind: &str) -> Result<Stdin, BadInput> {
    Ok(match kind {
        "unknown" => Stdin::Unknown,
        "closed" => Stdin::Closed,
        "null" => Stdin::Null,
        "terminal" => Stdin::Terminal,
        "pipe" => Stdin::Pipe,
        "socket" => Stdin::Socket,
        "other" => Stdin::Other,
        _ => {
            let Some(path) = kind.strip_prefix("file:") else {
                let known = "unknown, closed, null, terminal, pipe, socket, other or file:PATH";
                return Err(BadInput(format!("--stdin {kind:?} is no kind of input; write {known}")));
            };
            Stdin::File { path: path.into() }
        }
    })
}

fn bytes(text: OsString) -> Untrusted {
    text.into_vec().into()
}
