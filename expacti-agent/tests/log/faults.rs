//! Databases fail. Nothing that was answered for is lost, and what cannot be kept is refused, not forgotten.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use expacti_agent::log::{Config, Durability, Health, Log, LogError, NotLogged, Place};
use sqlx::{Connection as _, SqliteConnection};

use crate::harness::*;

/// A small file system of its own, where this process may mount one.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    fn mount(folder: &'a Path, options: &str) -> Option<Self> {
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder).output();
        done.is_ok_and(|done| done.status.success()).then_some(Self(folder))
    }

    fn remount(&self, options: &str) {
        let done = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(self.0).status();
        assert!(done.unwrap().success());
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

/// Appends until nothing is taken any more. Gives the last number that was answered for.
async fn until_full(log: &Log, from: u64) -> u64 {
    let filler = "x".repeat(20_000);
    for number in from..from + 10_000 {
        match log.append(allowed(number, &["echo", &filler]), Durability::Durable).unwrap().await {
            Ok(_) => {}
            Err(NotLogged::Full(_)) => {
                assert!(matches!(log.health(), Health::Full { .. }), "{:?}", log.health());
                return number - 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    panic!("a disk without end");
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(folder.path(), "size=6m") else {
        return a_file_size_limit_refuses();
    };
    run(async {
        let config = Config::new(Place::Sqlite(folder.path().join("log.db")), folder.path().join("home"));
        let log = Log::open(config.clone()).await.unwrap();
        let last = until_full(&log, 1).await;
        assert!(last > 20, "{last}");
        small.remount("size=60m");
        until(&log, |health| *health == Health::Healthy).await;
        for number in last + 1..last + 50 {
            put(&log, allowed(number, &["ls"])).await;
        }
        log.close().await.unwrap();
        proven(&config, last + 49).await;
    });
}

/// Without the right to mount: a limit on the size of files, in a process of its own.
fn a_file_size_limit_refuses() {
    let script = "ulimit -f 4000 && trap '' XFSZ && exec \"$0\" --exact faults::small_files --ignored";
    let status = Command::new("sh").args(["-c", script]).arg(std::env::current_exe().unwrap()).status();
    assert!(status.unwrap().success());
}

#[test]
#[ignore = "started by a_full_disk_refuses_and_recovers under a limit on the size of files"]
fn small_files() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let config = Config::new(Place::Sqlite(folder.path().join("log.db")), folder.path().join("home"));
        let log = Log::open(config).await.unwrap();
        assert!(until_full(&log, 1).await > 20);
        let again = log.append(allowed(20_000, &["ls"]), Durability::Durable).unwrap().await;
        assert!(matches!(again, Ok(_) | Err(NotLogged::Full(_))));
    });
}

/// Takes the only right to write and keeps it.
async fn hold(site: &Site) -> SqliteConnection {
    let Place::Sqlite(path) = &site.place else { unreachable!() };
    let mut holder = SqliteConnection::connect(&path.display().to_string()).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut holder).await.unwrap();
    holder
}

async fn proven(config: &Config, attempts: u64) {
    let reader = expacti_agent::log::Reader::open(&config.place).await.unwrap();
    match expacti_agent::log::check(&reader, None, &[]).await.unwrap() {
        expacti_agent::log::Checked::Whole(chains) => assert_eq!(chains[0].attempts, attempts),
        bad => panic!("{bad:?}"),
    }
}

#[test]
fn a_full_database_spools_elsewhere_and_catches_up() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let Some(small) = Small::mount(&disk, "size=4m") else {
        return eprintln!("skipped: no right to mount a small file system (EPERM)");
    };
    run(async {
        let config = Config::new(Place::Sqlite(disk.join("log.db")), folder.path().join("home"));
        let log = Log::open(config.clone()).await.unwrap();
        let filler = "x".repeat(20_000);
        for number in 1..=400 {
            put(&log, allowed(number, &["echo", &filler])).await;
        }
        let health = log.health();
        assert!(matches!(health, Health::Spooling { entries: 1.., .. }), "{health:?}");
        small.remount("size=60m");
        until(&log, |health| *health == Health::Healthy).await;
        put(&log, allowed(401, &["ls"])).await;
        log.close().await.unwrap();
        proven(&config, 401).await;
    });
}

