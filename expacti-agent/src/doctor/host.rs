//! What the host says of itself, most of it to everybody.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::Finding;

/// Capabilities that the daemon needs, from `include/uapi/linux/capability.h`.
const CAPABILITIES: [(u32, &str); 5] = [
    (1, "CAP_DAC_OVERRIDE"),
    (19, "CAP_SYS_PTRACE"),
    (21, "CAP_SYS_ADMIN"),
    (38, "CAP_PERFMON"),
    (39, "CAP_BPF"),
];

const CGROUP2_MAGIC: u64 = 0x6367_7270;
const BPFFS_MAGIC: u64 = 0xcafe_4a11;

pub(super) fn kernel() -> Finding {
    let uname = rustix::system::uname();
    let release = uname.release().to_string_lossy().into_owned();
    let machine = uname.machine().to_string_lossy().into_owned();
    kernel_is(&release, &machine)
}

fn kernel_is(release: &str, machine: &str) -> Finding {
    const NAME: &str = "kernel";
    let found = format!("Linux {release} on {machine}");
    // 64-bit ARM calls BPF LSM programs by direct calls of ftrace, which it has since 6.4 (HAVE_DYNAMIC_FTRACE_WITH_DIRECT_CALLS):
    // https://github.com/torvalds/linux/blob/v6.4/arch/arm64/Kconfig
    let (oldest, is_tested) = match machine {
        "x86_64" => ((6, 1), true),
        "aarch64" => ((6, 4), false),
        _ => {
            let advice =
                "use x86-64 or 64-bit ARM: the gate reads registers, and knows those of no other processor";
            return Finding::failed(NAME, found, advice);
        }
    };
    if version(release).is_none_or(|version| version < oldest) {
        let (major, minor) = oldest;
        return Finding::failed(NAME, found, format!("use Linux {major}.{minor} or later on {machine}"));
    }
    if is_tested {
        return Finding::ok(NAME, found);
    }
    let advice = "expacti builds for this processor, but none of its tests was run on one: go by what follows here, \
                  and begin with `--mode observe`";
    Finding::unchecked(NAME, found, advice)
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(['.', '-', '+']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Before Linux 6.2 a program that is interrupted while it looks a mark up hides all marks from the next one on its CPU.
pub(super) fn preemption() -> Finding {
    let uname = rustix::system::uname();
    let (release, build) = (uname.release().to_string_lossy(), uname.version().to_string_lossy());
    // Unreadable where debugfs is not mounted, or to who is not root.
    let mode = fs::read_to_string("/sys/kernel/debug/sched/preempt").ok();
    let command_line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    preemption_is(&release, &build, mode.as_deref(), &command_line)
}

fn preemption_is(release: &str, build: &str, mode: Option<&str>, command_line: &str) -> Finding {
    const NAME: &str = "preemption";
    if version(release).is_some_and(|version| version >= (6, 2)) {
        return Finding::ok(NAME, "of no matter from Linux 6.2 on");
    }
    let wanted = command_line.split_whitespace().filter_map(|word| word.strip_prefix("preempt=")).next_back();
    let full = match mode {
        _ if !build.contains("PREEMPT") => false,
        _ if !build.contains("PREEMPT_DYNAMIC") => true,
        Some(mode) => mode.contains("(full)"),
        // What it was built with, and nearly all are built with another one.
        None => wanted == Some("full"),
    };
    if !full {
        return Finding::ok(NAME, "the kernel does not interrupt its own code");
    }
    Finding::failed(
        NAME,
        "the kernel interrupts its own code, and before Linux 6.2 an agent can use that to escape",
        "boot with preempt=voluntary, or use Linux 6.2 or later",
    )
}

pub(super) fn security_modules() -> Finding {
    const NAME: &str = "security modules";
    let path = "/sys/kernel/security/lsm";
    match fs::read_to_string(path) {
        Ok(list) if list.trim().split(',').any(|module| module == "bpf") => Finding::ok(NAME, list.trim()),
        Ok(list) => {
            let list = list.trim();
            let advice = format!("boot with lsm={list},bpf on the kernel's command line");
            Finding::failed(NAME, format!("bpf is not among {list}"), advice)
        }
        Err(error) => Finding::unchecked(
            NAME,
            format!("{path}: {error}"),
            "mount it: `mount -t securityfs none /sys/kernel/security`; whether the gate fires shows the same",
        ),
    }
}

pub(super) fn lockdown() -> Finding {
    const NAME: &str = "lockdown";
    match fs::read_to_string("/sys/kernel/security/lockdown") {
        Ok(text) if text.contains("[confidentiality]") => Finding::failed(
            NAME,
            "the kernel is locked down for confidentiality, so programs cannot read its memory",
            "boot with lockdown=integrity, or without",
        ),
        Ok(text) => Finding::ok(NAME, text.trim()),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Finding::unchecked(NAME, error.to_string(), "run `expacti doctor` as root")
        }
        Err(_) => Finding::ok(NAME, "none"),
    }
}

pub(super) fn ftrace() -> Finding {
    const NAME: &str = "ftrace";
    let path = "/proc/sys/kernel/ftrace_enabled";
    match fs::read_to_string(path) {
        Ok(value) if value.trim() == "1" => Finding::ok(NAME, "kernel.ftrace_enabled is 1"),
        Ok(value) => Finding::failed(
            NAME,
            format!("kernel.ftrace_enabled is {}: the kernel calls no BPF LSM program", value.trim()),
            "`sysctl kernel.ftrace_enabled=1`",
        ),
        Err(error) => Finding::failed(
            NAME,
            format!("{path}: {error}"),
            "use a kernel that is built with CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS=y",
        ),
    }
}

pub(super) fn cgroups() -> Finding {
    const NAME: &str = "cgroups";
    let mount = "/sys/fs/cgroup";
    match magic(Path::new(mount)) {
        Ok(CGROUP2_MAGIC) => Finding::ok(NAME, format!("version 2 on {mount}")),
        Ok(_) => Finding::failed(
            NAME,
            format!("{mount} is not a hierarchy of version 2"),
            "boot with systemd.unified_cgroup_hierarchy=1, or `mount -t cgroup2 none /sys/fs/cgroup`",
        ),
        Err(error) => Finding::failed(NAME, format!("{mount}: {error}"), "mount cgroup2 there"),
    }
}

pub(super) fn bpffs(folder: &Path) -> Finding {
    const NAME: &str = "BPF file system";
    let shown = folder.display();
    let advice = format!("`mount -t bpf none {shown}`");
    match magic(folder) {
        Ok(BPFFS_MAGIC) => Finding::ok(NAME, format!("on {shown}")),
        Ok(_) => Finding::failed(NAME, format!("{shown} is another file system"), advice),
        Err(error) => Finding::failed(NAME, format!("{shown}: {error}"), advice),
    }
}

/// Which file system a path lies on.
fn magic(path: &Path) -> rustix::io::Result<u64> {
    Ok(rustix::fs::statfs(path)?.f_type.cast_unsigned())
}

pub(super) fn capabilities() -> Finding {
    const NAME: &str = "capabilities";
    let advice = "run it as root, in a container with --privileged";
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let Some(set) = effective(&status) else {
        return Finding::failed(NAME, "/proc/self/status does not tell", advice);
    };
    let missing: Vec<&str> =
        CAPABILITIES.iter().filter(|(bit, _)| set >> bit & 1 == 0).map(|(_, name)| *name).collect();
    if missing.is_empty() {
        let all: Vec<&str> = CAPABILITIES.iter().map(|(_, name)| *name).collect();
        Finding::ok(NAME, all.join(", "))
    } else if rustix::process::geteuid().is_root() {
        Finding::failed(NAME, format!("missing: {}", missing.join(", ")), advice)
    } else {
        Finding::unchecked(
            NAME,
            format!("we have not: {}", missing.join(", ")),
            "run `expacti doctor` as root",
        )
    }
}

fn effective(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn releases_of_distributions_are_understood() {
        assert_eq!(version("6.1.0-39-cloud-amd64"), Some((6, 1)));
        assert_eq!(version("6.12.107+deb13-amd64"), Some((6, 12)));
        assert_eq!(version("7.2-rc1"), Some((7, 2)));
        assert_eq!(version("what"), None);
        assert!(version("5.15.0") < Some((6, 1)) && version("6.12.1") > Some((6, 1)));
    }

    #[test]
    fn a_kernel_that_interrupts_itself_is_told_apart() {
        const DYNAMIC: &str = "#1 SMP PREEMPT_DYNAMIC Debian";
        for (release, build, mode, command_line, state) in [
            ("6.1.0", DYNAMIC, None, "quiet", State::Ok),
            ("6.1.0", DYNAMIC, None, "preempt=full", State::Failed),
            ("6.1.0", DYNAMIC, None, "preempt=full preempt=none", State::Ok),
            ("6.1.0", DYNAMIC, Some("none voluntary (full)"), "", State::Failed),
            ("6.1.0", DYNAMIC, Some("none (voluntary) full"), "preempt=full", State::Ok),
            ("6.1.0", "#1 SMP Debian", None, "", State::Ok),
            ("6.1.0", "#1 SMP PREEMPT Debian", None, "", State::Failed),
            ("6.1.0", "#1 SMP PREEMPT_RT Debian", None, "", State::Failed),
            ("6.2.0", "#1 SMP PREEMPT Debian", None, "", State::Ok),
        ] {
            let found = preemption_is(release, build, mode, command_line);
            assert_eq!(found.state, state, "{release} {build} {mode:?} {command_line}");
        }
    }

    #[test]
    fn what_no_test_was_run_on_is_neither_called_good_nor_bad() {
        for (release, machine, state) in [
            ("6.1.0-39-amd64", "x86_64", State::Ok),
            ("5.15.0", "x86_64", State::Failed),
            ("6.12.1", "aarch64", State::Unchecked),
            ("6.4.0", "aarch64", State::Unchecked),
            ("6.1.0-39-arm64", "aarch64", State::Failed),
            ("6.12.1", "riscv64", State::Failed),
            ("what", "aarch64", State::Failed),
        ] {
            assert_eq!(kernel_is(release, machine).state, state, "{release} on {machine}");
        }
    }

    #[test]
    fn capabilities_are_read_from_the_status() {
        assert_eq!(effective("Name:\tx\nCapEff:\t000001ffffffffff\nCapBnd:\t0"), Some(0x1ff_ffff_ffff));
        assert_eq!(effective("Name:\tx\n"), None);
    }
}
