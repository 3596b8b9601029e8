//! Where the characters of a decoded value are in the value as it is written.

use std::ops::Range;

use memchr::memchr_iter;

/// A value as it is written, beside what it says.
pub(crate) struct Written<'v> {
    raw: &'v str,
    /// The references: where each is written, and where what it says is in the decoded value.
    references: Vec<(Range<usize>, Range<usize>)>,
}

impl<'v> Written<'v> {
    /// The value `raw` of an attribute, or text.
    pub(crate) fn new(raw: &'v str) -> Self {
        let mut references: Vec<(Range<usize>, Range<usize>)> = Vec::new();
        let mut behind: (usize, usize) = (0, 0);
        let mut starts = memchr_iter(b'&', raw.as_bytes()).peekable();
        while let Some(start) = starts.next() {
            let next = starts.peek().copied().unwrap_or(raw.len());
            let part = &raw[start..next];
            let says = htmlize::unescape_attribute(part).len();
            let length = reference(part);
            let at = behind.1 + (start - behind.0);
            // What follows the reference says what it is.
            let end = at + says.saturating_sub(part.len() - length);
            behind = (start + length, end);
            references.push((start..start + length, at..end));
        }
        Self { raw, references }
    }

    /// Where a part of the decoded value is written; `None` when it starts or ends in the midst of what
    /// one reference says.
    pub(crate) fn range(&self, decoded: Range<usize>) -> Option<Range<usize>> {
        Some(self.at(decoded.start)?..self.at(decoded.end)?)
    }

    fn at(&self, decoded: usize) -> Option<usize> {
        let before = self
            .references
            .partition_point(|(_, says)| says.end <= decoded);
        if let Some((written, says)) = self.references.get(before)
            && says.start < decoded
        {
            // A reference that is none says itself.
            let is_itself = written.len() == says.len();
            return is_itself.then(|| written.start + (decoded - says.start));
        }
        let (written, says) = match before.checked_sub(1) {
            Some(last) => (self.references[last].0.end, self.references[last].1.end),
            None => (0, 0),
        };
        Some((written + (decoded - says)).min(self.raw.len()))
    }
}

/// How long the reference may be that `part` starts with, where all of it is read.
fn reference(part: &str) -> usize {
    let bytes = part.as_bytes();
    let mut at = 1 + usize::from(bytes.get(1) == Some(&b'#'));
    while bytes.get(at).is_some_and(u8::is_ascii_alphanumeric) {
        at += 1;
    }
    at + usize::from(bytes.get(at) == Some(&b';'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_stands_between_references_is_found() {
        let raw = "a&amp;b&#10;c&notit;d&x e&#59;;&eacute;";
        let decoded = htmlize::unescape_attribute(raw);
        let written = Written::new(raw);
        let find = |part: &str| {
            let at = decoded.find(part).unwrap();
            written.range(at..at + part.len()).map(|range| &raw[range])
        };
        assert_eq!(find("a&b"), Some("a&amp;b"));
        assert_eq!(find("\nc"), Some("&#10;c"));
        assert_eq!(find("e;"), Some("e&#59;"));
        assert_eq!(find("e;;é"), Some("e&#59;;&eacute;"));
        assert_eq!(find("d&x"), Some("d&x"));
    }

    proptest! {
        #[test]
        fn a_part_says_what_is_written(
            raw in "([ab;=é\n]|&amp;|&#10;|&notit|&not;|&fjlig;|&x|&#x26;|&lt|&){0,12}",
            from in 0_usize..20,
            length in 0_usize..20,
        ) {
            let decoded = htmlize::unescape_attribute(&raw);
            let from = decoded.floor_char_boundary(from);
            let to = decoded.floor_char_boundary(from + length);
            let whole = Written::new(&raw);
            prop_assert_eq!(whole.range(0..decoded.len()), Some(0..raw.len()));
            if let Some(range) = whole.range(from..to.max(from)) {
                let said = htmlize::unescape_attribute(&raw[..range.start]).into_owned()
                    + &htmlize::unescape_attribute(&raw[range.clone()])
                    + &htmlize::unescape_attribute(&raw[range.end..]);
                // Torn apart, a reference without its `;` may be another one.
                if !raw.contains("&notit") && !raw.contains("&lt") {
                    prop_assert_eq!(said, decoded.into_owned(), "{}", raw);
                }
            }
        }
    }
}
