//! The API as a client meets it: a real socket, a real client, a simulated kernel edge.

mod records;
mod session;
mod suggestions;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use expacti_core::docket::{Policy, Role};
use expacti_core::record::secrets::Masker;

use super::{Api, ApiConfig, Gated, ServeError, TcpConfig};
use crate::client::{Client, ClientError};
use crate::desk::simulation::Simulation;
use crate::reviewers::{New, Reviewers};
use crate::testing::Certificate;
use crate::wire::{
    AgentView, AnswerWord, CardDetail, CardPage, Claim, GrantView, Health, Me, NewReviewer, OwnTickets,
    RepeatWord, ReviewerView, TicketState, TicketView, VoteBody, VoteResult, WelcomeView,
};

/// Says what it was told to say.
#[derive(Default)]
struct Marked(AtomicBool);

impl Gated for Marked {
    fn is_gated(&self, _: u32) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn agent_of(&self, pid: u32) -> Option<String> {
        self.is_gated(pid).then(|| "claude".into())
    }
}

struct Served {
    simulation: Simulation,
    reviewers: Arc<Reviewers>,
    marked: Arc<Marked>,
    api: Arc<Api>,
    socket: PathBuf,
    _dir: tempfile::TempDir,
}

impl Served {
    fn start(config: ApiConfig) -> Self {
        Self::around(Simulation::start(&["claude", "codex"], Policy::default()), config)
    }

    fn around(simulation: Simulation, config: ApiConfig) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let reviewers = Arc::new(Reviewers::open(&dir.path().join("reviewers.toml")).unwrap());
        let marked = Arc::new(Marked::default());
        let (desk, gated) = (simulation.desk.clone(), marked.clone());
        let api = Api::new(desk, reviewers.clone(), gated, config, Masker::new([7; 16]), "life".into());
        let socket = dir.path().join("run/api.sock");
        tokio::spawn(api.serve_unix(&socket).unwrap());
        Self { simulation, reviewers, marked, api, socket, _dir: dir }
    }

    /// A reviewer with these roles and a token.
    fn reviewer(&self, name: &str, roles: &[Role]) -> Client {
        let roles: BTreeSet<Role> = roles.iter().copied().collect();
        let welcome = self.reviewers.add(New { name: name.into(), roles, ..New::default() }, 0).unwrap();
        Client::new(&self.socket, Some(welcome.token.reveal().to_owned()), "cli")
    }
}

/// The client blocks, so it runs beside the server.
async fn ask<T: Send + 'static>(ask: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(ask).await.unwrap()
}

fn code<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> (u16, String) {
    match answer {
        Err(ClientError::Refused(problem)) => {
            (problem.status, problem.kind.trim_start_matches("urn:expacti:problem:").to_owned())
        }
        other => panic!("{other:?}"),
    }
}

fn vote(client: &Client, id: u64, answer: AnswerWord) -> Result<VoteResult, ClientError> {
    let CardDetail { card, .. } = client.get(&format!("/v1/cards/{id}"))?;
    let body = body(&card.digest, card.newest, answer);
    client.post(&format!("/v1/cards/{id}/votes"), &body)
}

fn body(digest: &str, newest: u64, answer: AnswerWord) -> VoteBody {
    let (children, repeat, for_ms) = (false, RepeatWord::Once, None);
    VoteBody { digest: digest.into(), newest, answer, children, repeat, for_ms, note: None }
}

#[tokio::test]
async fn two_humans_approve_a_critical_command_and_it_runs() {
    let served = Served::start(ApiConfig::default());
    let (alice, bob) =
        (served.reviewer("alice", &[Role::Reviewer]), served.reviewer("bob", &[Role::Reviewer]));
    let ticket = served.simulation.attempt("claude", &["psql", "-c", "DROP TABLE users"], 95);
    let again = alice.clone();
    let first = ask(move || vote(&alice, ticket, AnswerWord::Approve).unwrap()).await;
    assert_eq!(first.ended, []);
    assert_eq!(first.card.unwrap().votes[0].name, "alice");
    assert_eq!(served.simulation.kernel.verdict_now(ticket), None);
    let twice = ask(move || vote(&again, ticket, AnswerWord::Approve)).await;
    assert_eq!(code(twice), (409, "already-voted".into()));
    let second = ask(move || vote(&bob, ticket, AnswerWord::Approve).unwrap()).await;
    let outcome = Some("allowed: approved by alice, bob".to_owned());
    assert_eq!(second.ended, [TicketView { ticket, state: TicketState::Allowed, card: None, outcome }]);
    assert!(served.simulation.kernel.verdict(ticket).await.allow);
}

