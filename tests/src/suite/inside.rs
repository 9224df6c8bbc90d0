//! Who is inside the gate asks: nothing about others, everything about itself.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::wait::{DEADLINE, until};
use expacti_tests::harness::{child, test};

use super::{expacti, risky};

/// Does what each line of its input says, without any exec of its own: WHERE METHOD PATH TOKEN BODY. Where is the path of a
/// socket or the address of a host; with `!` before it, it hangs up at once. Prints status and body.
const ASKER: &str = r#"
import socket, ssl, struct, sys
tls = ssl.create_default_context()
tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
def connected(where):
    if where.startswith("/"):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(20)
        s.connect(where)
        return s
    s = socket.socket(socket.AF_INET6 if ":" in where else socket.AF_INET)
    s.settimeout(20)
    s.connect((where, 7443))
    return tls.wrap_socket(s, server_hostname="localhost")
print("ready", flush=True)
for line in sys.stdin:
    where, method, path, token, body = line.rstrip("\n").split(" ", 4)
    leaves, where = where.startswith("!"), where.lstrip("!")
    try:
        s = connected(where)
        s.sendall(f"{method} {path} HTTP/1.0\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode())
        if leaves:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            said = "left"
        else:
            head, _, rest = s.makefile(newline="").read().partition("\r\n\r\n")
            said = head.split(" ")[1] + " " + rest
        s.close()
    except OSError as error:
        said = "unavailable " + type(error).__name__
    print(said, flush=True)
"#;

const API: &str = "/run/expacti/api.sock";
const OWN: &str = "/run/expacti/own/own.sock";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("inside::a_stolen_token_is_worth_nothing", a_stolen_token_is_worth_nothing),
        test("inside::nor_is_it_over_tcp_nor_from_a_container", nor_is_it_over_tcp_nor_from_a_container),
        test("inside::an_agent_looks_at_its_own_tickets", an_agent_looks_at_its_own_tickets),
    ]
}

/// A process that asks without any exec.
struct Asker {
    process: Child,
    input: ChildStdin,
    said: Receiver<String>,
}

impl Asker {
    #[track_caller]
    fn start(command: &mut Command) -> Self {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (sender, said) = channel();
        let output = BufReader::new(process.stdout.take().unwrap());
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let input = process.stdin.take().unwrap();
        let asker = Self { process, input, said };
        assert_eq!(asker.says(), "ready");
        asker
    }

    /// Inside from before the gate. Each test has a cgroup of another name: where an agent was gated before, nothing runs
    /// until a daemon has said whose the new one is.
    fn inside(agent: &Cgroup) -> Self {
        Self::start(child::inside(agent, &mut python(None)))
    }

    #[track_caller]
    fn says(&self) -> String {
        self.said.recv_timeout(DEADLINE).unwrap()
    }

    /// Status and body of the answer.
    #[track_caller]
    fn asks(&mut self, line: &str) -> (String, Value) {
        writeln!(self.input, "{line}").unwrap();
        let said = self.says();
        let (status, body) = said.split_once(' ').unwrap_or((&said, ""));
        (status.to_owned(), serde_json::from_str(body).unwrap_or_default())
    }

