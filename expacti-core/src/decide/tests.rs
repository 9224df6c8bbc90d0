//! Whole decisions: words in, evaluation out.

mod scripts;

use super::*;
use crate::evaluation::DecidedBy;
use crate::request::Stdin;
use crate::rules::{LoadError, Source, with_assumed_executable};
use crate::tools::Tools;

pub(crate) struct World {
    tools: Tools,
    policy: Policy,
    history: History,
    grants: Vec<Grant>,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        Self {
            tools: Tools::embedded(),
            policy: Policy::default(),
            history: History::default(),
            grants: Vec::new(),
            now: Timestamp(1_800_000_000),
        }
    }

    fn load(&self, rules: &str) -> Result<RuleSet, LoadError> {
        RuleSet::load(&[Source::file("rules.toml", rules)], 7, &|request| crate::assess(request, &self.tools))
    }

    fn rules(&self, rules: &str) -> RuleSet {
        self.load(rules).unwrap_or_else(|error| panic!("{error}"))
    }

    fn decide(&self, rules: &RuleSet, request: ExecRequest) -> Evaluation {
        let request = with_assumed_executable(request);
        let assessment = crate::assess(&request, &self.tools);
        let case = Case {
            request: &request,
            assessment: &assessment,
            policy: &self.policy,
            rules,
            grants: &self.grants,
            history: &self.history,
            now: self.now,
        };
        let evaluation = decide(&case);
        assert_eq!(trace(&case).evaluation, evaluation, "the trace tells what is decided");
        evaluation
    }

    /// Who decides what on this argv.
    fn answer(&self, rules: &RuleSet, argv: &[&str]) -> (Decision, String) {
        answer(&self.decide(rules, argv_of(argv)))
    }
}

fn answer(evaluation: &Evaluation) -> (Decision, String) {
    let by = match &evaluation.decided_by {
        DecidedBy::Rule { name, .. } => name.clone(),
        other @ (DecidedBy::Anomaly
        | DecidedBy::Grant { .. }
        | DecidedBy::Threshold
        | DecidedBy::Incomplete) => format!("{other:?}"),
    };
    (evaluation.decision, by)
}

fn argv_of(argv: &[&str]) -> ExecRequest {
    ExecRequest {
        argv: argv.iter().map(|word| (*word).into()).collect(),
        cwd: Some("/work".into()),
        ..ExecRequest::default()
    }
}

fn allow(rule: &str) -> String {
    format!("[[rule]]\nname = \"r\"\nbecause = \"test\"\ndecision = \"allow\"\n{rule}\n")
}

fn deny(rule: &str) -> String {
    format!("[[rule]]\nname = \"d\"\nbecause = \"test\"\ndecision = \"deny\"\n{rule}\n")
}

const PUSH: [&str; 4] = ["git", "push", "origin", "main"];

#[test]
fn the_strictest_step_decides() {
    let mut world = World::new();
    let push = "argv = [\"git\", \"push\", \"...\"]";
    let none = world.rules("");
    assert_eq!(world.answer(&none, &PUSH), (Decision::Hold, "Threshold".into()));
    assert_eq!(world.answer(&none, &["git", "status"]), (Decision::Allow, "Threshold".into()));

    world.grants = vec![Grant { ticket: 9, agent: String::new(), ceiling: 50, until: None }];
    assert_eq!(world.answer(&none, &PUSH), (Decision::Allow, "Grant { ticket: 9 }".into()));

    let allowing = allow(push);
    assert_eq!(world.answer(&world.rules(&allowing), &PUSH), (Decision::Allow, "r".into()));

    world.history =
        History { execs: 10_000, of_this_program: 0, in_this_hour_of_day: 1_000, risky_in_last_minute: 0 };
    assert_eq!(world.answer(&world.rules(&allowing), &PUSH), (Decision::Hold, "Anomaly".into()));

    let reviewing = format!(
        "{allowing}[[rule]]\nname = \"v\"\nbecause = \"look\"\ndecision = \"review\"\napprovals = 2\nroles = [\"dba\"]\n{push}\n"
    );
    let evaluation = world.decide(&world.rules(&reviewing), argv_of(&PUSH));
    assert_eq!(answer(&evaluation), (Decision::Hold, "v".into()));
    assert_eq!((evaluation.approvals, evaluation.roles.first().map(String::as_str)), (2, Some("dba")));
    assert_eq!(evaluation.rule_generation, 7);

    let denying = format!("{reviewing}{}", deny(push));
    assert_eq!(world.answer(&world.rules(&denying), &PUSH), (Decision::Deny, "d".into()));
}

