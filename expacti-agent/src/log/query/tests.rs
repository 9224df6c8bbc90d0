//! Every form of question is answered from an index, and the database says so itself.

use expacti_core::record::filter::Filter;
use expacti_core::record::{AttemptId, BootId, Change, Entry};
use sqlx::Row as _;

use super::*;
use crate::log::{Config, Durability, Log, Place};

const NOW: i64 = 1_795_176_000_000_000;

fn attempt(number: u64) -> Entry {
    let (agent, program, score) = (
        number % 3,
        ["git", "ls"][usize::from(number.is_multiple_of(2))],
        if number.is_multiple_of(50) { 95 } else { 5 },
    );
    let (level, allow) = (if score == 95 { "CRITICAL" } else { "LOW" }, score == 5);
    let json = format!(
        r#"{{"pid":7,"ppid":1,"engine":"0","request":{{"argv":["{program}","-l"],"agent":{{"name":"a{agent}","cgroup":"/x"}},
        "exe":{{"path":"/bin/{program}"}},"cwd":"/srv/{agent}/x"}},
        "evaluation":{{"decision":"allow","score":{score},"level":"{level}","categories":[],"factors":[],
        "decided_by":{{"by":"threshold"}},"approvals":0,"roles":[],"rule_generation":1}},
        "verdict":{{"allow":{allow},"decider":{{"by":"{}"}},"held":5}}}}"#,
        if allow { "cache" } else { "timeout" }
    );
    let change = Change::Attempted(Box::new(serde_json::from_str(&json).unwrap()));
    let attempt = Some(AttemptId { boot: BootId(1), sequence: number });
    Entry { at: NOW + i64::try_from(number).unwrap(), attempt, change }
}

async fn plan(reader: &Reader, question: &str) -> String {
    let filter = Filter::parse(question, NOW + 1_000_000).unwrap();
    let (sql, text) = reader.statement(&filter, Some(Cursor(1 << 40)), 50).await.unwrap().expect(question);
    let Pool::Sqlite(pool) = &reader.pool else { unreachable!() };
    let mut query = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")));
    if let Some(text) = text {
        query = query.bind(text);
    }
    let rows = query.fetch_all(pool).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(3)).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn every_question_is_answered_from_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Sqlite(folder.path().join("log.db"));
    let log = Log::open(Config::new(place, folder.path().join("home"))).await.unwrap();
    for number in 1..=300 {
        log.append(attempt(number), Durability::Batched).unwrap().ignore();
    }
    log.settle().await.unwrap();
    let order = "SEARCH a USING INTEGER PRIMARY KEY";
    let cases = [
        ("", order),
        ("since:1s", order),
        ("until:0s", order),
        ("decision:allowed", order),
        ("agent:a1", "INDEX attempts_agent"),
        ("exe:git", "INDEX attempts_program"),
        ("exe:/bin/git", "INDEX attempts_program"),
        ("cwd:/srv/1", "INDEX attempts_cwd"),
        ("cwd:/srv", "INDEX attempts_cwd"),
        ("by:cache", "INDEX attempts_decider"),
        ("decision:timeout", "INDEX attempts_decider"),
        ("level:critical", "INDEX attempts_risky"),
        ("decision:denied", "INDEX attempts_not_allowed"),
        ("decision:pending", "INDEX attempts_not_allowed"),
        ("decision:held", "INDEX attempts_held"),
        ("git", "SCAN t VIRTUAL TABLE INDEX"),
        // The rarest part drives: six are critical, a hundred are of this agent.
        ("agent:a1 level:critical", "INDEX attempts_risky"),
        ("git level:critical", "INDEX attempts_risky"),
        ("agent:a1 exe:git", "INDEX attempts_agent"),
        // A hundred are of this agent, half of all say it: the agent drives, and the words are asked for once.
        ("git agent:a1", "INDEX attempts_agent"),
    ];
    for (question, index) in cases {
        let plan = plan(log.reader(), question).await;
        assert!(plan.contains(index), "{question}: {plan}");
        let walks = plan.split("; ").any(|step| step == "SCAN a" || step.starts_with("SCAN a "));
        assert!(!walks, "{question} walks the whole table: {plan}");
        let sorts = ["cwd:/srv", "level", "git level"].iter().any(|range| question.contains(range));
        assert_eq!(plan.contains("TEMP B-TREE"), sorts && question != "cwd:/srv/1", "{question}: {plan}");
    }
    log.close().await.unwrap();
}