#[tokio::test]
async fn a_vote_on_what_was_not_shown_is_refused() {
    let served = Served::start(ApiConfig::default());
    let alice = served.reviewer("alice", &[Role::Reviewer]);
    let ticket = served.simulation.attempt("claude", &["git", "push"], 45);
    let vote = |digest: &str| body(digest, ticket, AnswerWord::Approve);
    let (wrong, broken) = (vote(&"0".repeat(32)), vote("none"));
    let (a, b) = (alice.clone(), alice);
    let path = format!("/v1/cards/{ticket}/votes");
    let path2 = path.clone();
    assert_eq!(code(ask(move || a.post::<VoteResult>(&path, &wrong)).await), (409, "changed".into()));
    assert_eq!(code(ask(move || b.post::<VoteResult>(&path2, &broken)).await), (422, "bad-input".into()));
}

#[tokio::test]
async fn whoever_is_gated_is_refused_whatever_they_show() {
    let served = Served::start(ApiConfig::default());
    let admin = served.reviewer("mallory", &Role::ALL);
    let ticket = served.simulation.attempt("claude", &["git", "push"], 45);
    let (before, after) = (admin.clone(), admin);
    ask(move || before.get::<Me>("/v1/me").unwrap()).await;
    served.marked.0.store(true, Ordering::Relaxed);
    assert_eq!(code(ask(move || vote(&after, ticket, AnswerWord::Approve)).await), (403, "gated".into()));
    let bare = Client::new(&served.socket, None, "cli");
    assert_eq!(code(ask(move || bare.get::<Health>("/v1/health")).await), (403, "gated".into()));
    assert_eq!(served.simulation.kernel.verdict_now(ticket), None);
}

#[tokio::test]
async fn over_tcp_whoever_is_gated_is_refused_too_also_in_the_middle_of_a_connection() {
    use std::io::{Read as _, Write as _};
    let served = Served::start(ApiConfig::default());
    let config = TcpConfig { address: "127.0.0.1:0".parse().unwrap(), tls: None };
    let (address, serving) = served.api.serve_tcp(&config).await.unwrap();
    tokio::spawn(serving);
    let marked = served.marked.clone();
    ask(move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let mut status = || {
            write!(stream, "GET /v1/health HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
            let mut answer = [0; 4096];
            let length = stream.read(&mut answer).unwrap();
            String::from_utf8_lossy(&answer[..length]).split(' ').nth(1).unwrap().to_owned()
        };
        assert_eq!(status(), "200");
        marked.0.store(true, Ordering::Relaxed);
        assert_eq!(status(), "403");
        marked.0.store(false, Ordering::Relaxed);
        assert_eq!(status(), "200");
    })
    .await;
}

#[tokio::test]
async fn everybody_does_what_their_roles_let_them() {
    let served = Served::start(ApiConfig::default());
    let ticket = served.simulation.attempt("claude", &["git", "push"], 45);
    let viewer = served.reviewer("vera", &[Role::Viewer]);
    let denied = ask(move || {
        assert_eq!(viewer.get::<CardPage>("/v1/cards").unwrap().total, 1);
        let new = NewReviewer { name: "eve".into(), roles: vec![Role::Admin], ..NewReviewer::default() };
        [
            code(vote(&viewer, ticket, AnswerWord::Approve)),
            code(viewer.act("POST", "/v1/agents/claude/stop")),
            code(viewer.act("POST", "/v1/agents/claude/resume")),
            code(viewer.act("POST", "/v1/agents/claude/kill")),
            code(viewer.act("DELETE", "/v1/reviewers/alice")),
            code(viewer.act("DELETE", "/v1/grants/1-repeat")),
            code(viewer.get::<Vec<ReviewerView>>("/v1/reviewers")),
            code(viewer.post::<WelcomeView>("/v1/reviewers", &new)),
        ]
    })
    .await;
    assert!(denied.iter().all(|answer| *answer == (403, "role-missing".into())), "{denied:?}");
}

