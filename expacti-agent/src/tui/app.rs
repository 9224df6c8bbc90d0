//! What the screen shows and what keys do. No terminal and no network in here: time and news come in.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::code::{Code, Typed};
use super::queue::Queue;
use super::rows::{self, Row, Rows, wrapped};
use crate::wire::{AnswerWord, CardDetail, CardView, RepeatWord, VoteBody, VoteResult};

/// Nothing is decided by a key that was on its way before its author could read what is there now.
pub(super) const LOOK_FIRST_MS: u64 = 500;

/// What came from the daemon.
#[derive(Debug)]
pub(super) enum News {
    /// Everything that waits.
    Cards(Vec<CardView>),
    /// A card appeared or changed.
    Card(Box<CardView>),
    /// A card is done with.
    Closed { id: u64, outcome: String },
    /// A card whole, or why not.
    Detail(u64, Result<Box<CardDetail>, String>),
    /// What came of a vote.
    Voted(u64, Result<Box<VoteResult>, String>),
    /// The daemon is out of reach.
    Lost(String),
}

/// What the daemon is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// A card whole.
    Detail(u64),
    /// Our vote, and the one-time password where we have one.
    Vote(u64, VoteBody, Option<String>),
    /// Nothing more.
    Quit,
}

/// What keys mean just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// They choose and decide.
    Browse,
    /// They write a note.
    Note,
    /// They close the help.
    Help,
    /// They type a one-time password.
    Code,
}

/// A card whole, as it is on the screen.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) detail: Box<CardDetail>,
    pub(super) rows: Rows,
}

/// The state of the screen.
#[derive(Debug)]
pub(super) struct App {
    pub(super) me: String,
    pub(super) queue: Queue,
    pub(super) selected: Option<u64>,
    pub(super) opened: Option<Opened>,
    pub(super) scroll: usize,
    pub(super) mode: Mode,
    pub(super) note: String,
    pub(super) status: String,
    pub(super) lost: Option<String>,
    /// The approval that waits for a one-time password.
    pub(super) code: Option<Code>,
    // Whether approvals need one.
    totp: bool,
    // Rows, as wrapped on the screen, that were visible at some time.
    seen: usize,
    // Size of the part of the screen that shows the card.
    view: (usize, usize),
    /// The lines of the screen that show the queue: the first, how many, and which card stands first.
    pub(super) listed: (u16, u16, usize),
    stable_since: u64,
}

impl App {
    /// `totp`: this human approves with one-time passwords.
    pub(super) fn new(me: String, totp: bool) -> Self {
        Self {
            me,
            queue: Queue::default(),
            selected: None,
            opened: None,
            scroll: 0,
            mode: Mode::Browse,
            note: String::new(),
            status: String::new(),
            lost: None,
            code: None,
            totp,
            seen: 0,
            view: (80, 12),
            listed: (0, 0, 0),
            stable_since: 0,
        }
    }

