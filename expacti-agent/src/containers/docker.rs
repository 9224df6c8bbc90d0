//! Docker, over its socket.
//!
//! It is asked for a list of one, not for the container itself: that answer would wait for the container's lock, which is
//! held until the start is through, which waits for us. The list is made of a copy.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use expacti_core::request::Container;
use serde::Deserialize;

use super::{Identity, PATIENCE, Said, Unknown};

/// No list of one container is longer.
const LONGEST: u64 = 4 << 20;

/// An entry of `GET /containers/json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    id: String,
    names: Vec<String>,
    image: String,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

/// Whose container it is.
pub(super) fn ask(socket: &Path, id: &str) -> Result<Said, Unknown> {
    let at = |error: &dyn std::fmt::Display| Unknown(format!("{}: {error}", socket.display()));
    // The id is hexadecimal digits, so nothing needs an escape but the marks of JSON.
    let path = format!("/v1.24/containers/json?all=1&filters=%7B%22id%22%3A%5B%22{id}%22%5D%7D");
    let body = get(socket, &path).map_err(|error| at(&error))?;
    let listed: Vec<Listed> = serde_json::from_slice(&body).map_err(|error| at(&error))?;
    let found = listed.into_iter().find(|listed| listed.id == id);
    let Some(Listed { id, names, image, labels }) = found else {
        return Err(at(&format!("docker knows no container {id}")));
    };
    let name = names.first().map(|name| name.trim_start_matches('/').to_owned()).unwrap_or_default();
    let labels = labels.unwrap_or_default();
    let shown = Container { runtime: "docker".to_owned(), id, name, image, ..Container::default() };
    Ok(Said::Known(Box::new(Identity { shown, labels, ..Identity::default() }.complete())))
}

/// HTTP/1.0: the answer ends where the connection does.
fn get(socket: &Path, path: &str) -> io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nhost: docker\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer)?;
    let head_ends = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let Some(at) = head_ends else { return Err(io::Error::other("its answer is cut short")) };
    let status = String::from_utf8_lossy(answer.get(9..12).unwrap_or_default()).into_owned();
    if status != "200" {
        return Err(io::Error::other(format!("it answers with status {status}")));
    }
    Ok(answer.split_off(at + 4))
}

#[cfg(test)]
mod tests {
    use std::io::BufRead as _;
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;

    /// Answers once, as Docker 27 does, and gives the request's first line.
    fn docker(folder: &Path, answer: &'static str) -> thread::JoinHandle<String> {
        let listener = UnixListener::bind(folder.join("docker.sock")).unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = io::BufReader::new(stream.try_clone().unwrap()).lines();
            let first = lines.next().unwrap().unwrap();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            stream.write_all(answer.as_bytes()).unwrap();
            first
        })
    }

    #[test]
    fn a_list_of_one_says_whose_a_container_is() {
        let folder = tempfile::tempdir().unwrap();
        let answer = "HTTP/1.0 200 OK\r\nApi-Version: 1.47\r\nContent-Type: application/json\r\n\r\n\
                      [{\"Id\":\"ab\",\"Names\":[\"/ci\"],\"Image\":\"busybox\",\"ImageID\":\"sha256:1\",\
                      \"Labels\":{\"agent\":\"yes\"},\"State\":\"created\"}]";
        let served = docker(folder.path(), answer);
        let Ok(Said::Known(known)) = ask(&folder.path().join("docker.sock"), "ab") else {
            panic!("it is known")
        };
        let Container { runtime, id, name, image, labels, .. } = known.shown;
        assert_eq!(
            [&runtime, &id, &name, &image, &labels["agent"]],
            ["docker", "ab", "ci", "busybox", "yes"]
        );
        let asked = served.join().unwrap();
        assert_eq!(
            asked,
            "GET /v1.24/containers/json?all=1&filters=%7B%22id%22%3A%5B%22ab%22%5D%7D HTTP/1.0"
        );
    }

    #[test]
    fn what_is_no_answer_is_no_identity() {
        for (answer, why) in [
            ("HTTP/1.0 200 OK\r\n\r\n[]", "docker knows no container ab"),
            ("HTTP/1.0 500 Oh\r\n\r\n{}", "it answers with status 500"),
            ("HTTP/1.0 200 OK\r\n\r\n{}", "invalid type"),
            ("", "cut short"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let served = docker(folder.path(), answer);
            let said = ask(&folder.path().join("docker.sock"), "ab").unwrap_err().to_string();
            assert!(said.contains(why), "{answer}: {said}");
            served.join().unwrap();
        }
        assert!(ask(Path::new("/nowhere.sock"), "ab").is_err());
    }
}