#[test]
fn a_locked_database_spools_and_catches_up_in_order() {
    let site = Site::sqlite();
    run(async {
        let config = Config { patience: Duration::from_millis(200), ..site.config() };
        let log = Log::open(config).await.unwrap();
        put(&log, allowed(1, &["ls"])).await;
        let mut holder = hold(&site).await;
        for number in 2..=50 {
            put(&log, allowed(number, &["ls"])).await;
        }
        assert!(matches!(log.health(), Health::Spooling { .. }), "{:?}", log.health());
        sqlx::query("ROLLBACK").execute(&mut holder).await.unwrap();
        until(&log, |health| *health == Health::Healthy).await;
        put(&log, allowed(51, &["ls"])).await;
        log.close().await.unwrap();
        assert_eq!(site.proven().await.1, 51);
    });
}

#[test]
fn a_spool_that_was_left_is_caught_up_at_the_next_start() {
    let site = Site::sqlite();
    run(async {
        let config = Config { patience: Duration::from_millis(200), ..site.config() };
        let log = Log::open(config).await.unwrap();
        put(&log, allowed(1, &["ls"])).await;
        let mut holder = hold(&site).await;
        for number in 2..=20 {
            put(&log, allowed(number, &["ls"])).await;
        }
        // The end is signed into the spool too.
        log.close().await.unwrap();
        sqlx::query("ROLLBACK").execute(&mut holder).await.unwrap();
        let log = site.open().await;
        assert_eq!(log.last_sequence(BOOT).await.unwrap(), Some(20));
        put(&log, allowed(21, &["ls"])).await;
        log.close().await.unwrap();
        assert_eq!(site.proven().await.1, 21);
    });
}

#[test]
fn a_database_that_cannot_be_used_is_named_at_the_start() {
    let site = Site::sqlite();
    let Place::Sqlite(path) = &site.place else { unreachable!() };
    std::fs::write(path, "this is no database at all, and long enough to tell, is it not?".repeat(99))
        .unwrap();
    run(async {
        let refused = Log::open(site.config()).await.unwrap_err().to_string();
        assert!(refused.contains("not a database"), "{refused}");
    });
    let folder = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(folder.path(), "size=4m") else {
        return eprintln!("skipped in part: no right to mount a read-only file system (EPERM)");
    };
    small.remount("ro");
    run(async {
        let config = Config::new(Place::Sqlite(folder.path().join("log.db")), site.home());
        let refused = Log::open(config).await.unwrap_err();
        assert!(matches!(&refused, LogError::File { why, .. } if why.contains("Read-only")), "{refused}");
    });
}

#[test]
fn a_planted_link_is_not_followed() {
    let site = Site::sqlite();
    let Place::Sqlite(path) = &site.place else { unreachable!() };
    let target = site.folder.path().join("target");
    std::os::unix::fs::symlink(&target, path).unwrap();
    run(async { assert!(matches!(Log::open(site.config()).await, Err(LogError::File { .. }))) });
    assert!(!target.exists());
}

#[test]
fn postgres_that_goes_away_under_load_loses_nothing() {
    let Some(site) = Site::postgres() else {
        return eprintln!("skipped: EXPACTI_TEST_POSTGRES names no PostgreSQL server");
    };
    let (server, name) = site.database().unwrap();
    run(async {
        let config = Config { patience: Duration::from_secs(1), ..site.config() };
        let log = Log::open(config).await.unwrap();
        let mut number = 0;
        for _ in 0..3 {
            for step in 0..60 {
                number += 1;
                put(&log, allowed(number, &["ls"])).await;
                if step == 20 {
                    admin(server, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
                    admin(
                        server,
                        &format!(
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
                        ),
                    );
                }
            }
            assert!(matches!(log.health(), Health::Spooling { .. }), "{:?}", log.health());
            admin(server, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
            until(&log, |health| *health == Health::Healthy).await;
        }
        // Now it is gone for good: what comes is kept in the spool, and an empty database is not mistaken for it.
        admin(server, &format!("DROP DATABASE {name} WITH (FORCE)"));
        for _ in 0..20 {
            number += 1;
            put(&log, allowed(number, &["ls"])).await;
        }
        admin(server, &format!("CREATE DATABASE {name}"));
        let empty = |health: &Health| matches!(health, Health::Spooling { because, .. } if because.contains("restore it"));
        until(&log, empty).await;
        log.close().await.unwrap();
        assert!(std::fs::metadata(site.home().join("spool")).unwrap().len() > 20 * 500);
    });
}