#[tokio::test]
async fn strangers_and_wrong_tokens_are_nobody() {
    let served = Served::start(ApiConfig { root_is_admin: false, ..ApiConfig::default() });
    let socket = served.socket.clone();
    let answers = ask(move || {
        let token =
            |token: Option<&str>| Client::new(&socket, token.map(str::to_owned), "cli").get::<Me>("/v1/me");
        [code(token(None)), code(token(Some("alice.x"))), code(token(Some("")))]
    })
    .await;
    assert!(answers.iter().all(|answer| *answer == (401, "unknown-reviewer".into())), "{answers:?}");
}

#[tokio::test]
async fn a_user_of_this_host_is_a_reviewer_without_a_token() {
    let uid = Some(rustix::process::getuid().as_raw());
    let add = |served: &Served, name: &str, uid| {
        let admin = served.reviewer("admin", &[Role::Admin]);
        let new = NewReviewer { name: name.into(), roles: vec![Role::Viewer], uid, ..NewReviewer::default() };
        ask(move || admin.post::<WelcomeView>("/v1/reviewers", &new))
    };
    let served = Served::start(ApiConfig { root_is_admin: false, ..ApiConfig::default() });
    add(&served, "carol", uid).await.unwrap();
    let here = Client::new(&served.socket, None, "cli");
    assert_eq!(ask(move || here.get::<Me>("/v1/me").unwrap().name).await, "carol");
    // One user is one human, and root is nobody else while it is one by itself.
    let second =
        NewReviewer { name: "dora".into(), roles: vec![Role::Viewer], uid, ..NewReviewer::default() };
    let carol = served.reviewer("ada", &[Role::Admin]);
    assert_eq!(code(ask(move || carol.post::<WelcomeView>("/v1/reviewers", &second)).await).0, 409);
    let served = Served::start(ApiConfig::default());
    assert_eq!(code(add(&served, "carol", Some(0)).await), (422, "bad-input".into()));
}

#[tokio::test]
async fn a_reviewer_begins_and_ends_through_the_api() {
    let served = Served::start(ApiConfig::default());
    let admin = served.reviewer("admin", &[Role::Admin]);
    let socket = served.socket.clone();
    ask(move || {
        let new = NewReviewer { name: "carol".into(), roles: vec![Role::Viewer], ..NewReviewer::default() };
        let welcome: WelcomeView = admin.post("/v1/reviewers", &new).unwrap();
        let carol = Client::new(&socket, Some(welcome.token), "cli");
        assert_eq!(carol.get::<Me>("/v1/me").unwrap().name, "carol");
        assert_eq!(code(admin.post::<WelcomeView>("/v1/reviewers", &new)), (409, "taken".into()));
        admin.act("DELETE", "/v1/reviewers/carol").unwrap();
        assert_eq!(code(carol.get::<Me>("/v1/me")), (401, "unknown-reviewer".into()));
        let root = NewReviewer { name: "root".into(), roles: vec![Role::Admin], ..NewReviewer::default() };
        assert_eq!(code(admin.post::<WelcomeView>("/v1/reviewers", &root)), (422, "bad-input".into()));
    })
    .await;
    let changes: Vec<String> =
        served.simulation.log.records().iter().map(|r| format!("{:?}", r.change)).collect();
    assert!(
        changes[0].starts_with("ReviewerAdded") && changes[0].ends_with("by: \"admin\" }"),
        "{changes:?}"
    );
    assert!(changes[1].starts_with("ReviewerRevoked"), "{changes:?}");
}

