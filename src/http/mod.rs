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
pub use hyper::body::Incoming as RequestBody;

/// What answers requests; cloned for each connection.
pub trait Answer: Clone + Send + Sync + 'static {
    /// The reply to one request. The edge drops the body of a reply to HEAD.
    fn answer(
        &self,
        head: Arc<http::request::Parts>,
        body: RequestBody,
    ) -> impl Future<Output = http::Response<ReplyBody>> + Send;
}
