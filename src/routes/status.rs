//! `/`, `/healthz` and `/readyz`: for operators and their monitoring.

use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, Response};
use minijinja::{Environment, context};

use crate::app::App;
use crate::archive;
use crate::http::ReplyBody;
use crate::http::failure::Failure;

const INDEX: &str = include_str!("index.html");
/// The page runs no script, loads nothing and sends nothing.
const INDEX_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A short answer in plain text.
pub(super) fn text(text: &'static str) -> Response<ReplyBody> {
    let mut reply = Response::new(ReplyBody::text(text));
    let headers = reply.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// Readiness: true until the shutdown begins, also where nothing can be stored. The log has the reason;
/// this URL is public.
pub(super) fn ready(app: &App) -> Result<Response<ReplyBody>, Failure> {
    if app.is_stopping() {
        return Err(Failure::NotReady);
    }
    let is_archived = archive_status(app).degraded.is_none();
    Ok(text(match (app.store.status().degraded, is_archived) {
        (None, true) => "ready\n",
        (None, false) => "ready, but the archive can't be written at present\n",
        (Some(_), true) => "ready, but nothing is stored at present\n",
        (Some(_), false) => "ready, but nothing is stored or archived at present\n",
    }))
}

fn archive_status(app: &App) -> archive::ArchiveStatus {
    app.refresher.archiver.status()
}

/// The feeds with addresses to copy, or what to do where there are none.
pub(super) fn index(app: &App) -> Result<Response<ReplyBody>, Failure> {
    if !app.settings.server.index {
        return Err(Failure::NotFound);
    }
    let feeds: Vec<_> = app
        .feeds()
        .map(|feed| {
            let settings = &feed.settings;
            let past = feed.track.past();
            let name = settings.name.as_str();
            context! {
                name,
                title => settings.title.as_deref().unwrap_or(name),
                address => settings.rules.self_url.as_str(),
                publisher => settings.upstream.url.host_str(),
                error => past.error,
                // The whole address may be a secret, and this page is none.
                moved_to => past.moved_to.as_ref().and_then(|url| url.host_str()),
            }
        })
        .collect();
    let archive = archive_status(app);
    // What it says of paths is for the log: the page is public.
    let waiting = archive.degraded.map(|_| archive.waiting);
    let mut page = Environment::new();
    page.set_auto_escape_callback(|_| minijinja::AutoEscape::Html);
    let rendered = page
        .render_named_str(
            "index.html",
            INDEX,
            context! { feeds, waiting, version => env!("CARGO_PKG_VERSION") },
        )
        .map_err(|error| Failure::Encoding(std::sync::Arc::new(std::io::Error::other(error))))?;
    let mut reply = Response::new(ReplyBody::text(rendered));
    let headers = reply.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(INDEX_POLICY),
    );
    Ok(reply)
}
