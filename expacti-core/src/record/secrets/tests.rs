use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::request::Ancestor;

fn masked(argv: &[&str]) -> String {
    let mut request =
        ExecRequest { argv: argv.iter().map(|&w| w.into()).collect(), ..ExecRequest::default() };
    let masker = Masker::new([7; 16]);
    Found { masker: &masker, names: Vec::new() }.request(&mut request);
    let text = request.argv.iter().map(|w| w.to_lossy().into_owned()).collect::<Vec<_>>().join("|");
    // Fingerprints differ with the secret; what counts here is where they stand.
    Regex::new(r"(?-u):[0-9a-f]{12}\]")
        .unwrap()
        .replace_all(text.as_bytes(), &b"]"[..])
        .iter()
        .map(|&b| char::from(b))
        .collect()
}

/// What is put together here, so that no scanner takes this file for a leak.
fn token(prefix: &str, len: usize) -> String {
    format!("{prefix}{}", "a1B2c3D4e5".repeat(len / 10 + 1)[..len].to_owned())
}

#[test]
fn secrets_are_masked_where_they_stand() {
    let cases: &[(&[&str], &str)] = &[
        (&["psql", "postgres://app:hunter2@db/prod"], "psql|postgres://app:[masked:url-password]@db/prod"),
        (&["x", "amqp://u:p@ss@h/"], "x|amqp://u:[masked:url-password]@h/"),
        (
            &["curl", "-H", "Authorization: Bearer abc.def"],
            "curl|-H|Authorization: Bearer [masked:authorization]",
        ),
        (&["curl", "-H", "X-Api-Key: abc"], "curl|-H|X-Api-Key: [masked:header]"),
        (&["curl", "-u", "me:pw", "http://h"], "curl|-u|me:[masked:flag]|http://h"),
        (&["curl", "-ume:pw"], "curl|-ume:[masked:flag]"),
        (&["curl", "-u", "me"], "curl|-u|me"),
        (&["sudo", "mysql", "-uroot", "-phunter2"], "sudo|mysql|-uroot|-p[masked:flag]"),
        (&["mysql", "-p", "db"], "mysql|-p|db"),
        (&["sshpass", "-p", "my pass word", "ssh", "h"], "sshpass|-p|[masked:flag]|ssh|h"),
        (&["docker", "login", "-u", "me", "-p", "pw"], "docker|login|-u|me|-p|[masked:flag]"),
        (&["docker", "run", "-p", "80:80"], "docker|run|-p|80:80"),
        (&["deploy", "--token", "abc def", "--dry"], "deploy|--token|[masked:flag]|--dry"),
        (&["deploy", "--db-password=x y"], "deploy|--db-password=[masked:assignment] y"),
        (&["deploy", "--password", "--force"], "deploy|--password|--force"),
        (&["deploy", "--token-file", "/run/t"], "deploy|--token-file|/run/t"),
        (&["sh", "-c", "mysql -phunter2 db; ls"], "sh|-c|mysql -p[masked:flag] db; ls"),
        (&["sh", "-c", "cli --token 'abc' x"], "sh|-c|cli --token '[masked:flag]' x"),
        (&["sh", "-c", "export API_KEY=abc; run"], "sh|-c|export API_KEY=[masked:assignment]; run"),
        (
            &["sh", "-c", "curl -H \"Authorization: Bearer $T\" u"],
            "sh|-c|curl -H \"Authorization: Bearer $T\" u",
        ),
        (&["env", "PWD=/srv", "x"], "env|PWD=/srv|x"),
        (
            &["psql", "-c", "ALTER ROLE a PASSWORD 'x y'"],
            "psql|-c|ALTER ROLE a PASSWORD '[masked:sql-password]'",
        ),
        (&["openssl", "-passin", "pass:abc"], "openssl|-passin|pass:[masked:pass-phrase]"),
        (&["x", "{\"password\": \"abc\"}"], "x|{\"password\": \"[masked:assignment]\"}"),
        (
            &["x", "http://h/?a=1&access_token=abc&b=2"],
            "x|http://h/?a=1&access_token=[masked:assignment]&b=2",
        ),
        (&["git", "commit", "-m", "token handling, secrets"], "git|commit|-m|token handling, secrets"),
        (&["kubectl", "get", "secret", "db"], "kubectl|get|secret|db"),
        (&["ssh", "git@host:repo", "x"], "ssh|git@host:repo|x"),
    ];
    for (argv, expected) in cases {
        assert_eq!(masked(argv), *expected, "{argv:?}");
    }
}

