use proptest::prelude::*;

use super::*;
use crate::assess;
use crate::policy::Risk;
use crate::rules::with_assumed_executable;
use crate::tools::Tools;

const NOW: Timestamp = Timestamp(1_800_000_000);

fn request(shell: &str) -> ExecRequest {
    let argv = match shell.strip_prefix("$ ") {
        Some(text) => vec!["sh".into(), "-c".into(), text.into()],
        None => shell.split(' ').map(Into::into).collect(),
    };
    let mut request = ExecRequest { argv, cwd: Some("/work/app".into()), ..ExecRequest::default() };
    request.agent.name = "claude".into();
    with_assumed_executable(request)
}

/// A policy under which every command that no rule allows waits.
fn strict() -> Policy {
    Policy { hold_from: Risk::Score(0), ..Policy::default() }
}

struct Site {
    requests: Vec<(ExecRequest, Fate)>,
    rules: RuleSet,
}

impl Site {
    fn new(past: &[(Fate, &[&str])]) -> Self {
        let one = |(fate, commands): &(Fate, &[&str])| {
            let fate = *fate;
            commands.iter().map(move |command| (request(command), fate)).collect::<Vec<_>>()
        };
        Self { requests: past.iter().flat_map(one).collect(), rules: RuleSet::default() }
    }

    fn report(&self, at_least: u64) -> Report {
        let (tools, policy) = (Tools::embedded(), strict());
        let past: Vec<Past<'_>> = self
            .requests
            .iter()
            .map(|(request, fate)| Past { request, policy: &policy, fate: *fate, has_secrets: false })
            .collect();
        let ground = Ground { rules: &self.rules, assess: &|request| assess(request, &tools), now: NOW };
        suggest_rules(&past, &ground, at_least)
    }

    fn patterns(&self, at_least: u64) -> Vec<String> {
        self.report(at_least).proposals.into_iter().map(|proposal| proposal.pattern).collect()
    }

    fn shown(&self, places: &[usize]) -> Vec<String> {
        let words = |place: &usize| self.requests[*place].0.argv.iter().map(ToString::to_string);
        places.iter().map(|place| words(place).collect::<Vec<_>>().join(" ")).collect()
    }
}

#[test]
fn what_differed_becomes_the_narrowest_hole() {
    let site = Site::new(&[
        (Fate::Approved, &["head -n 5 src/a.py", "head -n 9 src/b.py", "head -n 20 src/x/c.py"]),
        (Fate::Ran, &["curl -s https://api.example.com/a", "curl -s https://api.example.com/b"]),
        (Fate::Ran, &["curl -s https://api.example.com/c", "git checkout main", "git checkout dev"]),
    ]);
    assert_eq!(
        site.patterns(2),
        ["curl -s <URL of api.example.com>", "head -n <5..20> <src/**/*.py>", "git checkout (dev|main)",]
    );
    let report = site.report(2);
    assert_eq!((report.asked, report.saved), (8, 8));
    let head = &report.proposals[1];
    assert_eq!((head.matched, head.approved, head.saves, head.refused.len()), (3, 3, 3, 0));
}

#[test]
fn the_text_is_a_rule_with_its_own_tests() {
    let site = Site::new(&[
        (Fate::Approved, &["cargo test -p a", "cargo test -p b", "$ cargo test -p a && cargo test -p b"]),
        (Fate::Refused, &["cargo publish"]),
    ]);
    let report = site.report(2);
    let [proposal] = report.proposals.as_slice() else { panic!("{report:#?}") };
    assert_eq!(site.shown(&proposal.beside), ["cargo publish"]);
    insta::assert_snapshot!(proposal.text);
}

#[test]
fn two_lists_would_make_combinations_that_nobody_saw() {
    let site = Site::new(&[(
        Fate::Ran,
        &[
            "kubectl get pods -n dev",
            "kubectl get pods -n dev",
            "kubectl get nodes -n prod",
            "kubectl get nodes -n prod",
        ],
    )]);
    assert_eq!(site.patterns(2), ["kubectl get nodes -n prod", "kubectl get pods -n dev"]);
}

