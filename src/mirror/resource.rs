//! What is kept for one address: the origin's responses, one for each kind of request that its
//! `Vary` tells apart.

use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderMap, StatusCode};

use crate::cache::policy::{Received, Selection, Terms};
use crate::cache::{Body, Form, Kept, policy};
use crate::shares::Share;

/// Responses kept for one address; the oldest go first.
const VARIANTS_MAX: usize = 8;
/// Bytes that a response weighs besides its fields and body.
const OVERHEAD_BYTES: usize = 512;

/// One stored response.
#[derive(Debug, Clone)]
pub(super) struct Variant {
    pub(super) status: StatusCode,
    /// The fields that are stored (RFC 9111 §3.1).
    pub(super) headers: HeaderMap,
    /// When the request for it was sent.
    pub(super) requested_at: SystemTime,
    pub(super) terms: Terms,
    /// Which requests it answers.
    pub(super) selection: Selection,
    pub(super) content: Form,
}

impl Variant {
    /// The same body under fields that were updated at `times`: when that was asked and answered.
    pub(super) fn updated(
        &self,
        headers: HeaderMap,
        (requested_at, received_at): (SystemTime, SystemTime),
    ) -> Self {
        let terms = terms(self.status, &headers, (requested_at, received_at));
        Self {
            headers,
            requested_at,
            terms,
            ..self.clone()
        }
    }

    /// Whether a 304 can be about it: an origin gives one instead of a 200 (RFC 9110 §15.4.5), never of
    /// a 404 that there once was.
    pub(super) fn may_be_confirmed(&self) -> bool {
        self.status.is_success()
    }

    /// The body's length, where it is known.
    pub(super) fn bytes(&self) -> Option<u64> {
        match &self.content {
            Form::Whole(body) => Some(body.len() as u64),
            Form::Growing(_) => None,
        }
    }

    fn weight_bytes(&self) -> usize {
        let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            name.as_str().len() + value.len()
        };
        let fields: usize = self.headers.iter().map(field).sum();
        let body = self.bytes().unwrap_or(0) as usize;
        body + fields + self.selection.weight_bytes() + OVERHEAD_BYTES
    }
}

/// The terms of a mirrored response: freshness is estimated where it says nothing.
pub(super) fn terms(
    status: StatusCode,
    headers: &HeaderMap,
    (requested_at, received_at): (SystemTime, SystemTime),
) -> Terms {
    let response = Received {
        status,
        headers,
        requested_at,
        received_at,
    };
    policy::terms(response, Some(policy::Heuristic::default()))
}

/// The stored responses of one address, newest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Resource {
    pub(super) variants: Vec<Arc<Variant>>,
}

impl Kept for Resource {
    fn weight_bytes(&self) -> usize {
        self.variants
            .iter()
            .map(|variant| variant.weight_bytes())
            .sum()
    }

    fn share(_: &str) -> Share {
        Share::Mirrors
    }

    fn bodies(&self) -> Vec<Body> {
        let body = |variant: &Arc<Variant>| match &variant.content {
            Form::Whole(body) => Some(body.clone()),
            Form::Growing(_) => None,
        };
        self.variants.iter().filter_map(body).collect()
    }
}

impl Resource {
    /// The newest response that answers such a request.
    pub(super) fn select(&self, asked: &HeaderMap) -> Option<&Arc<Variant>> {
        self.variants
            .iter()
            .find(|variant| variant.selection.matches(asked))
    }

    /// Those that are whole.
    pub(super) fn whole(&self) -> Option<Self> {
        let is_whole = |variant: &&Arc<Variant>| matches!(variant.content, Form::Whole(_));
        let variants: Vec<_> = self.variants.iter().filter(is_whole).cloned().collect();
        (!variants.is_empty()).then_some(Self { variants })
    }

    /// With one more, in the place of those that answer the same requests.
    pub(super) fn with(&self, variant: Arc<Variant>, asked: &HeaderMap) -> Self {
        let mut variants = vec![variant];
        let others = self.variants.iter();
        variants.extend(
            others
                .filter(|other| !other.selection.matches(asked))
                .cloned(),
        );
        variants.truncate(VARIANTS_MAX);
        Self { variants }
    }

    /// With `new` in the place of `old`, if that is still there.
    pub(super) fn replacing(&self, old: &Arc<Variant>, new: &Arc<Variant>) -> Option<Self> {
        let at = self
            .variants
            .iter()
            .position(|known| Arc::ptr_eq(known, old))?;
        let mut variants = self.variants.clone();
        variants[at] = Arc::clone(new);
        Some(Self { variants })
    }

    /// Without those that answer such a request; `None` where nothing is left.
    pub(super) fn without(&self, asked: &HeaderMap) -> Option<Self> {
        let others = self.variants.iter();
        let variants: Vec<_> = others
            .filter(|variant| !variant.selection.matches(asked))
            .cloned()
            .collect();
        (!variants.is_empty()).then_some(Self { variants })
    }
}
