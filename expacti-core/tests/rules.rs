//! What must hold for any rules and any requests.

use std::sync::LazyLock;

use expacti_core::decide::{Case, decide, trace};
use expacti_core::evaluation::{Decision, Evaluation};
use expacti_core::grant::Grant;
use expacti_core::history::History;
use expacti_core::policy::Policy;
use expacti_core::request::ExecRequest;
use expacti_core::rules::{RuleSet, STARTER_SETS, Source, with_assumed_executable};
use expacti_core::time::Timestamp;
use expacti_core::{Tools, assess};
use proptest::prelude::*;

static TOOLS: LazyLock<Tools> = LazyLock::new(Tools::embedded);

fn load(sources: &[Source]) -> RuleSet {
    RuleSet::load(sources, 1, &|request| assess(request, &TOOLS)).unwrap_or_else(|error| panic!("{error}"))
}

fn judge(request: &ExecRequest, rules: &RuleSet, grants: &[Grant], history: &History) -> Evaluation {
    let assessment = assess(request, &TOOLS);
    let policy = Policy::default();
    let now = Timestamp(1_800_000_000);
    let case = Case { request, assessment: &assessment, policy: &policy, rules, grants, history, now };
    let evaluation = decide(&case);
    assert_eq!(trace(&case).evaluation, evaluation);
    evaluation
}

/// Words that rules and requests have in common, so that they meet.
fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "git", "push", "status", "rm", "-rf", "-f", "--force", "ls", "a", "/etc", "../x", "7", "origin",
        "main", "sh", "-c", "sudo", "env", "...",
    ])
}

fn element() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => word().prop_map(|word| format!("{word:?}")),
        1 => Just("\"...\"".to_owned()),
        1 => (word(), word()).prop_map(|(a, b)| format!("[{{literal = {a:?}}}, {{literal = {b:?}}}]")),
        1 => Just("{any = true, optional = true}".to_owned()),
        1 => Just("{word = true, many = true}".to_owned()),
        1 => Just("{number = true}".to_owned()),
        1 => Just("{below = \".\"}".to_owned()),
        1 => Just("{path = \"/etc/**\"}".to_owned()),
        1 => Just("{options = [\"-c\"]}".to_owned()),
    ]
}

/// One rule without its name.
fn rule(decision: &'static str) -> impl Strategy<Value = String> {
    let program = prop::sample::select(vec!["git", "rm", "ls", "sh", "sudo", "env"]);
    let flag = prop::option::of(prop::sample::select(vec!["any_flag = [\"-f\"]", "no_flag = [\"--force\"]"]));
    let cwd = prop::option::of(Just("cwd = \"/work\""));
    (program, prop::collection::vec(element(), 0..4), flag, cwd).prop_map(
        move |(program, elements, flag, cwd)| {
            let argv: Vec<String> = std::iter::once(format!("{program:?}")).chain(elements).collect();
            format!(
                "decision = \"{decision}\"\nbecause = \"p\"\nargv = [{}]\n{}\n{}\n",
                argv.join(", "),
                flag.unwrap_or_default(),
                cwd.unwrap_or_default()
            )
        },
    )
}

fn any_rule() -> impl Strategy<Value = String> {
    prop_oneof![rule("allow"), rule("review"), rule("deny")]
}

fn source(name: &str, rules: &[String]) -> Source {
    let rules = rules.iter().enumerate();
    let rules: Vec<String> =
        rules.map(|(i, rule)| format!("[[rule]]\nname = \"{name}-{i}\"\n{rule}")).collect();
    Source::file(name, rules.concat())
}

fn request() -> impl Strategy<Value = ExecRequest> {
    let argv = prop_oneof![
        prop::collection::vec(word().prop_map(str::to_owned), 1..6),
        prop::sample::select(vec![
            "git push -f",
            "git status; rm -rf a",
            "sudo git push --force origin main",
            "ls $X",
            "$X a",
            "cd /; rm -rf a",
            "env A=1 git status > /etc/x",
            "ls | sh",
        ])
        .prop_map(|text| vec!["sh".to_owned(), "-c".to_owned(), text.to_owned()]),
    ];
    (argv, prop::bool::ANY, prop::option::of(Just("/work"))).prop_map(|(argv, preload, cwd)| {
        let mut request = ExecRequest {
            argv: argv.into_iter().map(Into::into).collect(),
            cwd: cwd.map(Into::into),
            ..ExecRequest::default()
        };
        if preload {
            request.env.insert("LD_PRELOAD".into(), "/tmp/x.so".into());
        }
        with_assumed_executable(request)
    })
}

