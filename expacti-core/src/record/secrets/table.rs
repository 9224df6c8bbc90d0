//! The one table of what is a secret.

use std::sync::{LazyLock, OnceLock};

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

/// Names of patterns and what they look like; the group `secret` is what is masked. `(?-i:` where case tells.
const PATTERNS: &[(&str, &str)] = &[
    ("private-key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:(?P<secret>.*?))(?:-----END|\z)"),
    ("url-password", r#"[a-z][a-z0-9+.-]*://[^\s/:@?#"']*:(?P<secret>[^\s/?#"']+)@"#),
    ("url-token", r#"https?://(?P<secret>[^\s/:@?#"']{20,})@"#),
    (
        "authorization",
        r#"authorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic|token|digest|negotiate)\s+)?(?P<secret>[^\s"']+)"#,
    ),
    ("bearer", r"\bbearer\s+(?P<secret>[a-z0-9._~+/=-]{8,})"),
    (
        "header",
        r#"(?:x-api-key|api-key|apikey|x-auth-token|x-vault-token|private-token|job-token|x-amz-security-token|cookie)["']?\s*:\s*["']?(?P<secret>[^\s"']+)"#,
    ),
    (
        "assignment",
        r#"(?:password|passwd|passphrase|[a-z0-9]_pass|[a-z0-9]_pwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|account[_-]?key|private[_-]?key|credentials?|requirepass)["']?(?:\s?=\s?|:\s?)["']?(?P<secret>[^\s"'&;,)}|]+)"#,
    ),
    ("sql-password", r"(?:identified\s+by|password)\s+'(?P<secret>[^']+)'"),
    ("pass-phrase", r"(?:^|[\s=])pass:(?P<secret>\S+)"),
    ("signature", r"[?&](?:sig|signature|x-amz-signature|x-goog-signature)=(?P<secret>[^&\s]+)"),
    ("github-token", r"(?-i:\b(?P<secret>gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{40,}))"),
    ("gitlab-token", r"(?-i:\b(?P<secret>gl(?:pat|dt|rt|cbt|ptt)-[A-Za-z0-9_-]{16,}))"),
    ("ai-token", r"(?-i:\b(?P<secret>sk-[A-Za-z0-9_-]{20,}))"),
    ("stripe-token", r"(?-i:\b(?P<secret>[sr]k_(?:live|test)_[A-Za-z0-9]{16,}))"),
    ("slack-token", r"(?-i:\b(?P<secret>xox[abeoprs]-[A-Za-z0-9-]{10,}))"),
    ("webhook", r"hooks\.slack\.com/services/(?P<secret>[A-Za-z0-9/]+)"),
    ("webhook", r"discord(?:app)?\.com/api/webhooks/[0-9]+/(?P<secret>[A-Za-z0-9_-]+)"),
    ("aws-key-id", r"(?-i:\b(?P<secret>(?:AKIA|ASIA)[A-Z0-9]{16})\b)"),
    ("google-token", r"(?-i:\b(?P<secret>AIza[0-9A-Za-z_-]{35}|ya29\.[0-9A-Za-z_-]{20,}))"),
    ("jwt", r"(?-i:\b(?P<secret>eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*))"),
    (
        "registry-token",
        r"(?-i:\b(?P<secret>npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{32,}|dckr_pat_[A-Za-z0-9_-]{20,}))",
    ),
    ("hub-token", r"(?-i:\b(?P<secret>hf_[A-Za-z0-9]{30,}|dop_v1_[a-f0-9]{64}|shpat_[a-fA-F0-9]{32}))"),
    ("mail-token", r"(?-i:\b(?P<secret>SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}))"),
    ("vault-token", r"(?-i:\b(?P<secret>hv[sbr]\.[A-Za-z0-9_-]{20,}))"),
    ("bot-token", r"(?-i:\b(?P<secret>[0-9]{8,10}:[A-Za-z0-9_-]{35})\b)"),
    ("age-key", r"(?P<secret>AGE-SECRET-KEY-1[A-Z0-9]{50,})"),
];

/// Flags that take a secret, joined by `=` (then `assignment` finds it too) or as the next word.
const FLAG: &str = r"^--?[a-z0-9-]*(?:password|passwd|passphrase|token|secret|api-?key|secret-key|account-key|oauth2-bearer|requirepass|-pass)$";

/// Flags whose meaning depends on the tool: tools, flag, and what of it is secret.
pub(super) const TOOL_FLAGS: &[(&[&str], &str, Part)] = &[
    (
        &["mysql", "mysqldump", "mysqladmin", "mysqlimport", "mariadb", "mariadb-dump", "7z", "7za"],
        "-p",
        Part::Joined,
    ),
    (&["sshpass", "mongo", "mongosh", "mongodump", "smbpasswd"], "-p", Part::JoinedOrNext),
    (&["docker", "podman", "buildah", "skopeo", "helm", "oc", "az"], "-p", Part::NextAfter("login")),
    (&["redis-cli"], "-a", Part::JoinedOrNext),
    (&["ldapsearch", "ldapmodify", "ldapadd", "ldapdelete"], "-w", Part::JoinedOrNext),
    (&["sqlcmd", "bcp", "zip", "unzip"], "-P", Part::JoinedOrNext),
    (&["curl", "http", "https", "xh"], "-u", Part::Behind(b':')),
    (&["curl"], "-U", Part::Behind(b':')),
    (&["curl"], "--user", Part::Behind(b':')),
    (&["curl"], "--proxy-user", Part::Behind(b':')),
    (&["http", "https", "xh"], "-a", Part::Behind(b':')),
    (&["http", "https", "xh"], "--auth", Part::Behind(b':')),
    (&["smbclient", "rpcclient", "net"], "-U", Part::Behind(b'%')),
];

/// What of a flag is secret.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// What is joined to it: `-pSECRET`.
    Joined,
    /// What is joined to it, or the next word.
    JoinedOrNext,
    /// The next word, but only after this subcommand.
    NextAfter(&'static str),
    /// What stands behind this byte in what is joined to it or in the next word: `-u USER:SECRET`.
    Behind(u8),
}

/// Endings of names of variables that hold a secret, after `_` or alone.
const SECRET_NAMES: &[&str] = &[
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PASS",
    "SECRET",
    "SECRETS",
    "TOKEN",
    "TOKENS",
    "APIKEY",
    "API_KEY",
    "ACCESS_KEY",
    "SECRET_KEY",
    "PRIVATE_KEY",
    "ENCRYPTION_KEY",
    "SIGNING_KEY",
    "MASTER_KEY",
    "ACCOUNT_KEY",
    "CREDENTIAL",
    "CREDENTIALS",
    "AUTH",
    "COOKIE",
    "PGPASSWORD",
    "MYSQL_PWD",
    "SAS",
    "WEBHOOK_URL",
    "SSHPASS",
    "GIT_ASKPASS_SECRET",
];

/// Whether a variable of this name holds a secret whatever its value looks like.
pub(super) fn is_secret_name(name: &[u8]) -> bool {
    SECRET_NAMES.iter().any(|ending| {
        let Some(start) = name.len().checked_sub(ending.len()) else { return false };
        name[start..].eq_ignore_ascii_case(ending.as_bytes())
            && (start == 0 || matches!(name[start - 1], b'_' | b'-'))
    })
}

/// A reference to a variable or a mask is no secret, and hiding it would hide evidence.
pub(super) fn is_worth_masking(secret: &[u8]) -> bool {
    !(secret.is_empty() || secret.starts_with(b"$") || secret.starts_with(b"[masked:"))
}

/// What every request is held against. What is needed only where there is a secret is built when the first one comes.
struct Table {
    anywhere: Regex,
    flags: Regex,
    flag: Regex,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let unnamed: Vec<String> =
        PATTERNS.iter().map(|(_, pattern)| pattern.replace("?P<secret>", "?:")).collect();
    let mut tools: Vec<&str> = TOOL_FLAGS.iter().flat_map(|(tools, ..)| *tools).copied().collect();
    tools.sort_unstable();
    tools.dedup();
    let flags = format!(r"(?:^|[\s/])(?:{})(?:\s|$)|\s{}", tools.join("|"), &FLAG[1..FLAG.len() - 1]);
    Table { anywhere: regex(&unnamed.join("|")), flags: regex(&flags), flag: regex(FLAG) }
});

#[expect(clippy::expect_used, reason = "the patterns are constants, and a test builds each of them")]
static SET: LazyLock<RegexSet> = LazyLock::new(|| {
    let mut builder = RegexSetBuilder::new(PATTERNS.iter().map(|(_, pattern)| pattern));
    builder.unicode(false).case_insensitive(true).multi_line(true).build().expect("constant patterns")
});

static EACH: [OnceLock<Regex>; PATTERNS.len()] = [const { OnceLock::new() }; PATTERNS.len()];

#[expect(clippy::expect_used, reason = "the patterns are constants, and a test builds each of them")]
fn regex(pattern: &str) -> Regex {
    let mut builder = RegexBuilder::new(pattern);
    builder.unicode(false).case_insensitive(true).multi_line(true).build().expect("constant pattern")
}

/// Builds now what every request needs.
pub(super) fn build() {
    LazyLock::force(&TABLE);
}

/// All patterns at once: which ones match.
pub(super) fn set() -> &'static RegexSet {
    &SET
}

/// Whether any pattern matches: one pass over all texts of a request.
pub(super) fn anywhere() -> &'static Regex {
    &TABLE.anywhere
}

/// Whether any flag or tool of the tables is there at all.
pub(super) fn flags() -> &'static Regex {
    &TABLE.flags
}

/// Whether the word after this one is a secret.
pub(super) fn is_secret_flag(word: &[u8]) -> bool {
    TABLE.flag.is_match(word)
}

/// A pattern by its place in [`set`].
pub(super) fn pattern(index: usize) -> (&'static str, &'static Regex) {
    let (name, pattern) = PATTERNS[index];
    (name, EACH[index].get_or_init(|| regex(pattern)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pattern_is_one_and_names_its_secret() {
        build();
        assert_eq!(set().len(), PATTERNS.len());
        for index in 0..PATTERNS.len() {
            let (name, pattern) = pattern(index);
            assert!(pattern.capture_names().flatten().eq(["secret"]), "{name}");
        }
    }
}