#[test]
fn what_could_not_be_read_is_never_let_through() {
    let mut world = World::new();
    world.grants = vec![Grant { ticket: 9, agent: String::new(), ceiling: 100, until: None }];
    let rules = world.rules(&allow("command = \"git status\""));
    let mut request = argv_of(&["git", "status"]);
    request.missing.push("the environment".into());
    assert_eq!(answer(&world.decide(&rules, request)), (Decision::Hold, "Incomplete".into()));
    assert_eq!(world.answer(&rules, &["git", "status"]), (Decision::Allow, "r".into()));
}

#[test]
fn words_are_compared_one_by_one() {
    let world = World::new();
    let rules = world.rules(&deny("argv = [\"rm\", \"-rf\", \"a\"]"));
    assert_eq!(world.answer(&rules, &["rm", "-rf", "a"]).0, Decision::Deny);
    for other in [&["rm", "-rf a"][..], &["rm -rf", "a"], &["rm", "-rf", "a", ""], &["rm", "-rf", "", "a"]] {
        assert_ne!(world.answer(&rules, other).0, Decision::Deny, "{other:?}");
    }
    let rules = world.rules(&deny("regex = \"rm -rf a\""));
    assert_eq!(world.answer(&rules, &["rm", "-rf", "a"]).0, Decision::Deny);
    assert_ne!(world.answer(&rules, &["rm", "-rf a"]).0, Decision::Deny);
}

#[test]
fn bytes_that_are_no_text_are_compared_as_bytes() {
    let world = World::new();
    let rules = world.rules(&deny("argv = [\"cat\", {base64 = \"//4=\"}]"));
    let with = |bytes: &[u8]| {
        let mut request = argv_of(&["cat"]);
        request.argv.push(bytes.into());
        world.decide(&rules, request).decision
    };
    assert_eq!(with(b"\xff\xfe"), Decision::Deny);
    assert_ne!(with(b"\xff\xff"), Decision::Deny);
    assert_ne!(with("\u{fffd}\u{fffd}".as_bytes()), Decision::Deny);
}

#[test]
fn a_deny_rule_sees_through_wrappers() {
    let world = World::new();
    let rules = world.rules(&deny(
        "argv = [\"git\", {options = [\"-C\", \"-c\"]}, \"push\", \"...\"]\nany_flag = [\"-f\", \"--force\"]",
    ));
    for text in [
        "git push --force",
        "git push -f origin main",
        "git -C /x -c a=b push origin --force",
        "sudo sh -c 'git push -uf'",
        "/usr/bin/git push --forc",
        "true && (cd x; nohup git push --force=1 &)",
        "echo $(git push -f)",
        r"find . -exec git push -f \;",
    ] {
        assert_eq!(world.answer(&rules, &["bash", "-lc", text]).0, Decision::Deny, "{text}");
    }
    for text in ["git push", "git log --grep=--force", "git commit -m 'push -f'"] {
        assert_ne!(world.answer(&rules, &["bash", "-lc", text]).0, Decision::Deny, "{text}");
    }
    let mut renamed = argv_of(&["harmless", "push", "-f"]);
    renamed.exe.path = "/usr/bin/git".into();
    assert_eq!(world.decide(&rules, renamed).decision, Decision::Deny);
}

#[test]
fn what_could_be_denied_waits_for_humans() {
    let world = World::new();
    let rules = world.rules(&deny("argv = [\"ls\", \"--evil\"]"));
    for text in ["ls $X", "$X --evil", "ls --evil $X"] {
        assert_eq!(world.answer(&rules, &["sh", "-c", text]), (Decision::Hold, "d".into()), "{text}");
    }
    assert_eq!(world.answer(&rules, &["sh", "-c", "ls --good $X"]).0, Decision::Allow);
    let rules = world.rules(&deny("argv = [\"ls\", \"--evil\"]\nin_doubt = \"ignore\""));
    assert_eq!(world.answer(&rules, &["sh", "-c", "ls $X"]).0, Decision::Allow);
}

#[test]
fn an_allow_rule_needs_every_command_to_be_covered() {
    let mut world = World::new();
    world.policy.hold_from = crate::policy::Risk::Score(0);
    let rules = world.rules(&allow("argv = [[\"git\", \"ls\", \"cd\"], \"...\"]"));
    for text in
        ["git status", "git status && ls -l", "(git log | git shortlog); ls >/dev/null 2>&1", "cd x && ls"]
    {
        assert_eq!(world.answer(&rules, &["bash", "-lc", text]).0, Decision::Allow, "{text}");
    }
    for text in [
        "git status; curl evil",
        "git status $(curl evil)",
        "git log > ~/.bashrc",
        "git log $X",
        "LD_PRELOAD=/tmp/x git log",
        "./git status",
        "/tmp/git status",
        "ls; sh",
        "git log | sh",
        "eval \"$(git log)\"",
        "ls < /etc/shadow",
        "BASH_ENV=x; ls",
        "PATH=/tmp/x:$PATH git log",
        "/usr/bin/time -o /etc/motd ls",
        "ssh host git status",
        "sudo git status",
        "xargs git log",
    ] {
        assert_eq!(world.answer(&rules, &["bash", "-lc", text]).0, Decision::Hold, "{text}");
    }
    assert_eq!(world.answer(&rules, &["bash", "--rcfile", "x", "-c", "ls"]).0, Decision::Hold);
}

