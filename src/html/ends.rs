//! Raw text and comments that nobody closed. To browsers they hold all that follows; readers that
//! know no raw text show it, images and all. So here they hold nothing: what follows is read.
//!
//! Invariant: the same is said of a place whether it is asked for in a text or in the text's end.

use memchr::{memchr_iter, memrchr};

use super::syntax::{RAW_TEXT, RawText, read_all_attributes, tag_name};

/// A longer tag is not looked at for its end.
const TAG_BYTES_MAX: usize = 1024;

/// Where the last ends of raw text and comments stand.
#[derive(Debug)]
pub(crate) struct Ends {
    /// Of each element of raw text, in the order of their table.
    raw_text: [Option<usize>; RAW_TEXT.len()],
    /// The last `>` behind `--`, and the last behind `--!`.
    dashes: Option<usize>,
    bang: Option<usize>,
}

impl Ends {
    pub(crate) fn of(html: &[u8]) -> Self {
        let mut ends = Self {
            raw_text: [None; RAW_TEXT.len()],
            dashes: None,
            bang: None,
        };
        // Only what these hold is ever asked for.
        if memchr_iter(b'<', html).any(|open| may_open(html, open)) {
            ends.find(html);
        }
        ends
    }

    fn find(&mut self, html: &[u8]) {
        for open in memchr_iter(b'<', html) {
            if html.get(open + 1) == Some(&b'/')
                && let Some(row) = row_of(html, open + 2)
            {
                self.raw_text[row] = Some(open);
            }
        }
        let mut until = html.len();
        while let Some(close) = memrchr(b'>', &html[..until])
            && (self.dashes.is_none() || self.bang.is_none())
        {
            let before = &html[..close];
            if before.ends_with(b"--") {
                self.dashes = self.dashes.or(Some(close));
            } else if before.ends_with(b"--!") {
                self.bang = self.bang.or(Some(close));
            }
            until = close;
        }
    }

    /// The kind of raw text that the start tag at `open` begins; `None` where it begins none that
    /// has an end.
    pub(crate) fn raw_text(&self, html: &[u8], open: usize) -> Option<RawText> {
        let row = row_of(html, open + 1)?;
        let last_end = self.raw_text[row]?;
        let (_, kind) = RAW_TEXT[row];
        // What looks like an end in the tag itself is none.
        let (tag_end, is_self_closed) = tag_end(html, open).unwrap_or((open + 1, false));
        (last_end >= tag_end && kind != RawText::ToTheEnd && !is_self_closed).then_some(kind)
    }

    /// Whether the comment that starts at `open` has an end (HTML §13.2.5.43).
    pub(crate) fn has_comment_end(&self, open: usize) -> bool {
        self.dashes.is_some_and(|close| close >= open + 4)
            || self.bang.is_some_and(|close| close >= open + 7)
    }
}

/// Whether a comment or raw text may start at `open`.
fn may_open(html: &[u8], open: usize) -> bool {
    html.get(open + 1) == Some(&b'!') || row_of(html, open + 1).is_some()
}

/// The row of the table of raw text that the name at `start` is in.
fn row_of(html: &[u8], start: usize) -> Option<usize> {
    let first = html.get(start)?.to_ascii_lowercase();
    if !matches!(first, b'i' | b'n' | b'p' | b's' | b't' | b'x') {
        return None;
    }
    // No name in the table is longer.
    let window = &html[..html.len().min(start + 16)];
    let name = &window[tag_name(window, start)];
    let mut rows = RAW_TEXT.iter();
    rows.position(|(known, _)| name.eq_ignore_ascii_case(known))
}

/// Where the tag at `open` ends, and whether in a slash, which means something to readers of XML.
fn tag_end(html: &[u8], open: usize) -> Option<(usize, bool)> {
    let window = &html[..html.len().min(open + TAG_BYTES_MAX)];
    let name = tag_name(window, open + 1);
    let end = read_all_attributes(window, name.end, |_, _| {})?;
    Some((end.at, end.is_self_closed))
}
