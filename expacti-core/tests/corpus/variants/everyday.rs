//! How agents wrap ordinary commands: it must not make them look dangerous.

use super::Variant;
use super::quote::{join, single};
use super::reading::Reading;
use crate::entry::Command;

pub(super) fn of(command: &Command, cwd: &str) -> Vec<Variant> {
    let text = match command {
        Command::Shell(text) => text.clone(),
        Command::Argv(words) => join(words),
    };
    let folder = super::quote::word(cwd);
    let mut variants = vec![
        Variant::shell("everyday/cd", format!("cd {folder} && {text}")),
        Variant::shell(
            "everyday/login-shell",
            format!("bash -lc {}", single(&format!("cd {folder} && {text}"))),
        ),
        Variant::shell("everyday/strict", format!("set -euo pipefail\n{text}")),
    ];
    if let Some(reading) = Reading::of(&text)
        && reading.simple
    {
        variants.push(Variant::shell("everyday/tail", format!("{text} 2>&1 | tail -50")));
        variants.push(Variant::shell(
            "everyday/exit-code",
            format!("{text} > /tmp/out.txt 2>&1; echo \"exit: $?\"; cat /tmp/out.txt"),
        ));
        variants.push(Variant::shell("everyday/or-true", format!("{text} 2>/dev/null || true")));
        if reading.literal_words().is_some() {
            variants.push(Variant::shell("everyday/timeout", format!("timeout 120 {text}")));
        }
    }
    variants
}
