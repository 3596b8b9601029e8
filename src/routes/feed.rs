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
use crate::cache::policy::CacheStatus;
use crate::cache::{Broken, Coding, FeedCopy, Form, ProductionError};
use crate::http::failure::Failure;
use crate::http::{ReplyBody, reply as asked_for};
use crate::refresh::{self, Feed};

/// Header fields of a reply, so that their map grows once.
const HEADERS: usize = 14;

/// The most `max-age`, in seconds, while full texts are still to come.
const MISSING_ARTICLES_MAX_AGE_S: u64 = 60;
/// The least `max-age`, unless a feed's own `refresh_min` is less: some readers poll as often as it
/// says.
const MAX_AGE_MIN: Duration = Duration::from_secs(60);

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
    let coding = asked_for::choose_coding(asked).ok_or(Failure::NotAcceptable)?;
    let now = Instant::now();
    feed.track.note_read(app.refresher.now_ms(now));
    let (copy, status) = find(app, feed).await?;
    let remaining = copy.times.remaining(Instant::now());
    let max_age_s = match copy.missing_articles {
        0 => max_age(remaining, feed),
        _ => max_age(remaining, feed).min(MISSING_ARTICLES_MAX_AGE_S),
    };
    let served = Served {
        copy: &copy,
        status,
        max_age_s,
    };
    reply(app, head, served, coding).await
}

/// A copy to serve, with the values of its headers.
pub(super) struct Served<'a> {
    pub(super) copy: &'a FeedCopy,
    pub(super) status: CacheStatus,
    pub(super) max_age_s: u64,
}

/// The reply with a copy in the content coding that the reader accepts, or 304.
///
/// # Errors
/// When the copy can't be coded, or breaks off.
pub(super) async fn reply(
    app: &App,
    head: &Parts,
    served: Served<'_>,
    coding: Coding,
) -> Result<Response<ReplyBody>, Failure> {
    let (asked, copy, status) = (&head.headers, served.copy, served.status);
    let known = &copy.head;
    let opaque = known.tag.as_ref().map(|tag| tag.opaque.as_str());
    if asked_for::is_not_modified(asked, opaque, known.modified_at) {
        let mut reply = Response::new(ReplyBody::empty());
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        write_headers(reply.headers_mut(), &served, coding);
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
            let broken = |broken: Broken| {
                let error = refresh::Error::from(broken);
                let detail = Some(error.reason());
                Failure::Upstream(Arc::new(error), CacheStatus { detail, ..status })
            };
            ReplyBody::whole(whole.map_err(broken)?)
        }
        Form::Growing(recording) => ReplyBody::growing(recording.play()),
    };
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    write_headers(headers, &served, coding);
    headers.insert(CONTENT_TYPE, known.content_type.clone());
    if let Some(token) = coding.token() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(token));
    }
    Ok(reply)
}

/// Finds the copy to serve, fresh, fetched or stale, and its `Cache-Status`.
pub(super) async fn find(
    app: &App,
    feed: &Arc<Feed>,
) -> Result<(Arc<FeedCopy>, CacheStatus), Failure> {
    let answer = app.refresher.get(feed).await;
    answer.map_err(|(error, status)| Failure::Upstream(error, status))
}

fn write_headers(headers: &mut HeaderMap, served: &Served<'_>, coding: Coding) {
    let (copy, mut status, max_age) = (served.copy, served.status, served.max_age_s);
    headers.reserve(HEADERS);
    let now = Instant::now();
    headers.insert(CACHE_CONTROL, value(&format!("public, max-age={max_age}")));
    status.ttl_s = Some(copy.times.ttl_s(now));
    headers.insert("cache-status", value(&status.to_string()));
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

/// `max-age` in seconds: the time that the copy stays fresh, with a minimum that keeps readers from
/// polling all the time.
fn max_age(remaining: Option<Duration>, feed: &Feed) -> u64 {
    let least = MAX_AGE_MIN.min(feed.settings.refresh_min);
    let until_retry = feed.settings.retry_after_error;
    remaining.unwrap_or(until_retry).max(least).as_secs()
}

/// Our own text as a header value.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
