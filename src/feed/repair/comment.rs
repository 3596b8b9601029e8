//! Comments: `--` may stand only at their end (XML 1.0 section 2.5).

use std::ops::Range;

use memchr::memmem;

use super::edits::{Edits, Fault, Place};
use super::source::HELD_BYTES_MAX;
use crate::feed::characters::is_allowed;

/// Repairs the comment `raw` at `start`.
pub(super) fn repair(raw: &str, start: usize, edits: &mut Edits, place: impl Fn() -> Place) {
    for (range, text) in dashes(raw) {
        let range = start + range.start..start + range.end;
        edits.replace(Fault::Comment, range, text, &place);
    }
}

/// The same where characters that XML does not allow are still in it: dashes may meet when they go.
pub(super) fn clean(raw: &str, start: usize, edits: &mut Edits) {
    let legal: String = raw.chars().filter(|letter| is_allowed(*letter)).collect();
    if legal.len() == raw.len() {
        return repair(raw, start, edits, Place::default);
    }
    let (mut text, mut at) = (String::with_capacity(legal.len()), 0);
    for (range, dashes) in dashes(&legal) {
        text.push_str(&legal[at..range.start]);
        text.push_str(&dashes);
        at = range.end;
    }
    text.push_str(&legal[at..]);
    let range = start..start + raw.len();
    edits.replace(Fault::Character, range, text, Place::default);
}

/// The dashes that may not stand so in a comment, and what stands for them.
fn dashes(raw: &str) -> Vec<(Range<usize>, String)> {
    let mut found = Vec::new();
    let inner = raw
        .strip_prefix("<!--")
        .and_then(|raw| raw.strip_suffix("-->"));
    let Some(inner) = inner.filter(|_| raw.len() <= HELD_BYTES_MAX) else {
        return found;
    };
    if memmem::find(inner.as_bytes(), b"--").is_none() && !inner.ends_with('-') {
        return found;
    }
    let start = "<!--".len();
    let mut at = 0;
    while let Some(dash) = inner[at..].find('-') {
        let dash = at + dash;
        let length = inner[dash..]
            .bytes()
            .take_while(|byte| *byte == b'-')
            .count();
        at = dash + length;
        let mut text = "- ".repeat(length);
        if at < inner.len() {
            if length == 1 {
                continue;
            }
            text.pop();
        }
        found.push((start + dash..start + at, text));
    }
    found
}
