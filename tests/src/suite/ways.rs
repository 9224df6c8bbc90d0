//! Ways to exec that a gate could miss or mistake: each is seen, and as what it is.

use std::fs;
use std::process::Command;

use libtest_mimic::Trial;
use serde_json::json;

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::child;
use expacti_tests::harness::observed::Observed;
use expacti_tests::harness::program::program_32;
use expacti_tests::harness::wait::until;
use expacti_tests::harness::{Outcome, skippable, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("ways::every_alias_of_a_file_is_seen", every_alias_of_a_file_is_seen),
        test("ways::a_file_without_a_name_is_seen", a_file_without_a_name_is_seen),
        test("ways::the_first_argument_does_not_lie", the_first_argument_does_not_lie),
        test("ways::an_empty_argv_is_seen", an_empty_argv_is_seen),
        test("ways::bytes_that_are_no_text_are_kept", bytes_that_are_no_text_are_kept),
        test("ways::arguments_are_not_flattened", arguments_are_not_flattened),
        test("ways::strings_of_whole_chunks_are_read", strings_of_whole_chunks_are_read),
        test("ways::calls_of_32_bits_are_seen", calls_of_32_bits_are_seen),
        test("ways::a_loader_shows_what_it_loads", a_loader_shows_what_it_loads),
        test("ways::other_users_stay_members", other_users_stay_members),
        test("ways::other_namespaces_stay_members", other_namespaces_stay_members),
        test("ways::another_root_stays_a_member", another_root_stays_a_member),
        test("ways::containers_of_agents_are_members", containers_of_agents_are_members),
        test("ways::born_into_another_cgroup_is_a_member", born_into_another_cgroup_is_a_member),
        test("ways::who_was_moved_out_is_a_member", who_was_moved_out_is_a_member),
        test("ways::daemons_of_agents_stay_members", daemons_of_agents_stay_members),
        test("ways::danger_behind_padding_is_seen", danger_behind_padding_is_seen),
        test("ways::a_running_file_is_not_written", a_running_file_is_not_written),
        test("ways::argv_of_any_length_is_whole", argv_of_any_length_is_whole),
        test("ways::what_a_registered_handler_starts_is_seen", what_a_registered_handler_starts_is_seen),
        test("ways::what_project_files_start_is_seen", what_project_files_start_is_seen),
        test("ways::obfuscated_commands_are_seen_plainly", obfuscated_commands_are_seen_plainly),
        skippable("ways::to_ask_is_not_to_exec", to_ask_is_not_to_exec),
    ]
}

fn every_alias_of_a_file_is_seen() {
    let observed = Observed::new();
    let folder = observed.daemon.folder().display().to_string();
    fs::copy("/bin/echo", format!("{folder}/copy")).unwrap();
    let script = format!(
        "cd {folder} && ln -s copy symlink && ln copy hardlink && cp copy moved && mv moved renamed
         touch bound && mount --bind copy bound
         ./symlink 1; ./hardlink 2; ./renamed 3; ./bound 4; /proc/self/root{folder}/copy 5
         exec 9<copy; /proc/self/fd/9 6; rm renamed; umount bound"
    );
    assert_eq!(observed.shell(&script), "1\n2\n3\n4\n5\n6\n");
    let aliases = ["./symlink", "./hardlink", "./renamed", "./bound"].map(str::to_owned);
    let more = [format!("/proc/self/root{folder}/copy"), "/proc/self/fd/9".to_owned()];
    for (number, alias) in (1..).zip(aliases.into_iter().chain(more)) {
        let record = observed.record(&[&alias, &number.to_string()]);
        let path = record["request"]["exe"]["path"].as_str().unwrap();
        // The file, not the name it was called by; a hard link is a name of its own.
        let file = match number {
            2 => "hardlink",
            3 => "renamed",
            4 => "bound",
            _ => "copy",
        };
        assert_eq!(path, format!("{folder}/{file}"), "{alias}");
    }
}

fn a_file_without_a_name_is_seen() {
    let observed = Observed::new();
    let script = "import os
fd = os.memfd_create('innocent')
os.write(fd, open('/bin/echo', 'rb').read())
os.execve(fd, ['git', 'status'], {})";
    assert_eq!(observed.run(&["python3", "-c", script]).stdout, b"status\n");
    let record = observed.record(&["git", "status"]);
    let path = record["request"]["exe"]["path"].as_str().unwrap();
    assert!(path.contains("memfd:innocent"), "{path}");
}

fn the_first_argument_does_not_lie() {
    let observed = Observed::new();
    observed.run(&["bash", "-c", "exec -a git /bin/echo push"]);
    let record = observed.record(&["git", "push"]);
    assert!(record["request"]["exe"]["path"].as_str().unwrap().ends_with("/echo"), "{record}");
}

