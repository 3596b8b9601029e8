//! One copy of a feed: what was made of one upstream answer, and until when it is good.

use std::sync::Arc;
use std::time::SystemTime;

use http::HeaderValue;

use super::body::Body;
use super::forms::Forms;
use super::shelf::Kept;
use super::times::{Timed, Times};
use crate::shares::Share;
use crate::upstream::Validators;

/// Bytes that a copy weighs besides its forms: head, validators, bookkeeping.
const OVERHEAD_BYTES: usize = 2 << 10;

/// What a reader is told about a copy besides its body, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// `Content-Type`, with the charset.
    pub content_type: HeaderValue,
    /// `None` while the body that the tag would be made from is still on its way.
    pub tag: Option<Tag>,
    /// When this content was first seen.
    pub modified_at: SystemTime,
    /// The same as `Last-Modified`, to the second.
    pub last_modified: HeaderValue,
}

/// An entity tag (RFC 9110 §8.8.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The opaque part, without quotes.
    pub opaque: String,
    /// For the identity form.
    pub strong: HeaderValue,
    /// For the coded forms, which are equivalent to it but not the same bytes.
    pub weak: HeaderValue,
}

impl Head {
    /// The head of content that is first seen at `now`.
    #[must_use]
    pub fn new(content_type: &str, opaque: Option<String>, now: SystemTime) -> Self {
        Self {
            content_type: value(content_type),
            tag: opaque.map(Tag::new),
            modified_at: now,
            last_modified: value(&httpdate::fmt_http_date(now)),
        }
    }
}

impl Tag {
    /// A tag with this opaque part.
    #[must_use]
    pub fn new(opaque: String) -> Self {
        let strong = format!("\"{opaque}\"");
        Self {
            strong: value(&strong),
            weak: value(&format!("W/{strong}")),
            opaque,
        }
    }
}

/// Text of ours as a header value: printable, so that it is one.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// A copy: immutable but for the forms of its body.
#[derive(Debug, Clone)]
pub struct FeedCopy {
    /// What a reader is told.
    pub head: Head,
    /// The body.
    pub forms: Arc<Forms>,
    /// Upstream's validators, verbatim.
    pub validators: Validators,
    /// Digest of upstream's body; `None` while it grows.
    pub digest: Option<u128>,
    /// Items in it; 0 while it grows.
    pub items: usize,
    /// Full texts that are still to come; for readers the copy lasts only a short while then.
    pub missing_articles: usize,
    /// How long it lasts.
    pub times: Times,
}

impl Kept for FeedCopy {
    fn weight_bytes(&self) -> usize {
        self.forms.bytes() + OVERHEAD_BYTES
    }

    /// A feed's name holds no slash; a page of its items has one in its key.
    fn share(key: &str) -> Share {
        match key.contains('/') {
            true => Share::Articles,
            false => Share::Feeds,
        }
    }

    fn bodies(&self) -> Vec<Body> {
        self.forms.bodies()
    }
}

impl Timed for FeedCopy {
    fn times(&self) -> &Times {
        &self.times
    }

    fn is_whole(&self) -> bool {
        self.digest.is_some()
    }
}

impl FeedCopy {
    /// The same copy, confirmed by upstream (RFC 9111 §4.3.4).
    #[must_use]
    pub fn confirmed(&self, validators: Validators, times: Times) -> Self {
        Self {
            validators,
            times,
            ..self.clone()
        }
    }
}
