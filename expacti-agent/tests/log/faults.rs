//! Databases fail. Nothing that was answered for is lost, and what cannot be kept is refused, not forgotten.

use std::os::unix::process::CommandExt as _;
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

/// Nobody, who needs no right for anything here.
const NOBODY: u32 = 65534;

/// Runs one of the ignored tests below in a process of its own, never as root: `before` is what the shell does first.
fn apart(test: &str, before: &str) -> std::process::Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{before} \"$0\" --exact faults::{test} --ignored --nocapture")])
        .arg(std::env::current_exe().unwrap())
        .current_dir(folder.path())
        .env("TMPDIR", folder.path());
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    command.output().unwrap()
}

/// Runs a test that mounts a disk of its own.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
#[track_caller]
fn with_a_disk(test: &str) {
    // Root of a user namespace may mount; outside it is nobody.
    let done = apart(test, "exec unshare --user --map-root-user --mount");
    let said = String::from_utf8_lossy(&done.stderr);
    if said.contains("unshare: ") || said.contains("no right to mount") {
        return eprintln!("skipped: {said}");
    }
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stdout));
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    with_a_disk("full_disk");
}

#[test]
#[ignore = "started by a_full_disk_refuses_and_recovers as nobody in a user namespace"]
fn full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_small) = Small::mount(folder.path(), "size=10m") else {
        return eprintln!("no right to mount a small file system (EPERM)");
    };
    // Something else that fills the disk, and goes away.
    let ballast = folder.path().join("ballast");
    std::fs::write(&ballast, vec![1; 4 << 20]).unwrap();
    run(async {
        let config = Config::new(Place::Sqlite(folder.path().join("log.db")), folder.path().join("home"));
        let log = Log::open(config.clone()).await.unwrap();
        let last = until_full(&log, 1).await;
        assert!(last > 20, "{last}");
        std::fs::remove_file(&ballast).unwrap();
        until(&log, |health| *health == Health::Healthy).await;
        for number in last + 1..=last + 50 {
            put(&log, allowed(number, &["ls"])).await;
        }
        log.close().await.unwrap();
        assert_eq!(proven_at(&config.place).await.1, last + 50);
    });
}

#[test]
fn the_write_ahead_log_does_not_fill_a_small_disk() {
    with_a_disk("small_disk");
}

#[test]
#[ignore = "started by the_write_ahead_log_does_not_fill_a_small_disk as nobody in a user namespace"]
fn small_disk() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_small) = Small::mount(folder.path(), "size=6m") else {
        return eprintln!("no right to mount a small file system (EPERM)");
    };
    run(async {
        let config = Config::new(Place::Sqlite(folder.path().join("log.db")), folder.path().join("home"));
        let log = Log::open(config.clone()).await.unwrap();
        // Each of them, and what finds it, touches a dozen pages: together far more than there is room for.
        for number in 1..=200 {
            put(&log, allowed(number, &["ls"])).await;
            assert_eq!(log.health(), Health::Healthy, "{number}");
        }
        log.close().await.unwrap();
        assert_eq!(proven_at(&config.place).await.1, 200);
    });
}

#[test]
fn a_limit_on_the_size_of_files_refuses_and_recovers() {
    // 4000 blocks of 512 bytes, and only a soft limit, so that the process can lift it again.
    let done = apart("small_files", "ulimit -S -f 4000 && trap '' XFSZ && exec");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stdout));
}

#[test]
#[ignore = "started by a_limit_on_the_size_of_files_refuses_and_recovers as nobody under RLIMIT_FSIZE"]
fn small_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    assert!(!rustix::process::geteuid().is_root());
    let limit = getrlimit(Resource::Fsize);
    assert_eq!(limit.current, Some(4000 * 512));
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let config = Config::new(Place::Sqlite(folder.path().join("log.db")), folder.path().join("home"));
        let log = Log::open(config.clone()).await.unwrap();
        let last = until_full(&log, 1).await;
        assert!(last > 20, "{last}");
        setrlimit(Resource::Fsize, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
        until(&log, |health| *health == Health::Healthy).await;
        put(&log, allowed(last + 1, &["ls"])).await;
        log.close().await.unwrap();
        assert_eq!(proven_at(&config.place).await.1, last + 1);
    });
}

/// Takes the only right to write and keeps it.
async fn hold(site: &Site) -> SqliteConnection {
    let Place::Sqlite(path) = &site.place else { unreachable!() };
    let mut holder = SqliteConnection::connect(&path.display().to_string()).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut holder).await.unwrap();
    holder
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
        assert_eq!(proven_at(&config.place).await.1, 401);
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
