//! A copy of the text, of the same length, in which what lol_html can't see through is neutral.
//!
//! lol_html reads the content of `noscript` as text, as a browser that runs scripts does; and it
//! reads HTML, where XHTML has CDATA sections, processing instructions with any content and no
//! raw text at all. What is raw text or a comment without an end is made neutral in HTML. Positions in the copy hold for the original.

use std::borrow::Cow;

use memchr::{memchr, memmem};

use crate::html::{Ends, Markup, RawText, comment, tag_end, tag_name};

/// Longer than every name that is looked for.
const NAME_BYTES_MAX: usize = 16;

/// `html` as lol_html is to read it.
pub(super) fn mask(html: &[u8], markup: Markup) -> Cow<'_, [u8]> {
    let mut masked = Cow::Borrowed(html);
    let ends = Ends::of(html);
    let mut at = 0;
    while let Some(found) = memchr(b'<', &html[at..]) {
        let open = at + found;
        at = open + 1;
        let rest = &html[open..];
        if markup == Markup::Html {
            if rest.starts_with(b"<!--") && !ends.has_comment_end(open) {
                masked.to_mut()[open] = b'|';
            }
            rename(&mut masked, open, |name| {
                let is_open = || !rest.starts_with(b"</") && ends.raw_text(html, open).is_none();
                name.eq_ignore_ascii_case(b"noscript") || RawText::of(name).is_some() && is_open()
            });
        } else if rest.starts_with(b"<!--") {
            at = comment(html, open, markup).map_or(html.len(), |(_, end)| end);
        } else if rest.starts_with(b"<![CDATA[") {
            at = blank(&mut masked, open + 9, b"]]>");
        } else if rest.starts_with(b"<?") {
            at = blank(&mut masked, open + 2, b"?>");
        } else if rest.starts_with(b"<!") {
            at = memchr(b'>', rest).map_or(html.len(), |length| open + length);
        } else {
            rename(&mut masked, open, |name| {
                RawText::of(name).is_some() || name.eq_ignore_ascii_case(b"noscript")
            });
            at = tag_end(html, open).unwrap_or(html.len());
        }
    }
    masked
}

/// Gives the tag at `open` another first letter, when its name is one of those.
fn rename(masked: &mut Cow<'_, [u8]>, open: usize, is_meant: impl Fn(&[u8]) -> bool) {
    let is_end_tag = masked.get(open + 1) == Some(&b'/');
    let start = (open + 1 + usize::from(is_end_tag)).min(masked.len());
    // A name that fills the window is none of those; without the window `<a<a<a…` is quadratic.
    let window = start..masked.len().min(start + NAME_BYTES_MAX);
    if is_meant(&masked[tag_name(&masked[..window.end], start)]) {
        // No element of HTML that matters to the parser starts with a q and ends like these.
        masked.to_mut()[start] = b'q';
    }
}

/// Fills the text from `from` to the next `close` with spaces, and returns where that ends.
fn blank(masked: &mut Cow<'_, [u8]>, from: usize, close: &[u8]) -> usize {
    let length = memmem::find(&masked[from..], close);
    let end = length.map_or(masked.len(), |length| from + length);
    masked.to_mut()[from..end].fill(b' ');
    end
}