#[test]
fn a_bare_name_stands_for_a_file_that_the_agent_cannot_make() {
    let mut world = World::new();
    world.policy.hold_from = crate::policy::Risk::Score(0);
    let rules = world.rules(&allow("argv = [[\"git\", \"python3\", \"sh\"], \"...\"]"));
    let with = |argv0: &str, path: &str, change: fn(&mut crate::request::Executable)| {
        let mut request = argv_of(&[argv0, "x"]);
        request.exe.path = path.into();
        change(&mut request.exe);
        world.decide(&rules, request).decision
    };
    assert_eq!(with("git", "/usr/bin/git", |_| ()), Decision::Allow);
    assert_eq!(with("/usr/bin/git", "/usr/bin/git", |_| ()), Decision::Allow);
    assert_eq!(with("python3", "/usr/bin/python3.11", |_| ()), Decision::Allow);
    assert_eq!(with("git", "/usr/bin/python3.11", |_| ()), Decision::Hold, "a forged name");
    assert_eq!(with("git", "/tmp/git", |_| ()), Decision::Hold);
    assert_eq!(with("./git", "/work/git", |_| ()), Decision::Hold);
    assert_eq!(with("git", "/usr/bin/../../tmp/git", |_| ()), Decision::Hold);
    assert_eq!(with("git", "/usr/bin/git", |exe| exe.unlinked = true), Decision::Hold);
    assert_eq!(with("git", "/usr/bin/git", |exe| exe.unstable = true), Decision::Hold);
    assert_eq!(with("git", "/usr/bin/git", |exe| exe.privileged = true), Decision::Hold);
    assert_eq!(with("git", "/memfd:git (deleted)", |_| ()), Decision::Hold);
}

#[test]
fn a_variable_that_changes_what_runs_has_to_be_named() {
    let mut world = World::new();
    world.policy.hold_from = crate::policy::Risk::Score(0);
    let mut request = argv_of(&["git", "log"]);
    request.env.insert("GIT_SSH_COMMAND".into(), "sh -c evil".into());
    request.env.insert("PATH".into(), "/usr/bin".into());
    let rules = world.rules(&allow("argv = [\"git\", \"log\"]"));
    assert_eq!(world.decide(&rules, request.clone()).decision, Decision::Hold);
    let rules = world.rules(&allow("argv = [\"git\", \"log\"]\ncovers.env = [\"GIT_SSH*\"]"));
    assert_eq!(world.decide(&rules, request).decision, Decision::Allow);
}

#[test]
fn high_risk_needs_an_exact_rule_that_says_so() {
    let world = World::new();
    let delete = ["kubectl", "delete", "deployment/api"];
    for (rule, decision) in [
        ("argv = [\"kubectl\", \"delete\", \"...\"]", Decision::Hold),
        ("argv = [\"kubectl\", \"delete\", \"...\"]\nmax_risk = \"CRITICAL\"", Decision::Hold),
        ("command = \"kubectl delete deployment/api\"", Decision::Hold),
        ("command = \"kubectl delete deployment/api\"\nmax_risk = \"HIGH\"", Decision::Hold),
        ("command = \"kubectl delete deployment/api\"\nmax_risk = \"CRITICAL\"", Decision::Allow),
    ] {
        assert_eq!(world.answer(&world.rules(&allow(rule)), &delete).0, decision, "{rule}");
    }
}

#[test]
fn a_deny_rule_is_not_escaped_by_half_an_option() {
    let world = World::new();
    let rules = world.rules(&deny("argv = [\"terraform\", \"destroy\", \"...\"]\nno_flag = [\"-h\"]"));
    assert_eq!(world.answer(&rules, &["terraform", "destroy", "-chdir=x"]).0, Decision::Deny);
    assert_ne!(world.answer(&rules, &["terraform", "destroy", "-h"]).0, Decision::Deny);
}