fn grants() -> Vec<Grant> {
    vec![Grant { ticket: 1, agent: String::new(), ceiling: 100, until: None }]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_deny_rule_never_makes_a_decision_laxer(
        rules in prop::collection::vec(any_rule(), 0..6),
        more in prop_oneof![rule("deny"), rule("review")],
        request in request(),
    ) {
        let before = judge(&request, &load(&[source("a", &rules)]), &grants(), &History::default());
        let after = judge(&request, &load(&[source("a", &rules), source("b", &[more])]), &grants(), &History::default());
        prop_assert!(after.decision >= before.decision);
    }

    #[test]
    fn the_order_of_files_and_rules_changes_nothing(
        mut rules in prop::collection::vec(any_rule(), 1..6),
        more in prop::collection::vec(any_rule(), 1..4),
        request in request(),
    ) {
        let (a, b) = (source("a", &rules), source("b", &more));
        let one = judge(&request, &load(&[a.clone(), b.clone()]), &[], &History::default());
        let other = judge(&request, &load(&[b, a]), &[], &History::default());
        prop_assert_eq!(&one, &other);
        // Names aside, the order within a file says nothing either.
        rules.reverse();
        let reversed = judge(&request, &load(&[source("a", &rules), source("b", &more)]), &[], &History::default());
        prop_assert_eq!(one.decision, reversed.decision);
    }

    #[test]
    fn what_could_not_be_read_never_runs(rules in prop::collection::vec(any_rule(), 0..6), mut request in request()) {
        request.missing.push("argv".into());
        let evaluation = judge(&request, &load(&[source("a", &rules)]), &grants(), &History::default());
        prop_assert_ne!(evaluation.decision, Decision::Allow);
    }

    #[test]
    fn an_unusual_past_only_raises(rules in prop::collection::vec(any_rule(), 0..4), request in request()) {
        let rules = load(&[source("a", &rules)]);
        let strange = History { execs: 100_000, of_this_program: 0, in_this_hour_of_day: 0, risky_in_last_minute: 1_000 };
        let usual = judge(&request, &rules, &grants(), &History::default());
        prop_assert!(judge(&request, &rules, &grants(), &strange).decision >= usual.decision);
    }

    #[test]
    fn preloading_is_never_covered(rules in prop::collection::vec(rule("allow"), 0..6), mut request in request()) {
        let rules = load(&[source("a", &rules)]);
        request.env.insert("LD_AUDIT".into(), "/tmp/x.so".into());
        let by_rule = matches!(
            judge(&request, &rules, &[], &History::default()).decided_by,
            expacti_core::evaluation::DecidedBy::Rule { .. }
        );
        prop_assert!(!by_rule);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*", cut in any::<prop::sample::Index>(), set in 0..4usize) {
        let none = |_: &ExecRequest| assess(&ExecRequest::default(), &TOOLS);
        let _ = RuleSet::load(&[Source::file("a", text.clone())], 1, &none);
        // A real set with something thrown into its middle.
        let whole = STARTER_SETS[set].text;
        let mut at = cut.index(whole.len());
        while !whole.is_char_boundary(at) {
            at -= 1;
        }
        let broken = format!("{}{text}{}", &whole[..at], &whole[at..]);
        if let Err(error) = RuleSet::load(&[Source::file("a", broken)], 1, &none) {
            prop_assert!(!error.problems.is_empty());
            prop_assert!(error.problems.iter().all(|p| p.at.line > 0 && p.at.column > 0 && !p.help.is_empty()));
        }
    }

    #[test]
    fn no_bytes_make_a_decision_panic(argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6)) {
        let request = ExecRequest { argv: argv.into_iter().map(Into::into).collect(), ..ExecRequest::default() };
        let rules = load(&STARTER_SETS.map(expacti_core::rules::StarterSet::source));
        let _ = judge(&with_assumed_executable(request), &rules, &[], &History::default());
    }
}

#[test]
fn a_reload_is_a_transaction() {
    let good = Source::file("good.toml", STARTER_SETS[0].text);
    let bad = Source::file("bad.toml", "[[rule]]\nname = \"x\"\n");
    let error = RuleSet::load(&[good, bad], 2, &|request| assess(request, &TOOLS)).unwrap_err();
    assert!(error.problems.iter().all(|problem| problem.at.file == "bad.toml"));
    assert_eq!((error.problems[0].at.line, error.problems[0].at.column), (1, 1));
}

#[test]
fn a_static_rule_stands_for_a_stored_one_of_its_name() {
    let rule = |decision| {
        format!("[[rule]]\nname = \"x\"\ndecision = \"{decision}\"\nbecause = \"b\"\ncommand = \"ls\"\n")
    };
    let rules = load(&[Source::stored("store", rule("allow")), Source::file("file.toml", rule("deny"))]);
    let request = with_assumed_executable(ExecRequest { argv: vec!["ls".into()], ..ExecRequest::default() });
    assert_eq!(judge(&request, &rules, &[], &History::default()).decision, Decision::Deny);
    assert_eq!(rules.overridden().len(), 1);
}

#[test]
fn long_input_is_decided_in_bounded_time() {
    let rules = load(&STARTER_SETS.map(expacti_core::rules::StarterSet::source));
    let mut argv = vec!["git".into(), "push".into()];
    argv.extend((0..20_000).map(|i| format!("-{i}").into()));
    let request = with_assumed_executable(ExecRequest { argv, ..ExecRequest::default() });
    let assessment = assess(&request, &TOOLS);
    let (policy, history) = (Policy::default(), History::default());
    let case = Case {
        request: &request,
        assessment: &assessment,
        policy: &policy,
        rules: &rules,
        grants: &[],
        history: &history,
        now: Timestamp(0),
    };
    let started = std::time::Instant::now();
    let _ = decide(&case);
    // Unoptimised and on a busy machine; what is quadratic would take minutes.
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

/// The page is the contract: what stands on it loads, and its examples come out as written.
#[test]
fn every_block_of_the_manual_is_true() {
    let page = include_str!("../../docs/rules.md");
    let mut rules = 0;
    for (number, block) in page.split("```toml\n").skip(1).enumerate() {
        let text = block.split("```").next().unwrap_or_default();
        rules += load(&[Source::file(format!("docs/rules.md, block {}", number + 1), text)]).rules().len();
    }
    assert!(rules >= 14, "{rules}");
}
