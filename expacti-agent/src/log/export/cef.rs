//! Common Event Format in RFC 5424 syslog lines.

use expacti_core::evaluation::Level;
use expacti_core::record::Attempt;
use expacti_core::record::attempt::State;

use super::LogError;

#[expect(clippy::unnecessary_wraps, reason = "one of several formats; others can fail")]
pub(super) fn line(attempt: &Attempt) -> Result<String, LogError> {
    let request = &attempt.attempted.request;
    let evaluation = &attempt.attempted.evaluation;
    let severity = match evaluation.level {
        Level::Low => 2,
        Level::Medium => 5,
        Level::High => 8,
        Level::Critical => 10,
    };
    // Facility 13 is "log audit"; 4 is a warning, 6 is information.
    let priority = 13 * 8 + if attempt.state == State::Denied || severity >= 8 { 4 } else { 6 };
    let head = [
        "CEF:0".to_owned(),
        "expacti".into(),
        "expacti".into(),
        env!("CARGO_PKG_VERSION").into(),
        format!("exec-{}", attempt.state.name()),
        format!("exec {}", attempt.state.name()),
        severity.to_string(),
    ];
    let exit = attempt.exit.as_ref().and_then(|exit| exit.code).map(|code| code.to_string());
    let fields = [
        ("rt", (attempt.time_us / 1000).to_string()),
        ("externalId", attempt.id.clone()),
        ("act", attempt.state.name().to_owned()),
        ("dvcpid", attempt.attempted.pid.to_string()),
        ("dproc", request.exe.path.to_string()),
        ("duid", request.credentials.euid.to_string()),
        ("suser", request.agent.name.clone()),
        ("fileHash", request.exe.sha256.clone().unwrap_or_default()),
        ("filePath", request.cwd.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("msg", attempt.command()),
        ("reason", attempt.verdict.as_ref().map(|verdict| verdict.because.clone()).unwrap_or_default()),
        ("outcome", exit.unwrap_or_default()),
        ("cn1Label", "score".into()),
        ("cn1", evaluation.score.to_string()),
        ("cs1Label", "decidedBy".into()),
        ("cs1", attempt.decided_by()),
        ("cs2Label", "sequence".into()),
        ("cs2", format!("{}/{}", attempt.boot, attempt.sequence)),
    ];
    let head: Vec<String> = head.iter().map(|text| text.replace('\\', "\\\\").replace('|', "\\|")).collect();
    let given = fields.iter().filter(|(_, value)| !value.is_empty());
    let fields: Vec<String> = given.map(|(name, value)| format!("{name}={}", extension(value))).collect();
    let node = attempt.node;
    Ok(format!("<{priority}>1 {} {node} expacti - - - {}|{}", attempt.time, head.join("|"), fields.join(" ")))
}

fn extension(value: &str) -> String {
    value.replace('\\', "\\\\").replace('=', "\\=").replace('\n', "\\n").replace('\r', "\\r")
}
