//! Programs do under the gate, with everything allowed, what they do without it: the same output, errors and exit codes.

use std::fs;
use std::process::Command;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::child;
use expacti_tests::harness::daemon::Daemon;
use expacti_tests::harness::test;
use expacti_tests::harness::wait::until;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("transparent::shells_and_errors", || same("bash", SHELL)),
        test("transparent::zsh", || same("zsh", SHELL)),
        test("transparent::tools_that_start_others", || same("bash", STARTERS)),
        test("transparent::python", || same("python3", PYTHON)),
        test("transparent::node", || same("node", NODE)),
        test("transparent::make_and_gcc", || same("bash", MAKE)),
        test("transparent::git_with_hooks", || same("bash", GIT)),
        test("transparent::strace", || same("bash", STRACE)),
        test("transparent::gdb", || same("bash", GDB)),
        test("transparent::other_users_and_setuid", || same("bash", USERS)),
        test("transparent::containers", || same("bash", PODMAN)),
    ]
}

/// Nothing but the highest score waits for humans here, and each exec is asked about at least once.
pub(super) const EVERYTHING: &str = r#"
[policy.default]
hold_from = 100
[policy.default.anomaly]
first_time_from = "never"
unusual_hour_from = "never"
risky_per_minute = "never"
"#;

/// What an interpreter makes of a text in a folder: both outputs and the exit code.
fn run(cgroup: &Cgroup, interpreter: &str, text: &str) -> String {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let script = folder.path().join("script");
    fs::write(&script, text).unwrap();
    let mut command = Command::new("timeout");
    command
        .args(["-k1", "60", interpreter])
        .arg(&script)
        .current_dir(folder.path())
        .env("HOME", folder.path());
    let output = child::run(cgroup, &mut command).unwrap();
    let name = folder.path().file_name().unwrap().to_str().unwrap();
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).replace(name, "FOLDER"));
    format!("{}--- errors\n{}--- {:?}\n", said[0], said[1], output.status.code())
}

fn same(interpreter: &str, text: &str) {
    let (agent, other) = (Cgroup::new("agent"), Cgroup::new("other"));
    let expected = run(&other, interpreter, text);
    assert!(expected.contains("the end\n"), "without the gate it does not even reach its end:\n{expected}");
    let config = tempfile::tempdir_in("/var/tmp").unwrap();
    let file = config.path().join("expacti.toml");
    fs::write(&file, EVERYTHING).unwrap();
    let daemon = Daemon::gating(&agent, &["--config", file.to_str().unwrap()]);
    // Asked, then from the kernel's cache where it may be.
    for round in 1..=2 {
        let gated = run(&agent, interpreter, text);
        assert_eq!(gated, expected, "round {round}");
    }
    let records = until("every attempt's record and verdict", || {
        let (attempts, records) = (daemon.attempts(), daemon.records());
        let decided = records.iter().all(|record| record["state"] != "pending");
        (records.len() >= attempts && decided).then_some(records)
    });
    // Who is killed before it has become its program takes its question along.
    let killed = |record: &&Value| {
        record["state"] == "withdrawn" && record["request"]["argv"] == json!(["sleep", "100"])
    };
    let others: Vec<&Value> =
        records.iter().filter(|record| record["state"] != "allowed" && !killed(record)).collect();
    assert!(!records.is_empty() && others.is_empty(), "{others:#?}");
}

