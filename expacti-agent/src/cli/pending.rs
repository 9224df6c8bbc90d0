//! `expacti pending`: what waits for humans.

use std::io::{self, Write};

use anyhow::Context as _;
use clap::Args;

use super::connect::Connect;
use super::duration::in_words;
use super::ending::Ending;
use crate::client::{Client, ClientError, Event, segment};
use crate::wire::{CardPage, CardView};

/// List the commands that wait for humans, riskiest first
#[derive(Args)]
pub(super) struct Pending {
    /// Only of this agent
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// One JSON object a line, as the API has them
    #[arg(long)]
    json: bool,
    /// Go on and say what comes and goes
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    connect: Connect,
}

impl Pending {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let client = self.connect.client("cli")?;
        let mut out = io::stdout().lock();
        let as_of = self.list(&client, &mut out)?;
        if self.watch {
            self.follow(&client, as_of, &mut out)?;
        }
        Ok(Ending::Done)
    }

    fn list(&self, client: &Client, out: &mut impl Write) -> anyhow::Result<String> {
        let (mut cards, as_of) = cards(client, self.agent.as_deref())?;
        cards.sort_by_key(|card| (std::cmp::Reverse(card.score), card.id));
        if self.json {
            for card in &cards {
                writeln!(out, "{}", serde_json::to_string(card)?)?;
            }
        } else if cards.is_empty() {
            writeln!(out, "nothing waits")?;
        } else {
            write!(out, "{}", table(&cards))?;
        }
        out.flush()?;
        Ok(as_of)
    }

    /// Comes back after a broken connection where it left off.
    fn follow(&self, client: &Client, mut last: String, out: &mut impl Write) -> anyhow::Result<()> {
        loop {
            for event in client.events(Some(&last))? {
                let Ok(event) = event else { break };
                if event.name == "reload" {
                    last = self.list(client, out)?;
                    break;
                }
                self.say(&event, out)?;
                last = event.id;
            }
        }
    }

    fn say(&self, event: &Event, out: &mut impl Write) -> anyhow::Result<()> {
        let data: serde_json::Value = serde_json::from_str(&event.data).context("an event of the daemon")?;
        let of_agent = self.agent.as_ref().is_none_or(|agent| data["agent"] == **agent);
        if event.name == "hello" || !of_agent {
            return Ok(());
        }
        if self.json {
            writeln!(out, "{}", serde_json::json!({ "event": event.name, "data": data }))?;
        } else if event.name.starts_with("card-") {
            let line = match serde_json::from_value::<CardView>(data.clone()) {
                Ok(card) if event.name == "card-opened" => format!("+ {}", line(&card)),
                Ok(card) => format!("~ {}", line(&card)),
                Err(_) => format!("- {} {}", data["id"], plain(data["outcome"].as_str().unwrap_or_default())),
            };
            writeln!(out, "{line}")?;
        } else {
            writeln!(out, "* {} {data}", event.name)?;
        }
        Ok(out.flush()?)
    }
}

/// Every card, over all pages, and where the live stream goes on from there.
pub(crate) fn cards(client: &Client, agent: Option<&str>) -> Result<(Vec<CardView>, String), ClientError> {
    let filter = agent.map(|agent| format!("&agent={}", segment(agent))).unwrap_or_default();
    let (mut all, mut after, mut as_of) = (Vec::new(), 0, None);
    loop {
        let page: CardPage = client.get(&format!("/v1/cards?limit=1000&after={after}{filter}"))?;
        all.extend(page.cards);
        // What happened since the first page is told again by the stream.
        let as_of = as_of.get_or_insert(page.as_of);
        match page.next {
            Some(next) => after = next,
            None => return Ok((all, as_of.clone())),
        }
    }
}

fn table(cards: &[CardView]) -> String {
    let mut text =
        format!("{:>8}  {:<12}  {:<12}  {:>7}  {:>5}  COMMAND\n", "ID", "RISK", "AGENT", "LEFT", "VOTES");
    for card in cards {
        text += &line(card);
        text.push('\n');
    }
    text
}

fn line(card: &CardView) -> String {
    let risk = format!("{} {}", card.level, card.score);
    let yes = card.votes.iter().filter(|vote| vote.approve).count();
    let votes = format!("{yes}/{}", card.approvals);
    let times = if card.count > 1 { format!("{} times: ", card.count) } else { String::new() };
    let cut = if card.command_left_out > 0 {
        format!(" [... {} characters more: expacti show {}]", card.command_left_out, card.id)
    } else {
        String::new()
    };
    let (left, command, agent) = (in_words(card.remaining_ms), &card.command, plain(&card.agent));
    format!("{:>8}  {risk:<12}  {agent:<12}  {left:>7}  {votes:>5}  {times}{command}{cut}", card.id)
}

/// Text that people wrote, without what could move the cursor.
pub(super) fn plain(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}
