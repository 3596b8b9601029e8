//! The edge: connections and their limits, routes, replies, failures.
//!
//! Invariant: `failure` alone chooses the status of an error and logs it.

mod body;
mod connection;
pub mod failure;
mod meter;
pub mod reply;
pub mod route;
pub mod server;

use std::future::Future;
use std::sync::Arc;

pub use body::ReplyBody;

/// The body of a request; `None` where there was no connection that it could come over.
#[derive(Debug, Default)]
pub struct RequestBody(pub Option<hyper::body::Incoming>);

/// What answers requests; cloned for each connection.
pub trait Answer: Clone + Send + Sync + 'static {
    /// The reply to one request. The edge drops the body of a reply to HEAD.
    fn answer(
        &self,
        head: Arc<http::request::Parts>,
        body: RequestBody,
    ) -> impl Future<Output = http::Response<ReplyBody>> + Send;
}
