//! Every error that a reader may see: its status, its text, its headers.
//!
//! Invariants: errors are never stored (`no-store`) and never say `Retry-After`, which some
//! readers apply to every feed of our host.

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use std::sync::Arc;

mod image;

pub use image::ImageFailure;

use super::{ReplyBody, page_safety};
use crate::cache::ProductionError;
use crate::cache::policy::{CacheStatus, Forwarded};
use crate::mirror;
use crate::refresh;
use crate::upstream::FetchError;

/// What keeps us from answering.
#[derive(Debug, Clone)]
pub enum Failure {
    /// No such path.
    NotFound,
    /// The path is known, the method is not.
    MethodNotAllowed,
    /// An HTTP/1.1 request without `Host`.
    NoHost,
    /// A request whose body has another transfer coding than one `chunked`.
    TransferCoding,
    /// The request's path and query are too long.
    UrlTooLong,
    /// The request has too many header fields, or one of them is too long.
    FieldsTooLarge,
    /// The client has as many requests under way as one may have.
    ClientBusy,
    /// No feed has this name.
    UnknownFeed,
    /// The feed has no such page of items that it had.
    UnknownPage,
    /// No mirror has this name.
    UnknownMirror,
    /// A mirror can't answer.
    Mirror(Arc<mirror::Error>),
    /// The reader refuses every coding we have.
    NotAcceptable,
    /// We are shutting down.
    NotReady,
    /// The feed could not be fetched and there is no copy; with what we did about the request.
    Upstream(Arc<refresh::Error>, CacheStatus),
    /// An image can't be had.
    Image(Box<ImageFailure>),
    /// A form of the copy could not be made.
    Encoding(Arc<std::io::Error>),
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::UnknownFeed | Self::UnknownPage | Self::UnknownMirror => {
                StatusCode::NOT_FOUND
            }
            Self::NoHost | Self::TransferCoding => StatusCode::BAD_REQUEST,
            Self::UrlTooLong => StatusCode::URI_TOO_LONG,
            Self::FieldsTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::ClientBusy => StatusCode::TOO_MANY_REQUESTS,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::NotReady => StatusCode::SERVICE_UNAVAILABLE,
            Self::Encoding(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Upstream(error, _) => upstream_status(error),
            Self::Mirror(error) => mirror_status(error),
            Self::Image(failure) => failure.status(),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::NotFound => "Nothing is here. The list of feeds is at /.\n".into(),
            Self::UnknownFeed => "No feed has this name. The list of feeds is at /.\n".into(),
            Self::UnknownPage => "The feed's archive has no such page.\n".into(),
            Self::UnknownMirror => "No mirror has this name.\n".into(),
            Self::Mirror(error) => mirror_text(error),
            Self::NoHost => "The request does not name one host.\n".into(),
            Self::TransferCoding => "The only transfer coding here is chunked.\n".into(),
            Self::UrlTooLong => "The URL is too long.\n".into(),
            Self::FieldsTooLarge => "The header fields are too many or too long.\n".into(),
            Self::ClientBusy => "You have too many requests under way.\n".into(),
            Self::MethodNotAllowed => "Only GET and HEAD are answered here.\n".into(),
            Self::NotAcceptable => "Feeds are sent as gzip, br, zstd or identity.\n".into(),
            Self::NotReady => "Shutting down.\n".into(),
            Self::Encoding(_) => "The feed could not be encoded.\n".into(),
            Self::Upstream(error, _) => format!(
                "The publisher's feed can't be had now, and there is no earlier copy of it: {}.\n",
                error.reason()
            ),
            Self::Image(failure) => failure.text(),
        }
    }

    /// The reply, logged here where it is nobody else's to log. (A failed fetch has its own line.)
    #[must_use]
    pub fn into_reply(self) -> Response<ReplyBody> {
        if let Self::Image(failure) = self {
            return failure.into_reply();
        }
        if let Self::Encoding(error) = &self {
            tracing::error!(%error, "encoding a copy failed");
        }
        let mut reply = Response::new(ReplyBody::text(self.text()));
        *reply.status_mut() = self.status();
        let headers = reply.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        page_safety(headers);
        if matches!(self, Self::MethodNotAllowed) {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        if let Self::Mirror(error) = &self
            && let mirror::Error::Method(methods) = &**error
            && let Ok(methods) = HeaderValue::try_from(methods.as_str())
        {
            headers.insert(ALLOW, methods);
        }
        if let Some(status) = self.cache_status()
            && let Ok(status) = HeaderValue::try_from(status.to_string())
        {
            headers.insert("cache-status", status);
        }
        reply
    }

    /// What upstream did, where that is why.
    fn cache_status(&self) -> Option<CacheStatus> {
        match self {
            Self::Upstream(_, status) => Some(*status),
            Self::Mirror(error) => Some(CacheStatus {
                forwarded: Some(Forwarded::UriMiss),
                forwarded_status: error.upstream_status().map(|status| status.as_u16()),
                detail: Some(error.reason()),
                ..CacheStatus::default()
            }),
            _ => None,
        }
    }
}

/// 404 and 410 as upstream means them, 504 for its slowness, 502 for the rest of what it does.
fn upstream_status(error: &refresh::Error) -> StatusCode {
    match error {
        refresh::Error::Fetch(FetchError::Status { status, .. })
            if matches!(status.as_u16(), 404 | 410) =>
        {
            *status
        }
        refresh::Error::Fetch(FetchError::Timeout { .. }) => StatusCode::GATEWAY_TIMEOUT,
        // Ours, not upstream's: more is to be fetched at once than we fetch.
        refresh::Error::Fetch(FetchError::Crowded) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_GATEWAY,
    }
}

/// What a mirror refuses is the reader's affair; what an origin does is 504 when it is slow, 502
/// otherwise.
fn mirror_status(error: &mirror::Error) -> StatusCode {
    use mirror::Error;
    match error {
        Error::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
        Error::BadPath | Error::Query | Error::BodyBroken => StatusCode::BAD_REQUEST,
        Error::ServiceWorker => StatusCode::FORBIDDEN,
        Error::TooLong => StatusCode::URI_TOO_LONG,
        Error::Queries => StatusCode::TOO_MANY_REQUESTS,
        Error::Loop => StatusCode::LOOP_DETECTED,
        Error::OnlyIfCached => StatusCode::GATEWAY_TIMEOUT,
        Error::Busy => StatusCode::SERVICE_UNAVAILABLE,
        Error::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Error::Fetch(FetchError::Timeout { .. }) => StatusCode::GATEWAY_TIMEOUT,
        Error::Shared(error) => mirror_status(error),
        _ => StatusCode::BAD_GATEWAY,
    }
}

fn mirror_text(error: &mirror::Error) -> String {
    let status = mirror_status(error);
    match status.as_u16() {
        502 | 504 => format!("The origin can't be had now: {}.\n", error.reason()),
        _ => format!(
            "{}: {error}.\n",
            status.canonical_reason().unwrap_or("Error")
        ),
    }
}
