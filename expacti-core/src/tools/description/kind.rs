//! What kind of thing a command does, how hard that is to undo, and what it does to paths.

use serde::{Deserialize, Serialize};

/// What kind of thing a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Category {
    ReadOnly,
    BuildAndTest,
    PackageManagement,
    VersionControl,
    HistoryRewrite,
    FileMutation,
    PermissionAndOwnership,
    ProcessAndService,
    NetworkTransfer,
    RemoteExecution,
    CodeExecution,
    DatabaseRead,
    DatabaseWrite,
    DatabaseSchema,
    Deployment,
    Container,
    CloudAndInfrastructure,
    SecretsAndCredentials,
    PrivilegeAndEscape,
    DiskAndDevice,
    Scheduling,
    Obfuscation,
    Unknown,
}

impl Category {
    /// Its stable name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::BuildAndTest => "build-and-test",
            Self::PackageManagement => "package-management",
            Self::VersionControl => "version-control",
            Self::HistoryRewrite => "history-rewrite",
            Self::FileMutation => "file-mutation",
            Self::PermissionAndOwnership => "permission-and-ownership",
            Self::ProcessAndService => "process-and-service",
            Self::NetworkTransfer => "network-transfer",
            Self::RemoteExecution => "remote-execution",
            Self::CodeExecution => "code-execution",
            Self::DatabaseRead => "database-read",
            Self::DatabaseWrite => "database-write",
            Self::DatabaseSchema => "database-schema",
            Self::Deployment => "deployment",
            Self::Container => "container",
            Self::CloudAndInfrastructure => "cloud-and-infrastructure",
            Self::SecretsAndCredentials => "secrets-and-credentials",
            Self::PrivilegeAndEscape => "privilege-and-escape",
            Self::DiskAndDevice => "disk-and-device",
            Self::Scheduling => "scheduling",
            Self::Obfuscation => "obfuscation",
            Self::Unknown => "unknown",
        }
    }

    /// Work that changes nothing.
    pub(crate) fn reads_only(self) -> bool {
        matches!(self, Self::ReadOnly | Self::DatabaseRead)
    }
}

/// How hard an effect is to undo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Undo {
    /// By doing it again or the other way round.
    #[default]
    Easy,
    /// Only with work, or only by someone else.
    Hard,
    /// Not at all, or only from a backup.
    Never,
}

/// What a command does to the paths among its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PathRole {
    /// It shows them.
    Read,
    /// It makes or changes them.
    Write,
    /// It makes or changes the last one and reads the others (`cp`).
    WriteLast,
    /// It takes them away.
    Delete,
    /// It changes who owns or may use them; the first argument says how.
    Own,
}