fn an_empty_argv_is_seen() {
    let observed = Observed::new();
    // The kernel adds an empty string where there is none: no argv, and one without an argument.
    for argv in ["None", "(ctypes.c_char_p * 1)(None)"] {
        let script =
            format!("import ctypes; ctypes.CDLL(None).syscall(59, b'/bin/true', {argv}, None); exit(9)");
        assert!(observed.run(&["python3", "-c", &script]).status.success(), "{argv}");
    }
    let is_empty = |record: &serde_json::Value| record["request"]["argv"] == serde_json::json!([""]);
    until("two records", || {
        (observed.records().iter().filter(|record| is_empty(record)).count() == 2).then_some(())
    });
    let record = observed.record(&[""]);
    assert!(record["request"]["exe"]["path"].as_str().unwrap().ends_with("/true"), "{record}");
}

fn bytes_that_are_no_text_are_kept() {
    let observed = Observed::new();
    let script = r"import os; os.execv('/bin/echo', [b'echo', b'\xff\xfe\x1b[2J\r\n', b''])";
    let output = observed.run(&["python3", "-c", script]);
    assert_eq!(output.stdout, b"\xff\xfe\x1b[2J\r\n \n");
    // base64 of the bytes.
    let wanted = serde_json::json!(["echo", { "base64": "//4bWzJKDQo=" }, ""]);
    observed.record_where("bytes", |record| record["request"]["argv"] == wanted);
}

fn arguments_are_not_flattened() {
    let observed = Observed::new();
    let pairs: [&[&str]; 4] =
        [&["/bin/echo", "a b"], &["/bin/echo", "a", "b"], &["/bin/echo", "a b", ""], &["/bin/echo", "a\nb"]];
    for argv in pairs {
        observed.run(argv);
    }
    let mut numbers: Vec<u64> =
        pairs.iter().map(|argv| observed.record(argv)["sequence"].as_u64().unwrap()).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), pairs.len());
}

/// The kernel's programs read in chunks of 1024 bytes before the exec, and of 256 behind it; both must find the same.
fn strings_of_whole_chunks_are_read() {
    let observed = Observed::new();
    for length in [255, 256, 257, 512, 1023, 1024, 1025, 2048] {
        let long = "x".repeat(length);
        let argv = ["/bin/echo", &long, "", "end"];
        assert!(observed.run(&argv).status.success());
        observed.record(&argv);
    }
}

fn calls_of_32_bits_are_seen() {
    let observed = Observed::new();
    let program = program_32("exec_raw");
    observed.run(&[program.to_str().unwrap(), "/bin/echo", "echo", "from", "32 bits"]);
    let record = observed.record(&["echo", "from", "32 bits"]);
    assert!(record["request"]["exe"]["path"].as_str().unwrap().ends_with("/echo"), "{record}");
}

fn a_loader_shows_what_it_loads() {
    let observed = Observed::new();
    let loader = "/lib64/ld-linux-x86-64.so.2";
    assert_eq!(observed.run(&[loader, "/bin/echo", "loaded"]).stdout, b"loaded\n");
    let record = observed.record(&[loader, "/bin/echo", "loaded"]);
    assert!(record["request"]["exe"]["path"].as_str().unwrap().contains("ld-linux"), "{record}");
}

fn other_users_stay_members() {
    let observed = Observed::new();
    observed.shell("sudo -u agent /bin/echo as agent");
    let record = observed.record(&["/bin/echo", "as", "agent"]);
    assert_eq!(record["request"]["agent"]["name"], "test");
    observed.shell("setpriv --reuid 1234 --clear-groups /bin/echo as 1234");
    observed.record(&["/bin/echo", "as", "1234"]);
}

fn other_namespaces_stay_members() {
    let observed = Observed::new();
    let script = "unshare --user --map-root-user --pid --fork --mount-proc /bin/echo apart";
    assert_eq!(observed.shell(script), "apart\n");
    let record = observed.record(&["/bin/echo", "apart"]);
    // By the host's numbers, not by the agent's, where it was process 1.
    assert!(record["pid"].as_u64().is_some_and(|pid| pid > 1), "{record}");
}

fn another_root_stays_a_member() {
    let observed = Observed::new();
    let root = observed.daemon.file("root");
    fs::create_dir_all(root.join("bin")).unwrap();
    fs::copy("/usr/bin/busybox", root.join("bin/busybox")).unwrap();
    let shown = root.display();
    observed.shell(&format!("chroot {shown} /bin/busybox true"));
    observed.record(&["/bin/busybox", "true"]);
}

