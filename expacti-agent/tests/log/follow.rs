//! Whoever follows several daemons in one database misses nothing.

use std::time::Duration;

use expacti_agent::log::{Cursor, Place};
use expacti_core::record::filter::Filter;
use expacti_core::record::{AttemptId, BootId, Entry};
use sqlx::{Connection as _, PgConnection};

use crate::harness::*;

/// Columns of `entries`.
type Row = (Vec<u8>, i64, i64, String, Option<Vec<u8>>, Option<i64>, Vec<u8>, String);

/// A daemon of another node that has sent its entries and is about to commit.
async fn about_to_commit(place: &Place) -> PgConnection {
    let elsewhere = Site::postgres().unwrap();
    let log = elsewhere.open().await;
    let attempt = Some(AttemptId { boot: BootId(7), sequence: 1 });
    put(&log, Entry { attempt, ..allowed(1, &["make"]) }).await;
    log.close().await.unwrap();
    let (Place::Postgres(from), Place::Postgres(to)) = (&elsewhere.place, place) else { unreachable!() };
    let mut from = PgConnection::connect(from).await.unwrap();
    let mut to = PgConnection::connect(to).await.unwrap();
    let sql = "SELECT node, position, at, kind, boot, sequence, hash, body FROM entries ORDER BY id";
    let rows: Vec<Row> = sqlx::query_as(sql).fetch_all(&mut from).await.unwrap();
    sqlx::query("BEGIN").execute(&mut to).await.unwrap();
    for (node, position, at, kind, boot, sequence, hash, body) in rows {
        let sql = "INSERT INTO entries (node, position, at, kind, boot, sequence, hash, body)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let query = sqlx::query(sql).bind(node).bind(position).bind(at).bind(kind).bind(boot);
        query.bind(sequence).bind(hash).bind(body).execute(&mut to).await.unwrap();
    }
    to
}

#[test]
fn what_is_committed_late_is_not_passed_over() {
    let Some(site) = Site::postgres() else {
        return eprintln!("skipped: EXPACTI_TEST_POSTGRES names no PostgreSQL server");
    };
    run(async {
        let log = site.open().await;
        let mut other = about_to_commit(&site.place).await;
        put(&log, allowed(1, &["ls"])).await;
        let (reader, all) = (site.reader().await, Filter::default());
        let mut asked = Box::pin(reader.newer(&all, Cursor(0), 50));
        let early = tokio::time::timeout(Duration::from_millis(300), &mut asked).await;
        assert!(early.is_err(), "it did not wait for the other daemon: {early:?}");
        sqlx::query("COMMIT").execute(&mut other).await.unwrap();
        let (attempts, _) = asked.await.unwrap();
        let programs: Vec<_> =
            attempts.iter().map(|found| found.attempted.request.argv[0].to_lossy()).collect();
        assert_eq!(programs, ["make", "ls"]);
        other.close().await.unwrap();
        log.close().await.unwrap();
    });
}
