//! What is kept against a question: the response that answers it, and how good it is.

use std::sync::Arc;
use std::time::SystemTime;

use super::question::Question;
use super::resource::{Resource, Variant};
use crate::cache::Freshness;
use crate::cache::policy::{self, Reuse, StaleOnError};

/// A kept response that answers the question, and whether it may be used.
pub(super) fn usable(
    question: &Question,
    kept: &Resource,
    now: SystemTime,
) -> Option<(Arc<Variant>, Reuse)> {
    if policy::has_unsafe_conditions(question.headers()) {
        return None;
    }
    let variant = kept.select(&question.seen)?;
    let options = &question.mirror.options;
    let reuse = policy::reuse(&question.directives, &variant.terms, now, options);
    Some((Arc::clone(variant), reuse))
}

/// What is cached for the question is good for.
pub(super) fn freshness(question: &Question, kept: &Resource, now: SystemTime) -> Freshness {
    match usable(question, kept, now) {
        Some((_, Reuse::Fresh | Reuse::Stale)) => Freshness::Fresh,
        // Its validators may still help.
        _ => Freshness::Stale,
    }
}

/// The cached response that may be served stale while the origin fails.
pub(super) fn stale_if_error(
    question: &Question,
    kept: Option<&Resource>,
    now: SystemTime,
) -> Option<Arc<Variant>> {
    if policy::has_unsafe_conditions(question.headers()) {
        return None;
    }
    let variant = kept?.select(&question.seen)?;
    let allowed = policy::stale_on_error(&variant.terms, now, &question.mirror.options);
    (allowed == StaleOnError::Allowed).then(|| Arc::clone(variant))
}
