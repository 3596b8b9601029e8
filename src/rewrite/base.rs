//! What the items of a feed take from it: its authors, and what relative URLs are resolved
//! against: the `xml:base` chain, else the item's link, else the channel's, else the feed's own
//! URL.

use std::cell::OnceCell;

use url::Url;

use crate::feed::element::{self, Element};
use crate::feed::json::Member;
use crate::rewrite::author;
use crate::rewrite::budget::URL_BYTES_MAX;
use crate::rewrite::link::{self, ItemLink, Rank};
use crate::rewrite::texts::string;

/// Authors of a feed that its items inherit.
const AUTHORS_MAX: usize = 100;

/// Where the parts of a feed stand, and who wrote them.
#[derive(Debug, Clone)]
pub(super) struct FeedBase {
    /// The URL the feed came from, after redirects.
    pub(super) url: Url,
    /// The channel's link.
    pub(super) link: Option<Url>,
    rank: Rank,
    /// The feed's authors, who are those of items that name none.
    pub(super) authors: Vec<String>,
}

/// What the relative URLs of one piece are resolved against, found when first needed.
pub(super) struct PieceBase<'a> {
    feed: &'a FeedBase,
    frame_bases: &'a [String],
    item_link: ItemLink,
    plain: OnceCell<Url>,
}

/// What the relative URLs of one field are resolved against, found when first needed.
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
        item_link: ItemLink,
    ) -> Self {
        Self {
            feed,
            frame_bases,
            item_link,
            plain: OnceCell::new(),
        }
    }

    /// The base of an element that is no item.
    pub(super) fn of_element(feed: &'a FeedBase, frame_bases: &'a [String]) -> Self {
        Self::of_item(feed, frame_bases, ItemLink::default())
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
        let ItemLink { written, bases } = &self.item_link;
        if written.is_empty() {
            return None;
        }
        if self.frame_bases.is_empty() && bases.is_empty() {
            return join(self.channel(), written);
        }
        let bases = self.frame_bases.iter().chain(bases);
        join(&join_all(&self.feed.url, bases), written)
    }

    /// The item's link, made absolute; as written when that can't be done.
    pub(super) fn item_link(&self) -> String {
        self.item_url()
            .map_or_else(|| self.item_link.written.clone(), String::from)
    }

    /// The authors of an item that names `own`: the feed's, where it names none.
    pub(super) fn authors(&self, own: Vec<String>) -> Vec<String> {
        if own.is_empty() {
            self.feed.authors.clone()
        } else {
            own
        }
    }
}

impl FeedBase {
    /// A feed that nothing is known of but where it came from.
    pub(super) fn new(url: Url) -> Self {
        Self {
            url,
            link: None,
            rank: Rank::None,
            authors: Vec::new(),
        }
    }

    /// Takes in what a child of the feed or channel says; gives its link, absolute where that can be
    /// told, when it is a better one than was known.
    pub(super) fn learn(
        &mut self,
        xml: &str,
        elements: &[Element<'_>],
        frame_bases: &[String],
    ) -> Option<String> {
        let names = author::of_feed(xml, elements).into_iter();
        self.authors
            .extend(names.take(AUTHORS_MAX - self.authors.len()));
        let (rank, written) = link::read(xml, elements.first()?)?;
        if rank <= self.rank || rank == Rank::Permalink {
            return None;
        }
        self.rank = rank;
        let own = element::bases(elements, 0);
        let base = join_all(&self.url, frame_bases.iter().chain(&own));
        self.link = join(&base, &written);
        Some(self.link.as_ref().map_or(written, ToString::to_string))
    }

    /// The same for a member of a JSON Feed.
    pub(super) fn learn_member(&mut self, json: &str, member: &Member<'_>) -> Option<String> {
        match member.key.as_ref() {
            "author" | "authors" if self.authors.is_empty() => {
                let names = author::of_json_member(json, member).into_iter();
                self.authors = names.take(AUTHORS_MAX).collect();
                None
            }
            "home_page_url" => {
                let written = string(json, member);
                self.link = join(&self.url, &written).filter(|_| !written.is_empty());
                Some(self.link.as_ref().map_or(written, ToString::to_string))
            }
            _ => None,
        }
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
    let is_short = reference.len() <= URL_BYTES_MAX;
    let url = is_short.then(|| base.join(reference).ok()).flatten()?;
    (url.as_str().len() <= URL_BYTES_MAX).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item_link(written: &str, bases: &[&str]) -> ItemLink {
        ItemLink {
            written: written.to_owned(),
            bases: bases.iter().map(|&base| base.to_owned()).collect(),
        }
    }

    fn check(frame: &[&str], link: &str, inner: &[&str], expected: &str) {
        let feed = FeedBase {
            link: Url::parse("https://www.example.org/news/").ok(),
            ..FeedBase::new(Url::parse("https://feeds.example.org/x/rss.xml").unwrap())
        };
        let owned = |bases: &[&str]| {
            bases
                .iter()
                .map(|&base| base.to_owned())
                .collect::<Vec<_>>()
        };
        let frame = owned(frame);
        let base = PieceBase::of_item(&feed, &frame, item_link(link, &[]));
        assert_eq!(base.within(&owned(inner)).as_str(), expected);
    }

    #[test]
    fn an_item_link_stands_under_xml_base() {
        let feed = FeedBase {
            link: Url::parse("https://h.example/articles/").ok(),
            ..FeedBase::new(Url::parse("https://feeds.example.org/atom").unwrap())
        };
        let frame = ["https://h.example/".to_owned()];
        let base = PieceBase::of_item(&feed, &frame, item_link("articles/4", &["2026/"]));
        assert_eq!(base.item_link(), "https://h.example/2026/articles/4");
        let base = PieceBase::of_item(&feed, &[], item_link("4", &[]));
        assert_eq!(base.item_link(), "https://h.example/articles/4");
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
