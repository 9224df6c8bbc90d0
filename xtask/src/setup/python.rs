//! Packages of PyPI, in the cache: checkers that only exist in Python.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::cache::Cache;
use crate::process::{find_program, output};

/// Kubernetes' schemas, and what checks against them.
pub(crate) const KUBERNETES_VALIDATE: &str = "kubernetes-validate==1.37.0";
/// Prometheus' own parser of what it scrapes.
pub(crate) const PROMETHEUS_CLIENT: &str = "prometheus_client==0.26.0";

/// The folder with the modules of this requirement.
pub(crate) fn modules(cache: &Cache, requirement: &str) -> Result<PathBuf> {
    let python = find_program("python3").context("there is no python3")?;
    let name = requirement.split("==").next().unwrap_or(requirement);
    cache.get(name, requirement, |folder| {
        let mut pip = Command::new(&python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--root-user-action=ignore",
        ]);
        output(pip.arg("--target").arg(folder).arg(requirement)).map(drop)
    })
}
