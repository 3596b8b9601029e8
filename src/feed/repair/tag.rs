//! One start tag: what in it is not as XML wants it, and what it becomes.
//!
//! Invariant: a tag that XML allows is read and left.

mod value;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::edits::Fault;
use super::references::Entities;
use crate::feed::characters::{Name, is_blank};

/// With more attributes, one that stands twice is looked for by hash.
const COMPARED_MAX: usize = 8;

/// A change in a tag; ranges are offsets in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TagEdit {
    pub(super) range: Range<usize>,
    pub(super) text: Cow<'static, str>,
    pub(super) fault: Fault,
    /// The attribute it is about.
    pub(super) attribute: Range<usize>,
}

/// A start tag as it was read.
#[derive(Debug, Default)]
pub(super) struct TagReport {
    pub(super) edits: Vec<TagEdit>,
    /// The prefixes that attributes have, but for `xml` and `xmlns`.
    pub(super) prefixes: Vec<Range<usize>>,
    /// How many attributes it has.
    pub(super) attributes: usize,
    /// Where the tag ends: before its last `>` when a quote in it was never closed.
    pub(super) end: usize,
    pub(super) is_empty: bool,
    /// An attribute was taken out that XML can't express.
    pub(super) has_lost: bool,
}

/// Reads `raw`, a start tag from `<` to `>` whose name ends at `name_end`. `may_cut`: it may end
/// before that.
pub(super) fn read(
    raw: &str,
    name_end: usize,
    (entities, may_cut): (&Entities, bool),
) -> TagReport {
    let mut reader = Reader {
        raw,
        entities,
        may_cut,
        at: name_end,
        value: 0..0,
        attributes: Vec::new(),
        report: TagReport {
            end: raw.len(),
            ..TagReport::default()
        },
    };
    reader.read();
    let attributes = std::mem::take(&mut reader.attributes);
    let mut report = reader.report;
    report.attributes = attributes.len();
    drop_doubles(raw, &attributes, &mut report);
    report
}

/// Whether what looks like a tag of this name is text, such as a URL: `<http://example.org>`,
/// `<somebody@example.org>`.
pub(super) fn is_text(name: &str, kind: Name) -> bool {
    kind == Name::Invalid || kind == Name::Colons && name.ends_with(':')
}

struct Reader<'a> {
    raw: &'a str,
    entities: &'a Entities,
    may_cut: bool,
    at: usize,
    /// Where the value that was read last stands.
    value: Range<usize>,
    attributes: Vec<Attribute>,
    report: TagReport,
}

struct Attribute {
    name: Range<usize>,
    /// With the blanks before it.
    whole: Range<usize>,
}

