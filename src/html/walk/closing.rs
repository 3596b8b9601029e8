//! What a walk left open at its end, and how to close it.

use std::borrow::Cow;

use crate::html::open::Open;

/// How to end a fragment so that something can follow: keep its first `keep` bytes, then write `text`.
///
/// Only a tag that the fragment ends in the midst of is cut off. Every HTML parser drops such a tag, so
/// nothing that shows is lost; completed, `<img src="https://example.org/a.p` would load an image that
/// nobody asked for and that no image rule has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Closing {
    /// Bytes of the fragment to keep.
    pub(crate) keep: usize,
    /// What closes them; empty when nothing is open.
    pub(crate) text: Cow<'static, str>,
}

/// What a text ends in the midst of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::html) enum Unfinished {
    /// A start or end tag that begins at this byte.
    Tag(usize),
    /// Behind `<` or `</`, which begins at this byte.
    Opening(usize),
    Comment,
    /// A doctype, a processing instruction or the like.
    Bogus,
    /// A CDATA section of foreign content.
    Cdata,
}

/// How to close what a walk over `html` left open: elements, raw text (and whether a script's comment is
/// open in it), and the token that it ends in.
pub(in crate::html) fn of(
    html: &str,
    open: &Open<'_>,
    raw: Option<(&str, bool)>,
    unfinished: Option<Unfinished>,
) -> Option<Closing> {
    if open.is_too_deep() {
        return None;
    }
    let (keep, mut text) = match unfinished {
        Some(unfinished) => finish(html, unfinished, raw.is_some()),
        None => (html.len(), String::new()),
    };
    if let Some((name, is_escaped)) = raw {
        let comment_end = if is_escaped { "-->" } else { "" };
        text.push_str(&format!("{comment_end}</{name}>"));
    }
    open.close_all(&mut text);
    let text = match text.is_empty() {
        true => Cow::Borrowed(""),
        false => Cow::Owned(text),
    };
    Some(Closing { keep, text })
}

/// How to end the token that the fragment ends in: what to keep, what to write.
fn finish(html: &str, unfinished: Unfinished, is_in_raw_text: bool) -> (usize, String) {
    match unfinished {
        Unfinished::Tag(start) if is_in_raw_text => (start, String::new()),
        Unfinished::Tag(start) => {
            // A `<` before the tag was text, and must not begin another one.
            let keep = html[..start].trim_end_matches('<').len();
            (keep, "&lt;".repeat(start - keep))
        }
        // These are text to a parser that finds nothing behind them.
        Unfinished::Opening(start) => (start, format!("&lt;{}", &html[start + 1..])),
        Unfinished::Comment => (html.len(), "-->".to_owned()),
        Unfinished::Bogus => (html.len(), ">".to_owned()),
        Unfinished::Cdata => (html.len(), "]]>".to_owned()),
    }
}
