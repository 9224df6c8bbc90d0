//! Looking back, and asking the rules, over a real exec log.

use std::sync::Arc;
use std::time::Duration;

use expacti_agent::log::{Config, Log, Place};
use expacti_core::docket::{Policy, Role};
use expacti_core::history::History;
use expacti_core::record::entry::BootId;
use expacti_core::request::{Agent, ExecRequest, Executable, Script};
use expacti_core::rules::{RuleSet, Source};
use expacti_core::{Tools, assess};
use serde_json::{Value, json};

use super::{Served, ask, code, vote};
use crate::api::ApiConfig;
use crate::client::{Client, ClientError, segment};
use crate::daemon::engine::{Engine, InForce};
use crate::daemon::ledger::Ledger;
use crate::desk::simulation::Simulation;
use crate::wire::AnswerWord;

const RULES: &str = r#"
[[rule]]
name = "status"
decision = "allow"
because = "reading changes nothing"
argv = ["git", "status"]

[[rule]]
name = "never"
decision = "deny"
because = "not here"
argv = ["shutdown", "..."]
"#;

pub(super) struct Site {
    pub(super) served: Served,
    log: Log,
    engine: Arc<InForce>,
    _home: tempfile::TempDir,
}

impl Site {
    pub(super) async fn start() -> Self {
        let tools = Tools::embedded();
        let rules = RuleSet::load(&[Source::file("team.toml", RULES)], 7, &|request| assess(request, &tools))
            .unwrap();
        let policy = expacti_core::policy::Policy::default();
        let engine = Arc::new(InForce::new(Engine::of_one_policy(tools, policy, rules)));
        let home = tempfile::tempdir().unwrap();
        let place = Place::Sqlite(home.path().join("log.db"));
        let log = Log::open(Config::new(place, home.path())).await.unwrap();
        let served = served(&log, &engine, 1);
        Self { served, log, engine, _home: home }
    }

    /// Another life of the daemon, over the same log.
    fn again(&self) -> Served {
        served(&self.log, &self.engine, 2)
    }

    /// An agent tries this, and the engine judges it.
    pub(super) async fn attempt(&self, argv: &[&str]) -> u64 {
        self.attempt_at(&self.served, argv, None).await
    }

    async fn attempt_at(&self, served: &Served, argv: &[&str], script: Option<&str>) -> u64 {
        let script = script.map(|text| Script {
            path: "/work/deploy.sh".into(),
            text: text.into(),
            ..Script::default()
        });
        let request = ExecRequest {
            script,
            argv: argv.iter().map(|word| (*word).into()).collect(),
            agent: Agent { name: "claude".into(), cgroup: "/agents/claude".into(), ..Agent::default() },
            exe: Executable { path: format!("/usr/bin/{}", argv[0]).into(), ino: 1, ..Executable::default() },
            cwd: Some("/work".into()),
            ..ExecRequest::default()
        };
        let evaluation = self.engine.now().judge(&request, &[], &History::default()).evaluation;
        let Simulation { kernel, desk, .. } = &served.simulation;
        let ticket = kernel.attempt(desk, request, evaluation);
        // Whatever comes of it at once is on record when the desk answers.
        desk.look(|_| ()).await.unwrap();
        ticket
    }

    pub(super) async fn get(&self, client: &Client, path: &str) -> Result<Value, ClientError> {
        self.log.settle().await.unwrap();
        let (client, path) = (client.clone(), path.to_owned());
        ask(move || client.get(&path)).await
    }

    async fn find(&self, client: &Client, question: &str) -> Vec<String> {
        let page = self.get(client, &format!("/v1/records?q={}", segment(question))).await.unwrap();
        let lines = page["records"].as_array().unwrap().iter();
        lines
            .map(|line| format!("{} {}", line["state"].as_str().unwrap(), line["command"].as_str().unwrap()))
            .collect()
    }
}

fn served(log: &Log, engine: &Arc<InForce>, life: u128) -> Served {
    let boot = BootId(0x3f2a_9c1e << 96 | life);
    let ledger = Ledger::new(log.clone(), boot);
    let simulation = Simulation::recorded(&["claude"], Policy::default(), ledger);
    let served = Served::around(simulation, ApiConfig::default());
    served.api.look_back(log.reader().clone(), boot, Arc::clone(engine));
    served
}