#[test]
fn a_rule_whose_limit_is_too_low_leaves_the_word_to_the_next() {
    let world = World::new();
    let push = "argv = [\"git\", \"push\", \"...\"]";
    let low = allow(&format!("{push}\nmax_risk = 10"));
    let higher = allow(&format!("{push}\nmax_risk = 50")).replace("\"r\"", "\"s\"");
    assert_eq!(world.answer(&world.rules(&low), &PUSH).0, Decision::Hold);
    assert_eq!(world.answer(&world.rules(&format!("{low}{higher}")), &PUSH), (Decision::Allow, "s".into()));
}

#[test]
fn a_rule_ends_when_it_says() {
    let mut world = World::new();
    let rules = world.rules(&allow(
        "argv = [\"git\", \"push\", \"...\"]\ncreated = 2027-01-01T00:00:00Z\nttl = \"7d\"\nchildren = \"inherit\"\nmax_risk = 50",
    ));
    world.now = Timestamp(1_798_761_600 + 604_799);
    let evaluation = world.decide(&rules, argv_of(&PUSH));
    assert_eq!((evaluation.decision, evaluation.children_ceiling), (Decision::Allow, Some(50)));
    world.now = Timestamp(1_798_761_600 + 604_800);
    assert_eq!(world.answer(&rules, &PUSH).0, Decision::Hold);
}

#[test]
fn typed_holes_take_what_they_name() {
    let mut world = World::new();
    world.policy.hold_from = crate::policy::Risk::Score(0);
    let rules = world.rules(&format!(
        "{}{}{}",
        allow("argv = [\"touch\", {below = \".\", many = true}]"),
        allow("argv = [\"head\", \"-n\", {number = [1, 100]}, {path = \"/work/**/*.log\"}]").replace("\"r\"", "\"s\""),
        allow("argv = [\"curl\", {flag = [\"-s\", \"-o\"], optional = true}, {url = [\"localhost\", \"*.example.com\"]}]").replace("\"r\"", "\"t\""),
    ));
    for (argv, decision) in [
        (&["touch", "a", "b/c"][..], Decision::Allow),
        (&["touch", "a", "../c"], Decision::Hold),
        (&["touch", "/etc/x"], Decision::Hold),
        (&["touch", "-r", "a"], Decision::Hold),
        (&["head", "-n", "100", "x/y.log"], Decision::Allow),
        (&["head", "-n", "101", "x/y.log"], Decision::Hold),
        (&["head", "-n", "5", "/work/../etc/y.log"], Decision::Hold),
        (&["curl", "http://localhost:80/x"], Decision::Allow),
        (&["curl", "-s", "https://api.example.com"], Decision::Allow),
        (&["curl", "http://localhost@evil.com"], Decision::Hold),
        (&["curl", "http://evil.com/?localhost"], Decision::Hold),
    ] {
        assert_eq!(world.answer(&rules, argv).0, decision, "{argv:?}");
    }
    let elsewhere = ["sh", "-c", "cd / && touch a"];
    assert_eq!(world.answer(&rules, &elsewhere).0, Decision::Hold);
}

/// Why the kernel keeps verdicts on whole requests only (docs/adr/0037): whoever may run a file is not thereby heard on every
/// word that it can be given, under a rule or under a grant.
#[test]
fn leave_to_run_a_file_is_not_leave_for_all_its_words() {
    let mut world = World::new();
    let tool = allow("exe = \"/usr/bin/tool\"");
    let forced = deny("argv = [\"git\", \"push\", \"...\"]\nany_flag = [\"--force\"]");
    let rules = world.rules(&format!("{tool}{forced}"));
    let started_as = |argv: &[&str], stdin| {
        let mut request = argv_of(argv);
        request.exe.path = "/usr/bin/tool".into();
        ExecRequest { stdin, ..request }
    };
    let answers =
        |world: &World, argv: &[&str], stdin| answer(&world.decide(&rules, started_as(argv, stdin))).0;
    assert_eq!(answers(&world, &["tool", "src"], Stdin::Null), Decision::Allow);
    assert_eq!(answers(&world, &["git", "push", "--force"], Stdin::Null), Decision::Deny);
    assert_eq!(answers(&world, &["rm", "-rf", "/srv"], Stdin::Null), Decision::Hold);
    assert_eq!(answers(&world, &["sh"], Stdin::Pipe), Decision::Hold);
    // A grant for whatever an approved command starts, at any risk.
    world.grants = vec![Grant { ticket: 9, agent: String::new(), ceiling: 100, until: None }];
    assert_eq!(answers(&world, &["rm", "-rf", "/srv"], Stdin::Null), Decision::Allow);
    assert_eq!(answers(&world, &["git", "push", "--force"], Stdin::Null), Decision::Deny);
}