const SHELL: &str = r#"
echo one two | tr a-z A-Z | rev | cat -A
for i in 1 2 3; do /bin/echo $i & done > unordered; wait; sort unordered
cat <<END | wc -l
here
there
END
diff <(printf 'a\nb\n') <(printf 'a\nc\n'); echo "diff $?"
no-such-command; echo "missing $?"
/etc/passwd; echo "no program $?"
./script-that-is-not-there; echo "not there $?"
printf 'echo without a first line $0 $1\n' > plain; chmod +x plain; ./plain x; echo "plain $?"
printf '#!/no/such/interpreter\n' > lost; chmod +x lost; ./lost; echo "lost $?"
printf '\177ELF broken' > broken; chmod +x broken; ./broken 2>/dev/null; echo "broken $?"
ln -s loop loop; ./loop; echo "loop $?"
(exit 42); echo "sub $?"
sh -c 'kill -TERM $$'; echo "term $?"
# Whether this shell says "Hangup" depends on whether the other is faster, gated or not.
sh -c 'sleep 100 & p=$!; kill -HUP $p; wait $p' 2>/dev/null; echo "hup $?"
/bin/sh -c 'exec /bin/sh -c "exec /bin/echo deep"'
yes | head -2
env -i A=b /usr/bin/env
(ulimit -n 30; ls -d /)
read -r line < <(/bin/echo from a substitution); echo "$line"
trap '/bin/echo trapped' USR1; kill -USR1 $$; /bin/true
/bin/echo the end
exit 7
"#;

const STARTERS: &str = r#"
seq 20 | xargs -P 4 -n 3 /bin/echo | sort
mkdir d; touch d/a d/b d/c; find d -type f -exec /bin/echo found {} \; | sort; find d -type f -exec /bin/echo + {} + | wc -w
timeout 0.2 sleep 100; echo "timeout $?"
timeout 100 /bin/echo in time; nohup /bin/echo nohup 2>&1 | cat; nice -n 5 nice
setsid -w sh -c '/bin/echo own session; exit 3'; echo "setsid $?"
awk 'BEGIN { system("/bin/echo from awk"); "/bin/echo to awk" | getline line; print line }'
perl -e 'print `/bin/echo from perl`; exit(system("sh", "-c", "exit 5") >> 8)'; echo "perl $?"
sed -n '1e /bin/echo from sed' plain 2>/dev/null; echo x | sed 's/x/\/bin\/echo from sed/e'
tar -cf t.tar d && tar -xf t.tar --to-command='/bin/echo $TAR_FILENAME; cat > /dev/null' | sort
watch() { :; }; env FOO=1 sh -c 'echo $FOO'; flock lock /bin/echo locked
script -qec '/bin/echo in a terminal; exit 4' /dev/null; echo "script $?"
printf 'define f\n shell /bin/echo hi\nend\n' > /dev/null
echo the end
"#;

const PYTHON: &str = r#"
import os, signal, subprocess, sys
def show(*words): print(*words, flush=True)
show(subprocess.run(["/bin/echo", "a", "", "b c"], capture_output=True))
show(subprocess.run("echo $0; exit 3", shell=True, capture_output=True).returncode)
p = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
show(p.communicate(b"through a pipe"))
try: subprocess.run(["no-such-command"])
except FileNotFoundError as error: show(error)
try: subprocess.run(["/etc/passwd"])
except PermissionError as error: show(error)
try: subprocess.run(["sleep", "100"], timeout=0.3)
except subprocess.TimeoutExpired as error: show(error)
p = subprocess.Popen(["sleep", "100"]); p.terminate(); show(p.wait())
pid = os.posix_spawn("/bin/echo", ["echo", "spawned"], {}); show(os.waitpid(pid, 0)[1])
pid = os.fork()
if pid == 0: os.execve("/bin/sh", ["sh", "-c", "echo $A"], {"A": "environment"})
os.waitpid(pid, 0)
show(os.system("exit 9"), os.popen("/bin/echo popen").read())
ps = [subprocess.Popen(["sh", "-c", f"exit {n}"]) for n in range(8)]
show([p.wait() for p in ps])
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(6) as pool: show(list(pool.map(lambda n: subprocess.check_output(["/bin/echo", str(n)]), range(12))))
hits = []
signal.signal(signal.SIGALRM, lambda *_: hits.append(1)); signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
for _ in range(20): subprocess.run(["/bin/true"], check=True)
signal.setitimer(signal.ITIMER_REAL, 0); show(bool(hits))
import fcntl
r, w = os.pipe(); os.set_inheritable(w, True)
subprocess.run(["sh", "-c", f"echo inherited >&{w}"], close_fds=False); show(os.read(r, 100))
fd = os.memfd_create("m"); os.write(fd, open("/bin/echo", "rb").read())
subprocess.run(["nothing"], executable=f"/proc/self/fd/{fd}", pass_fds=[fd])
show("the end"); sys.stdout.flush()
os.execv(sys.executable, [sys.executable, "-c", "import sys; print('itself anew', sys.argv); sys.exit(6)", "x"])
"#;

