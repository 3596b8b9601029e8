//! One request for a mirrored address: what is asked, and what may be done about it.

use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, RANGE};
use http::request::Parts;
use tokio::time::Instant;
use url::Url;

use super::target::{self, BadTarget};
use super::{Error, Mirror, fields, query};
use crate::cache::policy::{self, Directives};
use crate::client::Client;
use crate::inflight::{Holder, holder_of};

/// A request, with the address it stands for.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) mirror: Arc<Mirror>,
    /// The address at the origin.
    pub(super) url: Url,
    /// The key of what is kept for it.
    pub(super) key: Arc<str>,
    pub(super) head: Arc<Parts>,
    /// Whom the bytes that it takes are held for.
    pub(super) holder: Holder,
    /// When it was asked: what outdates the address afterwards outdates its answer.
    pub(super) began: Instant,
    /// The request's fields that the origin sees, which are what its answer depends on.
    pub(super) seen: HeaderMap,
    /// The request's directives, heeded as far as the mirror's options say.
    pub(super) directives: Directives,
}

impl Question {
    pub(super) fn new(
        mirror: Arc<Mirror>,
        rest: &str,
        head: Arc<Parts>,
        pseudonym: &str,
    ) -> Result<Self, Error> {
        let origin = &mirror.settings.upstream.url;
        let query = query::passed(head.uri.query(), &mirror.settings.query);
        let query = query.map_err(|query::Refused| Error::Query)?;
        let url = target::address(origin, rest, query.as_deref()).map_err(|bad| match bad {
            BadTarget::Escapes => Error::BadPath,
            BadTarget::TooLong => Error::TooLong,
        })?;
        Ok(Self {
            key: key(&mirror, &url),
            directives: Directives::of_request(&head.headers),
            seen: fields::request(&head.headers, head.version, &mirror.settings, pseudonym),
            began: Instant::now(),
            holder: holder_of(&head.extensions),
            mirror,
            url,
            head,
        })
    }

    /// The request's fields, for what concerns the reader and us: conditions, ranges.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// Whose request it is.
    pub(super) fn client(&self) -> Client {
        self.head.extensions.get().copied().unwrap_or_default()
    }

    /// Whether the reader takes only what is kept, and that counts here.
    pub(super) fn takes_only_kept(&self) -> bool {
        self.directives.only_if_cached && self.mirror.options.honor_request_cache_control
    }

    /// Whether the answer to this request may be one that others wait for as well: its own fields
    /// don't make it the reader's alone. `is_kept`: whether something is kept for the address, so
    /// that the origin is asked with our conditions, for the whole.
    pub(super) fn may_share(&self, is_kept: bool) -> bool {
        let asked = self.headers();
        let is_authorized = self.seen.contains_key(AUTHORIZATION);
        let heeds = self.mirror.options.honor_request_cache_control;
        if is_authorized || policy::has_unsafe_conditions(asked) {
            return false;
        }
        if heeds && self.directives.no_store {
            return false;
        }
        let is_conditional =
            asked.contains_key(IF_NONE_MATCH) || asked.contains_key(IF_MODIFIED_SINCE);
        is_kept || (!is_conditional && self.wants_all())
    }

    /// Whether the whole body is what answers the request best: no range, or one that is all.
    pub(super) fn wants_all(&self) -> bool {
        let mut ranges = self.headers().get_all(RANGE).iter();
        match (ranges.next(), ranges.next()) {
            (None, _) => true,
            (Some(range), None) => range.as_bytes() == b"bytes=0-",
            _ => false,
        }
    }
}

/// The key of an address of a mirror.
pub(super) fn key(mirror: &Mirror, url: &Url) -> Arc<str> {
    Arc::from(format!("{}{url}", key_start(&mirror.settings.name)))
}

/// What all keys of a mirror start with.
#[must_use]
pub fn key_start(name: &str) -> String {
    format!("mirror {name} ")
}
