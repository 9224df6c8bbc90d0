//! The web console: pages that the daemon serves by itself, and the sessions of those who sign in there.
//!
//! The pages are files of this binary and hold nothing of anybody's: everything that they show they ask the public API
//! for, as whoever has signed in. They load nothing from elsewhere, and the browser is told to refuse it.

mod assets;
mod guesses;
mod headers;
mod sessions;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

pub(crate) use self::guesses::Guesses;
pub(crate) use self::sessions::{IDLE, LIFE, Session, Sessions};

use self::assets::Asset;

/// Where the page itself is shown; what it shows there is the script's business.
const PAGES: [&str; 8] =
    ["/", "/queue/{id}", "/log", "/log/{id}", "/agents", "/rules", "/overview", "/sign-in"];

/// The pages and their files, for any state.
pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let page = async |headers: HeaderMap| answer(assets::page(), &headers);
    let file = async |Path(name): Path<String>, headers: HeaderMap| match assets::named(&name) {
        Some(asset) => answer(asset, &headers),
        None => (StatusCode::NOT_FOUND, "there is no such file\n").into_response(),
    };
    let pages = PAGES.into_iter().fold(Router::new(), |router, path| router.route(path, get(page)));
    pages.route("/console/{*name}", get(file)).layer(axum::middleware::map_response(headers::protect))
}

/// The file, or that the browser's copy of it is still right.
fn answer(asset: &Asset, asked: &HeaderMap) -> Response {
    let tag = asset.tag();
    let headers = [
        (header::CONTENT_TYPE, asset.kind.to_owned()),
        (header::ETAG, tag.clone()),
        // After an upgrade nobody runs old scripts against a new daemon.
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    let known = asked.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag)) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, asset.bytes).into_response()
}