    pub(super) fn on_news(&mut self, news: News, now: u64) -> Option<Ask> {
        match news {
            News::Cards(cards) => {
                self.lost = None;
                self.queue.replace(cards, now);
                self.keep_selection(0, now)
            }
            News::Card(card) => {
                let is_selected = self.selected == Some(card.id);
                let id = card.id;
                self.queue.put(*card, now);
                if is_selected {
                    // What is on the screen is not what waits any more.
                    self.stable_since = now;
                    return Some(Ask::Detail(id));
                }
                self.keep_selection(0, now)
            }
            News::Closed { id, outcome } => {
                let position = self.queue.position(id).unwrap_or(0);
                self.queue.remove(id);
                if self.selected == Some(id) {
                    self.status = format!("ticket {id} {}", rows::visible(&outcome));
                }
                if self.code.take_if(|code| code.id == id).is_some() {
                    self.mode = Mode::Browse;
                }
                self.keep_selection(position, now)
            }
            News::Detail(id, Ok(detail)) => {
                if self.selected == Some(id) {
                    let rows = rows::of(&detail);
                    let changed = self
                        .opened
                        .as_ref()
                        .is_none_or(|opened| opened.detail.card.digest != detail.card.digest);
                    if changed {
                        (self.scroll, self.seen) = (0, 0);
                    }
                    self.opened = Some(Opened { detail, rows });
                    self.stable_since = now;
                    self.mark_seen();
                }
                None
            }
            News::Detail(id, Err(why)) => {
                if self.selected == Some(id) {
                    self.status = rows::visible(&why);
                }
                None
            }
            News::Voted(id, Ok(result)) => {
                self.status = match (result.ended.first(), result.card) {
                    (Some(ended), _) => {
                        format!("ticket {id} {}", rows::visible(ended.outcome.as_deref().unwrap_or_default()))
                    }
                    (None, _) => format!("ticket {id}: your vote counts; it waits for others"),
                };
                None
            }
            News::Voted(_, Err(why)) => {
                self.status = rows::visible(&why);
                None
            }
            News::Lost(why) => {
                self.lost = Some(rows::visible(&why));
                None
            }
        }
    }

