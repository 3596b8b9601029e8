//! What is said of a document that has come.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use url::Url;

use crate::feed::encoding::http_charset;
use crate::rewrite::Origin;
use crate::upstream::Validators;

/// What is said of a document that has come.
#[derive(Debug, Clone)]
pub(super) struct Arrived {
    /// Where it came from, after redirects.
    pub(super) url: Url,
    pub(super) validators: Validators,
    pub(super) headers: HeaderMap,
    /// Whether its end was told by its own framing.
    pub(super) is_framed: bool,
}

impl Arrived {
    pub(super) fn content_type(&self) -> Option<&str> {
        self.headers.get(CONTENT_TYPE)?.to_str().ok()
    }

    pub(super) fn origin(&self) -> Origin {
        Origin {
            url: self.url.clone(),
            charset: http_charset(self.content_type()),
        }
    }
}