#[tokio::test]
async fn a_one_time_password_is_asked_for_where_there_is_one() {
    let served = Served::start(ApiConfig::default());
    let new =
        New { name: "tom".into(), roles: BTreeSet::from([Role::Reviewer]), totp: true, ..New::default() };
    let token = served.reviewers.add(new, 0).unwrap().token.reveal().to_owned();
    let ticket = served.simulation.attempt("claude", &["git", "push"], 45);
    let tom = Client::new(&served.socket, Some(token), "cli").with_totp(Some("000000".into()));
    let (approving, denying) = (tom.clone(), tom);
    assert_eq!(
        code(ask(move || vote(&approving, ticket, AnswerWord::Approve)).await),
        (403, "totp-missing".into())
    );
    // Nobody needs a second factor to say no.
    assert_eq!(ask(move || vote(&denying, ticket, AnswerWord::Deny).unwrap().ended.len()).await, 1);
}

#[tokio::test]
async fn agents_and_grants_are_seen_and_ended() {
    let served = Served::start(ApiConfig::default());
    let root = served.reviewer("admin", &[Role::Admin, Role::Reviewer]);
    let ticket = served.simulation.attempt("claude", &["npm", "install"], 45);
    ask(move || {
        let CardDetail { card, .. } = root.get(&format!("/v1/cards/{ticket}")).unwrap();
        let vote = VoteBody { children: true, ..body(&card.digest, card.newest, AnswerWord::Approve) };
        root.post::<VoteResult>(&format!("/v1/cards/{ticket}/votes"), &vote).unwrap();
        let grants: Vec<GrantView> = root.get("/v1/grants").unwrap();
        assert_eq!(grants.iter().map(|grant| grant.id.to_string()).collect::<Vec<_>>(), ["1-children"]);
        root.act("DELETE", "/v1/grants/1-children").unwrap();
        assert_eq!(code(root.act("DELETE", "/v1/grants/1-children")), (404, "not-found".into()));
        root.act("POST", "/v1/agents/claude/stop").unwrap();
        let agents: Vec<AgentView> = root.get("/v1/agents").unwrap();
        let stopped: Vec<Option<&str>> = agents.iter().map(|agent| agent.stopped_by.as_deref()).collect();
        assert_eq!(stopped, [Some("admin"), None]);
        root.act("POST", "/v1/agents/claude/resume").unwrap();
        assert_eq!(code(root.act("POST", "/v1/agents/claude/resume")), (409, "agent-not-stopped".into()));
        assert_eq!(code(root.act("POST", "/v1/agents/nobody/stop")), (404, "not-found".into()));
        root.act("POST", "/v1/agents/codex/kill").unwrap();
    })
    .await;
    assert!(served.simulation.kernel.is_killed("codex"));
}

#[tokio::test]
async fn events_resume_without_loss_and_say_when_they_cannot() {
    let served = Served::start(ApiConfig::default());
    let viewer = served.reviewer("vera", &[Role::Viewer]);
    let watching = viewer.clone();
    let mut events = ask(move || watching.events(None).unwrap()).await;
    served.simulation.attempt("claude", &["git", "push"], 45);
    let (id, events) = ask(move || {
        let hello = events.next().unwrap().unwrap();
        let opened = events.next().unwrap().unwrap();
        assert_eq!((hello.name.as_str(), opened.name.as_str()), ("hello", "card-opened"));
        assert!(opened.data.contains("git push"), "{}", opened.data);
        (opened.id, events)
    })
    .await;
    drop(events);
    let missed = served.simulation.attempt("claude", &["git", "pull"], 45);
    served.simulation.desk.card(missed).await.unwrap();
    let again = viewer.clone();
    ask(move || {
        let mut events = again.events(Some(&id)).unwrap();
        assert_eq!(events.next().unwrap().unwrap().name, "hello");
        assert!(events.next().unwrap().unwrap().data.contains("git pull"));
        let mut stale = viewer.events(Some("otherlife-1")).unwrap();
        assert_eq!(stale.next().unwrap().unwrap().name, "reload");
        let mut stale = viewer.events(Some("life-999")).unwrap();
        assert_eq!(stale.next().unwrap().unwrap().name, "hello");
        assert_eq!(stale.next().unwrap().unwrap().name, "reload");
    })
    .await;
}

