//! The screen as it is drawn, and what keys do, without a terminal.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use serde_json::json;

use super::app::{App, Ask, LOOK_FIRST_MS, Mode, News};
use super::draw::draw;
use super::theme::Theme;
use crate::wire::{AnswerWord, CardDetail, CardView};

fn card(id: u64, score: u8, command: &str) -> CardView {
    let level = expacti_core::evaluation::Level::of(score);
    serde_json::from_value(json!({
        "id": id, "agent": "claude", "digest": format!("{id:032x}"), "newest": id, "count": 1, "approvals": 1,
        "roles": [], "always_offered": false, "level": level, "score": score, "decided_by": "risk score",
        "because": [], "command": command, "command_left_out": 0, "waiting_ms": 0, "remaining_ms": 300_000, "votes": [],
    }))
    .unwrap()
}

fn detail(card: &CardView, argv: &[&str]) -> Box<CardDetail> {
    let script =
        json!({ "path": "/app/x.sh", "sha256": "", "text": "set -e\nrm -rf dist\n", "truncated": false });
    serde_json::from_value(json!({
        "card": card,
        "request": { "argv": argv, "exe": { "path": "/bin/sh" }, "cwd": "/app", "script": script },
        "evaluation": {
            "decision": "hold", "score": card.score, "level": card.level, "categories": [],
            "factors": [{ "id": "rm", "points": 70, "why": "removes a folder" }],
            "decided_by": { "by": "threshold" }, "approvals": 1, "roles": [], "rule_generation": 1,
        },
        "before": [{ "ticket": 1, "command": "git pull", "ago_ms": 61_000, "outcome": "allowed: risk 20 LOW" }],
        "earlier": { "text": "set -e\nls\n", "by": ["bob"] },
    }))
    .unwrap()
}

fn screen(app: &mut App, width: u16, height: u16, now: u64) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, app, Theme::new(false), now)).unwrap();
    terminal.backend().to_string()
}

fn press(app: &mut App, key: char, now: u64) -> Option<Ask> {
    app.on_key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE), now)
}

/// An app that shows one card since `now` 0.
fn showing(argv: &[&str]) -> App {
    showing_to(App::new("alice".into(), false), argv)
}

fn showing_to(mut app: App, argv: &[&str]) -> App {
    let risky = card(42, 95, "sh x.sh");
    let asked = app.on_news(News::Cards(vec![card(7, 40, "npm install"), risky.clone()]), 0);
    assert_eq!(asked, Some(Ask::Detail(42)), "the riskiest comes first");
    app.on_news(News::Detail(42, Ok(detail(&risky, argv))), 0);
    screen(&mut app, 80, 24, 0);
    app
}

#[test]
fn everything_is_on_eighty_by_twenty_four() {
    let mut app = showing(&["sh", "x.sh", "a\u{202e}b\u{1b}[2J\\x", ""]);
    insta::assert_snapshot!(screen(&mut app, 80, 24, 1_000));
}

#[test]
fn a_narrow_screen_breaks_lines_and_leaves_nothing_out() {
    let mut app =
        showing(&["sh", "-c", "echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nrm -rf /"]);
    insta::assert_snapshot!(screen(&mut app, 40, 24, 1_000));
}

#[test]
fn help_and_notes_are_shown() {
    let mut app = showing(&["sh"]);
    press(&mut app, '?', 0);
    insta::assert_snapshot!("help", screen(&mut app, 90, 24, 0));
    press(&mut app, 'x', 0);
    press(&mut app, 'n', 0);
    "not now".chars().for_each(|c| assert_eq!(press(&mut app, c, 0), None));
    insta::assert_snapshot!("note", screen(&mut app, 80, 24, 0));
}

#[test]
fn nothing_is_decided_in_the_first_half_second() {
    let mut app = showing(&["sh"]);
    for key in ['a', 'c', 'd', 'A', 'C', 'D'] {
        assert_eq!(press(&mut app, key, LOOK_FIRST_MS - 1), None, "{key}");
    }
    let Some(Ask::Vote(42, vote, None)) = press(&mut app, 'c', LOOK_FIRST_MS) else { panic!("no vote") };
    assert_eq!((vote.answer, vote.children, vote.newest), (AnswerWord::Approve, true, 42));
    // The key's repetition does not hit what comes next.
    assert_eq!(press(&mut app, 'c', LOOK_FIRST_MS + 10), None);
}

#[test]
fn a_card_that_changes_has_to_be_looked_at_anew() {
    let mut app = showing(&["sh"]);
    let mut changed = card(42, 95, "sh x.sh");
    changed.newest = 50;
    let asked = app.on_news(News::Card(Box::new(changed.clone())), 2_000);
    assert_eq!(asked, Some(Ask::Detail(42)));
    assert_eq!(press(&mut app, 'a', 9_000), None, "what is shown is not what waits");
    app.on_news(News::Detail(42, Ok(detail(&changed, &["sh"]))), 9_000);
    assert_eq!(press(&mut app, 'a', 9_000 + LOOK_FIRST_MS - 1), None);
    assert!(
        matches!(press(&mut app, 'a', 9_000 + LOOK_FIRST_MS), Some(Ask::Vote(42, vote, None)) if vote.newest == 50)
    );
}

