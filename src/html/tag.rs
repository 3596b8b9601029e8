//! One tag of a field: where all its parts stand, and what rules make of it.

mod attribute;

use std::borrow::Cow;
use std::ops::Range;

use super::edit::Edit;
use super::escape::push_value;
use super::name::Name;
pub(crate) use attribute::Attribute;
use attribute::Fate;

/// A start or end tag. Rules change it as a value; [`write`](Self::write) makes edits of that.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tag<'h> {
    pub(super) html: &'h str,
    /// The whole tag.
    pub(crate) range: Range<usize>,
    /// Its name without the prefix that it may have in XHTML, as written.
    pub(crate) name: &'h str,
    /// The same, to be compared.
    pub(crate) id: Name,
    pub(crate) name_range: Range<usize>,
    pub(crate) is_end: bool,
    pub(crate) is_self_closed: bool,
    /// Whether it is read as XML.
    pub(super) is_xml: bool,
    /// Whether it starts an element of svg or math.
    pub(crate) is_foreign: bool,
    pub(crate) attributes: Vec<Attribute<'h>>,
    /// Whether it has more attributes than are listed.
    pub(crate) has_more: bool,
    /// Whether those go.
    pub(super) is_cut: bool,
    /// Where its content ends, when that is raw text.
    pub(crate) raw_end: Option<usize>,
    /// Whether its content would be raw text, to browsers, if it were not left open or closed in
    /// its start tag; readers show what follows.
    pub(crate) is_open_raw: bool,
    /// Whether a rule takes it out.
    pub(crate) is_gone: bool,
    /// Raw values that rules wrote.
    pub(super) written: Vec<String>,
}

/// What a rule changed in a tag.
#[derive(Debug)]
pub(crate) struct Change<'t> {
    /// The attribute; empty for the tag itself.
    pub(crate) attribute: &'t str,
    pub(crate) before: &'t str,
    pub(crate) after: String,
}

/// What a raw value is in, and so how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quote {
    Double,
    Single,
    /// None; values that change get double ones, since URLs of proxies hold `=`.
    None,
}

impl<'h> Tag<'h> {
    /// Whether it starts this element.
    #[inline]
    pub(crate) fn starts(&self, name: &str) -> bool {
        !self.is_end && self.id == Name::of(name)
    }

    /// Whether it ends this element.
    #[inline]
    pub(crate) fn ends(&self, name: &str) -> bool {
        self.is_end && self.id == Name::of(name)
    }

    /// Whether it starts one of these elements.
    #[inline]
    pub(crate) fn starts_one_of(&self, names: &[Name]) -> bool {
        !self.is_end && self.id.is_one_of(names)
    }

