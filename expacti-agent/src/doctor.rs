//! Whether this host can carry the gate: what is there, what is missing, and what to do about it.

mod host;

use std::path::Path;

use serde::Serialize;

use crate::kernel::trial;

/// How one thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// As it must be.
    Ok,
    /// Not as it must be.
    Failed,
    /// It cannot be told by this user.
    Unchecked,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What.
    pub(crate) name: &'static str,
    /// How it is.
    pub(crate) state: State,
    /// What was found.
    pub(crate) found: String,
    /// What to do about it; empty where there is nothing to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) advice: String,
}

impl Finding {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: found.into(), advice: String::new() }
    }

    fn failed(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, state: State::Failed, found: found.into(), advice: advice.into() }
    }

    fn unchecked(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, state: State::Unchecked, found: found.into(), advice: advice.into() }
    }
}

/// Looks at everything, the simplest causes first: a later failure is often the consequence of an earlier one.
pub(crate) fn examine(bpffs: &Path) -> Vec<Finding> {
    let capabilities = host::capabilities();
    let privileged = capabilities.state == State::Ok;
    let mut findings = vec![
        host::kernel(),
        host::preemption(),
        types(),
        host::security_modules(),
        host::lockdown(),
        host::ftrace(),
        host::cgroups(),
        host::bpffs(bpffs),
        capabilities,
    ];
    if privileged {
        findings.extend([freezer(), programs(), fired()]);
    } else {
        let no_right = |name| {
            Finding::unchecked(name, "it takes capabilities that we have not", "run `expacti doctor` as root")
        };
        findings.extend(["freezer", "programs and helpers", "gate"].map(no_right));
    }
    findings
}

fn types() -> Finding {
    const NAME: &str = "type information";
    match trial::lacking() {
        Ok(lacking) if lacking.is_empty() => {
            Finding::ok(NAME, "every field and hook that is needed is there")
        }
        Ok(lacking) => Finding::failed(
            NAME,
            format!("this kernel has no {}", lacking.join(", ")),
            "use a kernel from 6.1 on with CONFIG_BPF_LSM=y; if it is one, please report its version",
        ),
        Err(error) => Finding::failed(
            NAME,
            error.to_string(),
            "use a kernel that is built with CONFIG_DEBUG_INFO_BTF=y",
        ),
    }
}

fn freezer() -> Finding {
    match trial::freeze() {
        Ok(()) => Finding::ok("freezer", "a cgroup can be frozen"),
        Err(error) => Finding::failed("freezer", error.to_string(), "let expacti make cgroups below its own"),
    }
}

fn programs() -> Finding {
    const NAME: &str = "programs and helpers";
    match trial::verify() {
        Ok(programs) => Finding::ok(NAME, format!("the verifier took all {programs} programs")),
        Err(error) => Finding::failed(
            NAME,
            error.to_string(),
            "mend what is above; else please report it with the kernel's version",
        ),
    }
}

fn fired() -> Finding {
    match trial::fire() {
        Ok(()) => Finding::ok("gate", "it refused an exec in a cgroup of its own and told so"),
        Err(error) => Finding::failed(
            "gate",
            error.to_string(),
            "mend what is above; else please report it with the kernel's version",
        ),
    }
}
