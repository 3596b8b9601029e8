//! An article's pages in the store, as they were fetched, so that other rules can be applied later.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::inflight::Grant;

/// A fetched page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredPage {
    /// Where it was asked for.
    pub(super) asked: Url,
    /// Where it came from.
    pub(super) url: Url,
    pub(super) content_type: Option<String>,
    pub(super) bytes: Bytes,
    /// Its part of the budget of bytes in flight, where it was fetched just now.
    pub(super) held: Option<Arc<Grant>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Meta {
    version: u32,
    pages: Vec<PageMeta>,
    /// The pages were not read yet, and there may be more of them.
    #[serde(default)]
    is_partial: bool,
}

/// An article in the store.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ArticleRecord {
    /// Its pages; where they were not read yet, those fetched so far.
    pub(super) pages: Vec<StoredPage>,
    pub(super) is_partial: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct PageMeta {
    asked: String,
    url: String,
    content_type: Option<String>,
    bytes: usize,
}

const VERSION: u32 = 1;

/// A failed attempt to get an article, and when the next is due.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    /// Attempts so far.
    pub(super) attempts: u32,
    /// When the next attempt is due, in seconds since 1970; `u64::MAX` means never.
    pub(super) retry_at: u64,
    /// One word for logs.
    pub(super) reason: String,
    /// A hash of the request options of the last attempt.
    pub(super) terms: u64,
}

/// The key of the article that `link` leads to from the feed of this name.
pub(super) fn key(feed: &str, link: &str) -> String {
    format!("{feed} {link}")
}

/// Pages as a record's meta and body.
pub(super) fn encode(pages: &[StoredPage], is_partial: bool) -> Option<(Vec<u8>, Vec<Bytes>)> {
    let meta = Meta {
        version: VERSION,
        pages: pages
            .iter()
            .map(|page| PageMeta {
                asked: page.asked.to_string(),
                url: page.url.to_string(),
                content_type: page.content_type.clone(),
                bytes: page.bytes.len(),
            })
            .collect(),
        is_partial,
    };
    let bodies = pages.iter().map(|page| page.bytes.clone()).collect();
    Some((serde_json::to_vec(&meta).ok()?, bodies))
}

/// The pages of a record; `None` when another version wrote it.
pub(super) fn decode(meta: &[u8], body: &[Bytes]) -> Option<ArticleRecord> {
    let meta: Meta = serde_json::from_slice(meta).ok()?;
    if meta.version != VERSION {
        return None;
    }
    let mut whole = Bytes::from(body.concat());
    let mut pages = Vec::new();
    for page in meta.pages {
        if page.bytes > whole.len() {
            return None;
        }
        pages.push(StoredPage {
            asked: page.asked.parse().ok()?,
            url: page.url.parse().ok()?,
            content_type: page.content_type,
            bytes: whole.split_to(page.bytes),
            held: None,
        });
    }
    Some(ArticleRecord {
        pages,
        is_partial: meta.is_partial,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_back() {
        let url: Url = "https://example.org/1".parse().unwrap();
        let page = |text: &'static [u8]| StoredPage {
            asked: url.clone(),
            url: url.clone(),
            content_type: Some("text/html".to_owned()),
            bytes: Bytes::from_static(text),
            held: None,
        };
        let pages = vec![page(b"one"), page(b""), page(b"three")];
        let (meta, body) = encode(&pages, true).unwrap();
        let kept = decode(&meta, &body).unwrap();
        assert_eq!((kept.pages, kept.is_partial), (pages, true));
        let earlier = String::from_utf8(meta.clone()).unwrap();
        let earlier = earlier.replace(",\"is_partial\":true", "");
        assert!(!decode(earlier.as_bytes(), &body).unwrap().is_partial);
        assert_eq!(decode(&meta, &body[..1]), None);
        assert_eq!(decode(b"{}", &[]), None);
    }
}
