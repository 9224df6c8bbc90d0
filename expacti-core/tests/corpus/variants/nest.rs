//! The whole text handed to another shell: nested, encoded, in a variable, through a pipe, from an interpreter, in a function.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Variant;
use super::quote::{bytes, literal, perl, single};

type Nesting = fn(&str) -> String;

const NESTINGS: [(&str, Nesting); 54] = [
    ("nested/bash", |t| format!("bash -c {}", single(t))),
    ("nested/bash-options", |t| format!("/bin/bash --norc -eu -o pipefail -c {}", single(t))),
    ("nested/login", |t| format!("bash -lc {}", single(t))),
    ("nested/sh", |t| format!("sh -c {}", single(t))),
    ("nested/dash", |t| format!("/usr/bin/dash -c {}", single(t))),
    ("nested/zsh", |t| format!("zsh -c {}", single(t))),
    ("nested/busybox", |t| format!("busybox sh -c {}", single(t))),
    ("nested/twice", |t| format!("bash -c {}", single(&format!("sh -c {}", single(t))))),
    ("nested/thrice", |t| {
        format!("sh -c {}", single(&format!("bash -c {}", single(&format!("bash -c {}", single(t))))))
    }),
    ("nested/exec", |t| format!("exec bash -c {}", single(t))),
    ("nested/wrapped", |t| format!("sudo -n env A=1 nice timeout 60 bash -c {}", single(t))),
    ("nested/su", |t| format!("su root -c {}", single(t))),
    ("nested/ssh", |t| format!("ssh localhost {}", single(t))),
    ("nested/script", |t| format!("script -qec {} /dev/null", single(t))),
    ("nested/flock", |t| format!("flock /tmp/lock -c {}", single(t))),
    ("nested/watch", |t| format!("watch -g {}", single(t))),
    ("nested/find", |t| format!("find . -maxdepth 0 -exec bash -c {} \\;", single(t))),
    ("nested/xargs", |t| format!("echo once | xargs -I_LINE_ bash -c {}", single(t))),
    ("nested/xargs-stdin", |t| format!("printf '%s\\0' {} | xargs -0 -n1 bash -c", single(t))),
    ("nested/parallel", |t| format!("parallel ::: {}", single(t))),
    ("nested/arguments", |t| format!("bash -c 'eval \"$1\"' _ {}", single(t))),
    ("eval/eval", |t| format!("eval {}", single(t))),
    ("eval/variable", |t| format!("x={}; eval \"$x\"", single(t))),
    ("eval/environment", |t| format!("X={} bash -c 'eval \"$X\"'", single(t))),
    ("eval/source", |t| format!("source <(printf '%s\\n' {})", single(t))),
    ("eval/substitution", |t| format!("eval \"$(printf '%s' {})\"", single(t))),
    ("eval/trap", |t| format!("trap {} EXIT", single(t))),
    ("stdin/pipe", |t| format!("printf '%s\\n' {} | bash", single(t))),
    ("stdin/pipe-s", |t| format!("echo {} | sh -s --", single(t))),
    ("stdin/here-string", |t| format!("bash <<< {}", single(t))),
    ("stdin/here-document", |t| format!("bash <<'END_OF_TEXT'\n{t}\nEND_OF_TEXT\n")),
    ("stdin/process", |t| format!("bash <(printf '%s\\n' {})", single(t))),
    ("encoded/base64", |t| format!("echo {} | base64 -d | bash", STANDARD.encode(t))),
    ("encoded/base64-substitution", |t| {
        format!("bash -c \"$(echo {} | base64 --decode)\"", STANDARD.encode(t))
    }),
    ("encoded/base64-here-string", |t| format!("base64 -d <<< {} | sh", STANDARD.encode(t))),
    ("encoded/base64-eval", |t| format!("eval \"$(base64 -d <<< {})\"", STANDARD.encode(t))),
    ("encoded/base64-openssl", |t| format!("echo {} | openssl base64 -d -A | bash", STANDARD.encode(t))),
    ("encoded/hex", |t| format!("echo {} | xxd -r -p | bash", bytes(t, |b| format!("{b:02x}")))),
    ("encoded/printf", |t| format!("printf '{}' | bash", bytes(t, |b| format!("\\{b:03o}")))),
    ("encoded/echo", |t| format!("echo -e '{}' | bash", bytes(t, |b| format!("\\x{b:02x}")))),
    ("encoded/rot13", |t| format!("echo {} | tr 'A-Za-z' 'N-ZA-Mn-za-m' | bash", single(&rot13(t)))),
    ("interpreter/python", |t| {
        format!("python3 -c {}", single(&format!("import os; os.system({})", literal(t))))
    }),
    ("interpreter/python-subprocess", |t| {
        let call = format!("import subprocess; subprocess.run([\"bash\", \"-c\", {}])", literal(t));
        format!("python3 -c {}", single(&call))
    }),
    ("interpreter/python-hex", |t| {
        let program = format!("import os; os.system({})", literal(t));
        format!("python3 -c \"exec(bytes.fromhex('{}'))\"", bytes(&program, |b| format!("{b:02x}")))
    }),
    ("interpreter/node", |t| {
        let options = "{stdio: \"inherit\"}";
        let call =
            format!("require(\"child_process\").spawnSync(\"bash\", [\"-c\", {}], {options})", literal(t));
        format!("node -e {}", single(&call))
    }),
    ("interpreter/perl", |t| {
        format!("perl -e {}", single(&format!("system(\"bash\", \"-c\", {})", perl(t))))
    }),
    ("interpreter/ruby", |t| {
        format!("ruby -e {}", single(&format!("system(\"bash\", \"-c\", {})", perl(t))))
    }),
    ("interpreter/awk", |t| format!("awk {}", single(&format!("BEGIN {{ system({}) }}", literal(t))))),
    ("compound/subshell", |t| format!("(\n{t}\n)")),
    ("compound/function", |t| format!("go() {{\n{t}\n}}\ngo")),
    ("compound/branch", |t| format!("if true; then\n{t}\nfi")),
    ("compound/substitution", |t| format!("printf %s \"$(\n{t}\n)\"")),
    ("padding/blanks", |t| format!("{}{t}", " ".repeat(8192))),
    ("padding/harmless", |t| format!("{}{t}", "ls -la src > /dev/null\n".repeat(200))),
];

pub(super) fn of(text: &str) -> Vec<Variant> {
    let mut variants: Vec<Variant> =
        NESTINGS.iter().map(|(kind, nest)| Variant::shell(kind, nest(text))).collect();
    if !text.contains('\n') {
        let reversed = single(&text.chars().rev().collect::<String>());
        variants.push(Variant::shell("encoded/reversed", format!("echo {reversed} | rev | bash")));
    }
    variants
}

fn rot13(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'a'..='m' | 'A'..='M' => char::from_u32(u32::from(c) + 13).unwrap_or(c),
            'n'..='z' | 'N'..='Z' => char::from_u32(u32::from(c) - 13).unwrap_or(c),
            _ => c,
        })
        .collect()
}
