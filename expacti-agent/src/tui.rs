//! The terminal UI: `expacti review`.

mod app;
mod code;
mod draw;
mod feed;
mod mouse;
mod queue;
mod rows;
#[cfg(test)]
mod tests;
mod theme;

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event, KeyEventKind};

use self::app::{App, Ask};
use self::mouse::Captured;
use self::theme::Theme;
use crate::client::Client;
use crate::wire::Me;

/// How soon news reach the screen, and how often the countdown moves.
const BEAT: Duration = Duration::from_millis(100);

/// Runs until the human leaves. Fails before the screen changes where no daemon answers. With the mouse, the terminal
/// selects no text by it any more, so that is by choice.
pub(crate) fn run(client: &Client, with_mouse: bool) -> anyhow::Result<()> {
    let me: Me = client.get("/v1/me")?;
    let (news_in, news) = mpsc::channel();
    let (asks, asks_out) = mpsc::channel();
    let (watching, watch_news) = (client.clone(), news_in.clone());
    thread::spawn(move || feed::watch(&watching, &watch_news));
    let serving = client.clone();
    thread::spawn(move || feed::serve(&serving, &asks_out, &news_in));
    let mut app = App::new(me.name, me.totp);
    let theme = Theme::of_environment();
    let start = Instant::now();
    let now = || u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mouse = with_mouse.then(Captured::take).transpose()?;
    let mut terminal = ratatui::try_init()?;
    let ended = loop {
        for one in news.try_iter() {
            if let Some(ask) = app.on_news(one, now()) {
                // The other side lives as long as this loop.
                let _ = asks.send(ask);
            }
        }
        if let Err(error) = terminal.draw(|frame| draw::draw(frame, &mut app, theme, now())) {
            break Err(error.into());
        }
        match event::poll(BEAT).and_then(|ready| if ready { event::read().map(Some) } else { Ok(None) }) {
            Ok(Some(Event::Key(key))) if key.kind == KeyEventKind::Press => match app.on_key(key, now()) {
                Some(Ask::Quit) => break Ok(()),
                Some(ask) => {
                    let _ = asks.send(ask);
                }
                None => {}
            },
            Ok(Some(Event::Mouse(event))) => {
                if let Some(ask) = app.on_mouse(event, now()) {
                    let _ = asks.send(ask);
                }
            }
            Ok(_) => {}
            Err(error) => break Err(error.into()),
        }
    };
    drop(mouse);
    ratatui::try_restore()?;
    ended
}