#[tokio::test]
async fn a_page_far_down_is_found_at_once_and_stays_where_it_is() {
    let site = Site::start().await;
    let alice = site.served.reviewer("alice", &[Role::Reviewer]);
    for number in 0..30 {
        site.attempt(&["seq", &number.to_string()]).await;
    }
    let first = site.get(&alice, "/v1/records?limit=4&total=true").await.unwrap();
    assert_eq!(first["total"], 30);
    let from = first["from"].as_i64().unwrap();
    // What comes in the meantime moves nothing.
    site.attempt(&["seq", "late"]).await;
    let commands = |page: &Value| -> Vec<String> {
        let records = page["records"].as_array().unwrap();
        records.iter().map(|line| line["command"].as_str().unwrap().to_owned()).collect()
    };
    let page = |skip: u32| format!("/v1/records?limit=4&after={from}&skip={skip}");
    let same = site.get(&alice, &page(0)).await.unwrap();
    assert_eq!(commands(&same), commands(&first));
    let deep = site.get(&alice, &page(20)).await.unwrap();
    assert_eq!(commands(&deep), ["seq 9", "seq 8", "seq 7", "seq 6"]);
    let last = site.get(&alice, &page(28)).await.unwrap();
    assert_eq!((commands(&last), last["next"].is_null()), (vec!["seq 1".into(), "seq 0".into()], true));
    for beyond in [30, 1_000_000] {
        assert_eq!(commands(&site.get(&alice, &page(beyond)).await.unwrap()), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_card_shows_what_the_log_knows_of_its_session() {
    let site = Site::start().await;
    let alice = site.served.reviewer("alice", &[Role::Reviewer]);
    site.attempt(&["ls"]).await;
    site.attempt(&["shutdown", "now"]).await;
    let waits = site.attempt(&["git", "push", "--force"]).await;
    site.attempt(&["ls", "later"]).await;
    let card = site.get(&alice, &format!("/v1/cards/{waits}")).await.unwrap();
    let before: Vec<(&str, &str)> = card["before"]
        .as_array()
        .unwrap()
        .iter()
        .map(|past| (past["command"].as_str().unwrap(), past["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(before, [("ls", "allowed by threshold"), ("shutdown now", "denied by rule:never")]);
}

#[tokio::test]
async fn what_happened_is_found_again_by_those_who_may_look_back() {
    let site = Site::start().await;
    let alice = site.served.reviewer("alice", &[Role::Reviewer]);
    site.attempt(&["git", "status"]).await;
    site.attempt(&["shutdown", "now"]).await;
    let held = site.attempt(&["npm", "install"]).await;
    let voter = alice.clone();
    ask(move || vote(&voter, held, AnswerWord::Deny).unwrap()).await;

    assert_eq!(
        site.find(&alice, "").await,
        ["denied npm install", "denied shutdown now", "allowed git status"]
    );
    assert_eq!(site.find(&alice, "by:alice").await, ["denied npm install"]);
    assert_eq!(site.find(&alice, "decision:allowed since:1h").await, ["allowed git status"]);
    let record = site.get(&alice, &format!("/v1/records/3f2a9c1e-{held}")).await.unwrap();
    assert_eq!(record["record"]["votes"][0]["reviewer"], "alice");
    assert_eq!(record["before"].as_array().unwrap().len(), 2);
    assert_eq!(record["commands"][0]["words"][0]["text"], "npm");
    assert_eq!(site.get(&alice, "/v1/stats?q=since:1d").await.unwrap()["denied"], 2);

    for (path, answer) in [
        ("/v1/records?q=agnet:x", (422, "bad-input")),
        ("/v1/records?limit=0", (422, "bad-input")),
        ("/v1/records/3f2a9c1e-99", (404, "not-found")),
        ("/v1/stats?q=level:high", (422, "bad-input")),
    ] {
        assert_eq!(code(site.get(&alice, path).await), (answer.0, answer.1.to_owned()), "{path}");
    }
    let viewer = site.served.reviewer("vera", &[Role::Viewer]);
    for path in ["/v1/records", "/v1/records/3f2a9c1e-1", "/v1/stats", "/v1/chain", "/v1/cards/1/similar"] {
        assert_eq!(code(site.get(&viewer, path).await), (403, "role-missing".into()), "{path}");
    }
    assert_eq!(code(site.get(&alice, "/v1/records/export?format=csv").await), (403, "role-missing".into()));
}

#[tokio::test]
async fn the_log_is_proven_and_taken_elsewhere() {
    let site = Site::start().await;
    let ada = site.served.reviewer("ada", &[Role::Auditor]);
    for _ in 0..3 {
        site.attempt(&["git", "status"]).await;
    }
    assert_eq!(site.get(&ada, "/v1/chain").await.unwrap(), json!({ "running": false, "chains": [] }));
    let client = ada.clone();
    ask(move || client.post::<Value>("/v1/chain", &json!({})).unwrap()).await;
    let proven = loop {
        let view = site.get(&ada, "/v1/chain").await.unwrap();
        if view["running"] == false {
            break view;
        }
        // Not at once: a client that asks too often is refused.
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!((&proven["bad"], &proven["chains"][0]["attempts"]), (&Value::Null, &json!(3)));

    // One line of JSON is an answer that the client reads.
    let question = segment("\"git status\"");
    let exported = site.get(&ada, &format!("/v1/records/export?format=otlp&q={question}")).await.unwrap();
    let logs = &exported["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
    assert_eq!(logs.as_array().map(Vec::len), Some(3), "{exported}");
}

#[tokio::test]
async fn a_card_tells_what_people_said_before_and_what_always_would_mean() {
    let site = Site::start().await;
    let alice = site.served.reviewer("alice", &[Role::Reviewer]);
    for (words, answer) in [
        (["npm", "install"], AnswerWord::Approve),
        (["npm", "install"], AnswerWord::Deny),
        (["npm", "update"], AnswerWord::Approve),
    ] {
        let (ticket, voter) = (site.attempt(&words).await, alice.clone());
        ask(move || vote(&voter, ticket, answer).unwrap()).await;
    }
    let ticket = site.attempt(&["npm", "install"]).await;
    let similar = site.get(&alice, &format!("/v1/cards/{ticket}/similar")).await.unwrap();
    let counts = [&similar["approved"], &similar["denied"], &similar["timed_out"], &similar["same_program"]];
    assert_eq!(counts, [1, 1, 0, 1]);
    assert_eq!(similar["by"], json!(["alice"]));
    let rule = site.get(&alice, &format!("/v1/cards/{ticket}/rule")).await.unwrap();
    assert!(rule["text"].as_str().unwrap().contains("\"npm\", \"install\""), "{rule}");
    assert_eq!(rule["matched"], 3, "{rule}");
    let card = site.get(&alice, &format!("/v1/cards/{ticket}")).await.unwrap();
    assert_eq!(card["commands"][0]["words"][1]["text"], "install");
}

#[tokio::test]
async fn a_text_is_held_against_the_version_that_people_approved() {
    let site = Site::start().await;
    let alice = site.served.reviewer("alice", &[Role::Reviewer]);
    let deploy = ["sh", "deploy.sh"];
    let approved = "set -e\ngit push origin main\n";
    let refused = "set -e\ngit push origin main v1\n";
    for (text, answer) in [(approved, AnswerWord::Approve), (refused, AnswerWord::Deny)] {
        let (ticket, voter) = (site.attempt_at(&site.served, &deploy, Some(text)).await, alice.clone());
        ask(move || vote(&voter, ticket, answer).unwrap()).await;
    }
    // The next daemon, which has seen none of it, tells it too: the log knows.
    let next = site.again();
    let bob = next.reviewer("bob", &[Role::Reviewer]);
    for (served, client) in [(&site.served, &alice), (&next, &bob)] {
        let ticket = site.attempt_at(served, &deploy, Some(refused)).await;
        let card = site.get(client, &format!("/v1/cards/{ticket}")).await.unwrap();
        assert_eq!(card["earlier"], json!({ "text": approved, "by": ["alice"] }));
    }

    // A text behind -c has no name: what is much like it is its version.
    let lines = |last: &str| format!("cd /srv\ngit push origin main\n{last}\n");
    let ticket = site.attempt(&["sh", "-c", &lines("ls")]).await;
    let voter = alice.clone();
    ask(move || vote(&voter, ticket, AnswerWord::Approve).unwrap()).await;
    let now = site.attempt(&["sh", "-c", &lines("git push origin v1")]).await;
    let card = site.get(&alice, &format!("/v1/cards/{now}")).await.unwrap();
    assert_eq!(card["earlier"], json!({ "word": 2, "text": lines("ls"), "by": ["alice"] }));
}

#[tokio::test]
async fn rules_are_listed_tried_and_checked() {
    let site = Site::start().await;
    let vera = site.served.reviewer("vera", &[Role::Viewer]);
    site.attempt(&["git", "status"]).await;
    let page = site.get(&vera, "/v1/rules").await.unwrap();
    assert_eq!((&page["generation"], page["rules"].as_array().map(Vec::len)), (&json!(7), Some(2)));
    assert_eq!((&page["rules"][1]["name"], &page["rules"][1]["hits"]), (&json!("status"), &json!(1)));

    let post = async |path: &'static str, body: Value| {
        let vera = vera.clone();
        ask(move || vera.post::<Value>(path, &body)).await
    };
    let tried = post("/v1/rules/try", json!({ "shell": "sudo shutdown now" })).await.unwrap();
    assert_eq!((&tried["decision"], &tried["decided_by"]["name"]), (&json!("deny"), &json!("never")));
    assert_eq!(code(post("/v1/rules/try", json!({ "argv": [] })).await), (422, "bad-input".into()));
    let right = post("/v1/rules/check", json!({ "text": RULES })).await.unwrap();
    assert_eq!(right, json!({ "rules": 2, "problems": [], "findings": [] }));
    let wrong = post("/v1/rules/check", json!({ "text": "[[rule]]\nname = \"x\"\n" })).await.unwrap();
    assert_eq!(wrong["problems"][0]["line"], 1, "{wrong}");
}

#[tokio::test]
async fn without_a_log_there_is_nothing_to_look_back_at() {
    let served = Served::start(ApiConfig::default());
    let alice = served.reviewer("alice", &[Role::Reviewer]);
    for path in ["/v1/records", "/v1/chain", "/v1/stats", "/v1/rules"] {
        let alice = alice.clone();
        assert_eq!(code(ask(move || alice.get::<Value>(path)).await), (404, "not-found".into()), "{path}");
    }
}
