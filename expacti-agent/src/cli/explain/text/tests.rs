//! Snapshots of whole answers. What is shown is made by hand, so that they stay when scores change.

use expacti_core::assessment::Redirection;
use expacti_core::decide::{Outcome as Said, Stage, Step};
use expacti_core::evaluation::Factor;
use expacti_core::request::ExecRequest;

use super::*;

fn word(text: &str, literal: bool) -> Word {
    Word { text: text.into(), literal }
}

fn command(parent: Option<usize>, words: &[&str], score: u8) -> SeenCommand {
    SeenCommand {
        via: Vec::new(),
        parent,
        opaque: false,
        words: words.iter().map(|text| word(text, !text.starts_with('$'))).collect(),
        redirections: Vec::new(),
        assignments: Vec::new(),
        elsewhere: false,
        score,
        categories: ["version-control".to_owned()].into(),
        factors: Vec::new(),
    }
}

fn outcome() -> Outcome {
    let text = "git log \u{202e}x | sudo git push -f $REMOTE >log";
    let mut push = command(Some(2), &["git", "push", "-f", "$REMOTE"], 72);
    push.redirections = vec![Redirection { writes: true, target: Some(word("log", true)) }];
    let mut sudo = command(Some(0), &["sudo", "git", "push", "-f", "$REMOTE"], 72);
    sudo.opaque = true;
    Outcome {
        evaluation: Evaluation {
            decision: Decision::Hold,
            score: 72,
            level: Level::High,
            categories: ["version-control".to_owned(), "history-rewrite".to_owned()].into(),
            factors: vec![
                Factor { name: "git.push".into(), points: 45, because: "sends commits to others".into() },
                Factor { name: "force".into(), points: 30, because: "forces it".into() },
                Factor { name: "topic-branch".into(), points: -3, because: "on a branch\u{1b}[2J".into() },
            ],
            decided_by: DecidedBy::Rule { name: "team/push".into(), because: "two pairs of eyes".into() },
            approvals: 2,
            roles: ["release".to_owned()].into(),
            children_ceiling: None,
            rule_generation: 3,
        },
        steps: vec![
            Step { stage: Stage::DenyRule, outcome: Said::Silent },
            Step {
                stage: Stage::AllowRule,
                outcome: Said::Passed { why: "`git push`: no allow rule matches it".into() },
            },
            Step { stage: Stage::ReviewRule, outcome: Said::Decided },
        ],
        commands: vec![
            command(None, &["sh", "-c", text], 72),
            command(Some(0), &["git", "log", "\u{202e}x"], 5),
            sudo,
            push,
        ],
        request: ExecRequest {
            argv: ["sh", "-c", text].map(Into::into).to_vec(),
            cwd: Some("/work".into()),
            env: [("REMOTE".into(), "prod".into())].into(),
            exe: expacti_core::request::Executable { path: "/usr/bin/sh".into(), ..Default::default() },
            ..ExecRequest::default()
        },
        executable_assumed: true,
    }
}

#[test]
fn a_human_sees_decision_score_commands_factors_and_steps() {
    let plain = render(&outcome(), Style::with_colour(false));
    assert!(
        plain.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)),
        "nothing of an agent's gets out raw"
    );
    insta::assert_snapshot!(plain);
}

#[test]
fn colour_changes_nothing_but_colour() {
    let coloured = render(&outcome(), Style::with_colour(true));
    let mut stripped = coloured.clone();
    while let Some(start) = stripped.find('\u{1b}') {
        let end = stripped[start..].find('m').unwrap();
        stripped.replace_range(start..=start + end, "");
    }
    assert_eq!(stripped, render(&outcome(), Style::with_colour(false)));
    assert!(coloured.contains("\u{1b}[1;33mHOLD"));
}
