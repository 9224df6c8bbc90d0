//! What has no end: loops and streams that fill a disk, questions that flood a service, programs that start programs.

use super::meant_well::are_told_apart;
use super::of_shell;
use crate::evaluation::Level;

#[test]
fn a_loop_without_end_and_without_a_rest_fills_a_disk() {
    let loud = [
        "while true; do echo x >> f; done",
        "while :; do cat f >> g; done",
        "until false; do { echo x; } >> f; done",
        "for ((;;)); do date >> log; done",
        "while true; do date; done >> log",
        "while true; do date; done > log",
        "while true; do echo x; done | tee log",
        "while true; do printf x | tee -a f; done",
        "while true; do echo x | sudo tee -a /srv/f; done",
        "while true; do sudo sh -c 'echo x' >> f; done",
        "while ((1)); do dd if=/dev/zero bs=1M count=1 >> f; done",
        "while true; do cp a b$RANDOM; done",
        "while true; do date > \"log-$(date +%N)\"; done",
        "while true; do mkdir a; cd a; done",
        "while true; do mktemp; done",
        "f() { while true; do echo x >> f; done; }; f &",
    ];
    let quiet = [
        "while true; do date >> log; sleep 1; done",
        "while true; do date; sleep 1; done >> log",
        "while sleep 5; do date >> log; done",
        "while true; do inotifywait -qe modify src && date >> build.log; done",
        "while true; do read -r l; echo \"$l\" >> f; done < pipe",
        "while true; do cat >> f; done",
        "while true; do cargo test >> out.log || break; done",
        "while true; do sudo sleep 5; date >> log; done",
        "while true; do docker stats --no-stream >> stats.log; done",
        // Each turn writes it anew.
        "while true; do date > log; done",
        "while true; do cp a b; done",
        "while true; do date; done",
        "while true; do date; done >> /dev/null",
        "while read -r l; do echo \"$l\" >> out; done < in",
        "for i in 1 2 3; do echo $i >> f; done",
        "for ((i=0; i<10; i++)); do date >> log; done",
        "while true; do for i in 1 2; do echo $i >> f; done; sleep 1; done",
    ];
    are_told_apart(&loud, &quiet, Level::Low);
}

#[test]
fn a_stream_without_end_fills_a_disk() {
    let loud = [
        "yes > f",
        "yes | tee f",
        "yes | cat | gzip > f",
        "yes | sudo tee /srv/f",
        "yes | dd of=big",
        "cat /dev/zero | tee x",
        "base64 /dev/urandom | tee x",
        "cat < /dev/zero | tee x",
        "dd if=/dev/zero | gzip > f",
        "python3 -c \"while True: open('/tmp/f','a').write('x'*10**6)\"",
        "node -e \"while(true) require('fs').appendFileSync('x', 'y')\"",
    ];
    let quiet = [
        "yes | head -5 > f",
        "python3 -c \"import time\nwhile True: open('f','a').write('x'); time.sleep(1)\"",
        "python3 -c \"while True:\n  l=input()\n  open('f','a').write(l)\"",
        "yes | head -c 1M | tee f",
        "yes | tee /dev/null",
        "yes | dd of=big count=5",
        "yes no | ./configure > log.txt",
        "cat /dev/zero | head -c 10M | tee x",
        "dd if=/dev/zero count=5 | gzip > f",
        "head -c 32 /dev/urandom | base64 > seed",
    ];
    are_told_apart(&loud, &quiet, Level::Medium);
}

#[test]
fn very_many_questions_are_a_flood() {
    let loud = [
        "seq 100000 | xargs -P 100 curl -s https://x.example.net/",
        "seq 1 100000 | xargs -P100 -I{} curl -s https://api.example.com/{}",
        "seq 1000000 | parallel -j 200 curl https://x.example.net/{}",
        "printf '%s\\n' {1..100000} | xargs -n1 curl https://x.example.net/",
        "yes https://x.example.net | xargs -P 50 -n1 curl -s",
        "for i in {1..100000}; do curl -s https://x.example.net/$i & done",
        "for i in $(seq 100000); do curl -s https://x.example.net & done",
        "for ((i=0; i<1000000; i++)); do curl -s https://x.example.net; done",
        "while true; do curl https://x.example.net & done",
    ];
    let quiet = [
        "seq 10 | xargs -P 4 -I{} curl -s https://x.example.net/{}",
        "seq 100000 | xargs -P 100 -I{} curl -s http://localhost:3000/{}",
        "seq 100000 | xargs -P 100 echo",
        "for i in $(seq 20); do curl -s https://staging.example.com/health; done",
        "for i in {1..100000}; do curl -s http://localhost:3000/$i; done",
        "while true; do curl -s https://x.example.net; done",
        "while true; do curl -s https://x.example.net/health; sleep 1; done",
    ];
    are_told_apart(&loud, &quiet, Level::Medium);
    for (text, level) in [
        ("while true; do curl -s https://x.example.net; done", Level::Medium),
        ("while true; do curl -s https://x.example.net; sleep 1; done", Level::Low),
        ("while true; do curl -s http://localhost:3000; done", Level::Low),
    ] {
        assert_eq!(of_shell(text).level, level, "{text}");
    }
}

#[test]
fn what_starts_others_faster_than_they_end_is_loud() {
    let loud = [
        "f() { f | f & }; f",
        "bomb() { bomb & bomb; }; bomb",
        "f() { (f) & f; }; f",
        "f() { bash -c f & f; }; export -f f; f",
        "while true; do bash \"$0\" & done",
        "yes | xargs -P 0 -I{} sh -c 'sleep 1000'",
        "yes | xargs -P 0 -n1 bash",
        "python3 -c 'import os\nwhile True: os.fork()'",
        "perl -e 'fork while 1'",
        "ruby -e 'loop { fork }'",
    ];
    let quiet = [
        "yes | xargs -n1 -P 1 echo",
        "seq 8 | xargs -P 0 -I{} sh -c 'sleep {}'",
        "f() { g & }; f",
        "walk() { for d in */; do walk \"$d\"; done | sort; }; walk",
    ];
    are_told_apart(&loud, &quiet, Level::Medium);
}