#[test]
fn tokens_are_known_by_their_shape() {
    for (prefix, len, name) in [
        ("ghp_", 36, "github-token"),
        ("github_pat_", 60, "github-token"),
        ("glpat-", 20, "gitlab-token"),
        ("sk-ant-", 40, "ai-token"),
        ("sk_live_", 24, "stripe-token"),
        ("xoxb-", 24, "slack-token"),
        ("AIza", 35, "google-token"),
        ("npm_", 36, "registry-token"),
        ("hf_", 34, "hub-token"),
        ("hvs.", 24, "vault-token"),
    ] {
        let token = token(prefix, len);
        assert_eq!(masked(&["tool", &token]), format!("tool|[masked:{name}]"));
        assert_eq!(masked(&["tool", &format!("x {token} y")]), format!("tool|x [masked:{name}] y"));
    }
    let key = format!("-----BEGIN {} KEY-----\nabc\n-----END", "RSA PRIVATE");
    assert!(!masked(&["x", &key]).contains("abc"));
}

#[test]
fn variables_are_masked_by_name_or_by_what_they_hold() {
    let pairs = [
        ("PGPASSWORD", "a", true),
        ("GITHUB_TOKEN", "a", true),
        ("AWS_SECRET_ACCESS_KEY", "a", true),
        ("npm_config__auth", "a", true),
        ("DATABASE_URL", "postgres://u:a@h/d", true),
        ("SSH_AUTH_SOCK", "/tmp/a", false),
        ("TOKEN_FILE", "/run/a", false),
        ("PATH", "/bin", false),
        ("PWD", "/a", false),
        ("COMPASS", "a", false),
    ];
    for (name, value, expected) in pairs {
        let mut request =
            ExecRequest { env: BTreeMap::from([(name.into(), value.into())]), ..ExecRequest::default() };
        let masker = Masker::new([7; 16]);
        let mut found = Found { masker: &masker, names: Vec::new() };
        found.request(&mut request);
        assert_eq!(!found.names.is_empty(), expected, "{name}");
        assert_eq!(request.env[&name.into()] != value.into(), expected, "{name}");
    }
}

#[test]
fn equal_secrets_are_equal_only_under_one_key() {
    let marker = |key: u8, secret: &str| Masker::new([key; 16]).marker("x", secret.as_bytes());
    assert_eq!(marker(1, "a"), marker(1, "a"));
    assert_ne!(marker(1, "a"), marker(1, "b"));
    assert_ne!(marker(1, "a"), marker(2, "a"));
    assert_eq!(marker(1, "a").len(), marker(1, &"a".repeat(99)).len());
}

#[test]
fn parents_are_masked_too() {
    let parent = Ancestor { argv: vec!["sh".into(), "--token".into(), "abc".into()], ..Ancestor::default() };
    let mut request =
        ExecRequest { argv: vec!["ls".into()], lineage: vec![parent], ..ExecRequest::default() };
    let masker = Masker::new([7; 16]);
    Found { masker: &masker, names: Vec::new() }.request(&mut request);
    assert!(request.lineage[0].argv[2].to_lossy().starts_with("[masked:flag:"));
}

proptest! {
    #[test]
    fn a_known_secret_never_survives(before in "[ -~]{0,20}", secret in "[A-Za-z0-9]{12,20}", after in "[ -~]{0,20}") {
        prop_assume!(!before.contains(&secret) && !after.contains(&secret));
        let text = format!("{before} password={secret} {after}");
        prop_assert!(!masked(&["x", &text]).contains(&secret));
        let masked = masked(&["x", &before, "--token", &secret, &after]);
        prop_assert!(!masked.contains(&secret) || before == "--" , "{}", masked);
    }

    #[test]
    fn any_bytes_can_be_masked(argv: Vec<Vec<u8>>) {
        let mut request = ExecRequest { argv: argv.into_iter().map(Into::into).collect(), ..ExecRequest::default() };
        let masker = Masker::new([7; 16]);
        Found { masker: &masker, names: Vec::new() }.request(&mut request);
    }
}
