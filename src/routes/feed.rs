//! `/feeds/{name}`: look up, fetch if need be, choose a form, play.

use std::sync::Arc;
use std::time::Duration;

use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG,
    LAST_MODIFIED, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode, Version};
use tokio::time::Instant;

use crate::app::App;
use crate::cache::{Coding, FeedCopy, Flight, Form, Lookup};
use crate::http::failure::Failure;
use crate::http::{ReplyBody, reply};
use crate::refresh::{Feed, Trouble};

/// Header fields of a reply, so that their map grows once.
const HEADERS: usize = 12;

/// How the copy that is served came about; `Cache-Status` says so (RFC 9211).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// It was fresh.
    Hit,
    /// It was fetched for this request, or for one that came just before (`collapsed`).
    Fetched { had_stale: bool, collapsed: bool },
    /// It is stale, and stands in because of this.
    StandIn(&'static str),
}

/// The reply to a request for a feed.
///
/// # Errors
/// When no feed has this name, no coding is acceptable, or there is nothing to serve.
pub(super) async fn answer(
    app: &App,
    name: &str,
    head: &Parts,
) -> Result<Response<ReplyBody>, Failure> {
    let asked = &head.headers;
    let feed = app.feed(name).ok_or(Failure::UnknownFeed)?;
    let coding = reply::choose_coding(asked).ok_or(Failure::NotAcceptable)?;
    let (copy, how) = find(app, feed).await?;
    let known = &copy.head;
    let opaque = known.tag.as_ref().map(|tag| tag.opaque.as_str());
    if reply::is_not_modified(asked, opaque, known.modified_at) {
        let mut reply = Response::new(ReplyBody::empty());
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        write_headers(reply.headers_mut(), feed, &copy, how, coding);
        return Ok(reply);
    }
    let now_s = app.refresher.cache.now_s(Instant::now());
    let (coding, form) = copy
        .forms
        .get(coding, now_s, &app.refresher.encoders)
        .await
        .map_err(|error| Failure::Encoding(Arc::new(error)))?;
    let body = match form {
        Form::Whole(body) => ReplyBody::whole(body),
        // HTTP/1.0 ends a body of unknown length by closing, which is how a cut one ends, too.
        Form::Growing(recording) if head.version < Version::HTTP_11 => {
            let whole = recording.whole().await;
            ReplyBody::whole(whole.map_err(|broken| Failure::Upstream(Arc::new(broken.into())))?)
        }
        Form::Growing(recording) => ReplyBody::growing(recording.play()),
    };
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    write_headers(headers, feed, &copy, how, coding);
    headers.insert(CONTENT_TYPE, known.content_type.clone());
    if let Some(token) = coding.token() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(token));
    }
    Ok(reply)
}

/// The copy to serve: fresh, or fetched, or a stale one that stands in.
async fn find(app: &App, feed: &Arc<Feed>) -> Result<(Arc<FeedCopy>, How), Failure> {
    let refresher = &app.refresher;
    match refresher.cache.lookup(&feed.key, Instant::now()) {
        Lookup::Fresh(copy) => Ok((copy, How::Hit)),
        Lookup::Failed(trouble, stale) => stand_in(stale, trouble),
        Lookup::Running(flight, stale) => wait(feed, &flight, stale, true).await,
        Lookup::Fetch(flight, stale) => {
            refresher.start(Arc::clone(feed), Arc::clone(&flight), stale.is_some());
            wait(feed, &flight, stale, false).await
        }
    }
}

/// Waits for a flight: to its end where there is nothing else, and a little where a stale copy can
/// stand in.
async fn wait(
    feed: &Feed,
    flight: &Flight<Trouble>,
    stale: Option<Arc<FeedCopy>>,
    collapsed: bool,
) -> Result<(Arc<FeedCopy>, How), Failure> {
    let had_stale = stale.is_some();
    let landing = match &stale {
        None => flight.landed().await,
        Some(copy) => {
            let patience = feed.settings.serve_stale_after;
            match tokio::time::timeout(patience, flight.landed()).await {
                Ok(landing) => landing,
                Err(_) => return Ok((Arc::clone(copy), How::StandIn("slow"))),
            }
        }
    };
    match landing {
        Ok(copy) => Ok((
            copy,
            How::Fetched {
                had_stale,
                collapsed,
            },
        )),
        Err(trouble) => stand_in(stale, trouble),
    }
}

fn stand_in(
    stale: Option<Arc<FeedCopy>>,
    trouble: Arc<Trouble>,
) -> Result<(Arc<FeedCopy>, How), Failure> {
    match stale {
        Some(copy) => Ok((copy, How::StandIn(trouble.reason()))),
        None => Err(Failure::Upstream(trouble)),
    }
}

fn write_headers(headers: &mut HeaderMap, feed: &Feed, copy: &FeedCopy, how: How, coding: Coding) {
    headers.reserve(HEADERS);
    let now = Instant::now();
    let remaining = copy.times.remaining(now);
    // A reader asks again when it is worth it: when the copy goes stale, or when we try upstream.
    let max_age = remaining
        .unwrap_or(feed.settings.retry_after_error)
        .as_secs();
    headers.insert(CACHE_CONTROL, value(&format!("public, max-age={max_age}")));
    headers.insert(
        "cache-status",
        value(&cache_status(
            how,
            copy.digest.is_some(),
            remaining,
            copy.times.stale_s(now),
        )),
    );
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(LAST_MODIFIED, copy.head.last_modified.clone());
    if let Some(tag) = &copy.head.tag {
        let form = if coding == Coding::Identity {
            &tag.strong
        } else {
            &tag.weak
        };
        headers.insert(ETAG, form.clone());
    }
}

fn cache_status(how: How, is_stored: bool, remaining: Option<Duration>, stale_s: u64) -> String {
    let ttl = match remaining {
        Some(rest) => rest.as_secs().to_string(),
        None if stale_s == 0 => "0".to_owned(),
        None => format!("-{stale_s}"),
    };
    match how {
        How::Hit => format!("Feedwright; hit; ttl={ttl}"),
        How::StandIn(reason) => format!("Feedwright; hit; ttl={ttl}; detail={reason}"),
        How::Fetched {
            had_stale,
            collapsed,
        } => {
            let forwarded = if had_stale { "stale" } else { "miss" };
            let collapsed = if collapsed { "; collapsed" } else { "" };
            let stored = if is_stored { "; stored" } else { "" };
            format!("Feedwright; fwd={forwarded}{stored}{collapsed}; ttl={ttl}")
        }
    }
}

/// Our own text as a header value.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_status_says_what_happened() {
        let minute = Some(Duration::from_secs(60));
        for (how, remaining, stale_s, expected) in [
            (How::Hit, minute, 0, "Feedwright; hit; ttl=60"),
            (
                How::StandIn("timeout"),
                None,
                9,
                "Feedwright; hit; ttl=-9; detail=timeout",
            ),
            (
                How::Fetched {
                    had_stale: false,
                    collapsed: true,
                },
                minute,
                0,
                "Feedwright; fwd=miss; stored; collapsed; ttl=60",
            ),
            (
                How::Fetched {
                    had_stale: true,
                    collapsed: false,
                },
                minute,
                0,
                "Feedwright; fwd=stale; stored; ttl=60",
            ),
        ] {
            assert_eq!(cache_status(how, true, remaining, stale_s), expected);
        }
    }
}
