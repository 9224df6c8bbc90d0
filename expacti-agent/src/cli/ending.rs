//! How a subcommand ends, and the exit code that says so.

use std::io::{self, Write as _};
use std::process::ExitCode;

/// How a subcommand ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Ending {
    /// It was done, or the answer is yes: 0.
    Done,
    /// It was done, and the answer is no: 1. The subcommand has said why.
    No,
    /// Some of the input was wrong and the rest was answered: 2. The subcommand has said what.
    SomeBadInput,
    /// A command that it ran ended with this code.
    Exited(u8),
}

/// The whole input was wrong: exit code 2, wherever it stands in a chain of causes (as a cause, not as a context).
///
/// The text says what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadInput(pub(crate) String);

/// The same for a text that begins with its place, as compilers write it: it is said without our name before it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Said(pub(crate) String);

/// Says on standard error why it failed, and gives the exit code.
pub(super) fn exit(ended: anyhow::Result<Ending>) -> ExitCode {
    let error = match ended {
        Ok(Ending::Done) => return ExitCode::SUCCESS,
        Ok(Ending::No) => return ExitCode::from(1),
        Ok(Ending::SomeBadInput) => return ExitCode::from(2),
        Ok(Ending::Exited(code)) => return ExitCode::from(code),
        Err(error) => error,
    };
    if reader_went_away(&error) {
        return ExitCode::SUCCESS;
    }
    if let Some(Said(line)) = error.downcast_ref() {
        // As below.
        let _ = writeln!(io::stderr(), "{line}");
        return ExitCode::from(2);
    }
    // A failure to write to standard error leaves nobody to tell.
    let _ = writeln!(io::stderr(), "expacti: {error:#}");
    ExitCode::from(if error.chain().any(<dyn std::error::Error>::is::<BadInput>) { 2 } else { 1 })
}

/// `expacti ... | head` is no failure.
fn reader_went_away(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
