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

/// What answers requests; cloned for each connection.
pub trait Answer: Clone + Send + Sync + 'static {
    /// The reply to one request. GET and HEAD are answered alike: the edge drops the body.
    fn answer(
        &self,
        head: Arc<http::request::Parts>,
    ) -> impl Future<Output = http::Response<ReplyBody>> + Send;
}