    #[track_caller]
    fn status(&mut self, line: &str) -> String {
        self.asks(line).0
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The asker's program, in a network of its own if one is named.
fn python(network: Option<&str>) -> Command {
    let mut command = match network {
        None => Command::new("python3"),
        Some(name) => {
            let mut command = Command::new("ip");
            command.args(["netns", "exec", name, "python3"]);
            command
        }
    };
    command.args(["-c", ASKER]);
    command
}

fn admin(name: &str) -> String {
    let added = Command::new("expacti")
        .args(["reviewer", "add", name, "--role", "reviewer", "--role", "admin"])
        .output()
        .unwrap();
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    String::from_utf8(added.stdout).unwrap().trim().to_owned()
}

/// What approves a card, for an asker.
fn vote(daemon: &Daemon, card: &str, token: &str) -> String {
    let pending = daemon.pending();
    let number: u64 = card.parse().unwrap();
    let card = pending.iter().find(|one| one["id"] == number).unwrap();
    let body = json!({ "digest": card["digest"], "newest": card["newest"], "answer": "approve" });
    format!("POST /v1/cards/{}/votes {token} {body}", card["id"])
}

fn a_stolen_token_is_worth_nothing() {
    let (agent, elsewhere) = (Cgroup::new("agent-by-socket"), Cgroup::new("elsewhere"));
    let (mut inside, mut left) = (Asker::inside(&agent), Asker::inside(&agent));
    let mut outside = Asker::start(&mut python(None));
    let daemon = Daemon::gating(&agent, &[]);
    // Its mark sticks.
    fs::write(elsewhere.path().join("cgroup.procs"), left.process.id().to_string()).unwrap();

    let stolen = admin("eve");
    let held = child::run_aside(&agent, risky());
    let vote = vote(&daemon, &daemon.card("git push --force origin main"), &stolen);
    for asker in [&mut inside, &mut left] {
        assert_eq!(asker.status(&format!("{API} {vote}")), "403");
        assert_eq!(asker.status(&format!("{API} {}", add("mallory", &stolen))), "403");
        assert_eq!(asker.status(&format!("{API} GET /v1/cards {stolen} ")), "403");
    }
    assert!(held.goes_on());
    // It is the place and not the token that was refused.
    assert_eq!(outside.status(&format!("{API} {vote}")), "200");
    // What git says without a repository.
    assert_eq!(held.ending().unwrap().status.code(), Some(128));
}

fn add(name: &str, token: &str) -> String {
    format!(r#"POST /v1/reviewers {token} {{"name":"{name}","roles":["reviewer"]}}"#)
}

/// A network of its own, joined to the guest's by a cable, as containers have it.
struct Network(&'static str);

impl Network {
    fn new(name: &'static str) -> Self {
        let network = Self(name);
        for command in [
            format!("netns add {name}"),
            format!("link add {name} type veth peer name inside netns {name}"),
            format!("address add 10.77.0.1/24 dev {name}"),
            format!("link set {name} up"),
            format!("-n {name} address add 10.77.0.2/24 dev inside"),
            format!("-n {name} link set inside up"),
        ] {
            let done = Command::new("ip").args(command.split(' ')).output().unwrap();
            assert!(done.status.success(), "ip {command}: {}", String::from_utf8_lossy(&done.stderr));
        }
        network
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["link", "delete", self.0]).status();
        let _ = Command::new("ip").args(["netns", "delete", self.0]).status();
    }
}

/// A configuration that serves over TLS on every address.
fn served_over_tls(folder: &Path) -> String {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ed25519",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-keyout",
        ])
        .args([&key, Path::new("-out"), &certificate])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let file = folder.join("expacti.toml");
    let text = format!(
        "[api]\ntcp = \"0.0.0.0:7443\"\ntls_certificate = \"{}\"\ntls_key = \"{}\"\nrequests_per_second = 1000\n",
        certificate.display(),
        key.display()
    );
    fs::write(&file, text).unwrap();
    file.display().to_string()
}

fn nor_is_it_over_tcp_nor_from_a_container() {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let network = Network::new("box");
    let (agent, elsewhere) = (Cgroup::new("agent-by-tcp"), Cgroup::new("elsewhere"));
    let (mut inside, mut left) = (Asker::inside(&agent), Asker::inside(&agent));
    let mut boxed = Asker::start(child::inside(&agent, &mut python(Some(network.0))));
    let (mut outside, mut neighbour) =
        (Asker::start(&mut python(None)), Asker::start(&mut python(Some(network.0))));
    let mut daemon = Daemon::start(&[
        "--config",
        &served_over_tls(folder.path()),
        &format!("--agent=test={}", agent.path().display()),
        "--review=25",
    ]);
    daemon.says("ready");
    fs::write(elsewhere.path().join("cgroup.procs"), left.process.id().to_string()).unwrap();

    let stolen = admin("eve");
    let held = child::run_aside(&agent, risky());
    let vote = vote(&daemon, &daemon.card("git push --force origin main"), &stolen);
    for host in ["127.0.0.1", "::ffff:127.0.0.1", "127.1.2.3", "10.77.0.1"] {
        for (who, asker) in [("inside", &mut inside), ("left", &mut left)] {
            let (status, problem) = asker.asks(&format!("{host} {vote}"));
            assert_eq!(
                (status.as_str(), &problem["type"]),
                ("403", &json!("urn:expacti:problem:gated")),
                "{who} {host}"
            );
        }
        assert_eq!(outside.status(&format!("{host} GET /v1/cards {stolen} ")), "200", "{host}");
    }
    // A container's own loopback leads nowhere; the bridge leads here.
    let (status, problem) = boxed.asks(&format!("10.77.0.1 {vote}"));
    assert_eq!((status.as_str(), &problem["type"]), ("403", &json!("urn:expacti:problem:gated")));
    assert_eq!(neighbour.status(&format!("10.77.0.1 GET /v1/cards {stolen} ")), "200");
    assert!(held.goes_on());

    // Who asks and is gone before anybody can look who it was gets nothing done either.
    for number in 0..10 {
        for (asker, host) in [(&mut inside, "!127.0.0.1"), (&mut boxed, "!10.77.0.1")] {
            assert_eq!(
                asker.status(&format!("{host} {}", add(&format!("mallory{number}"), &stolen))),
                "left"
            );
        }
    }
    assert_eq!(inside.status(&format!("127.0.0.1 GET /v1/me {stolen} ")), "403");
    assert_eq!(boxed.status(&format!("10.77.0.1 GET /v1/me {stolen} ")), "403");
    let names = daemon.ask(&["reviewer", "list"]);
    assert!(names.contains("eve") && !names.contains("mallory"), "{names}");

    assert_eq!(neighbour.status(&format!("10.77.0.1 {vote}")), "200");
    assert_eq!(held.ending().unwrap().status.code(), Some(128));
}

fn an_agent_looks_at_its_own_tickets() {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let file = folder.path().join("expacti.toml");
    fs::write(&file, "[policy.default]\ntimeout = { low = \"25s\", medium = \"1s\", high = \"25s\", critical = \"25s\" }\n")
        .unwrap();
    let agent = Cgroup::new("agent-that-claims");
    let mut inside = Asker::inside(&agent);
    let mut outside = Asker::start(&mut python(None));
    let mut daemon = Daemon::start(&[
        "--config",
        &file.display().to_string(),
        &format!("--agent=test={}", agent.path().display()),
    ]);
    daemon.says("ready");
    let mut own = || inside.asks(&format!("{OWN} GET /v1/own/tickets - "));

    let held = child::run_aside(&agent, risky());
    let ticket = daemon.card("git push --force origin main");
    let (status, seen) = own();
    assert_eq!((status.as_str(), &seen["agent"]), ("200", &json!("test")));
    assert_eq!(seen["pending"][0]["ticket"].to_string(), ticket);
    assert_eq!(seen["pending"][0]["command"], json!("git push --force origin main"));

    let (code, said) = expacti(&["deny", &ticket, "--note", "not on a Friday"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(held.ending().unwrap_err().raw_os_error(), Some(libc::EPERM));
    let mut medium = Command::new("rm");
    medium.args(["-rf", "/var/tmp/not-here-7"]);
    let held = child::run_aside(&agent, medium);
    assert_eq!(held.ending().unwrap_err().raw_os_error(), Some(libc::EPERM));
    let ended = until("both ends", || {
        let ended = own().1["ended"].as_array().unwrap().clone();
        (ended.len() == 2).then_some(ended)
    });
    let came_to: Vec<&Value> = ended.iter().map(|ticket| &ticket["state"]).collect();
    assert_eq!(came_to, [&json!("denied"), &json!("timed-out")]);
    assert!(ended[0]["outcome"].as_str().unwrap().contains("not on a Friday"), "{ended:?}");

    // As a person would do it; looking needs nobody's consent.
    let looked = child::run(&agent, Command::new("expacti").arg("own")).unwrap();
    let said = String::from_utf8(looked.stdout).unwrap();
    assert!(
        looked.status.success() && said.contains("not on a Friday") && said.contains("timed out"),
        "{said}"
    );

    // What it says of itself is shown as that, and cannot play tricks on who reads it.
    let claim = r#"{"text":"fixing the slow query\u001b[2J"}"#;
    assert_eq!(inside.status(&format!("{OWN} PUT /v1/own/claim - {claim}")), "204");
    let held = child::run_aside(&agent, risky());
    let ticket = daemon.card("git push --force origin main");
    let (_, shown) = expacti(&["show", &ticket]);
    assert!(shown.contains(r"it claims   fixing the slow query\u{1b}[2J"), "{shown}");

    // It answers nobody else, and answers nothing else.
    assert_eq!(outside.status(&format!("{OWN} GET /v1/own/tickets - ")), "403");
    let vote = vote(&daemon, &ticket, &admin("eve"));
    assert_eq!(inside.status(&format!("{OWN} {vote}")), "404");
    assert!(held.goes_on());
    expacti(&["deny", &ticket]);
    assert!(held.ending().is_err());

    drop(daemon);
    assert_eq!(inside.status(&format!("{OWN} GET /v1/own/tickets - ")), "unavailable");
}
