//! OpenTelemetry logs: the JSON form of `ExportLogsServiceRequest`, ready to be posted to `/v1/logs`.

use expacti_core::evaluation::Level;
use expacti_core::record::Attempt;
use serde_json::{Value, json};

use super::LogError;

/// One request with these attempts, which come from one or more nodes.
pub(super) fn request(attempts: &[Attempt]) -> Result<String, LogError> {
    let mut nodes: Vec<String> = attempts.iter().map(|attempt| attempt.node.to_string()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let of_node = |node: &String| {
        let records: Vec<Value> =
            attempts.iter().filter(|attempt| attempt.node.to_string() == *node).map(record).collect();
        json!({
            "resource": { "attributes": [text("service.name", "expacti"), text("host.id", node)] },
            "scopeLogs": [{ "scope": { "name": "expacti.exec", "version": env!("CARGO_PKG_VERSION") }, "logRecords": records }],
        })
    };
    super::json(&json!({ "resourceLogs": nodes.iter().map(of_node).collect::<Vec<_>>() }))
}

fn record(attempt: &Attempt) -> Value {
    let request = &attempt.attempted.request;
    let evaluation = &attempt.attempted.evaluation;
    let (severity_number, severity_text) = match evaluation.level {
        Level::Low => (9, "INFO"),
        Level::Medium => (10, "INFO2"),
        Level::High => (13, "WARN"),
        Level::Critical => (17, "ERROR"),
    };
    let words: Vec<Value> =
        request.argv.iter().map(|word| json!({ "stringValue": word.to_string() })).collect();
    let mut attributes = vec![
        text("event.name", "expacti.exec"),
        text("expacti.id", &attempt.id),
        text("expacti.agent", &request.agent.name),
        text("expacti.state", attempt.state.name()),
        text("expacti.decided_by", &attempt.decided_by()),
        number("expacti.score", evaluation.score.into()),
        number("process.pid", attempt.attempted.pid.into()),
        number("process.parent_pid", attempt.attempted.ppid.into()),
        text("process.executable.path", &request.exe.path.to_string()),
        json!({ "key": "process.command_args", "value": { "arrayValue": { "values": words } } }),
        number("process.user.id", request.credentials.euid.into()),
    ];
    attributes.extend(request.cwd.as_ref().map(|cwd| text("process.working_directory", &cwd.to_string())));
    attributes.extend(
        attempt.exit.as_ref().and_then(|exit| exit.code).map(|code| number("process.exit.code", code.into())),
    );
    if let Some(container) = &request.container {
        attributes.push(text("container.id", &container.id));
        attributes.push(text("container.image.name", &container.image));
        attributes.extend(container.pod.as_ref().map(|pod| text("k8s.pod.name", pod)));
        attributes.extend(container.namespace.as_ref().map(|name| text("k8s.namespace.name", name)));
    }
    // 64-bit numbers are strings in protobuf's JSON.
    let nanoseconds = i128::from(attempt.time_us) * 1000;
    json!({
        "timeUnixNano": nanoseconds.to_string(), "observedTimeUnixNano": nanoseconds.to_string(),
        "severityNumber": severity_number, "severityText": severity_text,
        "body": { "stringValue": attempt.command() }, "attributes": attributes,
    })
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn number(key: &str, value: i64) -> Value {
    json!({ "key": key, "value": { "intValue": value.to_string() } })
}