/// The agent's own containers. It may write no cgroup, so the runtime has to do without.
fn containers_of_agents_are_members() {
    let observed = Observed::new();
    let root = observed.daemon.file("rootfs");
    fs::create_dir_all(root.join("bin")).unwrap();
    fs::copy("/usr/bin/busybox", root.join("bin/busybox")).unwrap();
    let run = |options: &str| {
        let root = root.display();
        format!("podman run --rm --network=none {options} --rootfs {root} /bin/busybox echo inside 2>&1")
    };
    assert!(observed.shell(&run("--cgroups=disabled")).contains("inside\n"));
    let record = observed.record(&["/bin/busybox", "echo", "inside"]);
    assert_eq!(record["request"]["agent"]["name"], "test");
    let refused = observed.shell(&format!("! {}", run("--cgroup-manager=cgroupfs")));
    assert!(refused.contains("ermission"), "{refused}");
}

fn danger_behind_padding_is_seen() {
    let observed = Observed::new();
    for length in [5_000, 70_000, 120_000] {
        let padded = format!("/bin/echo {}; git push --force origin main || true", " ".repeat(length));
        observed.shell(&padded);
        let record = observed.record(&["sh", "-c", &padded]);
        assert!(record["evaluation"]["score"].as_u64().unwrap() >= 60, "{length}: {}", record["evaluation"]);
    }
}

/// Some kernels from 6.11 on did let it be written; none of those that are tested does.
fn a_running_file_is_not_written() {
    let observed = Observed::new();
    let file = observed.daemon.file("program");
    fs::copy("/bin/sleep", &file).unwrap();
    let mut running = child::start(&observed.agent, Command::new(&file).arg("1000")).unwrap();
    let opened = fs::OpenOptions::new().write(true).open(&file);
    assert_eq!(opened.unwrap_err().raw_os_error(), Some(libc::ETXTBSY));
    running.kill().unwrap();
    running.wait().unwrap();
}

fn argv_of_any_length_is_whole() {
    let observed = Observed::new();
    // The longest string that the kernel takes; and as many as its usual limit of the stack lets through.
    let longest = "x".repeat(131_071);
    let many: Vec<String> = (0..200_000).map(|number| (number % 10).to_string()).collect();
    for arguments in [vec![longest], many] {
        let argv: Vec<&str> =
            std::iter::once("/bin/true").chain(arguments.iter().map(String::as_str)).collect();
        assert!(observed.run(&argv).status.success());
        let whole = serde_json::json!(argv);
        observed.record_where("all of a long argv", |record| record["request"]["argv"] == whole);
    }
}

fn what_a_registered_handler_starts_is_seen() {
    let observed = Observed::new();
    let folder = observed.daemon.folder().display().to_string();
    let script = format!(
        "mountpoint -q /proc/sys/fs/binfmt_misc || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
         echo ':expacti:E::strange::/bin/echo:' > /proc/sys/fs/binfmt_misc/register
         touch {folder}/a.strange; chmod +x {folder}/a.strange; {folder}/a.strange told
         echo -1 > /proc/sys/fs/binfmt_misc/expacti"
    );
    let path = format!("{folder}/a.strange");
    assert_eq!(observed.shell(&script), format!("{path} told\n"));
    // Asked about twice: the kernel finds the handler only behind the first look, which knows of none.
    let record = observed.record_where("the handler's", |record| {
        let handler = record["request"]["interpreters"][0]["path"].as_str();
        record["request"]["argv"] == json!([path, "told"])
            && handler.is_some_and(|path| path.ends_with("/echo"))
    });
    assert_eq!(record["request"]["exe"]["path"], path);
}

fn what_project_files_start_is_seen() {
    let observed = Observed::new();
    let folder = observed.daemon.folder().display().to_string();
    observed.shell(&format!(
        "cd {folder} && git init -q project && cd project && printf '#!/bin/sh\necho a-monitor >&2\n' > monitor
         chmod +x monitor && git config core.fsmonitor ./monitor && git status --short
         printf 'x:\n\t/bin/echo a-recipe\n' > Makefile && make -s"
    ));
    observed.record(&["/bin/echo", "a-recipe"]);
    observed.record_where("the monitor", |record| {
        record["request"]["exe"]["path"].as_str().is_some_and(|path| path.ends_with("/project/monitor"))
            || record["request"]["argv"].to_string().contains("./monitor")
    });
}

fn born_into_another_cgroup_is_a_member() {
    let observed = Observed::new();
    let other = Cgroup::new("other");
    // clone3 with CLONE_INTO_CGROUP: no file is opened for writing.
    let script = format!(
        "import ctypes, os, struct
fd = os.open('{}', os.O_RDONLY)
arguments = struct.pack('11Q', 0x200000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, fd)
pid = ctypes.CDLL(None).syscall(435, arguments, len(arguments))
assert pid >= 0
if pid == 0: os.execv('/bin/sh', ['sh', '-c', 'cat /proc/self/cgroup'])
os.waitpid(pid, 0)",
        other.path().display()
    );
    let output = observed.run(&["python3", "-c", &script]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "0::/tests/other\n");
    observed.record(&["sh", "-c", "cat /proc/self/cgroup"]);
    assert_eq!(observed.record(&["cat", "/proc/self/cgroup"])["request"]["agent"]["name"], "test");
}

