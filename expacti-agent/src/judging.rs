//! What the engine would say about a request: for everybody who asks before it happens.

use std::time::{SystemTime, UNIX_EPOCH};

use expacti_core::assess;
use expacti_core::assessment::SeenCommand;
use expacti_core::decide::{Case, Step, trace};
use expacti_core::evaluation::Evaluation;
use expacti_core::history::History;
use expacti_core::request::ExecRequest;
use expacti_core::rules::with_assumed_executable;
use expacti_core::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::daemon::engine::Engine;

/// Everything that there is to say.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    #[serde(flatten)]
    pub(crate) evaluation: Evaluation,
    /// How the decision came about.
    pub(crate) steps: Vec<Step>,
    /// What would run, outermost first.
    pub(crate) commands: Vec<SeenCommand>,
    /// What was explained.
    pub(crate) request: ExecRequest,
    /// The executable was not given, so it was taken for what argv says.
    pub(crate) executable_assumed: bool,
}

impl Outcome {
    /// Judges a request as the gate would, had it come now from an agent without a past.
    pub(crate) fn of(request: ExecRequest, engine: &Engine) -> Self {
        let executable_assumed = request.exe.path.is_empty();
        let request = with_assumed_executable(request);
        let assessment = assess(&request, &engine.tools);
        let case = Case {
            request: &request,
            assessment: &assessment,
            policy: &engine.treatment(&request.agent.name).decide,
            rules: &engine.rules,
            grants: &[],
            history: &History::default(),
            now: now(),
        };
        let trace = trace(&case);
        Self {
            evaluation: trace.evaluation,
            steps: trace.steps,
            commands: assessment.commands,
            request,
            executable_assumed,
        }
    }
}

/// This machine's time; before 1970 it is taken for 1970.
pub(crate) fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
/// A request from a JSON value.
pub(crate) fn request_of(mut value: Value) -> Result<ExecRequest, String> {
    let Some(object) = value.as_object_mut() else {
        return Err("not a JSON object; write {\"argv\":[...]} or {\"shell\":\"...\"}".to_owned());
    };
    if let Some(text) = object.remove("shell") {
        if object.contains_key("argv") {
            return Err("it has argv and shell; keep one of them".to_owned());
        }
        let argv = Value::Array(vec!["sh".into(), "-c".into(), text]);
        object.insert("argv".to_owned(), argv);
    }
    let request: ExecRequest = serde_json::from_value(value).map_err(|error| error.to_string())?;
    if request.argv.is_empty() {
        return Err("argv is empty; name at least the program".to_owned());
    }
    Ok(request)
}
