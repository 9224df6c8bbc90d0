//! What a message says: the command, the risk, and where to answer. Nothing in it can approve anything.

use expacti_core::docket::{Notice, NoticeKind};
use expacti_core::evaluation::Level;
use expacti_core::record::secrets::Masker;
use serde::Serialize;
use serde_json::{Value, json};

use super::config::Format;
use crate::wire::{CardView, masked_line};

/// Characters of a command in a message.
const SHOWN: usize = 300;

/// One message, without secrets and with an agent's text escaped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Message {
    pub(super) kind: NoticeKind,
    pub(super) ticket: u64,
    pub(super) agent: String,
    pub(super) level: Level,
    pub(super) score: u8,
    pub(super) command: String,
    pub(super) command_is_whole: bool,
    pub(super) because: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) link: Option<String>,
}

impl Message {
    /// `base` is where the console is, if it is anywhere.
    pub(super) fn of(notice: &Notice, base: Option<&str>, masker: &Masker) -> Self {
        let card = &notice.card;
        let (command, left_out) = masked_line(&card.request, masker);
        let shown: String = command.chars().take(SHOWN).collect();
        Self {
            kind: notice.kind,
            ticket: card.id,
            agent: card.agent.clone(),
            level: card.evaluation.level,
            score: card.evaluation.score,
            command_is_whole: left_out == 0 && shown.len() == command.len(),
            command: shown,
            because: CardView::of(card, card.opened_ms, masker).because,
            link: base.map(|base| format!("{}/cards/{}", base.trim_end_matches('/'), card.id)),
        }
    }

    /// One line for a title.
    pub(super) fn title(&self) -> String {
        let Self { agent, level, score, .. } = self;
        match self.kind {
            NoticeKind::NeedsReview => format!("{agent} wants to run something: {level} {score}"),
            NoticeKind::TimedOut => {
                format!("nobody answered {agent} in time, so it was denied: {level} {score}")
            }
            NoticeKind::Quota => format!("{agent} has too many commands waiting; further ones are denied"),
        }
    }

    /// What `notify-send` is called with.
    pub(super) fn for_desktop(&self) -> Vec<String> {
        // Of the text, not of the title, `notify-send` reads backslashes and desktops a markup like that of the web.
        let safe = |text: &str| without_tags(&text.replace('\\', r"\\"));
        let urgency = if self.level >= Level::High { "critical" } else { "normal" };
        let lines = [
            safe(&self.command_with_cut()),
            safe(&self.because.join("; ")),
            self.link.clone().unwrap_or_default(),
        ];
        let text = lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
        let options = ["--app-name=expacti".to_owned(), format!("--urgency={urgency}"), "--".to_owned()];
        options.into_iter().chain([self.title(), text]).collect()
    }

    fn command_with_cut(&self) -> String {
        format!("{}{}", self.command, if self.command_is_whole { "" } else { " [...]" })
    }

    /// The body of a webhook.
    pub(super) fn body(&self, format: Format) -> Value {
        let command = self.command_with_cut();
        let because = self.because.join("; ");
        let link = self.link.as_deref().unwrap_or_default();
        match format {
            Format::Generic => json!(self),
            Format::Slack => {
                // Slack's own markup is made of these three; a code block ends at three backticks.
                let safe = |text: &str| without_tags(text).replace('`', "'");
                let link = if link.is_empty() {
                    String::new()
                } else {
                    format!("\n<{link}|review ticket {}>", self.ticket)
                };
                json!({ "text": format!("*{}*\n```{}```\n{}{link}", safe(&self.title()), safe(&command), safe(&because)) })
            }
            Format::Discord => json!({
                // Whatever a command says, it calls nobody.
                "allowed_mentions": { "parse": [] },
                "content": format!("**{}**\n```\n{}\n```\n`{}`\n{link}", self.title(), command.replace('`', "'"), because.replace('`', "'")),
            }),
            Format::Teams => {
                let text = |text: &str, weight: &str| json!({ "type": "TextBlock", "text": text, "weight": weight, "wrap": true });
                // A rich text run is taken as it is; a text block would read markdown out of it.
                let run = json!({ "type": "TextRun", "text": command, "fontType": "Monospace" });
                let actions: Vec<Value> = self
                    .link
                    .iter()
                    .map(|url| json!({ "type": "Action.OpenUrl", "title": "Review", "url": url }))
                    .collect();
                json!({ "type": "message", "attachments": [{
                    "contentType": "application/vnd.microsoft.card.adaptive",
                    "content": {
                        "type": "AdaptiveCard", "version": "1.4", "actions": actions,
                        "body": [
                            text(&self.title(), "Bolder"),
                            { "type": "RichTextBlock", "inlines": [run] },
                            text(&because, "Default"),
                        ],
                    },
                }] })
            }
        }
    }
}

/// For receivers that read tags and entities out of a text.
fn without_tags(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
