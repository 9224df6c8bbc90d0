//! The bill of materials: every crate that is in the binary, in CycloneDX's form.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::build::Architecture;
use crate::process::output;
use crate::workspace;

/// Writes it. What only tests and builds need is not in it.
pub(super) fn write(folder: &Path, version: &str, architecture: Architecture) -> Result<PathBuf> {
    let mut metadata = workspace::cargo();
    metadata.args(["metadata", "--format-version=1", "--locked", "--filter-platform"]);
    metadata.arg(architecture.target());
    let metadata: Value = serde_json::from_str(&output(&mut metadata)?)?;
    let shipped = shipped(&metadata).context("cargo metadata says what depends on what")?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists packages")?;
    let mut components: Vec<Value> = packages
        .iter()
        .filter(|package| package["id"].as_str().is_some_and(|id| shipped.contains(id)))
        .filter(|package| package["name"] != "expacti-agent")
        .map(component)
        .collect();
    components.sort_by_key(|component| component["bom-ref"].to_string());
    let bom = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": { "type": "application", "name": "expacti", "version": version, "bom-ref": format!("expacti@{version}") },
        },
        "components": components,
    });
    let path = folder.join(format!("expacti-{version}.cdx.json"));
    fs::write(&path, serde_json::to_string_pretty(&bom)? + "\n")?;
    Ok(path)
}

/// The ids of everything that the agent's crate and the BPF crate are made from.
fn shipped(metadata: &Value) -> Option<BTreeSet<String>> {
    let nodes = metadata["resolve"]["nodes"].as_array()?;
    let is_ours =
        |id: &str| ["expacti-agent", "expacti-ebpf"].iter().any(|name| id.contains(&format!("/{name}#")));
    let mut found = BTreeSet::new();
    let mut waiting: Vec<&str> =
        nodes.iter().filter_map(|node| node["id"].as_str()).filter(|id| is_ours(id)).collect();
    while let Some(id) = waiting.pop() {
        if !found.insert(id.to_owned()) {
            continue;
        }
        let node = nodes.iter().find(|node| node["id"] == id)?;
        for dependency in node["deps"].as_array()? {
            let normal = dependency["dep_kinds"].as_array()?.iter().any(|kind| kind["kind"].is_null());
            if let Some(id) = dependency["pkg"].as_str().filter(|_| normal) {
                waiting.push(id);
            }
        }
    }
    Some(found)
}

fn component(package: &Value) -> Value {
    let (name, version) =
        (package["name"].as_str().unwrap_or_default(), package["version"].as_str().unwrap_or_default());
    let purl = format!("pkg:cargo/{name}@{version}");
    let mut component =
        json!({ "type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl });
    if let Some(license) = package["license"].as_str() {
        component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_builds_need_is_left_out() {
        let node = |id: &str, deps: Value| json!({ "id": id, "deps": deps });
        let dep = |id: &str, kind: Value| json!({ "pkg": id, "dep_kinds": [{ "kind": kind }] });
        let ours = "path+file:///x/expacti-agent#0.1.0";
        let metadata = json!({ "resolve": { "nodes": [
            node(ours, json!([dep("a", Value::Null), dep("b", json!("dev"))])),
            node("a", json!([dep("c", json!("build"))])),
            node("b", json!([])),
            node("c", json!([])),
        ] } });
        assert_eq!(shipped(&metadata).unwrap(), BTreeSet::from([ours.to_owned(), "a".to_owned()]));
    }
}
