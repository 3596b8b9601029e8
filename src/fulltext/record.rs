//! An article's pages as they are stored: what came, so that other rules can be tried on it.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;

use super::extract::{self, NoArticle, Page};
use crate::inflight::Grant;

/// A page as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    /// Where it was asked for.
    pub(super) asked: Url,
    /// Where it came from.
    pub(super) url: Url,
    pub(super) content_type: Option<String>,
    pub(super) bytes: Bytes,
    /// What it takes of the budget of what is under way, where it was fetched just now.
    pub(super) held: Option<Arc<Grant>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Meta {
    version: u32,
    pages: Vec<PageMeta>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PageMeta {
    asked: String,
    url: String,
    content_type: Option<String>,
    bytes: usize,
}

const VERSION: u32 = 1;

/// Why an article is not there, and when it is tried again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    /// Tries so far.
    pub(super) attempts: u32,
    /// Seconds since 1970.
    pub(super) retry_at: u64,
    /// One word.
    pub(super) reason: String,
    /// What it was tried with.
    pub(super) terms: u64,
}

impl Stored {
    /// The page as text.
    pub(super) fn page(&self) -> Result<Page, NoArticle> {
        Ok(Page {
            asked: self.asked.clone(),
            url: self.url.clone(),
            text: extract::decode(&self.bytes, self.content_type.as_deref())?,
        })
    }
}

/// The key of the article that `link` leads to from the feed of this name.
pub(super) fn key(feed: &str, link: &str) -> String {
    format!("{feed} {link}")
}

/// Pages as a record's meta and body.
pub(super) fn encode(pages: &[Stored]) -> Option<(Vec<u8>, Vec<Bytes>)> {
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
    };
    let bodies = pages.iter().map(|page| page.bytes.clone()).collect();
    Some((serde_json::to_vec(&meta).ok()?, bodies))
}

/// The pages of a record; `None` when another version wrote it.
pub(super) fn decode(meta: &[u8], body: &[Bytes]) -> Option<Vec<Stored>> {
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
        pages.push(Stored {
            asked: page.asked.parse().ok()?,
            url: page.url.parse().ok()?,
            content_type: page.content_type,
            bytes: whole.split_to(page.bytes),
            held: None,
        });
    }
    Some(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_back() {
        let url: Url = "https://example.org/1".parse().unwrap();
        let page = |text: &'static [u8]| Stored {
            asked: url.clone(),
            url: url.clone(),
            content_type: Some("text/html".to_owned()),
            bytes: Bytes::from_static(text),
            held: None,
        };
        let pages = vec![page(b"one"), page(b""), page(b"three")];
        let (meta, body) = encode(&pages).unwrap();
        assert_eq!(decode(&meta, &body), Some(pages));
        assert_eq!(decode(&meta, &body[..1]), None);
        assert_eq!(decode(b"{}", &[]), None);
    }
}