impl Reader<'_> {
    fn read(&mut self) {
        let bytes = self.raw.as_bytes();
        while self.at < self.raw.len() {
            let blanks = self.at;
            self.skip(|byte| !is_blank(byte));
            match &bytes[self.at..] {
                [] | [b'>'] => return,
                [b'/', b'>'] => {
                    self.report.is_empty = true;
                    return;
                }
                // Also a `>` in quotes that belong to no attribute.
                [b'/' | b'=' | b'>', ..] => self.drop_garbage(blanks),
                _ => {
                    if !self.attribute(blanks) {
                        return;
                    }
                }
            }
        }
    }

    fn skip(&mut self, is_end: impl Fn(u8) -> bool) {
        let rest = &self.raw.as_bytes()[self.at..];
        self.at += rest
            .iter()
            .position(|byte| is_end(*byte))
            .unwrap_or(rest.len());
    }

    fn edit(
        &mut self,
        range: Range<usize>,
        text: impl Into<Cow<'static, str>>,
        attribute: &Range<usize>,
    ) {
        self.report.edits.push(TagEdit {
            range,
            text: text.into(),
            fault: Fault::Attribute,
            attribute: attribute.clone(),
        });
    }

    /// One character that has no place here, with the blanks before it.
    fn drop_garbage(&mut self, blanks: usize) {
        self.at += 1;
        self.edit(blanks..self.at, "", &(0..0));
    }

    /// Reads an attribute, behind blanks from `blanks` on; false when the tag ends in it.
    fn attribute(&mut self, blanks: usize) -> bool {
        let has_blanks = blanks < self.at;
        let (start, mark) = (self.at, self.report.edits.len());
        self.skip(|byte| is_blank(byte) || matches!(byte, b'=' | b'>' | b'/'));
        // What was left of a quote too many.
        let written = &self.raw[start..self.at];
        let junk = written.len() - written.trim_start_matches(['"', '\'', ',', ';']).len();
        if junk > 0 {
            self.edit(start..start + junk, "", &(0..0));
        }
        let name = start + junk..self.at;
        if name.is_empty() {
            return true;
        }
        let kind = Name::of(&self.raw[name.clone()]);
        if matches!(kind, Name::Invalid | Name::Colons) {
            let goes_on = self.read_value(&name, false);
            self.drop_attribute(mark, blanks, &name);
            self.report.has_lost = true;
            return goes_on;
        }
        if !has_blanks {
            self.edit(start..start, " ", &name);
        }
        if let Name::Prefixed(colon) = kind {
            let prefix = name.start..name.start + colon;
            if !matches!(&self.raw[prefix.clone()], "xml" | "xmlns") {
                self.report.prefixes.push(prefix);
            }
        }
        let goes_on = self.read_value(&name, true);
        if is_reserved(&self.raw[name.clone()], &self.raw[self.value.clone()]) {
            self.drop_attribute(mark, blanks, &name);
            return goes_on;
        }
        self.attributes.push(Attribute {
            name,
            whole: blanks..self.at,
        });
        goes_on
    }

    /// Takes out what was read from `blanks` on, and what was found in it since `mark`.
    fn drop_attribute(&mut self, mark: usize, blanks: usize, name: &Range<usize>) {
        self.report.edits.truncate(mark);
        self.edit(blanks..self.at, "", name);
    }

    /// Reads `="value"`, if there is one; false when the tag ends in it.
    fn read_value(&mut self, name: &Range<usize>, is_kept: bool) -> bool {
        let after_name = self.at;
        self.value = after_name..after_name;
        self.skip(|byte| !is_blank(byte));
        if self.raw.as_bytes().get(self.at) != Some(&b'=') {
            self.at = after_name;
            if is_kept {
                let text = format!("=\"{}\"", &self.raw[name.clone()]);
                self.edit(after_name..after_name, text, name);
            }
            return true;
        }
        self.at += 1;
        let after_equals = self.at;
        self.skip(|byte| !is_blank(byte));
        match self.raw.as_bytes().get(self.at) {
            Some(quote @ (b'"' | b'\'')) => self.quoted(*quote, name),
            _ => {
                self.unquoted(after_equals, name);
                true
            }
        }
    }
}

/// Declarations of what is declared for good (Namespaces in XML section 3).
fn is_reserved(name: &str, value: &str) -> bool {
    const XML: &str = "http://www.w3.org/XML/1998/namespace";
    match name.strip_prefix("xmlns:") {
        Some("xml") => value != XML,
        Some("xmlns") => true,
        None if name != "xmlns" => false,
        _ => value == XML || value == "http://www.w3.org/2000/xmlns/",
    }
}

/// Of an attribute that stands twice the last one counts, as it does for feedparser.
fn drop_doubles(raw: &str, attributes: &[Attribute], report: &mut TagReport) {
    if attributes.len() < 2 {
        return;
    }
    let name = |index: usize| &raw[attributes[index].name.clone()];
    let mut doubles = Vec::new();
    if attributes.len() <= COMPARED_MAX {
        for index in 0..attributes.len() {
            if (index + 1..attributes.len()).any(|later| name(later) == name(index)) {
                doubles.push(index);
            }
        }
    } else {
        let mut last = HashMap::with_capacity(attributes.len());
        for index in 0..attributes.len() {
            if let Some(earlier) = last.insert(name(index), index) {
                doubles.push(earlier);
            }
        }
        doubles.sort_unstable();
    }
    if doubles.is_empty() {
        return;
    }
    let is_dropped = |edit: &TagEdit| {
        let start = |index: &usize| attributes[*index].name.start;
        let found = doubles.binary_search_by_key(&edit.attribute.start, start);
        found.is_ok() && !edit.attribute.is_empty()
    };
    report.edits.retain(|edit| !is_dropped(edit));
    for index in doubles {
        let Attribute { name, whole } = &attributes[index];
        report.edits.push(TagEdit {
            range: whole.clone(),
            text: "".into(),
            fault: Fault::Attribute,
            attribute: name.clone(),
        });
    }
    report.edits.sort_by_key(|edit| edit.range.start);
}

/// Where the name of the tag `raw` ends.
pub(super) fn name_end(raw: &str) -> usize {
    let is_end = |byte: &u8| is_blank(*byte) || matches!(byte, b'/' | b'>' | b'<');
    let rest = raw.as_bytes();
    rest.iter()
        .skip(1)
        .position(is_end)
        .map_or(rest.len(), |end| end + 1)
}
