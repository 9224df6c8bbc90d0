//! Environment variables that make a program load, run or trust something else than it would without them.

use crate::assessment::Assessment;
use crate::request::ExecRequest;
use crate::untrusted::Untrusted;

/// One such variable in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Danger {
    pub(crate) name: Untrusted,
}

/// Names; a `*` at the end takes any rest.
const CHANGES_WHAT_RUNS: [&str; 69] = [
    // The loader and the C library, in every program.
    "LD_*",
    "GCONV_PATH",
    "LOCPATH",
    "NLSPATH",
    "GLIBC_TUNABLES",
    "MALLOC_*",
    "HOSTALIASES",
    "RESOLV_HOST_CONF",
    "DYLD_*",
    // Shells.
    "BASH_ENV",
    "ENV",
    "BASH_FUNC_*",
    "PROMPT_COMMAND",
    "PS4",
    "SHELLOPTS",
    "BASHOPTS",
    "IFS",
    "CDPATH",
    "ZDOTDIR",
    // Languages.
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PYTHONINSPECT",
    "PYTHONUSERBASE",
    "PYTHONPLATLIBDIR",
    "PYTHONWARNINGS",
    "PYTHONBREAKPOINT",
    "PERL5LIB",
    "PERLLIB",
    "PERL5OPT",
    "PERL5DB",
    "RUBYOPT",
    "RUBYLIB",
    "NODE_OPTIONS",
    "NODE_PATH",
    "LUA_INIT*",
    "LUA_PATH*",
    "LUA_CPATH*",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
    "CLASSPATH",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "DOTNET_STARTUP_HOOKS",
    "ERL_*",
    // Build tools.
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTFLAGS",
    "CARGO_*_RUNNER",
    "CC",
    "CXX",
    "MAKEFLAGS",
    "npm_config_*",
    "GOFLAGS",
    "MAVEN_OPTS",
    "GRADLE_OPTS",
    // git and ssh.
    "GIT_SSH*",
    "GIT_EXTERNAL_DIFF",
    "GIT_PROXY_COMMAND",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "GIT_EXEC_PATH",
    "GIT_CONFIG*",
    "GIT_TEMPLATE_DIR",
    "GIT_DIR",
    // Filters of pagers.
    "LESSOPEN",
    "LESSCLOSE",
];

/// Names of programs to start, which agents often set to something that does nothing.
const NAMES_A_PROGRAM: [&str; 10] = [
    "PAGER",
    "GIT_PAGER",
    "MANPAGER",
    "SYSTEMD_PAGER",
    "GIT_EDITOR",
    "GIT_SEQUENCE_EDITOR",
    "EDITOR",
    "VISUAL",
    "BROWSER",
    "DELTA_PAGER",
];
const HARMLESS_PROGRAMS: [&str; 8] = ["", "cat", "less", "more", "true", ":", "/bin/true", "/bin/cat"];

/// Every such variable that the caller set or a command sets for another.
pub(super) fn dangers(request: &ExecRequest, assessment: &Assessment) -> Vec<Danger> {
    let given = request.env.iter().filter(|(name, value)| is_dangerous(name.as_bytes(), value.as_bytes()));
    let mut found: Vec<_> = given.map(|(name, _)| Danger { name: name.clone() }).collect();
    for (name, value) in assessment.commands.iter().flat_map(|command| &command.assignments) {
        let value = if value.literal { value.text.as_bytes() } else { b"?" };
        // Everybody has a PATH; who sets one for a command means that it should find other programs.
        if name == "PATH" || is_dangerous(name.as_bytes(), value) {
            found.push(Danger { name: name.as_str().into() });
        }
    }
    found
}

/// The first of them.
pub(crate) fn dangerous_variable(request: &ExecRequest, assessment: &Assessment) -> Option<Untrusted> {
    dangers(request, assessment).into_iter().next().map(|danger| danger.name)
}

fn is_dangerous(name: &[u8], value: &[u8]) -> bool {
    // An empty LD_PRELOAD does nothing, and an empty IFS does.
    if value.is_empty() && name != b"IFS" {
        return false;
    }
    let is = |pattern: &&str| name_matches(pattern.as_bytes(), name);
    if NAMES_A_PROGRAM.iter().any(is) {
        return !HARMLESS_PROGRAMS.iter().any(|harmless| harmless.as_bytes() == value);
    }
    CHANGES_WHAT_RUNS.iter().any(is)
}

/// Whether a pattern with at most one `*` takes a name.
pub(crate) fn name_matches(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.iter().position(|b| *b == b'*') {
        None => pattern == name,
        Some(star) => {
            let (head, tail) = (&pattern[..star], &pattern[star + 1..]);
            name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_change_what_runs_are_known() {
        for (name, value) in [
            ("LD_PRELOAD", "/tmp/x.so"),
            ("LD_AUDIT", "x"),
            ("BASH_FUNC_ls%%", "() { evil; }"),
            ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", "/tmp/x"),
            ("GIT_SSH_COMMAND", "sh -c evil"),
            ("GIT_PAGER", "sh -c evil"),
            ("npm_config_node_options", "--require /tmp/x"),
            ("IFS", ""),
        ] {
            assert!(is_dangerous(name.as_bytes(), value.as_bytes()), "{name}");
        }
        for (name, value) in [
            ("PATH", "/usr/bin"),
            ("GIT_PAGER", "cat"),
            ("EDITOR", "true"),
            ("LD_PRELOAD", ""),
            ("ENVIRONMENT", "test"),
        ] {
            assert!(!is_dangerous(name.as_bytes(), value.as_bytes()), "{name}");
        }
    }
}
