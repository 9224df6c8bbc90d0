//! What the desk needs from the rooms around it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use expacti_core::docket::{Notice, Record, Verdict};
use expacti_core::request::Container;

/// Resolves when the records survive a power cut.
pub(crate) type Durable = Pin<Box<dyn Future<Output = Result<(), LogFailed>> + Send>>;

/// The kernel edge. No method may block: the desk calls them between two tickets.
pub(crate) trait Kernel: Send + Sync + 'static {
    /// Hands out a verdict. It is called once for a ticket.
    fn deliver(&self, verdict: Verdict);

    /// A ticket waits for humans, so it will take a while.
    fn hold(&self, ticket: u64);

    /// Every enrolled agent.
    fn agents(&self) -> Vec<Agent>;

    /// Stops every process of an agent where it is.
    fn freeze(&self, agent: &str) -> Result<(), KernelRefused>;

    /// Lets them go on.
    fn thaw(&self, agent: &str) -> Result<(), KernelRefused>;

    /// Ends every process of an agent.
    fn kill(&self, agent: &str) -> Result<(), KernelRefused>;
}

/// The exec log.
pub(crate) trait Log: Send + Sync + 'static {
    /// Takes the records, in this order and behind all earlier ones, before it returns; they are durable when the
    /// future says so. Dropping the future changes nothing. What is not urgent may wait a moment for others: to make
    /// something durable costs far more than to record it.
    fn append(&self, records: Vec<Record>, urgent: bool) -> Durable;

    /// The last attempt to write failed. Nothing runs then without a record that is known to be durable.
    fn is_failing(&self) -> bool;

    /// Every verdict waits for its record, not only those on what was held, denied or is risky.
    fn waits_for_all(&self) -> bool {
        false
    }
}

/// Tells humans who are not looking. It must not block, and what it does cannot change a verdict.
pub(crate) trait Notifier: Send + Sync + 'static {
    /// Tells them, or forgets it where its queue is full.
    fn notify(&self, notice: Notice);
}

/// An enrolled agent as the kernel edge knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Agent {
    /// The name that operators gave it.
    pub(crate) name: String,
    /// Its cgroup's path on the host.
    pub(crate) cgroup: String,
    /// Since when it is gated, in seconds since the epoch.
    pub(crate) since: u64,
    /// It was gated later than its first exec.
    pub(crate) late: bool,
    /// The container that it is.
    pub(crate) container: Option<Arc<Container>>,
}

/// The records are not durable.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the exec log cannot be written: {0}")]
pub(crate) struct LogFailed(pub(crate) String);

/// The kernel edge cannot do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KernelRefused {
    /// No such agent is enrolled.
    #[error("no agent is called `{0}`; `expacti agents` lists them")]
    UnknownAgent(String),
    /// The operating system refused.
    #[error("agent {agent}: {why}")]
    Failed {
        /// Which.
        agent: String,
        /// What the operating system said.
        why: String,
    },
}

/// Forgets every notice, where no way to notify is configured.
#[derive(Debug)]
pub(crate) struct NobodyToNotify;

impl Notifier for NobodyToNotify {
    fn notify(&self, _: Notice) {}
}

impl fmt::Debug for dyn Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kernel")
    }
}
