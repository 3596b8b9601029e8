//! What a field carries, decoded, and the way back: edits are spliced into the raw bytes.
//!
//! Invariants: without edits the raw bytes come back; what is decoded after a splice is the
//! decoded text with the edits applied. References that XML does not define (`&nbsp;`) stay as
//! they are: they are HTML's.

mod carrier;
mod decode;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use crate::html::Edit;
use carrier::Carrier;

/// A field's text, decoded, with the way back to the raw bytes.
#[derive(Debug, Clone)]
pub struct Decoded<'a> {
    raw: &'a str,
    text: Cow<'a, str>,
    runs: Runs,
}

/// A part of the text that is in the raw bytes as one thing.
#[derive(Debug, Clone)]
struct Run {
    /// Where it starts in the raw bytes, and how long it is there.
    raw: usize,
    raw_length: usize,
    /// The same in the decoded text.
    text: usize,
    text_length: usize,
    carrier: Carrier,
}

impl Run {
    /// Where its text ends in the decoded text.
    fn end(&self) -> usize {
        self.text + self.text_length
    }

    /// Where it ends in the raw bytes.
    fn raw_end(&self) -> usize {
        self.raw + self.raw_length
    }
}

/// One run needs no list: most fields have just one.
#[derive(Debug, Clone)]
enum Runs {
    One(Run),
    Many(Vec<Run>),
}

impl<'a> Decoded<'a> {
    /// Element content: text, entities, one or many CDATA sections mixed.
    pub fn content(raw: &'a str) -> Self {
        decode::content(raw)
    }

    /// An attribute's value, without its quotes.
    pub fn attribute(raw: &'a str) -> Self {
        decode::attribute(raw)
    }

    /// A JSON string, without its quotes.
    pub fn json(raw: &'a str) -> Self {
        decode::json(raw)
    }

    /// Inline XHTML, or HTML that nobody escaped: what is written is the text.
    pub fn markup(raw: &'a str) -> Self {
        Self::plain(raw, 0..raw.len(), Carrier::Markup)
    }

    /// The decoded text; borrowed when nothing had to be decoded.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Appends the raw bytes with `edits` (sorted, not overlapping, on character boundaries)
    /// encoded for where they land.
    pub fn splice(&self, edits: &[Edit], out: &mut String) {
        let runs = match &self.runs {
            Runs::One(run) => std::slice::from_ref(run),
            Runs::Many(runs) => runs,
        };
        let start = out.len();
        let mut edits = edits.iter().peekable();
        let mut raw_done = 0;
        // Up to here the decoded text was replaced.
        let mut text_done = 0;
        let mut index = 0;
        while let Some(run) = runs.get(index) {
            // Runs before the next edit are copied as one, but for the first behind an edit, whose
            // carrier has a say in how they meet.
            let next = edits.peek().map_or(usize::MAX, |edit| edit.range.start);
            let untouched = runs[index..].partition_point(|run| run.end() <= next);
            if text_done <= run.text && untouched > 1 {
                let last = &runs[index + untouched - 1];
                self.copy_run(run, &mut raw_done, start, out);
                out.push_str(&self.raw[raw_done..last.raw_end()]);
                raw_done = last.raw_end();
                index += untouched;
                if index < runs.len() {
                    continue;
                }
                // What is inserted behind all runs is the last one's.
                for edit in edits.by_ref() {
                    last.carrier.insert(&edit.text, start, out);
                }
                break;
            }
            // What marks the run (`<![CDATA[`) stays even when all of its text goes.
            out.push_str(&self.raw[raw_done..run.raw]);
            raw_done = run.raw_end();
            let end = run.end();
            let is_last = index + 1 == runs.len();
            let mut at = run.text.max(text_done.min(end));
            while let Some(edit) = edits.next_if(|edit| edit.range.start < end || is_last) {
                let cut = edit.range.start.clamp(at, end);
                self.copy(run, at..cut, start, out);
                run.carrier.insert(&edit.text, start, out);
                text_done = text_done.max(edit.range.end);
                at = cut.max(text_done.min(end));
            }
            self.copy(run, at..end, start, out);
            index += 1;
        }
        out.push_str(&self.raw[raw_done..]);
    }

    /// Copies a whole run and what stands before it.
    fn copy_run(&self, run: &Run, raw_done: &mut usize, start: usize, out: &mut String) {
        out.push_str(&self.raw[*raw_done..run.raw]);
        self.copy(run, run.text..run.end(), start, out);
        *raw_done = run.raw_end();
    }

    /// A text that is one run, which stands at `range` in `raw`.
    fn plain(raw: &'a str, range: Range<usize>, carrier: Carrier) -> Self {
        Self {
            raw,
            text: Cow::Borrowed(&raw[range.clone()]),
            runs: Runs::One(Run {
                raw: range.start,
                raw_length: range.len(),
                text: 0,
                text_length: range.len(),
                carrier,
            }),
        }
    }

    /// Copies what stands for `text`, a part of `run`, as it is written.
    fn copy(&self, run: &Run, text: Range<usize>, start: usize, out: &mut String) {
        if text.is_empty() && run.text_length > 0 {
            return;
        }
        let from = text.start - run.text;
        let raw = if run.carrier.is_reference() {
            run.raw..run.raw + run.raw_length
        } else {
            run.raw + from..run.raw + from + text.len()
        };
        run.carrier.append(&self.raw[raw], start, out);
    }
}
