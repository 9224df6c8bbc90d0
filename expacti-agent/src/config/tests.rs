//! The default file says what the defaults are, and every mistake is one line that helps.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;

fn parse(text: &str) -> Result<Config, Mistakes> {
    Config::parse("x.toml", text, [])
}

fn with_environment(text: &str, variables: &[(&str, &str)]) -> Result<Config, Mistakes> {
    let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::parse("x.toml", text, owned)
}

#[test]
fn the_default_file_is_the_default() {
    assert_eq!(parse(DEFAULT).unwrap(), Config::default());
    assert_eq!(parse("").unwrap(), Config::default());
}

#[test]
fn the_default_file_names_every_setting() {
    let table: toml::Table = DEFAULT.parse().unwrap();
    for (section, keys) in SECTIONS {
        let here = section
            .split('.')
            .filter(|name| !name.is_empty())
            .fold(&table, |table, name| table[name].as_table().unwrap());
        let written: BTreeSet<&str> = here.keys().map(String::as_str).collect();
        let missing: Vec<_> = keys.iter().filter(|key| !written.contains(*key)).collect();
        assert_eq!(missing, [&""; 0], "in [{section}]");
    }
}

#[test]
fn its_examples_work_without_their_comment_signs() {
    let uncommented: Vec<&str> = DEFAULT
        .lines()
        .skip_while(|line| *line != "[notifications]")
        .filter_map(|line| line.strip_prefix("# "))
        .skip_while(|line| !line.starts_with("[[notify]]"))
        .filter(|line| line.starts_with("[[") || line.contains(" = "))
        .collect();
    let uncommented =
        uncommented.join("\n").replace("url_file = \"/etc/expacti/slack.url\"", "url = \"https://x/\"");
    let config = parse(&uncommented).unwrap();
    assert_eq!((config.notifications.ways.len(), config.agents.len()), (3, 3), "{uncommented}");
    assert_eq!(config.agents[0].treatment.mode, Mode::Shadow);
}

#[test]
fn policies_begin_with_the_default_and_agents_with_their_policy() {
    let config = parse(
        r#"
        [policy.strict]
        hold_from = 10
        [policy.default]
        timeout = "1m"
        mode = "shadow"
        [[agent]]
        name = "a"
        unit = "a.service"
        policy = "strict"
        timeout = { critical = "10m" }
        mode = "enforce"
        [[agent]]
        name = "b"
        cgroup = "/sys/fs/cgroup/b"
        "#,
    )
    .unwrap();
    let strict = config.policy("strict").unwrap();
    assert_eq!(
        (strict.mode, strict.decide.hold_from.floor(), strict.tickets.timeout_ms.low),
        (Mode::Shadow, 10, 60_000)
    );
    let [a, b] = &config.agents[..] else { panic!("{:?}", config.agents) };
    assert_eq!(a.whereabouts, Whereabouts::Unit("a.service".to_owned()));
    assert_eq!((a.treatment.mode, a.treatment.decide.hold_from.floor()), (Mode::Enforce, 10));
    assert_eq!(
        (a.treatment.tickets.timeout_ms.low, a.treatment.tickets.timeout_ms.critical),
        (60_000, 600_000)
    );
    assert_eq!(Some(&b.treatment), config.policy("default"));
}

#[test]
fn the_environment_wins() {
    let file = "grace = \"1s\"\n[log]\nretention = \"1d\"";
    let config = with_environment(
        file,
        &[
            ("EXPACTI_LOG_RETENTION", "2d"),
            ("EXPACTI_LOG_PLACE", "postgres://u:secret@h/d"),
            ("EXPACTI_API_ROOT_IS_ADMIN", "false"),
            ("EXPACTI_API_HOSTS", "[\"a\", \"b\"]"),
            ("EXPACTI_POLICY_DEFAULT_HOLD_FROM", "12"),
            ("EXPACTI_SERVICE_HOST", "10.0.0.1"),
            ("EXPACTI_TOKEN", "x"),
            ("PATH", "/bin"),
        ],
    )
    .unwrap();
    assert_eq!(config.grace, Duration::from_secs(1));
    assert_eq!(config.log.retention, Some(Duration::from_hours(48)));
    assert!(config.log.place.is_some());
    assert!(!config.api.root_is_admin);
    assert_eq!(config.api.hosts, ["a", "b"]);
    assert_eq!(config.policy("default").unwrap().decide.hold_from.floor(), 12);

    let wrong = with_environment("", &[("EXPACTI_GRACE", "soon")]).unwrap_err();
    let line =
        "EXPACTI_GRACE: \"soon\" is no duration; write a number above 0 and ms, s, m, h, d or w: \"90s\"";
    assert_eq!(wrong.0, [line]);
}

