//! The files that are compiled in.

use super::error::ToolError;
use super::knowledge::{Knowledge, KnowledgeTexts};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../tools/", $name)))),*]
    };
}

/// Every embedded description.
pub(super) const TOOL_FILES: &[(&str, &str)] = files![
    "cloud.toml",
    "containers.toml",
    "coreutils.toml",
    "database.toml",
    "git.toml",
    "hardware.toml",
    "http.toml",
    "kubernetes.toml",
    "languages.toml",
    "node.toml",
    "scheduling.toml",
    "services.toml",
    "sessions.toml",
    "shells.toml",
    "system.toml",
    "unknown.toml",
    "windows.toml",
    "wrappers.toml",
];

/// What is known beside the tools.
pub(super) fn knowledge() -> Result<Knowledge, ToolError> {
    Knowledge::read(&KnowledgeTexts {
        modifiers: include_str!("../../knowledge/modifiers.toml"),
        context: include_str!("../../knowledge/context.toml"),
        paths: include_str!("../../knowledge/paths.toml"),
        sql: include_str!("../../knowledge/sql.toml"),
        code: include_str!("../../knowledge/code.toml"),
        http: include_str!("../../knowledge/http.toml"),
        verbs: include_str!("../../knowledge/verbs.toml"),
    })
}
