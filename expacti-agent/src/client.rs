//! Talks to the daemon's API over its Unix socket. The command line and the terminal UI are built on it.
//!
//! One request is one connection and HTTP/1.0, so that an answer ends where the connection does: that is all of HTTP
//! that is needed here, and no runtime has to be started for `expacti pending`.

mod events;

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use self::events::{Event, Events};
use crate::wire::ProblemBody;

/// No answer is longer than this.
const LONGEST: u64 = 256 * 1024 * 1024;

/// The daemon answers at once, or something is wrong with it. Only the exec log's disk may take a moment.
const PATIENCE: Duration = Duration::from_secs(30);

/// A way to the daemon.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    socket: PathBuf,
    token: Option<String>,
    totp: Option<String>,
    via: &'static str,
}

/// Why there is no answer, or not the one that was hoped for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Nobody listens.
    #[error("no daemon answers at {}: {source}; start it with `expacti daemon`, or name its socket with --socket", path.display())]
    NoDaemon {
        /// Where.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The connection broke.
    #[error("the daemon at {} hung up: {source}", path.display())]
    HungUp {
        /// Where.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The daemon says no.
    #[error("{}", .0.detail)]
    Refused(ProblemBody),
    /// The answer cannot be understood.
    #[error("the daemon's answer cannot be understood ({0}); are client and daemon of one version?")]
    Strange(String),
}

impl Client {
    /// `via` is the face that asks.
    pub(crate) fn new(socket: &Path, token: Option<String>, via: &'static str) -> Self {
        Self { socket: socket.to_owned(), token, totp: None, via }
    }

    /// Sends this one-time password along.
    pub(crate) fn with_totp(self, totp: Option<String>) -> Self {
        Self { totp, ..self }
    }

    /// Asks for something.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        parse(&self.ask("GET", path, None)?)
    }

    /// Asks for a text.
    pub(crate) fn text(&self, path: &str) -> Result<String, ClientError> {
        String::from_utf8(self.ask("GET", path, None)?).map_err(|why| ClientError::Strange(why.to_string()))
    }

    /// Changes something.
    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).map_err(|why| ClientError::Strange(why.to_string()))?;
        parse(&self.ask("POST", path, Some(&body))?)
    }

    /// Sets something.
    pub(crate) fn put(&self, path: &str, body: &impl Serialize) -> Result<(), ClientError> {
        let body = serde_json::to_vec(body).map_err(|why| ClientError::Strange(why.to_string()))?;
        self.ask("PUT", path, Some(&body)).map(drop)
    }

    /// Does something that is answered. There is no body: one that nobody reads may cost the answer.
    pub(crate) fn call<T: DeserializeOwned>(&self, method: &str, path: &str) -> Result<T, ClientError> {
        parse(&self.ask(method, path, None)?)
    }

    /// Tells something that is answered by nothing but its being done.
    pub(crate) fn tell(&self, method: &str, path: &str, body: &impl Serialize) -> Result<(), ClientError> {
        let body = serde_json::to_vec(body).map_err(|why| ClientError::Strange(why.to_string()))?;
        self.ask(method, path, Some(&body)).map(drop)
    }

    /// Does something that has no more to say.
    pub(crate) fn act(&self, method: &str, path: &str) -> Result<(), ClientError> {
        self.ask(method, path, None).map(drop)
    }

    /// Follows what happens, from behind an event that was seen.
    pub(crate) fn events(&self, after: Option<&str>) -> Result<Events, ClientError> {
        let resume = after.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
        let mut stream = self.send("GET", "/v1/events", &resume, None)?;
        let (status, _) = self.head(&mut stream)?;
        if status != 200 {
            return Err(self.refusal(status, &mut stream));
        }
        // Quiet for longer than the server's own signs of life: the connection is dead.
        stream.get_ref().set_read_timeout(Some(PATIENCE)).map_err(|source| self.hung_up(source))?;
        Ok(Events::new(stream))
    }

    fn ask(&self, method: &str, path: &str, body: Option<&[u8]>) -> Result<Vec<u8>, ClientError> {
        let mut stream = self.send(method, path, "", body)?;
        let (status, length) = self.head(&mut stream)?;
        if !(200..300).contains(&status) {
            return Err(self.refusal(status, &mut stream));
        }
        let answer = self.rest(&mut stream)?;
        if length.is_some_and(|length| length != answer.len()) {
            return Err(ClientError::Strange("it was cut short".to_owned()));
        }
        Ok(answer)
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: Option<&[u8]>,
    ) -> Result<BufReader<UnixStream>, ClientError> {
        let mut stream = UnixStream::connect(&self.socket)
            .map_err(|source| ClientError::NoDaemon { path: self.socket.clone(), source })?;
        let mut head =
            format!("{method} {path} HTTP/1.0\r\nhost: localhost\r\nexpacti-via: {}\r\n{headers}", self.via);
        for (name, value) in [("authorization: Bearer", &self.token), ("expacti-totp:", &self.totp)] {
            if let Some(value) = value.as_deref().filter(|value| !value.contains(['\r', '\n'])) {
                head.extend([name, " ", value, "\r\n"]);
            }
        }
        if let Some(body) = body {
            let length = body.len().to_string();
            head.extend(["content-type: application/json\r\ncontent-length: ", length.as_str(), "\r\n"]);
        }
        head += "\r\n";
        stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| stream.write_all(head.as_bytes()))
            .and_then(|()| stream.write_all(body.unwrap_or_default()))
            .map_err(|source| self.hung_up(source))?;
        Ok(BufReader::new(stream))
    }

    /// Status and content length.
    fn head(&self, stream: &mut BufReader<UnixStream>) -> Result<(u16, Option<usize>), ClientError> {
        let mut line = || {
            let mut line = String::new();
            stream.by_ref().take(16 * 1024).read_line(&mut line).map_err(|source| self.hung_up(source))?;
            Ok::<_, ClientError>(line.trim_end().to_owned())
        };
        let first = line()?;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| ClientError::Strange(format!("it begins with {first:?}")))?;
        let mut length = None;
        loop {
            let header = line()?;
            if header.is_empty() {
                return Ok((status, length));
            }
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok();
            }
        }
    }

    fn rest(&self, stream: &mut BufReader<UnixStream>) -> Result<Vec<u8>, ClientError> {
        let mut rest = Vec::new();
        stream.take(LONGEST).read_to_end(&mut rest).map_err(|source| self.hung_up(source))?;
        Ok(rest)
    }

    fn refusal(&self, status: u16, stream: &mut BufReader<UnixStream>) -> ClientError {
        let body = match self.rest(stream) {
            Ok(body) => body,
            Err(error) => return error,
        };
        match serde_json::from_slice(&body) {
            Ok(problem) => ClientError::Refused(problem),
            Err(_) => ClientError::Strange(format!("HTTP status {status}")),
        }
    }

    fn hung_up(&self, source: io::Error) -> ClientError {
        ClientError::HungUp { path: self.socket.clone(), source }
    }
}

/// A piece of a path, whatever it holds.
pub(crate) fn segment(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escaped = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(escaped).collect()
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(body).map_err(|why| ClientError::Strange(why.to_string()))
}
