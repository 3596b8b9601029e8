//! How many character references stand in how long a text.

use memchr::{memchr2, memchr2_iter};

/// Letters that are looked at again, all texts together; some tenths of a second.
const WORK_MAX: usize = 1 << 31;
/// A text that is no longer than this is never too much.
const TEXT_BYTES_MAX: usize = 4 << 10;
/// U+00A0 and its neighbours start with this byte.
const NO_BREAK_LEAD: u8 = 0xc2;

/// Whether `html` can be parsed and written again in time that grows as it does.
///
/// html5ever (0.40) writes a text by looking from each `&` and each no-break space through the rest
/// of it for `<` and `>`. That is much for a megabyte of references without a tag.
#[must_use]
pub fn has_few_references(html: &str) -> bool {
    let mut left = WORK_MAX;
    let mut rest = html.as_bytes();
    while !rest.is_empty() {
        let end = memchr2(b'<', b'>', rest).unwrap_or(rest.len());
        let text = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        if text.len() <= TEXT_BYTES_MAX {
            continue;
        }
        let work = text.len() * memchr2_iter(b'&', NO_BREAK_LEAD, text).count();
        match left.checked_sub(work) {
            Some(more) => left = more,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_articles_hold_is_few_and_what_nobody_writes_is_many() {
        let few = [
            String::new(),
            "<p>&amp;</p>".repeat(80_000),
            "&nbsp;".repeat(600),
            format!("{}&nbsp;", "words ".repeat(160_000)),
            "Words &amp; words\u{a0}\u{2013} ".repeat(2_000),
        ];
        for html in &few {
            assert!(has_few_references(html), "{:.40}", html);
        }
        for many in ["&nbsp;".repeat(100_000), "\u{a0}".repeat(500_000)] {
            assert!(!has_few_references(&many), "{:.40}", many);
            // Somewhere in a field is enough.
            assert!(!has_few_references(&format!("<p>a</p>{many}<b>")));
        }
    }
}
