//! `expacti show`: everything about one command that waits.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use clap::Args;
use expacti_core::request::Stdin;
use expacti_core::untrusted::Untrusted;

use super::connect::Connect;
use super::duration::in_words;
use super::ending::Ending;
use super::pending::plain;
use crate::client::ClientError;
use crate::wire::{CardDetail, ContainerView, TicketView};

/// Show one command whole: every argument, where and as whom it would run, and why it waits
#[derive(Args)]
pub(super) struct Show {
    /// The number of the ticket
    id: u64,
    /// As JSON, as the API has it
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

impl Show {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let client = self.connect.client("cli")?;
        let mut out = io::stdout().lock();
        let detail: CardDetail = match client.get(&format!("/v1/cards/{}", self.id)) {
            // It does not wait any more; how it ended may still be known.
            Err(ClientError::Refused(problem)) if problem.status == 404 => {
                let ended: TicketView = client.get(&format!("/v1/tickets/{}", self.id))?;
                if self.json {
                    writeln!(out, "{}", serde_json::to_string(&ended)?)?;
                } else {
                    writeln!(out, "ticket {}: {}", ended.ticket, plain(&ended.outcome.unwrap_or_default()))?;
                }
                return Ok(Ending::Done);
            }
            answer => answer?,
        };
        if self.json {
            writeln!(out, "{}", serde_json::to_string(&detail)?)?;
        } else {
            write!(out, "{}", text(&detail))?;
        }
        Ok(Ending::Done)
    }
}

/// The card as text. Every line that holds an agent's words is escaped.
pub(super) fn text(detail: &CardDetail) -> String {
    let CardDetail { card, request, evaluation, before, .. } = detail;
    let mut text = String::new();
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<11} {value}");
    };
    let times = if card.count > 1 {
        format!(" ({} times, newest {})", card.count, card.newest)
    } else {
        String::new()
    };
    line("ticket", &format!("{}{times}", card.id));
    let late = if request.agent.late { ", gated later than its first exec" } else { "" };
    line("agent", &format!("{}{late}", plain(&card.agent)));
    line("risk", &format!("{} {}", card.level, card.score));
    line("held by", &plain(&card.decided_by));
    for factor in &evaluation.factors {
        line("", &format!("{:+} {} ({})", factor.points, plain(&factor.because), plain(&factor.name)));
    }
    line("left", &format!("{} until it is denied", in_words(card.remaining_ms)));
    let roles =
        if card.roles.is_empty() { String::new() } else { format!(" holding {}", card.roles.join(" or ")) };
    line("needs", &format!("{} of you{roles}", card.approvals));
    for vote in &card.votes {
        let note = vote.note.as_ref().map(|note| format!(": {}", plain(note))).unwrap_or_default();
        line("vote", &format!("{} {}{note}", vote.name, if vote.approve { "approves" } else { "denies" }));
    }
    for (at, word) in request.argv.iter().enumerate() {
        line(&format!("argv[{at}]"), word);
    }
    line("executable", &request.exe.path);
    for interpreter in &request.interpreters {
        line("interpreter", &interpreter.path);
    }
    optional(&mut line, "cwd", request.cwd.as_ref());
    optional(&mut line, "terminal", request.tty.as_ref());
    line("user", &format!("uid {} (effective {})", request.credentials.uid, request.credentials.euid));
    if !detail.node.is_empty() {
        line("node", &plain(&detail.node));
    }
    line("stdin", &stdin(&request.stdin));
    for (name, value) in &request.env {
        line("environment", &format!("{name}={value}"));
    }
    if let Some(container) = &request.container {
        line("container", &plain(&ContainerView::from(container).to_string()));
    }
    optional(&mut line, "git branch", request.git.as_ref().and_then(|git| git.branch.as_ref()));
    optional(&mut line, "git remote", request.git.as_ref().and_then(|git| git.remote.as_ref()));
    for ancestor in &request.lineage {
        line("started by", &format!("{} {}", ancestor.pid, crate::wire::command_line(&ancestor.argv, 200).0));
    }
    for past in before {
        let outcome = past.outcome.as_deref().unwrap_or("waits");
        line("before", &format!("{} ago: {} ({})", in_words(past.ago_ms), past.command, plain(outcome)));
    }
    if let Some(claim) = &detail.claim {
        line("it claims", claim);
    }
    for missing in &request.missing {
        line("not read", &plain(missing));
    }
    if let Some(script) = &request.script {
        line(
            "script",
            &format!(
                "{} ({} bytes{})",
                script.path,
                script.text.len(),
                if script.truncated { ", not whole" } else { "" }
            ),
        );
        for bytes in script.text.as_bytes().split(|byte| *byte == b'\n') {
            line("  |", &Untrusted::from(bytes));
        }
    }
    line("digest", &card.digest);
    text
}

fn optional(line: &mut impl FnMut(&str, &dyn std::fmt::Display), name: &str, value: Option<&Untrusted>) {
    if let Some(value) = value {
        line(name, value);
    }
}

/// What fd 0 is: a shell that reads a pipe is judged by it.
pub(crate) fn stdin(stdin: &Stdin) -> String {
    match stdin {
        Stdin::Unknown => "unknown".to_owned(),
        Stdin::Closed => "closed".to_owned(),
        Stdin::Null => "/dev/null".to_owned(),
        Stdin::Terminal => "a terminal".to_owned(),
        Stdin::Pipe => "a pipe: what comes through it is not part of this approval".to_owned(),
        Stdin::Socket => "a socket: what comes through it is not part of this approval".to_owned(),
        Stdin::File { path } => format!("file {path}"),
        Stdin::Other => "something else".to_owned(),
    }
}
