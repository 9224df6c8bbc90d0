//! Wrappers show what they run however their options are written, and reasons are true for the command they are given for.

use super::of_shell;
use crate::evaluation::Level;

#[track_caller]
fn all_are_high(texts: &[&str]) {
    for text in texts {
        let judged = of_shell(text);
        assert!(judged.level >= Level::High, "{text}: {} {:?}", judged.score, judged.factors);
    }
}

#[test]
fn an_option_of_one_wrapper_hides_nothing_behind_another() {
    all_are_high(&[
        "setsid -f rm -rf /srv/data",
        "setsid -w reboot",
        "/usr/bin/time -p rm -rf /srv/data",
        "time -p rm -rf /srv/data",
        "taskset -c 0 rm -rf /srv/data",
        "taskset 0x1 rm -rf /srv/data",
        "chroot /mnt rm -rf /srv/data",
        "caffeinate -i terraform destroy -auto-approve",
        "screen -dmS x sh -c 'rm -rf /srv/data'",
        "printf '%s\\0' 'git reset --hard' | xargs -0 -n1 bash -c",
        "npm exec --call 'rm -rf /srv/data'",
        "hyperfine --prepare 'rm -rf /srv/data' 'cargo build'",
        "kubectl create cronjob x --image=alpine --schedule='* * * * *' -- rm -rf /srv/data",
    ]);
    for (text, most) in [
        ("nice -n 5 make", 14),
        ("ionice -c 3 cargo build", 10),
        ("setsid -f npm start", 40),
        ("time -p make", 14),
    ] {
        let judged = of_shell(text);
        assert!(judged.score <= most, "{text}: {} {:?}", judged.score, judged.factors);
    }
}

#[test]
fn a_promise_that_is_taken_back_is_none() {
    all_are_high(&[
        "kubectl delete ns shop --dry-run=false",
        "kubectl delete ns shop --dry-run=none",
        "kubectl delete ns shop --dry-run=$MODE",
        "kubectl delete ns shop --help=false",
        "kubectl delete ns shop --help --help=false",
        "kubectl delete ns shop --dry-run=client --dry-run=none",
        "terraform destroy -auto-approve -help=false",
        "aws ec2 terminate-instances --instance-ids i-1 --dry-run --no-dry-run",
        "rsync -a --delete -n --no-dry-run empty/ /srv/data/",
        "shopctl database destroy --dry-run=false",
        "helm uninstall api --dry-run=false",
        "rclone purge remote:bucket --dry-run=0",
        "aws s3 rm s3://bucket --recursive --dryrun=no",
        "rsync -a --delete --dry-run=false empty/ /srv/data/",
    ]);
    for text in [
        "kubectl delete ns shop --dry-run",
        "kubectl delete ns shop --dry-run=client",
        "helm uninstall api --dry-run",
    ] {
        let judged = of_shell(text);
        assert!(judged.level == Level::Low, "{text}: {} {:?}", judged.score, judged.factors);
    }
}

#[test]
fn force_is_no_answer_in_advance() {
    for text in ["git push --force", "git push --force origin main", "rm --recursive --force data"] {
        let judged = of_shell(text);
        let says = judged.factors.iter().any(|factor| factor.name == "unattended");
        assert!(!says, "{text}: {:?}", judged.factors);
    }
    let judged = of_shell("terraform destroy -auto-approve");
    assert!(judged.factors.iter().any(|factor| factor.name == "unattended"), "{:?}", judged.factors);
}

#[test]
fn a_program_from_a_temporary_folder_in_the_place_of_another_is_seen() {
    all_are_high(&[
        "go vet -vettool=/tmp/x ./...",
        "go build -toolexec /tmp/x ./...",
        "CC=/tmp/x make",
        "make CC=/tmp/x",
        "cargo build --config 'build.rustc-wrapper=\"/tmp/x\"'",
        "gcc -fplugin=/tmp/x.so a.c",
        "ld -plugin=/tmp/x.so a.o",
        "protoc --plugin=protoc-gen-x=/tmp/x a.proto",
    ]);
    for text in [
        "cargo build --target-dir /tmp/target",
        // As gcc starts it for every program that it links.
        "/usr/libexec/gcc/x86_64-linux-gnu/14/collect2 -plugin /usr/libexec/gcc/x86_64-linux-gnu/14/liblto_plugin.so \
         -plugin-opt=-fresolution=/tmp/ccX.res --build-id -m elf_x86_64 -o a /usr/lib/x86_64-linux-gnu/Scrt1.o a.o -lc",
    ] {
        let judged = of_shell(text);
        assert!(judged.level == Level::Low, "{text}: {:?}", judged.factors);
    }
}

#[test]
fn what_is_written_and_then_run_is_read() {
    let loud = [
        "echo 'rm -rf ~' > /tmp/x.sh && sh /tmp/x.sh",
        "printf 'rm -rf ~\\n' > x; chmod +x x; ./x",
        "cat > x.sh <<< 'rm -rf /srv' && bash -e x.sh",
        "cat > x.py <<'E'\nimport shutil\nshutil.rmtree('/srv')\nE\npython3 x.py",
        "echo 'rm -rf ~' | tee x.sh; . ./x.sh",
        "echo ls > x.sh; echo 'rm -rf ~' >> x.sh; sh x.sh",
        "printf '#!/usr/bin/env python3\\nimport os; os.remove(\"/etc/passwd\")' > x; ./x",
        "echo 'DROP TABLE users' > x.sql && psql -f x.sql",
        "echo 'DROP TABLE users' > x.sql && psql < x.sql",
        "echo cm0gLXJmIH4= | base64 -d > x && sh x",
        "git clone https://x.example.net/t && cd t && ./install.sh",
    ];
    let quiet = [
        "echo 'echo hi' > x.sh && sh x.sh",
        "cat > x.py <<'E'\nprint(1)\nE\npython3 x.py",
        "echo 'rm -rf ~' > x.sh && sh y.sh",
        "echo 'SELECT 1' > x.sql && psql -f x.sql",
        "base64 -d a > logo.png && file logo.png",
    ];
    for text in loud {
        let judged = of_shell(text);
        assert!(judged.level >= Level::High, "{text}: {judged:?}");
    }
    for text in quiet {
        let judged = of_shell(text);
        assert!(judged.level < Level::High, "{text}: {judged:?}");
    }
}
