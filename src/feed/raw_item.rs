//! An item as its publisher wrote it, with what it needs of the document around it, so that it can
//! stand by itself, or in a later document.
//!
//! Invariant: the item's own bytes are never changed but for declarations and `xml:base` that its
//! start tag gets where the document around it lacks them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use url::Url;

use super::Format;
use super::namespace::{Namespaces, Ns};
use super::repair::Repair;
use super::splitter::Frame;
use super::text::Decoded;
use super::xml::Tag;
use crate::html::Edit;

/// An item and what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawItem {
    /// What tells it from the feed's other items.
    pub id: String,
    /// The family of its document.
    pub format: Format,
    /// As it stood there.
    pub text: String,
    /// What was declared around it: prefix (`""`: the default namespace) and name. Only what it
    /// may use.
    pub declarations: Vec<(String, String)>,
    /// The absolute `xml:base` around it.
    pub base: Option<String>,
}

/// The first line of an item's bytes.
#[derive(Debug, Serialize, Deserialize)]
struct Label<'a> {
    format: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    declarations: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base: Option<String>,
}

/// Formats by their names in a label.
const FORMATS: [(&str, Format); 4] = [
    ("rss", Format::Rss),
    ("rdf", Format::Rdf),
    ("atom", Format::Atom),
    ("json", Format::Json),
];

impl RawItem {
    /// The item `text` of a document that came from `url`.
    #[must_use]
    pub fn new(id: String, text: &str, frame: &Frame, url: &Url) -> Self {
        let own = own_tag(text);
        let is_own = |prefix: &str| {
            let name = match prefix {
                "" => Cow::Borrowed("xmlns"),
                _ => Cow::Owned(format!("xmlns:{prefix}")),
            };
            own.is_some_and(|tag| tag.attributes().any(|attribute| attribute.name == name))
        };
        let mut declarations: Vec<(String, String)> = Vec::new();
        for (prefix, name) in frame.declarations.iter().rev() {
            let is_known = declarations.iter().any(|(known, _)| known == prefix);
            if !is_known && !is_own(prefix) && may_use(text, prefix) {
                declarations.push((prefix.clone(), name.clone()));
            }
        }
        declarations.reverse();
        Self {
            id,
            format: frame.format,
            text: text.to_owned(),
            declarations,
            base: base_of(frame, url),
        }
    }

    /// The item as it is stored: a line of JSON that says what it needs, then its own bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let format = FORMATS.iter().find(|(_, format)| *format == self.format);
        let label = Label {
            format: format.map_or("", |(name, _)| name).into(),
            declarations: self.declarations.clone(),
            base: self.base.clone(),
        };
        let mut bytes = serde_json::to_vec(&label).unwrap_or_default();
        bytes.push(b'\n');
        bytes.extend_from_slice(self.text.as_bytes());
        bytes
    }

    /// The item of stored bytes; `None` when they are none.
    #[must_use]
    pub fn from_bytes(id: String, bytes: &[u8]) -> Option<Self> {
        let (label, text) = std::str::from_utf8(bytes).ok()?.split_once('\n')?;
        let label: Label<'_> = serde_json::from_str(label).ok()?;
        let (_, format) = FORMATS.iter().find(|(name, _)| *name == label.format)?;
        Some(Self {
            id,
            format: *format,
            text: text.to_owned(),
            declarations: label.declarations,
            base: label.base,
        })
    }

    /// What its elements are read with.
    #[must_use]
    pub fn frame(&self) -> Frame {
        let mut namespaces = Namespaces::default();
        for (prefix, name) in &self.declarations {
            namespaces.declare_as(prefix, name);
        }
        // As in its document: whatever the default namespace is called, it is the format's.
        if own_tag(&self.text).is_some_and(|tag| !tag.name().contains(':')) {
            namespaces.declare_as("", own_name(self.format));
        }
        Frame {
            format: self.format,
            namespaces,
            bases: self.base.iter().cloned().collect(),
            declarations: self.declarations.clone(),
        }
    }

    /// What RSS 1.0 calls it by: its `rdf:about`.
    #[must_use]
    pub fn about(&self) -> Option<String> {
        let about = own_tag(&self.text)?.attribute("rdf:about")?;
        Some(Decoded::attribute(about.value).as_str().to_owned())
    }

    /// Whether it is well-formed where what it needs is declared: what is not must not be in
    /// a document that is.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        if self.format == Format::Json {
            return serde_json::from_str::<serde::de::IgnoredAny>(&self.text).is_ok();
        }
        let (start, end) = match self.format {
            Format::Atom => ("<feed", "</feed>"),
            _ => ("<rss", "</rss>"),
        };
        let mut document = start.to_owned();
        for (prefix, name) in &self.declarations {
            document.push_str(&declaration(prefix, name));
        }
        let document = format!("{document}>{}{end}", self.text);
        // A well-formed document is never changed by it.
        let (mut repair, mut out) = (Repair::default(), String::with_capacity(document.len()));
        repair.inlet().push_str(&document);
        repair.advance(&mut |text| out.push_str(text));
        let skips = repair.finish(&mut |text| out.push_str(text));
        skips.is_none() && out == document
    }

    /// The item for a document of its format that came from `url`: with what that document does
    /// not say on the item's own start tag.
    #[must_use]
    pub fn fitted(&self, frame: &Frame, url: &Url) -> Cow<'_, str> {
        let Some(tag) = own_tag(&self.text).filter(|_| self.format != Format::Json) else {
            return Cow::Borrowed(&self.text);
        };
        let mut added = String::new();
        for (prefix, name) in &self.declarations {
            if !is_declared(frame, prefix, name) {
                added.push_str(&declaration(prefix, name));
            }
        }
        let base = self.base.as_ref().filter(|base| {
            let is_same = base_of(frame, url).as_ref() == Some(base);
            !is_same
        });
        let own_base = tag.attribute("xml:base");
        let mut tail = &self.text[1 + tag.name().len()..];
        let mut middle = String::new();
        match (base, own_base) {
            (Some(base), None) => added.push_str(&attribute("xml:base", base)),
            (Some(base), Some(own)) => {
                let own_text = Decoded::attribute(own.value);
                let joined = Url::parse(base).and_then(|base| base.join(own_text.as_str()));
                if let Ok(joined) = joined {
                    middle.push_str(&self.text[1 + tag.name().len()..own.whole.start]);
                    middle.push_str(attribute("xml:base", joined.as_str()).trim_start());
                    tail = &self.text[own.whole.end..];
                }
            }
            (None, _) => {}
        }
        if added.is_empty() && middle.is_empty() {
            return Cow::Borrowed(&self.text);
        }
        Cow::Owned(format!("<{}{added}{middle}{tail}", tag.name()))
    }
}