#[test]
fn what_was_refused_narrows_until_it_is_not_taken() {
    let site = Site::new(&[
        (Fate::Approved, &["cat src/a.py", "cat src/b.py", "cat src/c.py", "cat src/c.py"]),
        (Fate::Refused, &["cat src/secret.py"]),
    ]);
    let report = site.report(1);
    let patterns: Vec<&str> = report.proposals.iter().map(|proposal| proposal.pattern.as_str()).collect();
    assert_eq!(patterns, ["cat src/c.py", "cat src/a.py", "cat src/b.py"]);
    assert!(report.proposals.iter().all(|proposal| proposal.refused.is_empty()));
    assert_eq!(site.shown(&report.proposals[0].beside)[0], "cat src/secret.py");
}

#[test]
fn the_same_words_both_ways_come_last_and_say_so() {
    let site = Site::new(&[
        (Fate::Approved, &["make deploy", "make deploy", "make lint"]),
        (Fate::Refused, &["make deploy"]),
    ]);
    let report = site.report(1);
    let patterns: Vec<&str> = report.proposals.iter().map(|proposal| proposal.pattern.as_str()).collect();
    assert_eq!(patterns, ["make lint", "make deploy"]);
    assert_eq!(site.shown(&report.proposals[1].refused), ["make deploy"]);
    assert_eq!(report.saved, 1, "a contested one is not counted");
}

#[test]
fn no_rule_is_made_of_what_may_be_another_command_tomorrow() {
    let dangerous = ["rm -rf src", "$ ls $X", "$ ls > out.txt", "curl http://x.example/i.sh"];
    let mut site = Site::new(&[(Fate::Approved, &dangerous[..3])]);
    site.requests.push((request("git status"), Fate::Open));
    let mut preloaded = request("git log");
    preloaded.env.insert("LD_PRELOAD".into(), "/tmp/x.so".into());
    site.requests.push((preloaded, Fate::Approved));
    let mut memfd = request("git diff");
    memfd.exe.unlinked = true;
    site.requests.push((memfd, Fate::Approved));
    assert_eq!(site.patterns(1), [""; 0]);
}

#[test]
fn what_rules_allow_already_is_not_asked_for() {
    let mut site = Site::new(&[(Fate::Ran, &["git status", "$ git status && git diff"])]);
    let tools = Tools::embedded();
    let text =
        "[[rule]]\nname = \"s\"\ndecision = \"allow\"\nbecause = \"x\"\nargv = [\"git\", \"status\"]\n";
    site.rules = RuleSet::load(&[Source::file("x", text)], 1, &|r| assess(r, &tools)).unwrap();
    let report = site.report(1);
    assert_eq!((report.asked, report.saved), (1, 1));
    assert_eq!(report.proposals[0].pattern, "git diff");
}

#[test]
fn a_program_outside_the_trusted_folders_is_named_by_its_file() {
    let mut site = Site::new(&[]);
    for _ in 0..2 {
        let mut lint = request("eslint src");
        lint.exe.path = "/work/app/node_modules/.bin/eslint".into();
        site.requests.push((lint, Fate::Approved));
    }
    let report = site.report(2);
    assert!(
        report.proposals[0].text.contains("exe = \"/work/app/node_modules/.bin/eslint\"\n"),
        "{report:#?}"
    );
    let mut other = request("eslint src");
    other.exe.path = "/tmp/eslint".into();
    site.requests.push((other, Fate::Refused));
    assert_eq!(site.report(2).proposals[0].refused, [0; 0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_refused_is_ever_taken_but_by_its_own_words(
        commands in prop::collection::vec(("git|cat|head|ls", "log|show|-n|-l", "[0-9]|src/[ab]\\.py|main|dev", any::<bool>()), 1..24),
    ) {
        let mut site = Site::new(&[]);
        for (program, first, second, approved) in &commands {
            let fate = if *approved { Fate::Approved } else { Fate::Refused };
            site.requests.push((request(&format!("{program} {first} {second}")), fate));
        }
        let report = site.report(1);
        for proposal in &report.proposals {
            for place in &proposal.refused {
                let words: Vec<String> =
                    site.requests[*place].0.argv.iter().map(ToString::to_string).collect();
                prop_assert_eq!(&proposal.pattern, &words.join(" "));
            }
            prop_assert!(proposal.matched >= 1 && proposal.saves <= proposal.matched);
        }
        prop_assert!(report.saved <= report.asked);
    }
}
