//! OCSF 1.3: class 1007 "Process Activity", activity 1 "Launch".

use expacti_core::evaluation::Level;
use expacti_core::record::Attempt;
use expacti_core::record::attempt::State;
use serde_json::json;

use super::LogError;

pub(super) fn line(attempt: &Attempt) -> Result<String, LogError> {
    let request = &attempt.attempted.request;
    let evaluation = &attempt.attempted.evaluation;
    let (severity_id, severity) = match evaluation.level {
        Level::Low => (2, "Low"),
        Level::Medium => (3, "Medium"),
        Level::High => (4, "High"),
        Level::Critical => (5, "Critical"),
    };
    // action: 1 Allowed, 2 Denied, 0 Unknown. disposition: 1 Allowed, 2 Blocked, 15 Detected.
    let (action_id, disposition_id, status_id) = match attempt.state {
        State::Allowed => (1, 1, 1),
        State::Denied => (2, 2, 2),
        State::Pending | State::Withdrawn => (0, 15, 0),
    };
    let parent = request.lineage.first().map(|parent| {
        json!({
            "pid": parent.pid,
            "file": { "path": parent.exe.to_string(), "type_id": 1 },
            "cmd_line": parent.argv.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        })
    });
    let hashes = request
        .exe
        .sha256
        .as_ref()
        .map(|hash| json!([{ "algorithm_id": 3, "algorithm": "SHA-256", "value": hash }]));
    let name = request.exe.path.to_string().rsplit('/').next().unwrap_or_default().to_owned();
    let event = json!({
        "class_uid": 1007, "class_name": "Process Activity", "category_uid": 1, "category_name": "System Activity",
        "activity_id": 1, "activity_name": "Launch", "type_uid": 100_701, "type_name": "Process Activity: Launch",
        "time": attempt.time_us / 1000,
        "severity_id": severity_id, "severity": severity,
        "action_id": action_id, "disposition_id": disposition_id, "status_id": status_id,
        "status_detail": attempt.verdict.as_ref().map(|verdict| &verdict.because),
        "risk_score": evaluation.score, "risk_level": evaluation.level.to_string(),
        "metadata": {
            "version": "1.3.0", "uid": attempt.id, "sequence": attempt.position, "profiles": ["security_control", "container"],
            "product": { "name": "expacti", "vendor_name": "expacti", "version": env!("CARGO_PKG_VERSION") },
        },
        "device": { "uid": attempt.node.to_string(), "type_id": 0 },
        "actor": {
            "process": parent, "app_name": request.agent.name,
            "user": { "uid": request.credentials.uid.to_string() },
        },
        "process": {
            "pid": attempt.attempted.pid, "name": name, "cmd_line": attempt.command(),
            "working_directory": request.cwd.as_ref().map(ToString::to_string),
            "file": { "path": request.exe.path.to_string(), "name": name, "type_id": 1, "hashes": hashes },
            "user": { "uid": request.credentials.euid.to_string() },
            "container": request.container.as_ref().map(|container| json!({
                "uid": container.id, "name": container.name, "image": { "name": container.image }, "runtime": container.runtime,
                "pod_uuid": container.pod,
            })),
        },
        "exit_code": attempt.exit.as_ref().and_then(|exit| exit.code),
        "unmapped": { "decided_by": attempt.decided_by(), "state": attempt.state.name(), "boot": attempt.boot, "sequence": attempt.sequence },
    });
    super::json(&without_nulls(event))
}

/// OCSF leaves out what is not known.
fn without_nulls(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(fields) => {
            let known = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(known.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            other
        }
    }
}
