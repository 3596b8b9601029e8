//! What a publisher left open at the end of an HTML fragment, and how to close it, so that a footer behind
//! it is neither swallowed (by a tag, a comment, raw text) nor drawn into an element (a link, a table).
//!
//! Invariants: what is put behind a fragment holds end tags and ends of comments only, so it shows nothing
//! and loads nothing; a fragment whose elements are all closed needs nothing.

use std::borrow::Cow;

use super::Markup;
use super::tag::Tag;
use super::walk::{Closing, Walk};

/// How often closing for one way to read `<noscript>` may open something for the other.
const ROUNDS_MAX: usize = 4;

/// Finds how to close `html`, or `None` when nothing can follow it: `<plaintext>` has no end, and beyond
/// 512 open elements nobody counts. The caller then leaves the footer out.
#[must_use]
pub(crate) fn closing(html: &str) -> Option<Closing> {
    let closing = for_browser(html, false)?;
    // Parsers that run scripts read `<noscript>` as raw text, all others as markup: close it for both.
    if mentions_noscript(html) {
        close_for_both(html, closing)
    } else {
        Some(closing)
    }
}

/// How much of `html` stands before a tag that never ends; `None` as for [`closing`].
#[must_use]
pub(crate) fn whole_tags(html: &str) -> Option<usize> {
    let first = for_browser(html, false)?.keep;
    if mentions_noscript(html) {
        Some(first.min(for_browser(html, true)?.keep))
    } else {
        Some(first)
    }
}

/// Whether there may be an element that browsers read in two ways.
pub(crate) fn mentions_noscript(html: &str) -> bool {
    const NAME: &[u8] = b"<noscript";
    memchr::memchr_iter(b'<', html.as_bytes()).any(|at| {
        html.as_bytes()
            .get(at..at + NAME.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(NAME))
    })
}

fn close_for_both(html: &str, first: Closing) -> Option<Closing> {
    let mut keep = first.keep;
    let mut text = first.text.into_owned();
    for _ in 0..ROUNDS_MAX {
        let mut is_closed = true;
        for runs_scripts in [true, false] {
            let joined = format!("{}{text}", &html[..keep]);
            let more = for_browser(&joined, runs_scripts)?;
            is_closed &= more.keep == joined.len() && more.text.is_empty();
            text.truncate(more.keep.saturating_sub(keep));
            keep = keep.min(more.keep);
            text.push_str(&more.text);
        }
        if is_closed {
            let text = Cow::Owned(text);
            return Some(Closing { keep, text });
        }
    }
    None
}

fn for_browser(html: &str, runs_scripts: bool) -> Option<Closing> {
    let mut walk = Walk::of_browser(html, Markup::Html, runs_scripts);
    let mut tag = Tag::default();
    while walk.read(&mut tag) {}
    walk.closing()
}

#[cfg(test)]
mod tests;
