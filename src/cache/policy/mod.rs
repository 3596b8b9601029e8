//! HTTP caching as functions: what a shared cache may do with a response, by RFC 9111, with the
//! parts of RFC 9110 that a cache answers itself (conditions §13, ranges §14), RFC 5861 (stale),
//! RFC 9211 (`Cache-Status`) and RFC 9213 (targeted fields). PURE.
//!
//! Invariants: no function here reads a clock or does I/O; the same arguments give the same answer.
//! An invalid field makes a response less reusable, never more. Time arithmetic saturates.

mod age;
mod conditions;
mod date;
mod delta;
mod directives;
mod freshness;
mod invalidation;
mod list;
mod range;
mod reuse;
mod status;
mod storing;
mod targeted;
mod update;
mod validation;
mod vary;

pub use age::initial_age;
pub use conditions::{Condition, evaluate, has_unsafe_conditions, if_range_holds};
pub use date::parse_http_date;
pub use delta::DELTA_MAX;
pub use directives::{Directives, Listed};
pub use freshness::{Heuristic, Received, Terms, terms};
pub use invalidation::{invalidated, is_safe};
pub use range::{Part, Parts, RANGES_MAX, Ranges, content_range, multipart, requested};
pub use reuse::{Reuse, StaleOnError, reuse, stale_on_error};
pub use status::{CacheStatus, Forwarded};
pub use storing::{NotStored, end_to_end, storable};
pub use targeted::governing;
pub use update::{HeadEffect, head_effect, updated};
pub use validation::{Asked, conditional, selects, unconditional};
pub use vary::Selection;

use std::time::Duration;

/// What the operator decides about a cache; the responses decide the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyOptions {
    /// How responses without explicit freshness are estimated; `None` never estimates.
    pub heuristic: Option<Heuristic>,
    /// Whether a request's `Cache-Control` counts. Where it does not, no client can make us ask
    /// upstream more often than the responses require.
    pub honor_request_cache_control: bool,
    /// How long past its freshness a response is served stale while upstream fails, where the response
    /// does not say itself: the out-of-band contract of RFC 9111 §4.2.4. Directives that forbid
    /// stale responses take precedence.
    pub stale_if_error: Duration,
}

impl Default for PolicyOptions {
    fn default() -> Self {
        Self {
            heuristic: Some(Heuristic::default()),
            honor_request_cache_control: false,
            stale_if_error: Duration::from_secs(7 * 86_400),
        }
    }
}
