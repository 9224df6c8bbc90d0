//! The user that a command runs as.

use std::env;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::cli::ending::BadInput;

/// A user with everything that a login would give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) groups: Vec<u32>,
    pub(super) home: String,
    pub(super) shell: String,
}

impl Account {
    /// The user who called sudo; none where root itself did.
    pub(super) fn behind_sudo() -> anyhow::Result<Option<Self>> {
        match env::var("SUDO_UID") {
            Ok(uid) if uid != "0" => {
                let number: u32 = uid.parse().with_context(|| format!("SUDO_UID is {uid:?}"))?;
                Self::look_up(&number.to_string()).map(Some)
            }
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// The user of this name.
    pub(super) fn named(name: &str) -> anyhow::Result<Self> {
        Self::look_up(name)
    }

    /// Asks the system's own tools, which know every directory service that is set up; a static binary cannot.
    fn look_up(key: &str) -> anyhow::Result<Self> {
        let line = said("getent", &["passwd", "--", key])?;
        let Some(mut account) = Self::of_line(&line) else {
            let text = format!("there is no user {key:?}; name another with --user");
            return Err(BadInput(text).into());
        };
        let groups = said("id", &["-G", "--", &account.name])?;
        account.groups =
            groups.split_whitespace().map(str::parse).collect::<Result<_, _>>().context("id -G")?;
        Ok(account)
    }

    /// A line of passwd(5).
    fn of_line(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.trim_end().split(':').collect();
        let [name, _, uid, gid, _, home, shell] = fields[..] else { return None };
        Some(Self {
            name: name.to_owned(),
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
            groups: Vec::new(),
            home: home.to_owned(),
            shell: if shell.is_empty() { "/bin/sh".to_owned() } else { shell.to_owned() },
        })
    }
}

fn said(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output =
        Command::new(program).args(arguments).output().with_context(|| format!("cannot run {program}"))?;
    // `getent` says 2 for "not found" and prints nothing; the caller sees that.
    if !output.status.success() && output.status.code() != Some(2) {
        bail!("{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_a_line_of_passwd() {
        let account = Account::of_line("ann:x:1000:1001:Ann,,,:/home/ann:\n").unwrap();
        assert_eq!((account.uid, account.gid), (1000, 1001));
        assert_eq!((account.home.as_str(), account.shell.as_str()), ("/home/ann", "/bin/sh"));
        assert_eq!(Account::of_line(""), None);
        assert_eq!(Account::of_line("ann:x:-1:0::/:/bin/sh"), None);
    }

    #[test]
    fn root_is_found_and_strangers_are_not() {
        assert_eq!(Account::named("root").unwrap().uid, 0);
        assert!(Account::named("nobody-has-this-name").unwrap_err().is::<BadInput>());
    }
}