#[test]
fn a_password_stays_out_of_messages() {
    let mistakes = parse("[log]\nplace = \"postgres://u:hunter2@h/d\"").unwrap_err();
    assert!(!mistakes.to_string().contains("hunter2"), "{mistakes}");
}

#[test]
fn a_file_that_was_asked_for_must_be_there() {
    let missing = Config::load(Some(Path::new("/nowhere/expacti.toml")), []).unwrap_err();
    assert!(missing.to_string().starts_with("/nowhere/expacti.toml: No such file"), "{missing}");
}

/// What is wrong, the key, and words that its one line holds.
const WRONG: [(&str, &str); 68] = [
    ("grace = 10", "x.toml:1:9: grace: a whole number where a string belongs"),
    ("grace = \"soon\"", "x.toml:1:9: grace: \"soon\" is no duration"),
    ("grace = \"0s\"", "\"0s\" is no duration"),
    ("grace = \"-1s\"", "\"-1s\" is no duration"),
    ("grace = \"1.5h\"", "\"1.5h\" is no duration"),
    ("home = \"expacti\"", "x.toml:1:8: home: \"expacti\" is not an absolute path; begin it with /"),
    ("home = true", "home: true or false where a string belongs"),
    ("bpffs = []", "bpffs: a list where a string belongs"),
    ("ring_kib = 32", "ring_kib: 32 is out of range; write a number from 64 to 1048576"),
    ("ring_kib = 100", "x.toml:1:12: ring_kib: 100 is no power of two; write one: 1024, 2048, 4096"),
    ("hom = \"/x\"", "x.toml:1:1: hom: unknown key; did you mean `home`?"),
    ("colour = 1", "colour: unknown key; known here: home, bpffs"),
    ("[logs]", "logs: unknown key; did you mean `log`?"),
    ("[agents]", "agents: unknown key; did you mean `agent`?"),
    ("home = ", "x.toml:1:8: this is not TOML"),
    ("home = \"/a\"\nhome = \"/b\"", "x.toml:2:1: this is not TOML: duplicate key"),
    ("[log\n", "this is not TOML"),
    ("log = 3", "log: a whole number where a table belongs"),
    ("[log]\nplce = \"/x\"", "x.toml:2:1: log.plce: unknown key; did you mean `place`?"),
    ("[log]\nplace = \"mysql://h/d\"", "x.toml:2:9: log.place: 'mysql://h/d' is no place for a log"),
    ("[log]\nplace = \"postgres://u:pw@h/d\"", "log.place: a password does not belong into this file"),
    ("[log]\nplace = \"postgres://h/d?password=x\"", "a password does not belong into this file"),
    ("[log]\nplace = \"/a\"\nplace_file = \"/b\"", "log: `place` and `place_file` both say where"),
    ("[log]\nplace_file = \"secret\"", "log.place_file: \"secret\" is not an absolute path"),
    ("[log]\ndurability = \"rsky\"", "log.durability: \"rsky\" is not known here; did you mean \"risky\"?"),
    ("[log]\nretention = \"forever\"", "log.retention: \"forever\" is no duration"),
    ("[log]\ncheckpoint_every = 0", "log.checkpoint_every: 0 is out of range; write a number from 1 to"),
    ("[log]\nqueue = 1.5", "log.queue: a fraction where a whole number belongs"),
    ("[rules]\nfiles = \"/etc/x\"", "rules.files: this is not a list"),
    ("[rules]\nfiles = [\"rules.d\"]", "x.toml:2:10: rules.files[0]: \"rules.d\" is not an absolute path"),
    (
        "[rules]\nstarters = [\"readonly\"]",
        "rules.starters[0]: \"readonly\" is not known here; did you mean \"read-only\"?",
    ),
    ("[api]\ntcp = \"localhost\"", "api.tcp: \"localhost\" is no address"),
    ("[api]\ntcp = \"0.0.0.0:80\"", "api.tcp: 0.0.0.0:80 is not a loopback address"),
    ("[api]\ntls_key = \"/k\"", "api: a certificate needs its key and a key its certificate"),
    ("[api]\nhosts = \"a\"", "api.hosts: this is not a list"),
    ("[api]\nhosts = [1]", "api.hosts[0]: a whole number where a string belongs"),
    ("[api]\nroot_is_admin = \"yes\"", "api.root_is_admin: a string where true or false belongs"),
    ("[api]\nburst = -1", "api.burst: -1 is out of range"),
    (
        "[policy.default]\nalways_up_to = \"HIGH\"",
        "policy.default.always_up_to: nobody says \"always\" to what is HIGH or above",
    ),
    ("[notifications]\nretries = \"2s\"", "notifications.retries: this is not a list"),
    ("[notifications]\nretries = [\"x\"]", "notifications.retries[0]: \"x\" is no duration"),
    ("[notify]\nto = \"desktop\"", "notify: ways to notify are a list of tables; begin each with [[notify]]"),
    ("[[notify]]", "notify[0]: `to` is missing"),
    ("[[notify]]\nto = \"email\"\nserver = \"smtps://m\"", "notify[0]: `from` is missing"),
    ("[[notify]]\nto = \"webhok\"", "notify[0].to: \"webhok\" is not known here; did you mean \"webhook\"?"),
    ("[[notify]]\nto = \"webhook\"", "notify[0]: `url` is missing"),
    (
        "[[notify]]\nto = \"webhook\"\nurl = \"https://x/\"\nformat = \"irc\"",
        "notify[0].format: \"irc\" is not known here; write one of generic",
    ),
    ("[[notify]]\nto = \"command\"\nargv = []", "notify[0]: `argv` is missing or empty"),
    (
        "[[notify]]\nto = \"desktop\"\nfrom_level = \"SEVERE\"",
        "notify[0].from_level: \"SEVERE\" is not known here",
    ),
    (
        "[policy]\nmode = \"observe\"",
        "x.toml:2:8: policy.mode: this is no policy of its own; write it below [policy.default]",
    ),
    (
        "[policy.default]\nmode = \"enforced\"",
        "policy.default.mode: \"enforced\" is not known here; did you mean \"enforce\"?",
    ),
    ("[policy.x]\nhold_from = \"SEVERE\"", "policy.x.hold_from: this is no risk"),
    ("[policy.x]\nhold_from = 101", "policy.x.hold_from: this is no risk"),
    ("[policy.x]\napprovals = 0", "policy.x.approvals: 0 is out of range"),
    ("[policy.x]\napprovals = { hgih = 1 }", "policy.x.approvals.hgih: unknown key; did you mean `high`?"),
    ("[policy.x]\ntimeout = { high = 5 }", "policy.x.timeout.high: a whole number where a string belongs"),
    (
        "[policy.x.anomaly]\nfirst_tim_from = 3",
        "policy.x.anomaly.first_tim_from: unknown key; did you mean `first_time_from`?",
    ),
    ("[[agent]]\ncgroup = \"/sys/fs/cgroup/a\"", "agent[0]: `name` is missing"),
    ("[[agent]]\nname = \"a b\"\nunit = \"a.service\"", "x.toml:2:8: agent[0].name: \"a b\" is no name"),
    ("[[agent]]\nname = \"a\"", "agent[0]: it is not said where it lives"),
    (
        "[[agent]]\nname = \"a\"\nselect = {}",
        "x.toml:3:10: agent[0].select: it says nothing of the containers that are meant",
    ),
    (
        "[[agent]]\nname = \"a\"\nselect = { container = \"a\", lables = [] }",
        "agent[0].select.lables: unknown key; known here: container",
    ),
    (
        "[[agent]]\nname = \"a\"\nselect = { container_labels = [\"a=b\"] }",
        "agent[0].name: \"a\" is no name for many; there may be several: say what tells them apart, as in a-{container}",
    ),
    (
        "[[agent]]\nname = \"a-{nme}\"\ncgroup = \"/sys/fs/cgroup/a/*\"",
        "agent[0].name: \"a-{nme}\" is no name for many; {nme} is not known; write one of {container}",
    ),
    (
        "[containers]\npatience = \"1m\"",
        "containers.patience: a container's first exec would wait for longer",
    ),
    ("[containers]\ncgroups = [\"/tmp\"]", "containers.cgroups[0]: /tmp is no folder below /sys/fs/cgroup"),
    ("[[agent]]\nname = \"a\"\ncgroup = \"/tmp\"", "agent[0].cgroup: /tmp is no folder below /sys/fs/cgroup"),
    (
        "[[agent]]\nname = \"a\"\nunit = \"a.service\"\n[[agent]]\nname = \"a\"\nunit = \"b.service\"",
        "agent[1]: an agent is called \"a\" already",
    ),
];

#[test]
fn every_mistake_is_one_line_that_says_where_and_what_to_do() {
    let mut amiss = Vec::new();
    for (text, wanted) in WRONG {
        let said = parse(text).map_or_else(|mistakes| mistakes.0, |_| Vec::new());
        let is_one_line = matches!(&said[..], [line] if line.contains(wanted)
            && line.starts_with("x.toml:") && line.contains("; ") && !line.contains('\n'));
        if !is_one_line {
            amiss.push(format!("{text}\n  said:   {}\n  wanted: {wanted}", said.join("\n          ")));
        }
    }
    assert!(amiss.is_empty(), "{}", amiss.join("\n"));
}

#[test]
fn all_mistakes_are_told_at_once() {
    let mistakes = parse("grace = 1\nhom = 2\n[log]\nqueue = \"x\"").unwrap_err();
    let lines: Vec<_> = mistakes.0.iter().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(lines, ["x.toml:1:9", "x.toml:2:1", "x.toml:4:9"]);
}
