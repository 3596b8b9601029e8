//! The edits of a text in two steps, as edits of the text that the first step started from.
//!
//! Invariant: applying what is composed gives what applying one step after the other gives, and
//! text that neither step touched is not touched.

use std::borrow::Cow;
use std::ops::Range;

use crate::html::{Edit, apply};

/// `first`, then `second`, whose ranges lie in what `first` makes of the text. Both sorted and
/// not overlapping; so is the result.
pub(super) fn compose(first: Vec<Edit>, second: Vec<Edit>) -> Vec<Edit> {
    if first.is_empty() {
        return second;
    }
    if second.is_empty() {
        return first;
    }
    let mut out = Vec::with_capacity(first.len() + second.len());
    let mut source = Source {
        edits: first.into_iter().peekable(),
        grown: 0,
    };
    let mut open: Option<Merged> = None;
    for edit in second {
        out.extend(
            open.take_if(|merged| merged.end() < edit.range.start)
                .map(Merged::close),
        );
        let mut merged = match open.take() {
            Some(mut merged) => {
                merged.keep_up_to(edit.range.start);
                merged
            }
            None => {
                while let Some(before) = source.next_if(|range| range.end < edit.range.start) {
                    out.push(before);
                }
                source.open_at(edit.range.start)
            }
        };
        merged.text.push_str(&edit.text);
        merged.drop_up_to(edit.range.end, &mut source);
        open = Some(merged);
    }
    out.extend(open.map(Merged::close));
    out.extend(source.edits);
    out
}

/// The edits of the first step that were not met yet.
struct Source {
    edits: std::iter::Peekable<std::vec::IntoIter<Edit>>,
    /// By how many bytes those that were met made the text longer (in wrapping arithmetic).
    grown: usize,
}

impl Source {
    /// Where a byte stood before the first step that was copied by it.
    fn original(&self, between: usize) -> usize {
        between.wrapping_sub(self.grown)
    }

    /// The next edit, if the text that it wrote (its range between the steps) is `met`.
    fn next_if(&mut self, met: impl Fn(&Range<usize>) -> bool) -> Option<Edit> {
        let grown = self.grown;
        let edit = self.edits.next_if(|edit| {
            let start = edit.range.start.wrapping_add(grown);
            met(&(start..start + edit.text.len()))
        })?;
        self.grown = grown
            .wrapping_add(edit.text.len())
            .wrapping_sub(edit.range.len());
        Some(edit)
    }

    /// Starts to merge at a byte between the steps, with the edit whose text it lies in or touches.
    fn open_at(&mut self, at: usize) -> Merged {
        let start = self.original(at);
        let mut merged = Merged {
            range: start..start,
            text: String::new(),
            rest: String::new(),
            taken: 0,
            rest_at: at,
        };
        let grown = self.grown;
        if let Some(edit) = self.next_if(|range| range.start <= at) {
            let kept = at - edit.range.start.wrapping_add(grown);
            merged.range = edit.range;
            merged.text.push_str(&edit.text[..kept]);
            merged.rest = edit.text;
            merged.taken = kept;
        }
        merged
    }
}

/// One edit of the whole, as far as it is known.
struct Merged {
    range: Range<usize>,
    text: String,
    /// What the first step wrote behind that is `rest` from `taken` on; where it stands between the
    /// steps. It is never moved: there may be many edits of one long text.
    rest: String,
    taken: usize,
    rest_at: usize,
}

impl Merged {
    /// Where what is known ends, between the steps.
    fn end(&self) -> usize {
        self.rest_at + self.rest().len()
    }

    fn rest(&self) -> &str {
        &self.rest[self.taken..]
    }

    fn close(mut self) -> Edit {
        self.text.push_str(&self.rest[self.taken..]);
        Edit {
            range: self.range,
            text: self.text,
        }
    }

