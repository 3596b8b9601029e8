//! What relative addresses are resolved against: the `xml:base` chain, else the item's link, else
//! the channel's, else the feed's own address.

use std::cell::OnceCell;

use url::Url;

use crate::feed::element::{self, Element};
use crate::rewrite::budget::ADDRESS_BYTES_MAX;

/// Where the parts of a feed stand.
#[derive(Debug, Clone)]
pub(super) struct FeedBase {
    /// The address the feed came from, after redirects.
    pub(super) url: Url,
    /// The channel's link.
    pub(super) link: Option<Url>,
}

/// What the relative addresses of one piece are resolved against, found when first needed.
pub(super) struct PieceBase<'a> {
    feed: &'a FeedBase,
    frame_bases: &'a [String],
    /// The item's own `xml:base`, which its link stands under.
    item_bases: Vec<String>,
    /// As written, trimmed; empty when the item has none.
    item_link: &'a str,
    plain: OnceCell<Url>,
}

/// What the relative addresses of one field are resolved against, found when first needed.
pub(super) struct FieldBase<'a> {
    piece: &'a PieceBase<'a>,
    /// The piece's elements; the field is the one at `index`.
    elements: &'a [Element<'a>],
    index: usize,
    url: OnceCell<Url>,
}

impl<'a> FieldBase<'a> {
    /// The base inside `elements[index]`.
    pub(super) fn of_element(
        piece: &'a PieceBase<'a>,
        elements: &'a [Element<'a>],
        index: usize,
    ) -> Self {
        Self {
            piece,
            elements,
            index,
            url: OnceCell::new(),
        }
    }

    /// The piece's own base.
    pub(super) fn of_piece(piece: &'a PieceBase<'a>) -> Self {
        Self::of_element(piece, &[], 0)
    }

    pub(super) fn url(&self) -> &Url {
        self.url.get_or_init(|| {
            self.piece
                .within(&element::bases(self.elements, self.index))
        })
    }
}

impl<'a> PieceBase<'a> {
    /// The base of an item with this link.
    pub(super) fn of_item(
        feed: &'a FeedBase,
        frame_bases: &'a [String],
        item_bases: Vec<String>,
        item_link: &'a str,
    ) -> Self {
        Self {
            feed,
            frame_bases,
            item_bases,
            item_link,
            plain: OnceCell::new(),
        }
    }

    /// The base of an element that is no item.
    pub(super) fn of_element(feed: &'a FeedBase, frame_bases: &'a [String]) -> Self {
        Self::of_item(feed, frame_bases, Vec::new(), "")
    }

    /// The base inside an element with these `xml:base` values around it in the piece.
    fn within(&self, inner_bases: &[String]) -> Url {
        if inner_bases.is_empty() {
            return self.plain.get_or_init(|| self.plain_base()).clone();
        }
        join_all(&self.feed.url, self.frame_bases.iter().chain(inner_bases))
    }

    fn plain_base(&self) -> Url {
        if !self.frame_bases.is_empty() {
            return join_all(&self.feed.url, self.frame_bases);
        }
        self.item_url().unwrap_or_else(|| self.channel().clone())
    }

    fn channel(&self) -> &Url {
        self.feed.link.as_ref().unwrap_or(&self.feed.url)
    }

    fn item_url(&self) -> Option<Url> {
        if self.item_link.is_empty() {
            return None;
        }
        if self.frame_bases.is_empty() && self.item_bases.is_empty() {
            return join(self.channel(), self.item_link);
        }
        let bases = self.frame_bases.iter().chain(&self.item_bases);
        join(&join_all(&self.feed.url, bases), self.item_link)
    }

    /// The item's link, made absolute; as written when that can't be done.
    pub(super) fn item_address(&self) -> String {
        self.item_url()
            .map_or_else(|| self.item_link.to_owned(), String::from)
    }
}

impl FeedBase {
    /// Remembers the channel's link, which may be relative to the feed.
    pub(super) fn learn_link(&mut self, frame_bases: &[String], link: &str) {
        self.link = join(&join_all(&self.url, frame_bases), link);
    }
}

/// A base that can't be joined is passed over (RFC 3986 §5.1).
fn join_all<'b>(url: &Url, bases: impl IntoIterator<Item = &'b String>) -> Url {
    bases.into_iter().fold(url.clone(), |url, base| {
        join(&url, base.trim()).unwrap_or(url)
    })
}

/// Resolves a reference, unless it or what comes of it is longer than a base may be.
fn join(base: &Url, reference: &str) -> Option<Url> {
    let is_short = reference.len() <= ADDRESS_BYTES_MAX;
    let url = is_short.then(|| base.join(reference).ok()).flatten()?;
    (url.as_str().len() <= ADDRESS_BYTES_MAX).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(frame: &[&str], link: &str, inner: &[&str], expected: &str) {
        let feed = FeedBase {
            url: Url::parse("https://feeds.example.org/x/rss.xml").unwrap(),
            link: Url::parse("https://www.example.org/news/").ok(),
        };
        let owned = |bases: &[&str]| {
            bases
                .iter()
                .map(|&base| base.to_owned())
                .collect::<Vec<_>>()
        };
        let frame = owned(frame);
        let base = PieceBase::of_item(&feed, &frame, Vec::new(), link);
        assert_eq!(base.within(&owned(inner)).as_str(), expected);
    }

    #[test]
    fn an_item_link_stands_under_xml_base() {
        let feed = FeedBase {
            url: Url::parse("https://feeds.example.org/atom").unwrap(),
            link: Url::parse("https://h.example/articles/").ok(),
        };
        let (frame, item) = (["https://h.example/".to_owned()], vec!["2026/".to_owned()]);
        let base = PieceBase::of_item(&feed, &frame, item, "articles/4");
        assert_eq!(base.item_address(), "https://h.example/2026/articles/4");
        let base = PieceBase::of_item(&feed, &[], Vec::new(), "4");
        assert_eq!(base.item_address(), "https://h.example/articles/4");
    }

    #[test]
    fn xml_base_then_item_link_then_channel_link() {
        check(&[], "", &[], "https://www.example.org/news/");
        check(
            &[],
            "https://other.example/a/b",
            &[],
            "https://other.example/a/b",
        );
        check(
            &[],
            "2026/1.html",
            &[],
            "https://www.example.org/news/2026/1.html",
        );
        check(
            &["https://b.example/root/", "sub/"],
            "https://x.example/",
            &[],
            "https://b.example/root/sub/",
        );
        check(&["/a/"], "", &["b/"], "https://feeds.example.org/a/b/");
        check(
            &[],
            "https://x.example/",
            &["https://y.example/"],
            "https://y.example/",
        );
        check(
            &["http://[nonsense"],
            "",
            &[],
            "https://feeds.example.org/x/rss.xml",
        );
    }
}