    /// Its name with the prefix that it may have.
    pub(crate) fn full_name(&self) -> &'h str {
        &self.html[self.name_range.clone()]
    }

    /// Takes away the attributes that are not listed, which no rule can judge.
    pub(crate) fn cut_unlisted(&mut self) {
        self.is_cut = true;
    }

    /// The attribute of this name, which browsers take the first of.
    #[inline]
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute<'h>> {
        self.named(Name::of(name))
    }

    /// The same.
    pub(crate) fn named(&self, id: Name) -> Option<&Attribute<'h>> {
        self.place(id).map(|index| &self.attributes[index])
    }

    /// The same by its place.
    #[inline]
    pub(crate) fn index(&self, name: &str) -> Option<usize> {
        self.place(Name::of(name))
    }

    /// The same.
    pub(crate) fn place(&self, id: Name) -> Option<usize> {
        let is_it = |attribute: &Attribute<'_>| attribute.id == id && attribute.is_there();
        self.attributes.iter().position(is_it)
    }

    /// An attribute's raw value as the rules so far leave it; `None` without one.
    pub(crate) fn raw<'t>(&'t self, attribute: &'t Attribute<'h>) -> Option<&'t str> {
        match attribute.fate {
            Fate::Kept => attribute.value().map(|value| &self.html[value]),
            Fate::Written(index) => Some(&self.written[index]),
            Fate::Gone => None,
        }
    }

    /// An attribute's value, decoded; empty when it has none.
    pub(crate) fn value_of<'t>(&'t self, attribute: &'t Attribute<'h>) -> Cow<'t, str> {
        let raw = self.raw(attribute).unwrap_or_default();
        if memchr::memchr(b'&', raw.as_bytes()).is_some() {
            htmlize::unescape_attribute(raw)
        } else {
            Cow::Borrowed(raw)
        }
    }

    /// The value of the attribute of this name, decoded.
    #[inline]
    pub(crate) fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        self.attribute(name).map(|found| self.value_of(found))
    }

    /// What an attribute's value is in.
    pub(crate) fn quote(&self, attribute: &Attribute<'h>) -> Quote {
        let before = attribute.value.and_then(|(start, _)| {
            let before = start.checked_sub(1)?;
            self.html.as_bytes().get(before)
        });
        match (before, attribute.fate) {
            (Some(b'"'), _) => Quote::Double,
            (Some(b'\''), _) => Quote::Single,
            (_, Fate::Written(_)) => Quote::Double,
            _ => Quote::None,
        }
    }

    /// Gives an attribute this value: in place, or behind the last attribute.
    pub(crate) fn set(&mut self, name: &'h str, value: &str) {
        match self.index(name) {
            Some(index) => self.set_at(index, value),
            None => {
                let id = Name::of(name);
                self.attributes.push(Attribute::new(name, id, None, 0..0));
                self.set_at(self.attributes.len() - 1, value);
            }
        }
    }

    /// Gives an attribute that is there this value.
    pub(crate) fn set_at(&mut self, index: usize, value: &str) {
        let mut raw = String::with_capacity(value.len() + value.len() / 8);
        self.escape(value, self.quote(&self.attributes[index]), &mut raw);
        self.write_at(index, raw);
    }

    /// Appends a value as it is written in such quotes here: what parsers write anew has no other
    /// references.
    pub(crate) fn escape(&self, value: &str, quote: Quote, out: &mut String) {
        push_value(value, quote == Quote::Single, self.is_xml, out);
    }

    /// The same for a raw value.
    pub(crate) fn write_at(&mut self, index: usize, raw: String) {
        match self.attributes[index].fate {
            Fate::Written(at) => self.written[at] = raw,
            Fate::Kept | Fate::Gone => {
                self.attributes[index].fate = Fate::Written(self.written.len());
                self.written.push(raw);
            }
        }
    }

    /// Takes an attribute away.
    pub(crate) fn take_at(&mut self, index: usize) {
        self.attributes[index].fate = Fate::Gone;
    }

    /// The tag as its publisher wrote it.
    pub(crate) fn as_written(&self) -> Self {
        let mut tag = self.clone();
        tag.attributes.retain(|attribute| !attribute.is_added());
        for attribute in &mut tag.attributes {
            attribute.fate = Fate::Kept;
        }
        tag
    }

    /// What a rule changed, of which this is the tag before and `after` the one behind it.
    pub(crate) fn changes<'t>(&'t self, after: &'t Self) -> Vec<Change<'t>> {
        if after.is_gone {
            return vec![Change {
                attribute: "",
                before: &self.html[self.range.clone()],
                after: String::new(),
            }];
        }
        let mut changes = Vec::new();
        for (index, attribute) in after.attributes.iter().enumerate() {
            let before = self.attributes.get(index);
            if before.is_some_and(|before| self.raw(before) == after.raw(attribute)) {
                continue;
            }
            let was = before.and_then(|before| self.raw(before));
            let is_removed = attribute.fate == Fate::Gone;
            let (before, after) = match after.raw(attribute) {
                Some(raw) if attribute.is_added() => (
                    was.unwrap_or_default(),
                    format!(" {}=\"{raw}\"", attribute.name),
                ),
                Some(raw) => (was.unwrap_or_default(), raw.to_owned()),
                None if is_removed => (&self.html[attribute.whole()], String::new()),
                None => continue,
            };
            changes.push(Change {
                attribute: attribute.name,
                before,
                after,
            });
        }
        changes
    }

    /// Appends what became of the tag as edits; to be asked once.
    pub(crate) fn write(&mut self, edits: &mut Vec<Edit>) {
        if self.is_gone {
            return edits.push(Edit::removing(self.range.clone()));
        }
        let first = edits.len();
        let mut added = String::new();
        let mut behind = self.name_range.end;
        for index in 0..self.attributes.len() {
            let attribute = &self.attributes[index];
            let is_added = attribute.is_added();
            if !is_added {
                behind = attribute.whole.1;
            }
            match attribute.fate {
                Fate::Kept => {}
                Fate::Written(index) if is_added => {
                    let raw = &self.written[index];
                    added.push_str(&format!(" {}=\"{raw}\"", attribute.name));
                }
                Fate::Written(index) => {
                    let raw = std::mem::take(&mut self.written[index]);
                    edits.push(self.rewritten(attribute, raw));
                }
                Fate::Gone if is_added => {}
                Fate::Gone => edits.push(self.remove(attribute)),
            }
        }
        if !added.is_empty() {
            add(edits, first, behind, added);
        }
        if self.is_cut {
            let end = self.range.end - if self.is_self_closed { 2 } else { 1 };
            edits.push(Edit::removing(behind..end));
        }
    }

    fn rewritten(&self, attribute: &Attribute<'h>, raw: String) -> Edit {
        let name_end = attribute.whole.0 + attribute.name.len();
        let is_quoted =
            |value: &Range<usize>| matches!(self.html.as_bytes()[value.start - 1], b'"' | b'\'');
        let (range, text) = match attribute.value() {
            Some(value) if is_quoted(&value) => (value, raw),
            Some(value) => (value, format!("\"{raw}\"")),
            None => (name_end..name_end, format!("=\"{raw}\"")),
        };
        Edit { range, text }
    }

    /// The edit that takes an attribute away, with the white space before it.
    pub(crate) fn remove(&self, attribute: &Attribute<'h>) -> Edit {
        let before = &self.html[self.name_range.end..attribute.whole.0];
        let start = self.name_range.end + before.trim_end().len();
        Edit {
            range: start..attribute.whole.1,
            text: String::new(),
        }
    }
}