#[test]
fn a_long_command_is_read_to_its_end_before_it_is_approved() {
    let long = "x".repeat(4_000);
    let mut app = showing(&["sh", "-c", &long, "rm -rf /"]);
    assert_eq!(press(&mut app, 'a', 10_000), None);
    assert!(app.status.contains("read on"), "{}", app.status);
    let mut pages = 0;
    while press(&mut app, 'a', 10_000).is_none() {
        assert_eq!(press(&mut app, ' ', 10_000), None);
        pages += 1;
        assert!(pages < 20, "the end is never reached");
    }
    assert!(pages > 1);
    // Saying no needs no reading.
    let mut app = showing(&["sh", "-c", &long]);
    assert!(matches!(press(&mut app, 'd', 10_000), Some(Ask::Vote(42, _, None))));
}

#[test]
fn the_choice_stays_where_it_is_when_others_come_and_go() {
    let mut app = showing(&["sh"]);
    assert_eq!(app.on_news(News::Card(Box::new(card(50, 99, "mkfs"))), 1_000), None);
    assert_eq!(app.selected, Some(42));
    let asked = app.on_news(News::Closed { id: 42, outcome: "denied: by bob".into() }, 2_000);
    assert_eq!(asked, Some(Ask::Detail(7)), "the next in line");
    assert_eq!(app.status, "ticket 42 denied: by bob");
    assert_eq!(press(&mut app, 'a', 60_000), None, "its card has not come yet");
}

#[test]
fn keys_choose_and_leave() {
    let mut app = showing(&["sh"]);
    assert_eq!(press(&mut app, 'j', 0), Some(Ask::Detail(7)));
    assert_eq!(press(&mut app, 'j', 0), None, "there is no further one");
    assert_eq!(press(&mut app, 'k', 0), Some(Ask::Detail(42)));
    press(&mut app, 'n', 0);
    assert_eq!(press(&mut app, 'q', 0), None, "q is a letter of the note");
    assert_eq!(app.mode, Mode::Note);
    app.on_key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE), 0);
    assert_eq!(press(&mut app, 'q', 0), Some(Ask::Quit));
}

#[test]
fn the_mouse_chooses_and_scrolls_and_decides_nothing() {
    let mut app = showing(&["sh", "-c", &"x".repeat(4_000)]);
    let mouse = |app: &mut App, kind, row| {
        app.on_mouse(MouseEvent { kind, column: 5, row, modifiers: KeyModifiers::NONE }, 10_000)
    };
    let click = MouseEventKind::Down(MouseButton::Left);
    assert_eq!(mouse(&mut app, click, 2), Some(Ask::Detail(7)), "the second line of the queue");
    assert_eq!(mouse(&mut app, MouseEventKind::ScrollUp, 1), Some(Ask::Detail(42)));
    let mut app = showing(&["sh", "-c", &"x".repeat(4_000)]);
    assert_eq!(mouse(&mut app, MouseEventKind::ScrollDown, 12), None);
    assert_eq!((app.scroll, app.selected), (3, Some(42)));
    for row in 0..24 {
        let asked = mouse(&mut app, click, row);
        assert!(!matches!(asked, Some(Ask::Vote(..))), "a click on line {row} decided something");
    }
}

#[test]
fn ten_thousand_cards_are_drawn_at_once() {
    let mut app = App::new("alice".into(), false);
    let many = (1..=10_000).map(|id| card(id, u8::try_from(id % 100).unwrap(), "npm install")).collect();
    app.on_news(News::Cards(many), 0);
    let start = std::time::Instant::now();
    for id in 0..100 {
        app.on_news(News::Card(Box::new(card(20_000 + id, 50, "git push"))), 0);
        screen(&mut app, 80, 24, 0);
    }
    // A hundred arrivals and drawings, in a debug build on a busy machine.
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn an_approval_waits_for_the_one_time_password_of_those_who_have_one() {
    let mut app = showing_to(App::new("alice".into(), true), &["sh", "x.sh"]);
    let later = LOOK_FIRST_MS + 1;
    assert_eq!(press(&mut app, 'a', later), None);
    assert_eq!(app.mode, Mode::Code);
    let enter = |app: &mut App| app.on_key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE), later);
    for key in "12x345".chars() {
        assert_eq!(press(&mut app, key, later), None);
    }
    assert_eq!(enter(&mut app), None, "five digits are no password");
    assert!(screen(&mut app, 80, 24, later).contains("ticket 42: *****_"));
    press(&mut app, '6', later);
    let Some(Ask::Vote(42, vote, Some(code))) = enter(&mut app) else { panic!("no vote") };
    assert_eq!((vote.answer, code.as_str()), (AnswerWord::Approve, "123456"));

    // A card that goes away takes the question with it, and a denial needs no password.
    assert_eq!(press(&mut app, 'a', 5_000), None);
    app.on_news(News::Closed { id: 42, outcome: "denied".into() }, 5_000);
    assert_eq!((app.mode, app.code.is_none()), (Mode::Browse, true));
    let mut app = showing_to(App::new("alice".into(), true), &["sh", "x.sh"]);
    assert!(matches!(press(&mut app, 'd', later), Some(Ask::Vote(42, _, None))));
}