const NODE: &str = r#"
const { execSync, spawnSync, spawn, exec, execFile } = require("child_process");
console.log(execSync("echo from a shell | tr a-z A-Z").toString());
console.log(spawnSync("/bin/sh", ["-c", "exit 3"]).status, spawnSync("no-such-command").error.code);
console.log(spawnSync("sleep", ["100"], { timeout: 300 }).signal, spawnSync("/etc/passwd").error.code);
const cat = spawn("cat"); let text = "";
cat.stdout.on("data", (d) => (text += d));
cat.on("close", (code) => {
  console.log("cat", code, text);
  execFile("/bin/echo", ["a", "", "b"], (error, out) => {
    console.log(error, JSON.stringify(out));
    exec("kill -9 $$", (error) => {
      console.log(error.signal);
      Promise.all([...Array(8).keys()].map((n) => new Promise((done) => exec(`exit ${n}`, (e) => done(e ? e.code : 0)))))
        .then((codes) => { console.log(codes.join()); console.log("the end"); process.exitCode = 4; });
    });
  });
});
cat.stdin.end("through a pipe");
"#;

const MAKE: &str = r#"
cat > Makefile <<'END'
all: a.o b.o c.o d.o
	gcc -o program a.o b.o c.o d.o && ./program
%.o: %.c
	@gcc -O1 -c -o $@ $<
%.c:
	@echo 'int $*(void) { return 1; }' > $@
d.c:
	@printf '#include <stdio.h>\nint a(void), b(void), c(void);\nint main(void) { printf("%%d\\n", a() + b() + c()); }\n' > d.c
broken:
	@exit 3
.PHONY: all broken
END
make --no-print-directory -j4 all 2>&1; echo "make $?"
make --no-print-directory -s all; make broken; echo "broken $?"; make broken nothing; echo "nothing $?"
echo 'int main(void) { return undeclared; }' > bad.c; gcc bad.c; echo "gcc $?"
echo 'int main(void) { unsigned u = -1; return u > 3 ? 0 : 1; }' | gcc -Wall -x c -o piped - && ./piped; echo "piped $?"
echo the end
"#;

const GIT: &str = r#"
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z' EMAIL=a@b GIT_PAGER=cat
git init -q -b main repo && cd repo && git config user.name n
printf '#!/bin/sh\necho "pre-commit: $(git diff --cached --name-only)"\n' > .git/hooks/pre-commit
printf '#!/usr/bin/env python3\nimport sys\nprint("message", open(sys.argv[1]).read().strip())\n' > .git/hooks/commit-msg
printf '#!/bin/sh\nwhile read old new name; do echo "push $name"; done\n' > ../post-receive
chmod +x .git/hooks/pre-commit .git/hooks/commit-msg
echo a > a; git add a; git commit -m one; echo "commit $?"
printf '#!/bin/sh\necho refused >&2; exit 1\n' > .git/hooks/pre-commit
echo b > a; git commit -am two; echo "refused $?"; rm .git/hooks/pre-commit
git commit -qam two; git log --oneline --stat; git diff HEAD~1
git clone -q --bare . ../bare.git; mv ../post-receive ../bare.git/hooks/; chmod +x ../bare.git/hooks/post-receive
echo c > a; git commit -qam three; git push ../bare.git main 2>&1 | grep -v Delta
git -c alias.x='!/bin/echo an alias' x; GIT_EDITOR='sed -i s/three/edited/' git commit --amend 2>&1 | tail -1
git stash list; git bisect start -q HEAD HEAD~2 2>&1 | tail -1; git bisect run sh -c 'grep -q a a' 2>&1 | tail -2; git bisect reset -q
git no-such-command; echo "git $?"
echo the end
"#;

