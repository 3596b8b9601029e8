//! CSS selectors, which lol_html matches while it streams.

use std::borrow::Cow;
use std::cell::RefCell;

use lol_html::html_content::Element;
use lol_html::{ElementContentHandlers, HtmlRewriter, MemorySettings, Selector, Settings};

use super::mask::mask;
use crate::html::Markup;
use crate::html::tag::Tag;

/// What lol_html may hold: its stack of open elements and a tag that does not end.
const MEMORY_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Why a selector is refused; its `Display` is a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the CSS selector `{selector}` can't be used")]
pub struct SelectorError {
    selector: String,
    #[source]
    reason: lol_html::errors::SelectorError,
}

/// Checks a CSS selector.
///
/// # Errors
/// When lol_html can't match by it.
pub fn check_selector(selector: &str) -> Result<(), SelectorError> {
    parse_selector(selector).map(drop)
}

/// Which selectors an element matches, as bits.
pub type Marks = u64;

/// Selectors, and what each marks elements with.
#[derive(Debug, Clone, Default)]
pub(super) struct Selectors(Vec<(Selector, Marks)>);

/// Where the elements are that match selectors, with their marks; sorted.
#[derive(Debug, Default)]
pub(in crate::rewrite) struct Marked(Vec<(usize, Marks)>);

impl Marked {
    /// The marks of the element that a tag starts.
    pub(in crate::rewrite) fn of(&self, tag: &Tag<'_>) -> Marks {
        if self.0.is_empty() {
            return 0;
        }
        let found = self
            .0
            .binary_search_by_key(&tag.range.start, |&(tag, _)| tag);
        found.map_or(0, |at| self.0[at].1)
    }
}

impl Selectors {
    pub(super) fn new(selectors: &[(&str, Marks)]) -> Result<Self, SelectorError> {
        let parsed = selectors
            .iter()
            .map(|&(selector, marks)| Ok((parse_selector(selector)?, marks)));
        parsed.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Which elements of a text match; not all of them where the parser runs out of memory.
    pub(super) fn matching(&self, html: &str, markup: Markup) -> Marked {
        if self.is_empty() {
            return Marked::default();
        }
        let tags: RefCell<Vec<(usize, Marks)>> = RefCell::new(Vec::new());
        let mut settings = Settings::new().with_strict(false).with_memory_settings(
            MemorySettings::new().with_max_allowed_memory_usage(MEMORY_BYTES_MAX),
        );
        for &(ref selector, marks) in &self.0 {
            let tags = &tags;
            let mark = move |element: &mut Element<'_, '_>| {
                let tag = element.source_location().bytes().start;
                let mut tags = tags.borrow_mut();
                match tags.last_mut() {
                    Some((last, own)) if *last == tag => *own |= marks,
                    _ => tags.push((tag, marks)),
                }
                Ok(())
            };
            let handler = ElementContentHandlers::default().element(mark);
            settings = settings.append_element_content_handler((Cow::Borrowed(selector), handler));
        }
        let masked = mask(html.as_bytes(), markup);
        // What was found before it ran out of memory counts.
        let _ = HtmlRewriter::new(settings, |_: &[u8]| {}).write(&masked);
        Marked(tags.into_inner())
    }
}

fn parse_selector(selector: &str) -> Result<Selector, SelectorError> {
    selector.parse().map_err(|reason| SelectorError {
        selector: selector.to_owned(),
        reason,
    })
}
