//! Comments: `--` may stand only at their end (XML 1.0 section 2.5).

use memchr::memmem;

use super::HELD_BYTES_MAX;
use super::edits::{Edits, Fault, Place};

/// Repairs the comment `raw` at `start`.
pub(super) fn repair(raw: &str, start: usize, edits: &mut Edits, place: impl Fn() -> Place) {
    let inner = raw
        .strip_prefix("<!--")
        .and_then(|raw| raw.strip_suffix("-->"));
    let Some(inner) = inner.filter(|_| raw.len() <= HELD_BYTES_MAX) else {
        return;
    };
    if memmem::find(inner.as_bytes(), b"--").is_none() && !inner.ends_with('-') {
        return;
    }
    let start = start + "<!--".len();
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
        edits.replace(Fault::Comment, start + dash..start + at, text, &place);
    }
}
