//! Header and footer around a field's content.
//!
//! Invariants: what the publisher left open swallows neither; where one stands already, since the
//! feed has passed through us before, it is not put a second time.

use crate::feed::text::Edit;
use crate::feed::xml::Tag;
use crate::rewrite::fragment::{self, Closing};
use crate::rewrite::html::Markup;
use crate::rewrite::passes::Site;
use crate::rewrite::xhtml;

const XHTML_NAMESPACE: &str = "http://www.w3.org/1999/xhtml";

/// A header and a footer, rendered for one item.
#[derive(Debug, Default)]
pub(super) struct Wrap {
    pub(super) header: String,
    pub(super) footer: String,
}

impl Wrap {
    pub(super) fn is_empty(&self) -> bool {
        self.header.is_empty() && self.footer.is_empty()
    }

    /// The edits that put them around a field's content.
    pub(super) fn edits(&self, html: &str, site: &Site<'_>) -> Vec<Edit> {
        let mut edits = Vec::new();
        match site.markup {
            Markup::Html => wrap_html(html, self, site, &mut edits),
            Markup::Xhtml => wrap_xhtml(html, self, &mut edits),
        }
        edits
    }
}

/// Header before and footer behind an HTML fragment, inside the white space around it.
fn wrap_html(html: &str, wrap: &Wrap, site: &Site<'_>, edits: &mut Vec<Edit>) {
    let start = html.len() - html.trim_start().len();
    let end = html.trim_end().len().max(start);
    let content = &html[start..end];
    if !wrap.header.is_empty() && !content.starts_with(&wrap.header) {
        edits.insert(
            0,
            Edit {
                range: start..start,
                text: wrap.header.clone(),
            },
        );
    }
    // Inside something left open, such as a comment, it would not be seen.
    let stands = content.ends_with(&wrap.footer)
        && fragment::closing(content)
            .is_some_and(|closing| closing.text.is_empty() && closing.keep == content.len());
    if !wrap.footer.is_empty() && !stands {
        match fragment::closing(&html[..end]) {
            Some(Closing { keep, text }) => {
                let text = format!("{text}{}", wrap.footer);
                edits.push(Edit {
                    range: keep..end,
                    text,
                });
            }
            // It would be shown as source text.
            None => site
                .trace
                .skip("footer", html, end..end, "what is open can't be closed"),
        }
    }
}

/// The same for inline XHTML: inside the `div` that Atom asks for (RFC 4287 §3.1.1.3), if it is
/// there.
fn wrap_xhtml(markup: &str, wrap: &Wrap, edits: &mut Vec<Edit>) {
    let (start, end) = inner_of_div(markup).unwrap_or_else(|| {
        let start = markup.len() - markup.trim_start().len();
        (start, markup.trim_end().len().max(start))
    });
    // A `div` of ours that names its namespace is right whatever prefix the publisher uses.
    let own = |html: &str| {
        format!(
            "<div xmlns=\"{XHTML_NAMESPACE}\">{}</div>",
            xhtml::well_formed(html)
        )
    };
    let (header, footer) = (own(&wrap.header), own(&wrap.footer));
    let content = markup[start..end].trim();
    if !wrap.header.is_empty() && !content.starts_with(&header) {
        let range = start..start;
        let text = header;
        edits.insert(0, Edit { range, text });
    }
    if !wrap.footer.is_empty() && !content.ends_with(&footer) {
        let range = end..end;
        let text = footer;
        edits.push(Edit { range, text });
    }
}

/// Where the content of the one `div` around `markup` stands.
fn inner_of_div(markup: &str) -> Option<(usize, usize)> {
    let start = markup.len() - markup.trim_start().len();
    let tag_end = start + tag_bytes(&markup[start..])?;
    let tag = Tag::parse(&markup[start..tag_end])?;
    let local = tag.name().rsplit(':').next()?;
    let is_div = local.eq_ignore_ascii_case("div") && !tag.is_empty_element();
    let end = markup.rfind("</").filter(|&end| end >= tag_end)?;
    (is_div && markup[end + 2..].trim_start().starts_with(tag.name())).then_some((tag_end, end))
}

/// The length of the start tag that `markup` begins with.
fn tag_bytes(markup: &str) -> Option<usize> {
    let mut quote = None;
    markup
        .bytes()
        .position(|byte| match (quote, byte) {
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                false
            }
            (Some(open), byte) if open == byte => {
                quote = None;
                false
            }
            (None, b'>') => true,
            _ => false,
        })
        .map(|close| close + 1)
}