/// Appends what is added behind the last attribute, to the edit there if there is one.
fn add(edits: &mut Vec<Edit>, first: usize, behind: usize, added: String) {
    match edits[first..].last_mut() {
        Some(last) if last.range.end == behind => last.text.push_str(&added),
        _ => edits.push(Edit {
            range: behind..behind,
            text: added,
        }),
    }
}

#[cfg(test)]
mod tests {
    use crate::html::Markup;
    use crate::html::apply;
    use crate::html::walk::tags;

    #[test]
    fn attributes_are_set_and_removed() {
        let check = |html: &str, name: &'static str, value: Option<&str>, expected: &str| {
            let mut tag = tags(html, Markup::Html).next().unwrap();
            match value {
                Some(value) => tag.set(name, value),
                None => tag.take_at(tag.index(name).unwrap()),
            }
            let mut edits = Vec::new();
            tag.write(&mut edits);
            assert_eq!(apply(html, &edits), expected);
        };
        check("<img src=a>", "src", Some("b\"c"), "<img src=\"b&quot;c\">");
        check("<img src='a' />", "src", Some("b"), "<img src='b' />");
        check("<img src alt>", "src", Some("b"), "<img src=\"b\" alt>");
        check("<img src=>", "src", Some("b"), "<img src=\"b\">");
        check(
            "<img src=\"a\"/>",
            "width",
            Some("100%"),
            "<img src=\"a\" width=\"100%\"/>",
        );
        check("<img>", "src", Some("b"), "<img src=\"b\">");
        // As parsers write it anew: a reference only where it is needed.
        check("<a href=a>", "href", Some("it's"), "<a href=\"it's\">");
        check("<a href='a'>", "href", Some("it's"), "<a href='it&#39;s'>");
        check("<img  a=1\n b='2' c>", "b", None, "<img  a=1 c>");
    }
}
