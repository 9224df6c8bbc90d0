//! Brings news of the daemon in and takes questions out, beside the screen.

use std::sync::mpsc::{Receiver, Sender};
use std::thread;
use std::time::Duration;

use super::app::{Ask, News};
use crate::cli::all_cards;
use crate::client::{Client, ClientError, Event};

/// Follows the live stream, and comes back when it breaks. Ends with the screen.
pub(super) fn watch(client: &Client, news: &Sender<News>) {
    loop {
        let lost = match follow(client, news) {
            Ok(Ended::ScreenGone) => return,
            Ok(Ended::StreamGone) => "the daemon ended the stream".to_owned(),
            Err(error) => error.to_string(),
        };
        if news.send(News::Lost(lost)).is_err() {
            return;
        }
        thread::sleep(Duration::from_secs(1));
    }
}

/// Answers the screen's questions one by one.
pub(super) fn serve(client: &Client, asks: &Receiver<Ask>, news: &Sender<News>) {
    while let Ok(ask) = asks.recv() {
        let answer = match ask {
            Ask::Quit => return,
            Ask::Detail(id) => News::Detail(
                id,
                client.get(&format!("/v1/cards/{id}")).map(Box::new).map_err(|e| e.to_string()),
            ),
            Ask::Vote(id, body, code) => {
                // Without one, the one of the command line is as good as it was.
                let client = if code.is_some() { &client.clone().with_totp(code) } else { client };
                let voted = client.post(&format!("/v1/cards/{id}/votes"), &body);
                News::Voted(id, voted.map(Box::new).map_err(|error| error.to_string()))
            }
        };
        if news.send(answer).is_err() {
            return;
        }
    }
}

enum Ended {
    StreamGone,
    ScreenGone,
}

fn follow(client: &Client, news: &Sender<News>) -> Result<Ended, ClientError> {
    let (cards, as_of) = all_cards(client, None)?;
    if news.send(News::Cards(cards)).is_err() {
        return Ok(Ended::ScreenGone);
    }
    for event in client.events(Some(&as_of))? {
        let Ok(event) = event else { return Ok(Ended::StreamGone) };
        if event.name == "reload" {
            return follow(client, news);
        }
        if let Some(one) = understood(&event)
            && news.send(one).is_err()
        {
            return Ok(Ended::ScreenGone);
        }
    }
    Ok(Ended::StreamGone)
}

fn understood(event: &Event) -> Option<News> {
    match event.name.as_str() {
        "card-opened" | "card-changed" => {
            serde_json::from_str(&event.data).ok().map(|card| News::Card(Box::new(card)))
        }
        "card-closed" => {
            let data: serde_json::Value = serde_json::from_str(&event.data).ok()?;
            Some(News::Closed { id: data["id"].as_u64()?, outcome: data["outcome"].as_str()?.to_owned() })
        }
        _ => None,
    }
}