    /// What the first step wrote before `at` stays.
    fn keep_up_to(&mut self, at: usize) {
        let end = self.taken + at - self.rest_at;
        self.text.push_str(&self.rest[self.taken..end]);
        self.taken = end;
        self.rest_at = at;
    }

    /// What stands before `at` between the steps is gone, whoever wrote it.
    fn drop_up_to(&mut self, at: usize, source: &mut Source) {
        loop {
            if self.end() >= at && !self.rest().is_empty() {
                self.taken += at - self.rest_at;
                self.rest_at = at;
                return;
            }
            let grown = source.grown;
            let Some(edit) = source.next_if(|range| range.start <= at) else {
                self.range.end = self.range.end.max(source.original(at));
                self.rest.clear();
                self.taken = 0;
                self.rest_at = at;
                return;
            };
            self.range.end = edit.range.end;
            self.rest_at = edit.range.start.wrapping_add(grown);
            self.rest = edit.text;
            self.taken = 0;
            if self.rest.is_empty() && self.rest_at == at {
                return;
            }
        }
    }
}

/// A text on its way through the passes.
pub(super) struct Draft<'a> {
    text: Cow<'a, str>,
    /// What made `text` of the original.
    before: Vec<Edit>,
    /// What is to be done to `text` next.
    last: Vec<Edit>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text: Cow::Borrowed(text),
            before: Vec::new(),
            last: Vec::new(),
        }
    }

    /// The text as the passes so far leave it.
    pub(super) fn text(&mut self) -> &str {
        if !self.last.is_empty() {
            self.text = Cow::Owned(apply(&self.text, &self.last));
            let last = std::mem::take(&mut self.last);
            self.before = compose(std::mem::take(&mut self.before), last);
        }
        &self.text
    }

    /// The next pass's edits of [`text`](Self::text).
    pub(super) fn change(&mut self, edits: Vec<Edit>) {
        debug_assert!(self.last.is_empty(), "read the text before changing it");
        self.last = edits;
    }

    /// All of it as edits of the original.
    pub(super) fn into_edits(self) -> Vec<Edit> {
        compose(self.before, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edit(range: Range<usize>, text: &str) -> Edit {
        let text = text.to_owned();
        Edit { range, text }
    }

    #[test]
    fn touching_edits_become_one() {
        let first = vec![edit(1..2, "xyz"), edit(5..5, "!")];
        // "abcdef" → "axyzcde!f"; then the "z" and the "c" go, and something stands before "!".
        let second = vec![edit(3..5, "-"), edit(7..7, "?")];
        let expected = vec![edit(1..3, "xy-"), edit(5..5, "?!")];
        assert_eq!(compose(first, second), expected);
    }

    /// Edits of a text of so many bytes, from pairs of steps.
    fn edits(length: usize, steps: &[(usize, usize, String)]) -> Vec<Edit> {
        let mut at = 0;
        let mut found = Vec::new();
        for (skip, take, text) in steps {
            let start = at + skip;
            let end = start + take;
            if end > length {
                break;
            }
            if start < end || !text.is_empty() {
                found.push(edit(start..end, text));
            }
            at = end;
        }
        found
    }

    fn steps() -> impl Strategy<Value = Vec<(usize, usize, String)>> {
        prop::collection::vec((0usize..5, 0usize..4, "[a-z]{0,4}"), 0..8)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn composed_is_one_after_the_other(
            text in "[A-Z]{0,24}",
            first in steps(),
            second in steps(),
        ) {
            let first = edits(text.len(), &first);
            let between = apply(&text, &first);
            let second = edits(between.len(), &second);
            let expected = apply(&between, &second);
            let composed = compose(first.clone(), second.clone());
            let mut at = 0;
            for edit in &composed {
                prop_assert!(edit.range.start >= at && edit.range.end >= edit.range.start);
                prop_assert!(edit.range.end <= text.len());
                at = edit.range.end;
            }
            prop_assert_eq!(apply(&text, &composed), expected, "{:?} {:?}", first, second);
        }
    }
}
