//! The screen.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::app::{App, Mode};
use super::code::Code;
use super::queue::Queued;
use super::rows::{LABEL, Row, visible};
use super::theme::{Kind, Theme};
use crate::cli::in_words;

const KEYS: &str = "A approve  C +children  D deny  N note  up/down  space read on  ? help  Q quit";

const HELP: [&str; 14] = [
    "A        approve what is shown, this once",
    "C        approve it with what it starts, up to the risk that the policy sets",
    "D        deny it: it fails, and the agent is told why",
    "N        write a note for the next answer; Enter keeps it, Esc drops it",
    "down, j  the next card          up, k  the one before",
    "space    read on                b      read back",
    "Q        leave",
    "",
    "Text of an agent is shown byte by byte: what is not plain ASCII stands as \\u{..},",
    "\\xNN, \\n or \\t on a reversed ground. A backslash of its own stands as \\\\.",
    "An answer needs half a second of looking, and an approval needs the whole command",
    "to have been on the screen. Times to come: expacti approve --for, --session, --always.",
    "",
    "Any key closes this.",
];

/// Draws everything. Tells the app how large the card's part is.
pub(super) fn draw(frame: &mut Frame<'_>, app: &mut App, theme: Theme, now: u64) {
    let whole = frame.area();
    let queue_lines =
        u16::try_from(app.queue.len().clamp(1, usize::from(whole.height / 3).max(1))).unwrap_or(1);
    let [title, queue, heading, card, status, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(queue_lines),
        Constraint::Length(1),
        Constraint::Min(3),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(whole);
    app.on_size(usize::from(card.width), usize::from(card.height));
    frame.render_widget(title_line(app, theme), title);
    frame.render_widget(queue_lines_of(app, theme, queue, now), queue);
    if app.mode == Mode::Help {
        frame.render_widget(Line::styled("Keys", theme.style(Kind::Strong)), heading);
        frame.render_widget(Paragraph::new(HELP.map(Line::raw).to_vec()), card);
    } else {
        let lines = app.lines();
        frame.render_widget(heading_line(app, theme, lines.len(), now), heading);
        let shown = lines.iter().skip(app.scroll).take(usize::from(card.height));
        let shown: Vec<Line<'_>> = shown.map(|row| row_line(row, theme)).collect();
        frame.render_widget(Paragraph::new(shown), card);
    }
    let said = match app.mode {
        // The end of a text that is being written is what its author looks at.
        Mode::Code => tail(&app.code.as_ref().map(Code::line).unwrap_or_default(), status.width),
        Mode::Note => tail(&format!("note: {}_", app.note), status.width),
        Mode::Browse | Mode::Help if !app.note.is_empty() => {
            head(&format!("note: {}   {}", app.note, app.status), status.width)
        }
        Mode::Browse | Mode::Help => head(&app.status, status.width),
    };
    frame.render_widget(Line::styled(said, theme.style(Kind::Strong)), status);
    frame.render_widget(Line::styled(KEYS, theme.style(Kind::Faint)), keys);
}

fn title_line(app: &App, theme: Theme) -> Line<'static> {
    let waits = match app.queue.len() {
        0 => "nothing waits".to_owned(),
        1 => "1 waits".to_owned(),
        many => format!("{many} wait"),
    };
    let mut spans =
        vec![Span::styled(format!("expacti review  {}  {waits}", app.me), theme.style(Kind::Strong))];
    if let Some(why) = &app.lost {
        let style = theme.style(Kind::Risk(expacti_core::evaluation::Level::Critical));
        spans.push(Span::styled(format!("  OUT OF REACH: {why}"), style));
    }
    Line::from(spans)
}

fn queue_lines_of(app: &mut App, theme: Theme, area: Rect, now: u64) -> Paragraph<'static> {
    let height = usize::from(area.height);
    let selected = app.selected.and_then(|id| app.queue.position(id)).unwrap_or(0);
    // The chosen card stays in sight, in the middle where there is more above and below.
    let first = selected.saturating_sub(height / 2).min(app.queue.len().saturating_sub(height));
    app.listed = (area.y, area.height, first);
    let lines = app.queue.from(first).take(height).map(|queued| {
        queue_line(queued, app.selected == Some(queued.card.id), theme, usize::from(area.width), now)
    });
    Paragraph::new(lines.collect::<Vec<_>>())
}

fn queue_line(queued: &Queued, chosen: bool, theme: Theme, width: usize, now: u64) -> Line<'static> {
    let card = &queued.card;
    let mark = if chosen { "> " } else { "  " };
    let risk = format!("{:<11}", format!("{} {}", card.level, card.score));
    let left = in_words(queued.deadline_ms.saturating_sub(now));
    let yes = card.votes.iter().filter(|vote| vote.approve).count();
    let times = if card.count > 1 { format!("{}x ", card.count) } else { String::new() };
    let facts = format!(" {left:>6} {yes}/{} {:<8} {times}", card.approvals, visible(&card.agent));
    let room = width.saturating_sub(mark.len() + risk.len() + facts.chars().count());
    let mut command: String = card.command.chars().take(room).collect();
    if command.len() < card.command.len() || card.command_left_out > 0 {
        // Agents' text is plain ASCII here, so none of it can look like this mark.
        command = command.chars().take(room.saturating_sub(1)).chain(['…']).collect();
    }
    let line = Line::from(vec![
        Span::raw(mark),
        Span::styled(risk, theme.style(Kind::Risk(card.level))),
        Span::raw(facts),
        Span::raw(command),
    ]);
    if chosen { line.style(Style::new().add_modifier(Modifier::BOLD)) } else { line }
}

fn heading_line(app: &App, theme: Theme, lines: usize, now: u64) -> Line<'static> {
    let Some(queued) = app.selected.and_then(|id| app.queue.get(id)) else {
        return Line::styled("-".repeat(20), theme.style(Kind::Faint));
    };
    let card = &queued.card;
    let left = in_words(queued.deadline_ms.saturating_sub(now));
    let roles = if card.roles.is_empty() { String::new() } else { format!(" ({})", card.roles.join(" or ")) };
    let yes = card.votes.iter().filter(|vote| vote.approve).count();
    let mut text =
        format!("--- ticket {}  denied in {left}  {yes} of {}{roles} approve", card.id, card.approvals);
    if app.opened.is_none() {
        text.push_str("  ...");
    } else if lines > 0 {
        let more = if app.is_more_below(lines) { ": space" } else { "" };
        text.extend(["  line ", &(app.scroll + 1).to_string(), " of ", &lines.to_string(), more]);
    }
    Line::styled(text, theme.style(Kind::Strong))
}

fn row_line(row: &Row, theme: Theme) -> Line<'static> {
    let mut spans = vec![Span::styled(format!("{:<LABEL$}", row.label), theme.style(Kind::Faint))];
    spans.extend(row.pieces.iter().map(|(text, kind)| Span::styled(text.clone(), theme.style(*kind))));
    Line::from(spans)
}

fn tail(text: &str, width: u16) -> String {
    let skip = text.chars().count().saturating_sub(usize::from(width));
    text.chars().skip(skip).collect()
}

fn head(text: &str, width: u16) -> String {
    let width = usize::from(width);
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}
