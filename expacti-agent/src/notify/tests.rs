//! Messages as receivers get them.

use std::sync::Arc;
use std::time::Duration;

use expacti_core::docket::{Card, Digest, Notice, NoticeKind};
use expacti_core::evaluation::Level;
use expacti_core::record::secrets::Masker;
use expacti_core::request::ExecRequest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::message::Message;
use super::{Format, Notifications, NotifyConfig, NotifyError, SinkConfig, Target};
use crate::desk::Notifier as _;
use crate::desk::simulation::held;

fn notice(argv: &[&str], score: u8, kind: NoticeKind) -> Notice {
    let argv = argv.iter().map(|word| (*word).into()).collect();
    let card = Card {
        id: 42,
        agent: "claude".into(),
        digest: Digest([score; 16]),
        request: Arc::new(ExecRequest { argv, ..ExecRequest::default() }),
        evaluation: Arc::new(held(score, "drops a table")),
        approvals: 1,
        always_offered: false,
        count: 1,
        newest: 42,
        opened_ms: 0,
        deadline_ms: 1,
        votes: Vec::new(),
    };
    Notice { kind, card: Arc::new(card) }
}

fn webhook(url: String, secret_file: Option<std::path::PathBuf>) -> SinkConfig {
    let target = Target::Webhook { url, format: Format::Generic, secret_file };
    SinkConfig { from_level: Level::Low, kinds: Vec::new(), target }
}

fn config(sinks: Vec<SinkConfig>) -> NotifyConfig {
    let retries = vec![Duration::from_millis(10); 3];
    NotifyConfig { sinks, link: Some("https://gate.example/".into()), retries, ..NotifyConfig::default() }
}

/// Takes one request, answers with a status, and gives the request back.
async fn receive(listener: &TcpListener, status: &str) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    loop {
        let mut some = [0; 4096];
        let read = stream.read(&mut some).await.unwrap();
        request.extend_from_slice(&some[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse::<usize>().unwrap() {
                stream.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes()).await.unwrap();
                return text;
            }
        }
    }
}

#[tokio::test]
async fn a_signed_message_arrives_although_the_receiver_failed_at_first() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    std::fs::write(&secret, "key\n").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?x=1", listener.local_addr().unwrap());
    let notifications =
        Notifications::start(config(vec![webhook(url, Some(secret))]), Masker::new([1; 16])).unwrap();
    notifications.notify(notice(&["psql", "-c", "DROP TABLE x"], 95, NoticeKind::NeedsReview));
    let first = receive(&listener, "500 Oh").await;
    let second = receive(&listener, "204 No Content").await;
    assert!(first.starts_with("POST /hook?x=1 HTTP/1.1\r\n"), "{first}");
    let (head, body) = second.split_once("\r\n\r\n").unwrap();
    let signature = head.lines().find_map(|line| line.strip_prefix("expacti-signature: ")).unwrap();
    let seconds = signature.strip_prefix("t=").unwrap().split(',').next().unwrap();
    assert_eq!(signature, super::deliver::sign(b"key", seconds.parse().unwrap(), body));
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["command"], "psql -c \"DROP TABLE x\"");
    assert_eq!(body["link"], "https://gate.example/cards/42");
}

#[tokio::test]
async fn the_same_is_told_once_and_low_levels_only_to_who_wants_them() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let sink = SinkConfig { from_level: Level::High, ..webhook(url, None) };
    let notifications = Notifications::start(config(vec![sink]), Masker::new([1; 16])).unwrap();
    for score in [40, 95, 95, 60] {
        notifications.notify(notice(&["x"], score, NoticeKind::NeedsReview));
    }
    let scores = [receive(&listener, "200 OK").await, receive(&listener, "200 OK").await]
        .map(|request| request.contains("\"score\":95"));
    assert_eq!(scores, [true, false], "95 once, then 60");
}

#[tokio::test]
async fn a_program_hears_of_it_on_its_input() {
    let dir = tempfile::tempdir().unwrap();
    let heard = dir.path().join("heard");
    // Written beside and moved, so that whoever waits for the file finds it whole.
    let script = format!("cat > {0}.part && mv {0}.part {0}", heard.display());
    let target = Target::Command { argv: ["sh", "-c", &script].map(str::to_owned).to_vec() };
    let sink = SinkConfig { from_level: Level::Low, kinds: vec![NoticeKind::TimedOut], target };
    let notifications = Notifications::start(config(vec![sink]), Masker::new([1; 16])).unwrap();
    notifications.notify(notice(&["x"], 40, NoticeKind::NeedsReview));
    notifications.notify(notice(&["y"], 40, NoticeKind::TimedOut));
    let text = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            match std::fs::read_to_string(&heard) {
                Ok(text) => return text,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    });
    assert!(text.await.unwrap().contains("\"kind\":\"timed-out\""));
}

#[tokio::test]
async fn commands_do_not_leave_the_host_in_clear() {
    for url in ["http://example.org/", "ftp://localhost/", "localhost", "", "https:///x"] {
        let started = Notifications::start(config(vec![webhook(url.into(), None)]), Masker::new([1; 16]));
        assert!(matches!(started, Err(NotifyError::BadUrl(_))), "{url}");
    }
}

#[test]
fn no_format_lets_a_command_speak_for_itself() {
    let argv = ["echo", "a\nb", "``` <@U1> *x* @everyone & <!channel>", "--password=hunter2-hunter2-hunter2"];
    let notice = notice(&argv, 95, NoticeKind::NeedsReview);
    let message = Message::of(&notice, Some("https://gate.example"), &Masker::new([1; 16]));
    let bodies =
        [Format::Generic, Format::Slack, Format::Discord, Format::Teams].map(|format| message.body(format));
    insta::assert_json_snapshot!((bodies, message.for_desktop()));
}

#[test]
fn tables_of_the_configuration_are_read() {
    #[derive(serde::Deserialize)]
    struct File {
        notify: Vec<SinkConfig>,
    }
    let text = "[[notify]]\nto = \"webhook\"\nurl = \"https://x.example/\"\nformat = \"slack\"\nfrom_level = \"HIGH\"\n\
                [[notify]]\nto = \"desktop\"\nkinds = [\"timed-out\"]\n";
    let file: File = toml::from_str(text).unwrap();
    assert!(matches!(&file.notify[0].target, Target::Webhook { format: Format::Slack, .. }));
    assert!(file.notify[1].wants(NoticeKind::TimedOut, Level::Low));
    assert!(toml::from_str::<File>(&text.replace("url =", "uri =")).is_err());
    assert!(toml::from_str::<File>(&text.replace("kinds =", "kind =")).is_err());
    assert!(!file.notify[1].wants(NoticeKind::NeedsReview, Level::Critical));
}