#[tokio::test]
async fn pages_hold_everything_once() {
    let served = Served::start(ApiConfig::default());
    let viewer = served.reviewer("vera", &[Role::Viewer]);
    for number in 0..25 {
        served.simulation.attempt(["claude", "codex"][number % 2], &["echo", &number.to_string()], 45);
    }
    ask(move || {
        let (mut after, mut seen) = (0, Vec::new());
        loop {
            let page: CardPage = viewer.get(&format!("/v1/cards?limit=10&after={after}")).unwrap();
            assert_eq!(page.total, 25);
            seen.extend(page.cards.iter().map(|card| card.id));
            match page.next {
                Some(next) => after = next,
                None => break,
            }
        }
        assert_eq!(seen, (1..=25).collect::<Vec<u64>>());
        assert_eq!(viewer.get::<CardPage>("/v1/cards?agent=codex").unwrap().total, 12);
        assert_eq!(code(viewer.get::<CardPage>("/v1/cards?limit=0")), (422, "bad-input".into()));
        assert_eq!(code(viewer.get::<CardPage>("/v1/cards?sort=x")), (400, "bad-query".into()));
    })
    .await;
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let served = Served::start(ApiConfig::default());
    let viewer = served.reviewer("vera", &[Role::Viewer]);
    let secret = "hunter2-hunter2-hunter2";
    let first = served.simulation.attempt("claude", &["mysql", &format!("--password={secret}")], 45);
    let second = served.simulation.attempt("claude", &["git", "push"], 45);
    ask(move || {
        for path in [format!("/v1/cards/{first}"), format!("/v1/cards/{second}"), "/v1/cards".into()] {
            let shown = viewer.get::<serde_json::Value>(&path).unwrap().to_string();
            assert!(shown.contains("[masked:") && !shown.contains(secret), "{path}: {shown}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_agent_looks_at_its_own_tickets_and_at_no_others() {
    let served = Served::start(ApiConfig::default());
    let socket = served.socket.with_file_name("own.sock");
    tokio::spawn(served.api.serve_own(&socket).unwrap());
    let vera = served.reviewer("vera", &[Role::Viewer, Role::Reviewer]);
    let denied = served.simulation.attempt("claude", &["git", "push"], 45);
    let waits = served.simulation.attempt("claude", &["npm", "install"], 45);
    served.simulation.attempt("codex", &["ls"], 45);
    let agent = Client::new(&socket, None, "cli");
    let (stranger, marked) = (agent.clone(), served.marked.clone());
    ask(move || {
        vote(&vera, denied, AnswerWord::Deny).unwrap();
        assert_eq!(code(stranger.get::<OwnTickets>("/v1/own/tickets")), (403, "not-an-agent".into()));
        marked.0.store(true, Ordering::Relaxed);
        let own: OwnTickets = agent.get("/v1/own/tickets").unwrap();
        assert_eq!(own.pending.iter().map(|card| card.ticket).collect::<Vec<_>>(), [waits]);
        let ended: Vec<_> = own.ended.iter().map(|ticket| (ticket.ticket, ticket.state)).collect();
        assert_eq!(ended, [(denied, TicketState::Denied)]);
        agent.put("/v1/own/claim", &Claim { text: "fixing\u{1b}[2J the slow query".into() }).unwrap();
        let long = Claim { text: "x".repeat(501) };
        assert_eq!(code(agent.put("/v1/own/claim", &long)), (422, "bad-input".into()));
        assert_eq!(
            code(agent.get::<CardPage>("/v1/cards")),
            (404, "not-found".into()),
            "nothing else is here"
        );
        marked.0.store(false, Ordering::Relaxed);
        let shown: CardDetail = vera.get(&format!("/v1/cards/{waits}")).unwrap();
        assert_eq!(shown.claim.unwrap().to_string(), "fixing\\u{1b}[2J the slow query");
    })
    .await;
}

#[tokio::test]
async fn floods_are_slowed_down() {
    let served = Served::start(ApiConfig { requests_per_second: 1, burst: 3, ..ApiConfig::default() });
    let client = Client::new(&served.socket, None, "cli");
    let answers =
        ask(move || (0..5).map(|_| client.get::<Health>("/v1/health").is_ok()).collect::<Vec<_>>()).await;
    assert_eq!(answers, [true, true, true, false, false]);
}

#[tokio::test]
async fn plain_http_does_not_leave_the_host() {
    let served = Served::start(ApiConfig::default());
    let config = TcpConfig { address: "0.0.0.0:0".parse().unwrap(), tls: None };
    assert!(matches!(served.api.serve_tcp(&config).await.err(), Some(ServeError::NeedsTls(_))));
    assert!(matches!(served.api.serve_unix(&served.socket).err(), Some(ServeError::Taken(_))));
}

#[tokio::test]
async fn certificates_are_served_and_broken_ones_are_named() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_rustls::rustls::pki_types::ServerName;
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let made = Certificate::of("localhost");
    std::fs::write(&certificate, &made.pem).unwrap();
    std::fs::write(&key, &made.key_pem).unwrap();
    let served = Served::start(ApiConfig::default());
    let tls = |key: &PathBuf| TcpConfig {
        address: "127.0.0.1:0".parse().unwrap(),
        tls: Some((certificate.clone(), key.clone())),
    };
    let broken = served.api.serve_tcp(&tls(&certificate)).await.err();
    assert!(matches!(broken, Some(ServeError::Certificate { .. })), "{broken:?}");
    let (address, serving) = served.api.serve_tcp(&tls(&key)).await.unwrap();
    tokio::spawn(serving);
    // A client that never says hello keeps nobody waiting.
    let _silent = tokio::net::TcpStream::connect(address).await.unwrap();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = made.trusted().connect(name, stream).await.unwrap();
    stream.write_all(b"GET /v1/health HTTP/1.0\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // The server may end the connection without a farewell once it has answered.
    let _ = stream.read_to_end(&mut answer).await;
    assert!(String::from_utf8_lossy(&answer).contains("200 OK"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn strange_hosts_and_origins_are_refused() {
    let served = Served::start(ApiConfig::default());
    let config = TcpConfig { address: "127.0.0.1:0".parse().unwrap(), tls: None };
    let (address, serving) = served.api.serve_tcp(&config).await.unwrap();
    tokio::spawn(serving);
    let status = move |headers: &'static str| {
        ask(move || {
            use std::io::{Read as _, Write as _};
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            write!(stream, "GET /v1/health HTTP/1.0\r\n{headers}\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer.split(' ').nth(1).unwrap().to_owned()
        })
    };
    assert_eq!(status("host: localhost").await, "200");
    assert_eq!(status("host: localhost\r\norigin: http://localhost:3000").await, "200");
    assert_eq!(status("host: evil.tld").await, "421");
    assert_eq!(status("x: y").await, "421");
    assert_eq!(status("host: localhost\r\nhost: evil.tld").await, "421");
    assert_eq!(status("host: localhost\r\norigin: https://evil.tld").await, "403");
    assert_eq!(status("host: localhost\r\norigin: null").await, "403");
}

#[tokio::test]
async fn a_log_that_cannot_be_written_is_said_and_nothing_runs() {
    let served = Served::start(ApiConfig::default());
    let alice = served.reviewer("alice", &[Role::Reviewer]);
    let ticket = served.simulation.attempt("claude", &["git", "push"], 45);
    served.simulation.desk.card(ticket).await.unwrap();
    served.simulation.log.fail(true);
    let answer = ask(move || vote(&alice, ticket, AnswerWord::Approve)).await;
    assert_eq!(code(answer), (503, "log-failed".into()));
    assert!(!served.simulation.kernel.verdict(ticket).await.allow);
}

#[tokio::test]
async fn the_document_names_every_path() {
    let served = Served::start(ApiConfig::default());
    let client = Client::new(&served.socket, None, "cli");
    let document: serde_json::Value = ask(move || client.get("/v1/openapi.json").unwrap()).await;
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    insta::assert_debug_snapshot!(paths);
}