/// The item's own start tag.
fn own_tag(text: &str) -> Option<Tag<'_>> {
    Tag::parse(&text[..tag_end(text)])
}

/// Where the start tag that `text` begins with ends: its `>` that is in no quotes.
fn tag_end(text: &str) -> usize {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match quote {
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            None if byte == b'>' => return at + 1,
            None => {}
        }
    }
    text.len()
}

/// Whether a name with this prefix may be in `text`, in a tag or in a value.
fn may_use(text: &str, prefix: &str) -> bool {
    if prefix.is_empty() {
        return true;
    }
    let bytes = text.as_bytes();
    let finder = memchr::memmem::Finder::new(prefix);
    finder.find_iter(bytes).any(|at| {
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let begins = before.is_none_or(|byte| {
            byte.is_ascii_whitespace() || matches!(byte, b'<' | b'/' | b'"' | b'\'' | b'>')
        });
        begins && bytes.get(at + prefix.len()) == Some(&b':')
    })
}

/// Whether a prefix means this in a document, as far as an item is concerned.
fn is_declared(frame: &Frame, prefix: &str, name: &str) -> bool {
    let mut declared = frame.declarations.iter().rev();
    let found = declared.find(|(known, _)| known == prefix);
    match (prefix, found) {
        // Items without a prefix belong to the format of whatever document they are in: readers
        // take them for that, and so do we.
        ("", Some(_)) => true,
        ("", None) => !matches!(Ns::of_name(name), Ns::Core | Ns::Atom) || name.is_empty(),
        (_, found) => found.is_some_and(|(_, found)| found == name),
    }
}

/// The namespace that items without a prefix are of.
fn own_name(format: Format) -> &'static str {
    match format {
        Format::Atom => "http://www.w3.org/2005/Atom",
        _ => "",
    }
}

/// The absolute URL that `xml:base` around the items says, where it says one.
fn base_of(frame: &Frame, url: &Url) -> Option<String> {
    if frame.bases.is_empty() {
        return None;
    }
    let join = |base: Url, next: &String| base.join(next.trim()).unwrap_or(base);
    Some(frame.bases.iter().fold(url.clone(), join).into())
}

fn declaration(prefix: &str, name: &str) -> String {
    match prefix {
        "" => attribute("xmlns", name),
        _ => attribute(&format!("xmlns:{prefix}"), name),
    }
}

/// An attribute with a blank before it.
pub(crate) fn attribute(name: &str, value: &str) -> String {
    let mut out = format!(" {name}=\"");
    let (range, text) = (0..0, value.to_owned());
    Decoded::attribute("").splice(&[Edit { range, text }], &mut out);
    out.push('"');
    out
}

#[cfg(test)]
mod tests;
