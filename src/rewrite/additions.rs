//! What stands in a feed besides what its publisher wrote.

use std::sync::Arc;

use crate::feed::element;
use crate::feed::namespace::Ns;
use crate::feed::raw_item::{RawItem, attribute};
use crate::feed::splitter::Frame;
use crate::feed::{Format, namespace};

/// What is added to a document. What is of another format than the document is left out.
#[derive(Debug, Clone, Default)]
pub struct Additions {
    /// Items behind the publisher's own, in this order. The rules apply to them as to those.
    pub items: Arc<[RawItem]>,
}

impl Additions {
    /// Whether nothing is added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The `items` of an RSS 1.0 channel with the added items in its list: what is not in it need
    /// not be read (RSS 1.0 §5.3.5). `None` when it is something else.
    pub(super) fn listed(&self, frame: &Frame, xml: &str) -> Option<String> {
        if frame.format != Format::Rdf || self.items.is_empty() {
            return None;
        }
        let elements = element::elements(xml, frame);
        let is_list = elements.first()?.is(Ns::Core, "items");
        let list = elements.iter().find(|one| one.is(Ns::Rdf, "Seq"))?;
        if !is_list || list.tag.is_empty_element() {
            return None;
        }
        let prefix = match namespace::split(list.tag.name()).0 {
            "" => String::new(),
            prefix => format!("{prefix}:"),
        };
        let mut out = xml[..list.content.end].to_owned();
        let added = self.items.iter().filter(|item| item.format == Format::Rdf);
        for about in added.filter_map(RawItem::about) {
            let resource = attribute(&format!("{prefix}resource"), &about);
            out.push_str(&format!("<{prefix}li{resource}/>"));
        }
        out.push_str(&xml[list.content.end..]);
        Some(out)
    }
}
