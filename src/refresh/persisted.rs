//! What of a feed is on disk: upstream's body, and what was said about it.

mod texts;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, header};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use url::Url;

use super::Feed;
use super::arrived::Arrived;
use crate::cache::FeedCopy;
use crate::inflight::Grant;
use crate::store;
use crate::upstream::Validators;
pub(super) use texts::{hex, of_ms};
use texts::{millis, of_text, to_ms, to_text};

/// Header fields that say nothing about the document, or that are for one receiver only.
const UNSTORED: [HeaderName; 4] = [
    header::SET_COOKIE,
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::TRAILER,
];

/// What of a feed is on disk.
#[derive(Debug, Default)]
pub(super) struct Persisted {
    said: Mutex<Option<Said>>,
    /// Whether there is nothing to be found.
    pub(super) is_absent: AtomicBool,
    /// Held while it is read or written.
    pub(super) busy: tokio::sync::Mutex<()>,
}

impl Persisted {
    pub(super) fn said(&self) -> MutexGuard<'_, Option<Said>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a fetch leaves to be stored.
pub(super) enum Source {
    /// Upstream's body, as it came.
    Body {
        url: Url,
        headers: HeaderMap,
        /// `None` where it is too much to be stored.
        body: Option<Vec<Bytes>>,
        /// What it takes of the budget of what is under way.
        held: Option<Arc<Grant>>,
        /// Digest of what was made of it.
        output: u128,
    },
    /// The body was confirmed with these header fields.
    Confirmed { headers: HeaderMap },
}

/// What was said about a body, as it stands beside it. Texts of header fields have one character for
/// each byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    /// The address that the configuration names; another one is another feed.
    pub(super) asked: Url,
    /// The address after redirects.
    pub(super) url: Url,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    /// When upstream last said that this is its content.
    pub(super) fetched_at_ms: u64,
    pub(super) fresh_for_ms: u64,
    /// The tag and the date that readers were told, and the digest of the bytes they were told for.
    pub(super) tag: Option<String>,
    pub(super) modified_at_ms: u64,
    pub(super) output: String,
    /// The digest of the body.
    pub(super) digest: String,
}

impl Said {
    /// About a body that came from `url`, with nothing said yet.
    pub(super) fn new(feed: &Feed, url: Url, output: u128) -> Self {
        Self {
            asked: feed.settings.upstream.url.clone(),
            url,
            etag: None,
            last_modified: None,
            headers: Vec::new(),
            fetched_at_ms: 0,
            fresh_for_ms: 0,
            tag: None,
            modified_at_ms: 0,
            output: hex(output),
            digest: String::new(),
        }
    }

    /// Takes in what is said about the body now (RFC 9111 §3.2).
    pub(super) fn update(&mut self, copy: &FeedCopy, headers: &HeaderMap, now: SystemTime) {
        let told = |name: &HeaderName| !UNSTORED.contains(name);
        for name in headers.keys().filter(|name| told(name)) {
            self.headers.retain(|(known, _)| known != name.as_str());
            for value in headers.get_all(name) {
                self.headers.push((name.to_string(), to_text(value)));
            }
        }
        self.etag = copy.validators.etag.as_ref().map(to_text);
        self.last_modified = copy.validators.last_modified.as_ref().map(to_text);
        self.fetched_at_ms = to_ms(now - copy.times.fetched_at.elapsed());
        self.fresh_for_ms = millis(copy.times.fresh_for);
        self.tag = copy.head.tag.as_ref().map(|tag| tag.opaque.clone());
        self.modified_at_ms = to_ms(copy.head.modified_at);
        self.digest = copy.digest.map(hex).unwrap_or_default();
    }

    /// Upstream's validators, byte for byte.
    pub(super) fn validators(&self) -> Validators {
        let value = |text: &Option<String>| text.as_deref().and_then(of_text);
        Validators {
            etag: value(&self.etag),
            last_modified: value(&self.last_modified),
        }
    }

    /// What came, as far as a copy is made of it.
    pub(super) fn arrived(&self) -> Arrived {
        let field = |(name, text): &(String, String)| {
            let name = HeaderName::try_from(name.as_str()).ok()?;
            Some((name, of_text(text)?))
        };
        Arrived {
            url: self.url.clone(),
            validators: self.validators(),
            headers: self.headers.iter().filter_map(field).collect(),
            is_framed: true,
        }
    }

    /// `Content-Type`, as it came.
    pub(super) fn content_type(&self) -> Option<&str> {
        let is_it = |(name, _): &&(String, String)| name == header::CONTENT_TYPE.as_str();
        self.headers.iter().find(is_it).map(|(_, text)| &**text)
    }

    /// When the body was fetched, and how long it is fresh, on this process's clock. One whose time
    /// lies in the future has just become stale: nothing is known about its age.
    pub(super) fn times(&self, feed: &Feed, now: SystemTime) -> (Instant, Duration) {
        let fresh_for = Duration::from_millis(self.fresh_for_ms);
        // The configuration may allow less by now.
        let fresh_for = fresh_for.min(feed.settings.refresh_max);
        let age = store::age(of_ms(self.fetched_at_ms), now).unwrap_or(fresh_for);
        let fetched_at = Instant::now().checked_sub(age);
        match fetched_at {
            Some(fetched_at) => (fetched_at, fresh_for),
            None => (Instant::now(), Duration::ZERO),
        }
    }
}