fn who_was_moved_out_is_a_member() {
    let observed = Observed::new();
    let other = Cgroup::new("other");
    let procs = other.path().join("cgroup.procs");
    // Whoever moves it is not a member; the agent only asked for it.
    let mut shell = Command::new("sh");
    shell.args(["-c", "read go; cat /proc/self/cgroup; exec /bin/echo moved"]);
    shell.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut shell = child::inside(&observed.agent, &mut shell).spawn().unwrap();
    observed.record(&["sh", "-c", "read go; cat /proc/self/cgroup; exec /bin/echo moved"]);
    fs::write(procs, shell.id().to_string()).unwrap();
    std::io::Write::write_all(&mut shell.stdin.take().unwrap(), b"\n").unwrap();
    let output = shell.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "0::/tests/other\nmoved\n");
    observed.record(&["/bin/echo", "moved"]);
}

fn daemons_of_agents_stay_members() {
    let observed = Observed::new();
    let go = observed.daemon.file("go");
    assert!(Command::new("mkfifo").arg(&go).status().unwrap().success());
    let script = format!("setsid sh -c '(read go; /bin/echo late) < {} &' > /dev/null 2>&1 &", go.display());
    observed.shell(&script);
    // Its parents are gone by now, or soon.
    fs::write(&go, "go\n").unwrap();
    observed.record(&["/bin/echo", "late"]);
}

fn obfuscated_commands_are_seen_plainly() {
    let observed = Observed::new();
    let plain = |number: usize| format!("/tmp/obfuscated-{number}");
    let spellings: [(&str, &str); 14] = [
        ("bash", "r''m -rf @"),
        ("bash", "\\rm -rf @"),
        ("bash", "{rm,-rf,@}"),
        ("bash", "rm$IFS-rf$IFS@"),
        ("bash", "x=mr; ${x:1:1}${x:0:1} -rf @"),
        ("bash", "eval \"$(printf 'cm0gLXJmIEA=' | base64 -d)\""),
        ("bash", "base64 -d <<< cm0gLXJmIEA= | bash"),
        ("bash", "$'\\x72\\x6d' -rf @"),
        ("bash", "bash <<< 'rm -rf @'"),
        ("bash", "echo @ | xargs rm -rf"),
        ("bash", "find /nowhere -prune -o -true; env -i rm -rf @"),
        ("perl", "exec 'rm', '-rf', '@'"),
        ("awk", "BEGIN { system(\"rm -rf @\") }"),
        ("python3", "import os; os.system('rm -rf @')"),
    ];
    for (number, (interpreter, spelling)) in spellings.iter().enumerate() {
        let target = plain(number);
        fs::create_dir_all(&target).unwrap();
        let spelling = match *spelling {
            "eval \"$(printf 'cm0gLXJmIEA=' | base64 -d)\"" => {
                format!("eval \"$(printf '%s' '{}' | base64 -d)\"", base64(&target))
            }
            "base64 -d <<< cm0gLXJmIEA= | bash" => format!("base64 -d <<< {} | bash", base64(&target)),
            other => other.replace('@', &target),
        };
        let option = if *interpreter == "awk" {
            "--"
        } else if *interpreter == "perl" {
            "-e"
        } else {
            "-c"
        };
        observed.run(&[interpreter, option, &spelling]);
        assert!(!std::path::Path::new(&target).exists(), "{spelling}");
        observed.record(&["rm", "-rf", &target]);
    }
}

/// Of `rm -rf TARGET`.
fn base64(target: &str) -> String {
    let command = format!("printf '%s' 'rm -rf {target}' | base64 -w0");
    let output = Command::new("sh").args(["-c", &command]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn to_ask_is_not_to_exec() -> Outcome {
    let observed = Observed::new();
    // execveat with AT_EXECVE_CHECK, which came with 6.14.
    let script = "import ctypes
libc = ctypes.CDLL(None, use_errno=True)
argv = (ctypes.c_char_p * 2)(b'asked', None)
print(libc.syscall(322, -100, b'/bin/true', argv, argv, 0x10000), ctypes.get_errno())";
    let said = String::from_utf8(observed.run(&["python3", "-c", script]).stdout).unwrap();
    if said == format!("-1 {}\n", libc::EINVAL) {
        return Outcome::Skipped { missing: "AT_EXECVE_CHECK".to_owned() };
    }
    assert_eq!(said, "0 0\n");
    assert_eq!(observed.count("after"), 1, "python alone");
    Outcome::Held
}
