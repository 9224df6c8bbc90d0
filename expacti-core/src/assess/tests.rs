//! Whole commands in, scores out.

mod bounds;
mod brought;
mod given;
mod meant_well;
mod messages;
mod table;
mod without_end;
mod wrappers;

use std::sync::LazyLock;

use crate::assessment::Assessment;
use crate::request::{ExecRequest, Stdin};
use crate::tools::Tools;

static TOOLS: LazyLock<Tools> = LazyLock::new(Tools::embedded);

fn shell(text: &str) -> ExecRequest {
    ExecRequest { argv: vec!["sh".into(), "-c".into(), text.into()], ..ExecRequest::default() }
}

fn of_shell(text: &str) -> Assessment {
    super::assess(&shell(text), &TOOLS)
}

fn of_request(json: &str) -> Assessment {
    super::assess(&serde_json::from_str(json).unwrap(), &TOOLS)
}

#[test]
fn an_argv_is_judged_as_it_is_and_not_as_a_line() {
    let words = of_request(r#"{"argv":["echo","a; rm -rf /"]}"#);
    assert_eq!((words.score, words.commands.len()), (4, 1));
}

#[test]
fn a_shell_is_judged_by_what_its_standard_input_is() {
    for (stdin, expected) in [
        (Stdin::Terminal, 10),
        (Stdin::Null, 10),
        (Stdin::Pipe, 70),
        (Stdin::Socket, 92),
        (Stdin::File { path: "/tmp/x.sh".into() }, 28),
    ] {
        let request = ExecRequest { argv: vec!["sh".into()], stdin: stdin.clone(), ..ExecRequest::default() };
        assert_eq!(super::assess(&request, &TOOLS).score, expected, "{stdin:?}");
    }
    let python = of_request(r#"{"argv":["python3","-"],"stdin":"pipe"}"#);
    assert_eq!(python.score, 62);
    let sql = of_request(r#"{"argv":["psql","shop"],"stdin":"pipe"}"#);
    assert_eq!(sql.score, 45);
}

#[test]
fn the_environment_tells_where_a_command_points() {
    let migrate = r#"{"argv":["npx","prisma","migrate","deploy"]"#;
    let unknown = of_request(&format!("{migrate}}}"));
    let production = of_request(&format!(
        r#"{migrate},"env":{{"DATABASE_URL":"postgres://app:pw@db.prod.example.com/shop"}}}}"#
    ));
    assert_eq!((unknown.score, production.score), (38, 68));
    let read = r#"{"argv":["kubectl","get","pods"],"env":{"KUBECONFIG":"/home/dev/.kube/production"}}"#;
    assert_eq!(of_request(read).score, 8);
}

#[test]
fn the_working_directory_counts() {
    let at = |cwd: &str, text: &str| {
        let mut request = shell(text);
        request.cwd = Some(cwd.into());
        super::assess(&request, &TOOLS).score
    };
    assert!(at("/", "rm -rf .") >= 90);
    assert!(at("/home/dev", "rm -rf .") >= 90);
    assert!(at("/home/dev/shop", "rm -rf node_modules") < 30);
    assert!(at("/home/dev/shop", "cd / && rm -rf *") >= 90);
    assert!(at("/home/dev/shop", "rm -rf ../../..") >= 90);
}

#[test]
fn factors_add_up_to_the_score() {
    for text in [
        "git push --force origin main",
        "sudo rm -rf /etc /var",
        "psql prod -c 'DROP TABLE a'",
        "ls",
        "rm -rf dist",
    ] {
        let assessment = of_shell(text);
        for command in &assessment.commands {
            let sum: i16 = command.factors.iter().map(|factor| factor.points).sum();
            assert_eq!(sum, i16::from(command.score), "{text}: {:?}", command.factors);
        }
    }
}
