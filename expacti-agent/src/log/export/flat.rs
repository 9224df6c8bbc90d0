//! An attempt as one row of plain columns, for tables.

use expacti_core::record::Attempt;

use super::json;

/// A cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Text(String),
    Number(Option<i64>),
    Flag(bool),
}

/// The columns, in order. Columns are added at the end, never moved: whoever reads by place must not be surprised.
pub(super) fn row(attempt: &Attempt) -> Vec<(&'static str, Cell)> {
    let request = &attempt.attempted.request;
    let evaluation = &attempt.attempted.evaluation;
    let (verdict, exit) = (attempt.verdict.as_ref(), attempt.exit.as_ref());
    let container = request.container.as_ref();
    let text = |text: &str| Cell::Text(text.to_owned());
    let number = |number: u64| Cell::Number(i64::try_from(number).ok());
    let maybe = |number: Option<u64>| Cell::Number(number.and_then(|number| i64::try_from(number).ok()));
    let shown = |untrusted: Option<&expacti_core::untrusted::Untrusted>| {
        Cell::Text(untrusted.map(ToString::to_string).unwrap_or_default())
    };
    let of_container = |field: fn(&expacti_core::request::Container) -> &str| {
        Cell::Text(container.map(field).unwrap_or_default().to_owned())
    };
    let categories: Vec<&str> = evaluation.categories.iter().map(String::as_str).collect();
    vec![
        ("id", text(&attempt.id)),
        ("node", Cell::Text(attempt.node.to_string())),
        ("boot", text(&attempt.boot)),
        ("sequence", number(attempt.sequence)),
        ("position", number(attempt.position)),
        ("time", text(&attempt.time)),
        ("time_us", Cell::Number(Some(attempt.time_us))),
        ("agent", text(&request.agent.name)),
        ("cgroup", text(&request.agent.cgroup)),
        ("pid", number(attempt.attempted.pid.into())),
        ("ppid", number(attempt.attempted.ppid.into())),
        ("uid", number(request.credentials.uid.into())),
        ("euid", number(request.credentials.euid.into())),
        ("tty", shown(request.tty.as_ref())),
        ("exe", Cell::Text(request.exe.path.to_string())),
        ("exe_sha256", text(request.exe.sha256.as_deref().unwrap_or_default())),
        ("command", Cell::Text(attempt.command())),
        // The exact words; the command above is only for people.
        ("argv", Cell::Text(json(&request.argv).unwrap_or_default())),
        ("cwd", shown(request.cwd.as_ref())),
        ("container", of_container(|container| &container.name)),
        ("image", of_container(|container| &container.image)),
        ("pod", of_container(|container| container.pod.as_deref().unwrap_or_default())),
        ("namespace", of_container(|container| container.namespace.as_deref().unwrap_or_default())),
        ("score", number(evaluation.score.into())),
        ("level", Cell::Text(evaluation.level.to_string())),
        ("categories", Cell::Text(categories.join(" "))),
        ("state", text(attempt.state.name())),
        ("decided_by", Cell::Text(attempt.decided_by())),
        ("because", text(verdict.map(|verdict| verdict.because.as_str()).unwrap_or_default())),
        ("rule_generation", number(evaluation.rule_generation)),
        ("was_held", Cell::Flag(attempt.held)),
        ("held_us", maybe(verdict.map(|verdict| verdict.held))),
        ("review_us", maybe(verdict.and_then(|verdict| verdict.review))),
        ("started", Cell::Flag(attempt.started)),
        ("exit_code", Cell::Number(exit.and_then(|exit| exit.code).map(i64::from))),
        ("exit_signal", Cell::Number(exit.and_then(|exit| exit.signal).map(i64::from))),
        ("duration_us", maybe(exit.map(|exit| exit.duration_us))),
    ]
}
