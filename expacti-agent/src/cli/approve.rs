//! `expacti approve` and `expacti deny`: a human's answer.

use std::io::{self, IsTerminal as _, Write as _};

use clap::Args;
use expacti_core::docket::Refusal;

use super::connect::Connect;
use super::duration;
use super::ending::{BadInput, Ending};
use super::pending::plain;
use crate::client::Client;
use crate::wire::{AnswerWord, CardDetail, RepeatWord, RulePreview, VoteBody, VoteResult};

/// Let a command run that waits
///
/// What is approved is exactly what `expacti show ID` shows. Where more humans are needed, it waits on for them.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(super) struct Approve {
    /// The number of the ticket
    id: u64,
    /// Let what it starts run too, up to the risk that the agent's policy sets
    #[arg(long)]
    children: bool,
    /// Let the same command run again for so long: 90s, 30m, 1h, 2d
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::millis, group = "again")]
    for_ms: Option<u64>,
    /// Let the same command run again until the agent's session ends
    #[arg(long, group = "again")]
    session: bool,
    /// Make a rule of it, which is shown and asked about first. Not offered at HIGH and above
    #[arg(long, group = "again")]
    always: bool,
    /// Do not ask whether the rule is right
    #[arg(long, requires = "always")]
    yes: bool,
    #[command(flatten)]
    answer: Answer,
}

/// Refuse a command that waits: it fails with "Operation not permitted", and the agent is told why
#[derive(Args)]
pub(super) struct Deny {
    /// The number of the ticket
    id: u64,
    #[command(flatten)]
    answer: Answer,
}

#[derive(Args)]
struct Answer {
    /// Say why. The log keeps it, and on a denial the agent reads it
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Only if the command's digest begins like this, as you saw it in `expacti show`
    #[arg(long, value_name = "HEX")]
    digest: Option<String>,
    #[command(flatten)]
    connect: Connect,
}

impl Approve {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let repeat = match (self.for_ms, self.session, self.always) {
            (Some(_), ..) => RepeatWord::For,
            (None, true, _) => RepeatWord::Session,
            (None, false, true) => RepeatWord::Always,
            (None, false, false) => RepeatWord::Once,
        };
        if self.always && !shown_and_wanted(&self.answer.connect.client("cli")?, self.id, self.yes)? {
            return Ok(Ending::No);
        }
        let (children, for_ms) = (self.children, self.for_ms);
        self.answer.send(self.id, AnswerWord::Approve, |body| VoteBody { children, repeat, for_ms, ..body })
    }
}

impl Deny {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        self.answer.send(self.id, AnswerWord::Deny, |body| body)
    }
}

impl Answer {
    fn send(
        self,
        id: u64,
        answer: AnswerWord,
        scope: impl Fn(VoteBody) -> VoteBody,
    ) -> anyhow::Result<Ending> {
        let client = self.connect.client("cli")?;
        let result = vote(&client, id, answer, self.note, self.digest.as_deref(), scope)?;
        let mut out = io::stdout().lock();
        for ticket in &result.ended {
            writeln!(
                out,
                "ticket {}: {}",
                ticket.ticket,
                plain(ticket.outcome.as_deref().unwrap_or_default())
            )?;
        }
        if let Some(card) = &result.card {
            let yes = card.votes.iter().filter(|vote| vote.approve).count();
            writeln!(
                out,
                "ticket {}: your vote counts; {yes} of {} approvals so far",
                card.id, card.approvals
            )?;
        }
        Ok(Ending::Done)
    }
}

/// Shows the rule, and asks unless the answer is known.
fn shown_and_wanted(client: &Client, id: u64, yes: bool) -> anyhow::Result<bool> {
    let CardDetail { card, .. } = client.get(&format!("/v1/cards/{id}"))?;
    if !card.always_offered {
        return Err(Refusal::AlwaysNotOffered { level: card.level }.into());
    }
    let rule: RulePreview = client.get(&format!("/v1/cards/{id}/rule"))?;
    let mut out = io::stdout().lock();
    for line in rule.text.lines() {
        writeln!(out, "{}", plain(line))?;
    }
    let more = if rule.more { " or more" } else { "" };
    writeln!(out, "# of the last 30 days it would have allowed {}{more}", rule.matched)?;
    for example in &rule.examples {
        writeln!(out, "#   {}", plain(example))?;
    }
    if yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() {
        let why = "nobody can be asked here whether this rule is right; if it is, say --yes";
        return Err(BadInput(why.to_owned()).into());
    }
    write!(out, "Save this rule and approve? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Votes on what the daemon shows now.
fn vote(
    client: &Client,
    id: u64,
    answer: AnswerWord,
    note: Option<String>,
    seen: Option<&str>,
    scope: impl Fn(VoteBody) -> VoteBody,
) -> anyhow::Result<VoteResult> {
    let CardDetail { card, .. } = client.get(&format!("/v1/cards/{id}"))?;
    if seen.is_some_and(|seen| seen.is_empty() || !card.digest.starts_with(&seen.to_ascii_lowercase())) {
        let why = format!(
            "ticket {id} has another digest now ({}): look at it again with `expacti show {id}`",
            card.digest
        );
        return Err(BadInput(why).into());
    }
    let (children, repeat, for_ms) = (false, RepeatWord::Once, None);
    let body = VoteBody { digest: card.digest, newest: card.newest, answer, children, repeat, for_ms, note };
    Ok(client.post(&format!("/v1/cards/{}/votes", card.id), &scope(body))?)
}
