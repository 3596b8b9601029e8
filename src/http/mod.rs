//! The edge: connections and their limits, routes, replies, failures.
//!
//! Invariant: `failure` alone chooses the status of an error and logs it.

mod body;
mod connection;
mod exchange;
pub mod failure;
mod head;
mod meter;
mod origin;
pub mod reply;
pub mod route;
pub mod server;
mod slots;
mod transfer;
mod watchdog;

use std::future::Future;
use std::sync::Arc;

pub use crate::client::Client;
pub use body::ReplyBody;
pub use exchange::Piece;

/// The body of a request; `None` where there was no connection that it could come over.
#[derive(Debug, Default)]
pub struct RequestBody(pub Option<hyper::body::Incoming>);

use http::header::{CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue};

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// The policy of an image that a browser opens as a page: it may do nothing.
const IMAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
);

/// The policy of any other page: it may show itself, in the style of a feed's stylesheet.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline' http: https:; img-src http: https: data:; \
     base-uri 'none'; form-action 'none'; sandbox",
);

/// Makes a page of untrusted content inert. SECURITY: feeds and error texts hold what others wrote;
/// whatever their type, nothing in them runs on our origin, and no browser guesses another type. An
/// existing policy stays.
pub fn page_safety(headers: &mut HeaderMap) {
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(PAGE_POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
}

/// Makes an image inert. SECURITY: untrusted bytes on our origin; nothing of them runs, their type is
/// the one that we detected, and other sites may show them.
pub fn image_safety(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, IMAGE_POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("cross-origin"),
    );
}

/// Answers requests; cloned for each connection.
pub trait Answer: Clone + Send + Sync + 'static {
    /// The reply to one request, which has its [`Client`] among its extensions. The edge drops the
    /// body of a reply to HEAD.
    fn answer(
        &self,
        head: Arc<http::request::Parts>,
        body: RequestBody,
    ) -> impl Future<Output = http::Response<ReplyBody>> + Send;
}