// A tracer sees each round of a system call that is restarted. So what it sees of the execs that had to wait is not the
// same; what becomes of the traced is.
const STRACE: &str = r#"
strace -f -o trace sh -c '/bin/echo traced; /bin/sh -c "exit 3"'; echo "strace $?"
grep -c '+++ exited with 3 +++' trace
{ strace -f -e trace=none -e signal=none sh -c 'kill -9 $$'; } 2> /dev/null; echo "killed $?"
strace -qq -e trace=exit_group /bin/false; echo "false $?"
strace -f -qq -e trace=none make -f /dev/null nothing 2>&1 | tail -1
strace -D -o other /bin/echo with a tracer aside
strace -c -o summary sh -c '/bin/true; /bin/true' && test -s summary && echo summary
echo the end
"#;

const GDB: &str = r#"
cat > p.c <<'END'
#include <stdio.h>
#include <unistd.h>
#include <sys/wait.h>
int f(int n) { return n + 1; }
int main(void) {
    int status;
    if (fork() == 0) { execl("/bin/echo", "echo", "child", (char *)0); _exit(1); }
    wait(&status);
    printf("%d %d\n", f(41), status);
    fflush(stdout);
    execl("/bin/sh", "sh", "-c", "echo anew; exit 5", (char *)0);
}
END
gcc -g -O0 -no-pie -o p p.c
gdb -nx -batch -ex 'set startup-with-shell on' -ex 'break f' -ex run -ex 'print n' -ex bt -ex continue ./p 2>&1 |
    grep -v -e '\[.*process' -e 'process [0-9]' -e Reading -e debuginfod -e libthread
gdb -nx -batch -ex 'set startup-with-shell off' -ex run ./p 2>&1 | grep -e '^4' -e anew -e exited | sed 's/[0-9]* (process [0-9]*)/N/; s/process [0-9]*/N/'
echo the end
"#;

const USERS: &str = r#"
chmod 755 .; cp /usr/bin/id id; chmod 4755 id
setpriv --reuid=65534 --regid=65534 --clear-groups ./id
setpriv --reuid=65534 --regid=65534 --clear-groups sh -c '/usr/bin/id -u; sudo -n /bin/true; echo $?'
su -s /bin/sh nobody -c 'id -un; exit 3'; echo "su $?"
sudo -n -u nobody /bin/sh -c 'echo $SUDO_UID $USER; exit 4'; echo "sudo $?"
setpriv --no-new-privs --reuid=65534 --clear-groups ./id -u
unshare --user --map-root-user id -u; unshare --pid --fork --mount-proc sh -c 'echo $$'
capsh --drop=all -- -c 'id -u' 2>/dev/null || echo no capsh
echo the end
"#;

const PODMAN: &str = r#"
mkdir -p root/bin root/proc root/dev root/etc; cp /usr/bin/busybox root/bin/
run() { podman run --rm --network=none --cgroups=disabled --rootfs "$PWD/root" "$@"; }
run /bin/busybox sh -c '/bin/busybox echo inside; /bin/busybox id -u; exit 3'; echo "podman $?"
run /bin/busybox no-such-applet 2>/dev/null; echo "applet $?"
run /no/such/program 2>/dev/null; echo "missing $?"
echo piped | podman run -i --rm --network=none --cgroups=disabled --rootfs "$PWD/root" /bin/busybox cat
echo the end
"#;
