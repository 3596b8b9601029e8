//! `/feeds/{name}/archive`: the pages of what a feed had; without a page's name, where the newest is.

use std::sync::Arc;

use http::header::{CACHE_CONTROL, LOCATION};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};

use super::feed::{self, Served};
use crate::app::App;
use crate::cache::FeedCopy;
use crate::cache::policy::CacheStatus;
use crate::http::failure::Failure;
use crate::http::{ReplyBody, reply};
use crate::refresh::{Feed, Page};

/// `max-age`, in seconds, of a page that is full and has one after it; and of the others.
const CLOSED_MAX_AGE_S: u64 = 86_400;
const OPEN_MAX_AGE_S: u64 = 600;

/// The reply to a request for a page.
///
/// # Errors
/// When there is no such feed or page, no coding is acceptable, or the feed itself can't be had.
pub(super) async fn answer(
    app: &App,
    (name, place): (&str, Option<u64>),
    head: &Parts,
) -> Result<Response<ReplyBody>, Failure> {
    let feed = app.feed(name).ok_or(Failure::UnknownFeed)?;
    let coding = reply::choose_coding(&head.headers).ok_or(Failure::NotAcceptable)?;
    let page = app.refresher.find_page(feed, place).await;
    let page = page.ok_or(Failure::UnknownPage)?;
    if place.is_none() {
        return lead_to(&page.address(feed));
    }
    let (copy, status) = find(app, feed, page).await?;
    let max_age_s = match page.is_closed() {
        true => CLOSED_MAX_AGE_S,
        false => OPEN_MAX_AGE_S,
    };
    let served = Served {
        copy: &copy,
        status,
        max_age_s,
    };
    feed::reply(app, head, served, coding).await
}

/// A page's copy: at hand, or made now.
async fn find(
    app: &App,
    feed: &Arc<Feed>,
    page: Page,
) -> Result<(Arc<FeedCopy>, CacheStatus), Failure> {
    if !feed.has_document() {
        feed::find(app, feed).await?;
    }
    if !feed.has_document() {
        return Err(Failure::UnknownPage);
    }
    let status = CacheStatus::default();
    match app.refresher.get_page(feed, page).await {
        // It is made of what is here: nothing was forwarded.
        Ok((copy, _)) => Ok((copy, status)),
        Err((error, _)) => Err(Failure::Upstream(error, status)),
    }
}

fn lead_to(address: &str) -> Result<Response<ReplyBody>, Failure> {
    let mut reply = Response::new(ReplyBody::empty());
    *reply.status_mut() = StatusCode::FOUND;
    let headers = reply.headers_mut();
    let address = HeaderValue::from_str(address).map_err(|_| Failure::UnknownPage)?;
    headers.insert(LOCATION, address);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(reply)
}
