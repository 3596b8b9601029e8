//! What a tag means for how the walk reads on: raw text, svg and math.

use std::ops::Range;

use memchr::memmem;

use super::{Reading, Walk};
use crate::html::Markup;
use crate::html::ends::Ends;
use crate::html::open::{Content, Kind, Open, classify};
use crate::html::syntax::{raw_text_end, script_end};
use crate::html::tag::Tag;

impl<'h> Walk<'h> {
    /// Takes note of what a tag means for what follows.
    pub(super) fn enter(&mut self, tag: &mut Tag<'h>) {
        let kind = classify(tag.id);
        self.is_plain &= !kind.changes_reading();
        if tag.is_end {
            let ends_raw = self.raw.take().is_some();
            if let Some(open) = self.open.as_mut().filter(|_| !ends_raw) {
                open.end(tag.id, kind);
            }
            return;
        }
        if self.reading == Reading::Open {
            self.is_doubtful |= kind == Kind::Noscript;
            if matches!(kind, Kind::Foreign { .. }) && self.open.is_none() {
                self.open = Some(opened(&self.html[..tag.range.start]));
            }
        }
        let content = match &mut self.open {
            Some(open) => open.start(tag, kind),
            None => Content::of_raw(kind),
        };
        tag.is_foreign = content == Content::Foreign;
        match content {
            Content::Markup | Content::Foreign => {}
            Content::Raw | Content::Script | Content::Plaintext => self.raw_text(tag, content),
        }
    }

    /// Finds the end of the raw text that a tag begins; reading goes on there.
    fn raw_text(&mut self, tag: &mut Tag<'h>, content: Content) {
        let bytes = self.html.as_bytes();
        let name = tag.name.as_bytes();
        match self.reading {
            Reading::Html4 if !tag.starts("style") => return,
            Reading::Browser { .. } => {
                let (end, is_escaped) = match content {
                    Content::Plaintext => (bytes.len(), false),
                    Content::Script => script_end(bytes, self.at),
                    _ => (raw_text_end(bytes, name, self.at), false),
                };
                self.is_doubtful |= content == Content::Plaintext;
                self.raw = Some((tag.name, is_escaped));
                tag.raw_end = Some(end);
                self.at = end;
                return;
            }
            Reading::Open | Reading::Html4 => {}
        }
        let ends = self.ends.get_or_insert_with(|| Ends::of(bytes));
        let has_end = ends.raw_text(bytes, tag.range.start).is_some();
        let end = has_end.then(|| raw_text_end(bytes, name, self.at));
        if let (Content::Script, Some(end)) = (content, end) {
            // Browsers may not see that end, and where they see one depends on what follows. Read as
            // they do, that would be another text once a rule had changed it.
            self.is_doubtful = self.is_doubtful || is_hidden(bytes, self.at..end);
        }
        match end.filter(|end| *end < bytes.len()) {
            Some(end) => {
                self.raw = Some((tag.name, false));
                tag.raw_end = Some(end);
                self.at = end;
            }
            None => {
                self.is_doubtful = true;
                tag.is_open_raw = true;
            }
        }
    }
}

/// Whether a comment in a script hides from browsers where its text ends.
fn is_hidden(html: &[u8], text: Range<usize>) -> bool {
    memmem::find(&html[text.clone()], b"<!--").is_some()
        && script_end(html, text.start).0 != text.end
}

/// What is open behind a text in which nothing is foreign.
fn opened(html: &str) -> Open<'_> {
    let mut walk = Walk::new(html, Markup::Html).closing_at_end();
    let mut tag = Tag::default();
    while walk.read(&mut tag) {}
    walk.open.unwrap_or_default()
}
