//! What is in a feed besides what its publisher wrote: items, and where it stands among the pages
//! of its archive (RFC 5005).

use std::sync::Arc;

use crate::feed::Format;
use crate::feed::element::{self, Element};
use crate::feed::json;
use crate::feed::namespace::{self, Ns};
use crate::feed::raw_item::{RawItem, attribute};
use crate::feed::splitter::Frame;
use crate::rewrite::envelope::PAGE_RELATIONS;
use crate::rewrite::field;

/// The namespaces of what is written here.
const ATOM: &str = "http://www.w3.org/2005/Atom";
const HISTORY: &str = "http://purl.org/syndication/history/1.0";

/// What is added to a document. Items of another format than the document's are left out.
#[derive(Debug, Clone, Default)]
pub struct Additions {
    /// Items behind the publisher's own, in this order. The rules apply to them as to those.
    pub items: Arc<[RawItem]>,
    /// Where the document stands among the pages of its archive.
    pub paging: Option<Paging>,
}

/// Where a document stands among the pages of its feed's archive, as absolute URLs. What the
/// publisher says of such pages goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paging {
    /// The document's own URL, where it is a page; it says so then.
    pub page: Option<String>,
    /// Where the next older items are.
    pub older: Option<String>,
    /// Where the next newer items are.
    pub newer: Option<String>,
}

impl Additions {
    /// Whether nothing is added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.paging.is_none()
    }

    /// Whether the document is a page of an archive.
    pub(super) fn is_page(&self) -> bool {
        let paging = self.paging.as_ref();
        paging.is_some_and(|paging| paging.page.is_some())
    }

    /// What stands instead of a child of the channel or feed; `None`: itself.
    pub(super) fn instead(&self, frame: &Frame, text: &str) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        if frame.format == Format::Json {
            let is_next = json::member(text).is_some_and(|member| member.key == "next_url");
            // As the rules for the envelope do it.
            return (is_next && self.paging.is_some()).then(|| text.replacen('"', "\"_", 1));
        }
        let elements = element::elements(text, frame);
        let first = elements.first()?;
        if let Some(paging) = &self.paging
            && paging.replaces(first)
        {
            return Some(String::new());
        }
        match frame.format {
            Format::Rdf => self.listed(text, &elements),
            _ => None,
        }
    }

    /// The `items` of an RSS 1.0 channel with the added items in its list: what is not in it need
    /// not be read (RSS 1.0 §5.3.5). `None` when it is something else.
    fn listed(&self, xml: &str, elements: &[Element<'_>]) -> Option<String> {
        let is_list = elements.first()?.is(Ns::Core, "items");
        let list = elements.iter().find(|one| one.is(Ns::Rdf, "Seq"))?;
        if !is_list || list.tag.is_empty_element() {
            return None;
        }
        let prefix = match namespace::split(list.tag.name()).0 {
            "" => String::new(),
            prefix => format!("{prefix}:"),
        };
        // A page has none of the items that the publisher's list names.
        let own = if self.is_page() {
            list.content.start
        } else {
            list.content.end
        };
        let mut out = xml[..own].to_owned();
        let added = self.items.iter().filter(|item| item.format == Format::Rdf);
        for about in added.filter_map(RawItem::about) {
            let resource = attribute(&format!("{prefix}resource"), &about);
            out.push_str(&format!("<{prefix}li{resource}/>"));
        }
        out.push_str(&xml[list.content.end..]);
        Some(out)
    }
}

impl Paging {
    /// Whether a child of the channel or feed says what we say.
    fn replaces(&self, element: &Element<'_>) -> bool {
        match element.ns {
            Ns::History => true,
            Ns::Atom if element.local.eq_ignore_ascii_case("link") => {
                let relation = field::relation(element);
                let is_own = matches!(relation.as_str(), "self" | "current");
                PAGE_RELATIONS.contains(&relation.as_str()) || is_own && self.page.is_some()
            }
            _ => false,
        }
    }

    /// What is written at the end of the channel or feed whose readers use `self_url`.
    pub(super) fn written(&self, frame: &Frame, self_url: &str) -> String {
        let page = self.page.as_deref();
        let older = self.older.as_deref();
        if frame.format == Format::Json {
            // JSON Feed 1.1 knows one direction.
            let older = older.and_then(|older| serde_json::to_string(older).ok());
            return older.map_or_else(String::new, |older| format!(",\"next_url\": {older}\n"));
        }
        let mut out = String::new();
        if page.is_some() {
            out.push_str(&format!(
                "<fh:archive{}/>\n",
                attribute("xmlns:fh", HISTORY)
            ));
        }
        let link = link_name(frame);
        for (relation, url) in [
            ("self", page),
            ("current", page.map(|_| self_url)),
            ("prev-archive", older),
            ("next-archive", self.newer.as_deref()),
        ] {
            if let Some(url) = url {
                let (relation, url) = (attribute("rel", relation), attribute("href", url));
                out.push_str(&format!("<{link}{relation}{url}/>\n"));
            }
        }
        out
    }
}

/// How a link of Atom is called here, with its declaration where it needs one.
fn link_name(frame: &Frame) -> String {
    let is_format = frame.format == Format::Atom;
    if is_format && frame.namespaces.resolve("") == Ns::Atom {
        return "link".to_owned();
    }
    let declared = frame.declarations.iter().rev().find(|(prefix, name)| {
        let means_atom = frame.namespaces.resolve(prefix) == Ns::Atom;
        !prefix.is_empty() && means_atom && (is_format || name == ATOM)
    });
    match declared {
        Some((prefix, _)) => format!("{prefix}:link"),
        None => format!("atom:link{}", attribute("xmlns:atom", ATOM)),
    }
}
