//! The answer about one request.

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

use super::Judge;

/// Everything that there is to say.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Outcome {
    #[serde(flatten)]
    pub(in crate::cli) evaluation: Evaluation,
    /// How the decision came about.
    pub(in crate::cli) steps: Vec<Step>,
    /// What would run, outermost first.
    pub(in crate::cli) commands: Vec<SeenCommand>,
    /// What was explained.
    pub(in crate::cli) request: ExecRequest,
    /// The executable was not given, so it was taken for what argv says.
    pub(in crate::cli) executable_assumed: bool,
}

impl Outcome {
    /// Judges a request as the gate would, had it come now from an agent without a past.
    pub(in crate::cli) fn of(request: ExecRequest, judge: &Judge) -> Self {
        let executable_assumed = request.exe.path.is_empty();
        let request = with_assumed_executable(request);
        let assessment = assess(&request, &judge.tools);
        let case = Case {
            request: &request,
            assessment: &assessment,
            policy: &judge.policy,
            rules: &judge.rules,
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
pub(in crate::cli) fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
