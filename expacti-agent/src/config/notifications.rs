//! `[notifications]` and `[[notify]]`: who is told, of what, and how.

use std::time::Duration;

use expacti_core::docket::NoticeKind;
use expacti_core::evaluation::Level;
use expacti_core::rules::read::{Item, Table};

use super::read;
use crate::notify::{Format, NotifyConfig, SinkConfig, Target};

pub(super) const KEYS: [&str; 3] = ["link", "quiet", "retries"];
const WAY_KEYS: [&str; 13] = [
    "to",
    "url",
    "url_file",
    "format",
    "secret_file",
    "argv",
    "from_level",
    "kinds",
    "server",
    "from",
    "recipients",
    "user",
    "password_file",
];

/// Who is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NotificationSettings {
    /// Where the console is, for links.
    pub(crate) link: Option<String>,
    /// The same is not told again for so long.
    pub(crate) quiet: Duration,
    /// Pauses between attempts.
    pub(crate) retries: Vec<Duration>,
    /// The ways.
    pub(crate) ways: Vec<SinkConfig>,
}

impl Default for NotificationSettings {
    fn default() -> Self {
        let NotifyConfig { sinks, link, quiet, retries } = NotifyConfig::default();
        Self { link, quiet, retries, ways: sinks }
    }
}

impl NotificationSettings {
    pub(super) fn read(&mut self, table: &Table<'_>) {
        table.only(&KEYS);
        read::optional_text(table, "link", &mut self.link);
        read::duration(table, "quiet", &mut self.quiet);
        if let Some(item) = table.get("retries") {
            match item.array() {
                Some(pauses) => self.retries = pauses.iter().filter_map(read::duration_of).collect(),
                None => item.problem("this is not a list", "write a list of durations: [\"2s\", \"1m\"]"),
            }
        }
    }

    pub(super) fn read_ways(&mut self, table: &Table<'_>) {
        let Some(item) = table.get("notify") else { return };
        match item.array() {
            Some(ways) => self.ways.extend(ways.iter().filter_map(|way| way_of(&way.table()?))),
            None => item.problem("ways to notify are a list of tables", "begin each with [[notify]]"),
        }
    }

    /// What the notifications themselves are told.
    pub(crate) fn for_sending(&self) -> NotifyConfig {
        NotifyConfig {
            sinks: self.ways.clone(),
            link: self.link.clone(),
            quiet: self.quiet,
            retries: self.retries.clone(),
        }
    }
}

fn way_of(table: &Table<'_>) -> Option<SinkConfig> {
    table.only(&WAY_KEYS);
    let mut from_level = Level::Low;
    if let Some(level) = table.get("from_level").and_then(|item| read::level_of(&item)) {
        from_level = level;
    }
    let known = [
        ("needs-review", NoticeKind::NeedsReview),
        ("timed-out", NoticeKind::TimedOut),
        ("quota", NoticeKind::Quota),
    ];
    let kinds = table.get("kinds").and_then(|item| {
        read::texts(&item)?;
        item.array()?.iter().map(|kind| read::word_of(kind, &known)).collect()
    });
    Some(SinkConfig { from_level, kinds: kinds.unwrap_or_default(), target: target(table)? })
}

#[derive(Clone, Copy)]
enum To {
    Webhook,
    Email,
    Command,
    Desktop,
}

fn target(table: &Table<'_>) -> Option<Target> {
    let Some(to) = table.get("to") else {
        table.problem("`to` is missing", "write to = \"webhook\", \"email\", \"command\" or \"desktop\"");
        return None;
    };
    match read::word_of(
        &to,
        &[("webhook", To::Webhook), ("email", To::Email), ("command", To::Command), ("desktop", To::Desktop)],
    )? {
        To::Webhook => webhook(table),
        To::Command => {
            let argv = table.get("argv").map(|item| read::texts(&item)).unwrap_or_default();
            let argv = argv.filter(|argv| !argv.is_empty());
            if argv.is_none() {
                table.problem("`argv` is missing or empty", "name the program: argv = [\"/usr/bin/wall\"]");
            }
            Some(Target::Command { argv: argv? })
        }
        To::Email => email(table),
        To::Desktop => Some(Target::Desktop {}),
    }
}

/// What is wrong with addresses is said where the letters are made.
fn email(table: &Table<'_>) -> Option<Target> {
    let text = |key: &str| {
        let found = table.get(key).and_then(|item| item.text().map(str::to_owned));
        if found.is_none() {
            table.problem(format!("`{key}` is missing"), "a letter needs server, from and recipients");
        }
        found
    };
    let (server, from) = (text("server"), text("from"));
    let recipients = table.get("recipients").and_then(|item| read::texts(&item)).unwrap_or_default();
    let user = table.get("user").and_then(|item| item.text().map(str::to_owned));
    let mut password_file = None;
    read::optional_path(table, "password_file", &mut password_file);
    Some(Target::Email { server: server?, from: from?, recipients, user, password_file })
}

fn webhook(table: &Table<'_>) -> Option<Target> {
    let mut format = Format::default();
    let formats = [
        ("generic", Format::Generic),
        ("slack", Format::Slack),
        ("discord", Format::Discord),
        ("teams", Format::Teams),
    ];
    read::word(table, "format", &formats, &mut format);
    let mut secret_file = None;
    read::optional_path(table, "secret_file", &mut secret_file);
    let url = match (table.get("url"), table.get("url_file")) {
        (Some(item), None) => item.text().map(str::to_owned),
        (None, Some(item)) => url_in(&item),
        (Some(_), Some(_)) => {
            table.problem("`url` and `url_file` both say where to", "leave one of them out");
            None
        }
        (None, None) => {
            let help = "write url = \"https://...\", or url_file with a file that holds it: whoever knows it can write";
            table.problem("`url` is missing", help);
            None
        }
    };
    Some(Target::Webhook { url: url?, format, secret_file })
}

fn url_in(item: &Item<'_>) -> Option<String> {
    let path = read::absolute(item)?;
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(text.trim().to_owned()),
        Err(error) => {
            item.problem(format!("{}: {error}", path.display()), "name a file that can be read");
            None
        }
    }
}
