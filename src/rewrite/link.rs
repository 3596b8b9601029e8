//! Where an item or a feed leads to, as readers take it from its link elements.

use url::Url;

use crate::feed::element::{self, Element};
use crate::feed::json::Member;
use crate::feed::namespace::Ns;
use crate::rewrite::field::{attribute, relation};
use crate::rewrite::texts::{last_string, text};

/// How good a link is; the first of the best counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// There is none yet.
    #[default]
    None,
    /// An alternate that is no HTML.
    OtherAlternate,
    /// A `guid` that is a permanent link, or an `id` that looks like one.
    Permalink,
    /// The HTML alternate (RFC 4287 §4.2.7).
    Alternate,
    /// The text of RSS's own `link`.
    Own,
}

/// The link of an item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ItemLink {
    /// As written, trimmed; empty when the item has none.
    pub(super) written: String,
    /// The `xml:base` values of the item that it stands under, outermost first.
    pub(super) bases: Vec<String>,
}

/// The link of an XML item.
pub(super) fn of_item(xml: &str, elements: &[Element<'_>]) -> ItemLink {
    let mut best = (Rank::None, String::new(), 0);
    for (index, element) in elements.iter().enumerate() {
        if element.depth != 1 || best.0 == Rank::Own {
            continue;
        }
        if let Some((rank, written)) = read(xml, element).filter(|(rank, _)| *rank > best.0) {
            best = (rank, written, index);
        }
    }
    let (rank, written, index) = best;
    let bases = match rank {
        Rank::None => Vec::new(),
        _ => element::bases(elements, index),
    };
    ItemLink { written, bases }
}

/// What one element says of where its parent leads to: a link, or a `guid` that is one.
pub(super) fn read(xml: &str, element: &Element<'_>) -> Option<(Rank, String)> {
    let (rank, written) = match element.ns {
        _ if element.is(Ns::Core, "guid") || element.is(Ns::Atom, "id") => {
            (Rank::Permalink, permalink(xml, element)?)
        }
        Ns::Core | Ns::Atom if element.local.eq_ignore_ascii_case("link") => {
            let text = text(xml, element);
            if element.ns == Ns::Core && !text.is_empty() {
                (Rank::Own, text)
            } else {
                (alternate(element)?, with_href(element, text))
            }
        }
        _ => return None,
    };
    (!written.is_empty()).then_some((rank, written))
}

/// A JSON Feed item's `url`, else its `external_url`.
pub(super) fn of_json_item(json: &str, members: &[Member<'_>]) -> ItemLink {
    let mut found = ["url", "external_url"].into_iter();
    let link =
        found.find_map(|key| Some(last_string(json, members, key)).filter(|link| !link.is_empty()));
    ItemLink {
        written: link.unwrap_or_default(),
        bases: Vec::new(),
    }
}

/// The URL in `href`, else the text: some write Atom's links as RSS has them.
fn with_href(element: &Element<'_>, text: String) -> String {
    let href = attribute(element, "href");
    if href.is_empty() { text } else { href }
}

/// The rank of an element that names its relation, if that is `alternate`.
fn alternate(element: &Element<'_>) -> Option<Rank> {
    if !matches!(relation(element).as_str(), "" | "alternate") {
        return None;
    }
    let kind = attribute(element, "type").to_ascii_lowercase();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let is_html = matches!(essence, "" | "html" | "text/html" | "application/xhtml+xml");
    Some(if is_html {
        Rank::Alternate
    } else {
        Rank::OtherAlternate
    })
}

/// The text of a `guid` that says it is a permanent link, or of one that says nothing, as Atom's
/// `id` never does, and looks like one.
fn permalink(xml: &str, guid: &Element<'_>) -> Option<String> {
    let says = attribute(guid, "isPermaLink").to_ascii_lowercase();
    let is_path = |text: &str| {
        let before = text.split('/').next().unwrap_or_default();
        text.contains('/') && !before.contains(':')
    };
    let written = text(xml, guid);
    let is_link = match says.as_str() {
        _ if written.contains(char::is_whitespace) => false,
        "" => is_web_url(&written),
        "true" => is_web_url(&written) || is_path(&written),
        _ => false,
    };
    is_link.then_some(written)
}

fn is_web_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[cfg(test)]
mod tests;
