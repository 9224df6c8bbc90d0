//! The exec log against both databases, and what it does when they fail.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on must stop"
)]

mod append;
mod command_line;
mod faults;
mod find;
mod follow;
mod harness;
mod holes;
mod kill;
mod prune;
mod replay;
mod tamper;

/// One test for SQLite, and the same for PostgreSQL where `EXPACTI_TEST_POSTGRES` names a server.
macro_rules! on_both {
    ($($(#[$attribute:meta])* $name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] $(#[$attribute])* fn $name() { crate::harness::run(super::$name(crate::harness::Site::sqlite())); })+
        }
        mod postgres {
            $(#[test] $(#[$attribute])* fn $name() {
                let Some(site) = crate::harness::Site::postgres() else {
                    return eprintln!("skipped: EXPACTI_TEST_POSTGRES names no PostgreSQL server");
                };
                crate::harness::run(super::$name(site));
            })+
        }
    };
}
pub(crate) use on_both;