    pub(super) fn on_key(&mut self, key: KeyEvent, now: u64) -> Option<Ask> {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return (key.code == KeyCode::Char('c')).then_some(Ask::Quit);
        }
        match self.mode {
            Mode::Help => {
                self.mode = Mode::Browse;
                None
            }
            Mode::Note => {
                self.write_note(key.code);
                None
            }
            Mode::Browse => self.browse(key.code, now),
            Mode::Code => self.type_code(key.code, now),
        }
    }

    /// The card's part of the screen has this many columns and lines.
    pub(super) fn on_size(&mut self, columns: usize, lines: usize) {
        if self.view != (columns, lines) {
            self.view = (columns, lines);
            // Rows break elsewhere now, so what was seen is counted anew.
            self.seen = 0;
        }
        self.mark_seen();
    }

    /// The card's rows as they are broken for the screen.
    pub(super) fn lines(&self) -> Vec<Row> {
        let Some(opened) = &self.opened else { return Vec::new() };
        opened.rows.all.iter().flat_map(|row| wrapped(row, self.view.0)).collect()
    }

    /// There is more below the screen.
    pub(super) fn is_more_below(&self, lines: usize) -> bool {
        self.scroll + self.view.1 < lines
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "every other key does nothing")]
    fn browse(&mut self, code: KeyCode, now: u64) -> Option<Ask> {
        match code {
            KeyCode::Char('q' | 'Q') => return Some(Ask::Quit),
            KeyCode::Char('?') => self.mode = Mode::Help,
            KeyCode::Down | KeyCode::Char('j') => return self.choose(1, now),
            KeyCode::Up | KeyCode::Char('k') => return self.choose(-1, now),
            KeyCode::Char(' ') | KeyCode::PageDown => self.turn(true),
            KeyCode::Char('b') | KeyCode::PageUp => self.turn(false),
            KeyCode::Char('n' | 'N') => self.mode = Mode::Note,
            KeyCode::Char('a' | 'A') => return self.decide(AnswerWord::Approve, false, now),
            KeyCode::Char('c' | 'C') => return self.decide(AnswerWord::Approve, true, now),
            KeyCode::Char('d' | 'D') => return self.decide(AnswerWord::Deny, false, now),
            _ => {}
        }
        None
    }

    fn decide(&mut self, answer: AnswerWord, children: bool, now: u64) -> Option<Ask> {
        let waiting = self.selected.and_then(|id| self.queue.get(id)).map(|queued| &queued.card);
        let shown = self.opened.as_ref().map(|opened| &opened.detail.card);
        let (Some(waiting), Some(shown)) = (waiting, shown) else {
            "nothing to decide yet".clone_into(&mut self.status);
            return None;
        };
        if (waiting.id, &waiting.digest, waiting.newest) != (shown.id, &shown.digest, shown.newest) {
            "the card is changing: look again".clone_into(&mut self.status);
            return None;
        }
        if now < self.stable_since + LOOK_FIRST_MS {
            "this has only just appeared: look, then press again".clone_into(&mut self.status);
            return None;
        }
        if answer == AnswerWord::Approve && self.seen < self.must_see() {
            "read on to the end of the command first (space)".clone_into(&mut self.status);
            return None;
        }
        let note = Some(std::mem::take(&mut self.note)).filter(|note| !note.is_empty());
        let (digest, newest, id) = (shown.digest.clone(), shown.newest, shown.id);
        let body =
            VoteBody { digest, newest, answer, children, repeat: RepeatWord::Once, for_ms: None, note };
        // A second press of the same key must not hit what comes next.
        self.stable_since = now;
        if self.totp && answer == AnswerWord::Approve {
            self.code = Some(Code::ask(id, body));
            self.mode = Mode::Code;
            return None;
        }
        Some(Ask::Vote(id, body, None))
    }

    fn type_code(&mut self, key: KeyCode, now: u64) -> Option<Ask> {
        self.mode = Mode::Browse;
        match self.code.take()?.on_key(key) {
            Typed::More(code) => {
                self.code = Some(code);
                self.mode = Mode::Code;
                None
            }
            Typed::Whole(vote) => {
                self.stable_since = now;
                Some(vote)
            }
            Typed::Dropped => {
                "not approved".clone_into(&mut self.status);
                None
            }
        }
    }

    pub(super) fn choose(&mut self, by: isize, now: u64) -> Option<Ask> {
        let from = self.selected.and_then(|id| self.queue.position(id)).unwrap_or(0);
        let to = from.saturating_add_signed(by).min(self.queue.len().saturating_sub(1));
        self.select(self.queue.at(to), now)
    }

    /// Stays where it is, unless that is gone: then the card that has come to `position` is taken.
    fn keep_selection(&mut self, position: usize, now: u64) -> Option<Ask> {
        match self.selected {
            Some(id) if self.queue.get(id).is_some() => None,
            _ => {
                let last = self.queue.len().saturating_sub(1);
                self.select(self.queue.at(position.min(last)), now)
            }
        }
    }

    pub(super) fn select(&mut self, id: Option<u64>, now: u64) -> Option<Ask> {
        if id == self.selected {
            return None;
        }
        self.selected = id;
        self.opened = None;
        self.note.clear();
        (self.scroll, self.seen, self.stable_since) = (0, 0, now);
        id.map(Ask::Detail)
    }

    fn turn(&mut self, forward: bool) {
        self.scroll_by(forward, self.view.1.saturating_sub(1).max(1));
    }

    pub(super) fn scroll_by(&mut self, forward: bool, lines: usize) {
        let last = self.lines().len().saturating_sub(self.view.1);
        self.scroll =
            if forward { (self.scroll + lines).min(last) } else { self.scroll.saturating_sub(lines) };
        self.mark_seen();
    }

    /// Only what follows on what was seen counts: jumping to the end is not reading.
    fn mark_seen(&mut self) {
        if self.opened.is_some() && self.scroll <= self.seen {
            self.seen = self.seen.max(self.scroll + self.view.1);
        }
    }

    /// Lines on the screen that whoever approves has to have seen.
    fn must_see(&self) -> usize {
        let Some(opened) = &self.opened else { return usize::MAX };
        opened.rows.all.iter().take(opened.rows.must_see).map(|row| wrapped(row, self.view.0).len()).sum()
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "every other key does nothing")]
    fn write_note(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.mode = Mode::Browse,
            KeyCode::Esc => {
                self.note.clear();
                self.mode = Mode::Browse;
            }
            KeyCode::Backspace => {
                self.note.pop();
            }
            KeyCode::Char(c) if !c.is_control() && self.note.chars().count() < 1_000 => self.note.push(c),
            _ => {}
        }
    }
}
