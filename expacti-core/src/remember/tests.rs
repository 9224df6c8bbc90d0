use proptest::prelude::*;

use super::*;
use crate::rules::with_assumed_executable;
use crate::tools::Tools;

const NOW: Timestamp = Timestamp(1_800_000_000);

fn request(argv: &[&str]) -> ExecRequest {
    let mut request = ExecRequest {
        argv: argv.iter().map(|word| (*word).into()).collect(),
        cwd: Some("/work".into()),
        ..ExecRequest::default()
    };
    request.agent.name = "claude".into();
    with_assumed_executable(request)
}

fn offered(request: &ExecRequest, tools: &Tools) -> Result<Suggestion, NotOffered> {
    let assessment = crate::assess(request, tools);
    suggest(request, &assessment, &Policy::default(), Width::SameFolder, "alice: fine", NOW)
}

#[test]
fn the_very_command_is_remembered_for_as_long_as_its_level_says() {
    let tools = Tools::embedded();
    let low = offered(&request(&["git", "status"]), &tools).unwrap();
    assert_eq!(low.expires, None);
    let medium = offered(&request(&["git", "push", "origin", "main"]), &tools).unwrap();
    assert_eq!(medium.expires, Some(NOW.plus(7 * 86_400)));
    insta::assert_snapshot!(medium.text);
}

#[test]
fn it_lets_nothing_else_through() {
    let tools = Tools::embedded();
    let suggestion = offered(&request(&["git", "push", "origin", "main"]), &tools).unwrap();
    let mut elsewhere = request(&["git", "push", "origin", "main"]);
    elsewhere.cwd = Some("/other".into());
    let mut other_agent = request(&["git", "push", "origin", "main"]);
    other_agent.agent.name = "codex".into();
    let mut other_file = request(&["git", "push", "origin", "main"]);
    other_file.exe.path = "/tmp/git".into();
    let past = [
        request(&["git", "push", "origin", "main"]),
        request(&["git", "push", "origin", "dev"]),
        request(&["git", "push", "--force", "origin", "main"]),
        elsewhere,
        other_agent,
        other_file,
    ];
    let assessments: Vec<Assessment> = past.iter().map(|request| crate::assess(request, &tools)).collect();
    let covered = suggestion.would_have_allowed(past.iter().zip(&assessments), &Policy::default(), NOW);
    assert_eq!(covered, [0]);
    let later =
        suggestion.would_have_allowed(past.iter().zip(&assessments), &Policy::default(), NOW.plus(604_800));
    assert_eq!(later, [0; 0], "it is over");
}

#[test]
fn what_may_be_another_command_tomorrow_is_not_offered() {
    let tools = Tools::embedded();
    assert!(matches!(offered(&request(&["rm", "-rf", "src"]), &tools), Err(NotOffered::TooRisky { .. })));
    assert!(matches!(offered(&request(&["sh", "-c", "ls $X"]), &tools), Err(NotOffered::Computed { .. })));
    let mut preloaded = request(&["git", "status"]);
    preloaded.env.insert("LD_PRELOAD".into(), "/tmp/x.so".into());
    assert!(matches!(offered(&preloaded, &tools), Err(NotOffered::Environment { .. })));
    let mut gap = request(&["git", "status"]);
    gap.missing.push("environment".into());
    assert!(matches!(offered(&gap, &tools), Err(NotOffered::Incomplete { .. })));
    let mut unnamed = request(&["git", "status"]);
    unnamed.exe.path = b"/usr/bin/\xff"[..].into();
    assert_eq!(offered(&unnamed, &tools), Err(NotOffered::NoFile));
    let mut memfd = request(&["git", "status"]);
    memfd.exe.unlinked = true;
    assert!(offered(&memfd, &tools).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_words_read_back(words: Vec<Vec<u8>>) {
        let tools = Tools::embedded();
        let mut request = request(&["git"]);
        request.argv.extend(words.into_iter().map(Untrusted::from));
        let assessment = crate::assess(&request, &tools);
        let offered = suggest(&request, &assessment, &Policy::default(), Width::AnyFolder, "x\"\n", NOW);
        prop_assert!(!matches!(offered, Err(NotOffered::Refused(_))), "{offered:?}");
    }
}
