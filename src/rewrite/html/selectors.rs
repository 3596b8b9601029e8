//! CSS selectors, which lol_html matches while it streams.

use lol_html::Selector;

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

/// Which of the selectors of an [`HtmlPass`](super::HtmlPass) an element matches, as bits.
pub type Marks = u64;

/// Where the elements are that match selectors, with their marks; sorted.
pub(super) struct Marked(pub(super) Vec<(usize, Marks)>);

impl Marked {
    /// The marks of the element whose tag starts there.
    pub(super) fn of(&self, tag: usize) -> Marks {
        let found = self.0.binary_search_by_key(&tag, |&(tag, _)| tag);
        found.map_or(0, |at| self.0[at].1)
    }
}

pub(super) fn parse_selector(selector: &str) -> Result<Selector, SelectorError> {
    selector.parse().map_err(|reason| SelectorError {
        selector: selector.to_owned(),
        reason,
    })
}
