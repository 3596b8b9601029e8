//! How text is written where it stands.

use std::borrow::Cow;

use memchr::memchr;

use crate::feed::characters::{is_allowed, may_be_illegal};
use crate::html::escape;

/// No reference that XML defines is longer than this.
pub(super) const REFERENCE_BYTES_MAX: usize = 32;

/// What a run is in, which says how text is encoded there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    /// Character data of an element.
    Text,
    /// An entity or character reference in character data.
    TextReference,
    /// Inside `<![CDATA[ … ]]>`.
    Cdata,
    /// An attribute's value.
    Attribute,
    /// A reference in an attribute's value.
    AttributeReference,
    /// A JSON string.
    Json,
    /// An escape sequence in a JSON string.
    JsonEscape,
    /// Markup, as it is.
    Markup,
}

impl Carrier {
    /// Whether a run of this kind is copied whole or not at all.
    pub(super) fn is_reference(self) -> bool {
        matches!(
            self,
            Self::TextReference | Self::AttributeReference | Self::JsonEscape
        )
    }

    /// Appends `text`, encoded, to what was written of the field since `start`, without what XML
    /// can't hold: as a reference, HTML can name it.
    pub(super) fn insert(self, text: &str, start: usize, out: &mut String) {
        let is_json = matches!(self, Self::Json | Self::JsonEscape);
        let mut text = Cow::Borrowed(text);
        if !is_json && may_be_illegal(&text) {
            text.to_mut().retain(is_allowed);
        }
        self.insert_legal(&text, start, out);
    }

    fn insert_legal(self, text: &str, start: usize, out: &mut String) {
        match self {
            Self::Text | Self::TextReference => {
                close_ampersand(text, start, out);
                escape::TEXT.push(text, out);
            }
            Self::Attribute | Self::AttributeReference => {
                close_ampersand(text, start, out);
                escape::XML_VALUE.push(text, out);
            }
            Self::Cdata if memchr(b']', text.as_bytes()).is_some() && text.contains("]]>") => {
                append_cdata(&text.replace("]]>", "]]]]><![CDATA[>"), start, out);
            }
            Self::Cdata => append_cdata(text, start, out),
            Self::Json | Self::JsonEscape => escape_json(text, out),
            Self::Markup => out.push_str(text),
        }
    }

    /// Appends `raw`, which stood so in the field.
    pub(super) fn append(self, raw: &str, start: usize, out: &mut String) {
        if self == Self::Cdata {
            append_cdata(raw, start, out);
        } else {
            out.push_str(raw);
        }
    }
}

/// A section must not end where two parts meet that did not do so before.
fn append_cdata(part: &str, start: usize, out: &mut String) {
    let mut part = part;
    let before = &out[start..];
    if before.ends_with("]]") && part.starts_with('>') {
        out.push_str("]]><![CDATA[");
    } else if before.ends_with(']') && part.starts_with("]>") {
        out.push_str("]]]><![CDATA[");
        part = &part[1..];
    }
    out.push_str(part);
}

/// An ampersand that stood for itself must not make a reference with what comes after it now.
fn close_ampersand(next: &str, start: usize, out: &mut String) {
    let is_open = |letter: char| letter.is_ascii_alphanumeric() || letter == '#';
    if !matches!(
        next.trim_start_matches(is_open).chars().next(),
        None | Some(';')
    ) {
        return;
    }
    let floor = out.floor_char_boundary(out.len().saturating_sub(REFERENCE_BYTES_MAX).max(start));
    let tail = &out[floor..];
    let Some(at) = tail.rfind('&') else { return };
    if tail[at + 1..].chars().all(is_open) {
        out.insert_str(floor + at + 1, "amp;");
    }
}

fn escape_json(text: &str, out: &mut String) {
    let mut done = 0;
    for (at, byte) in text.bytes().enumerate() {
        if let Some(escaped) = json(byte) {
            out.push_str(&text[done..at]);
            out.push_str(&escaped);
            done = at + 1;
        }
    }
    out.push_str(&text[done..]);
}

/// RFC 8259 section 7.
fn json(byte: u8) -> Option<Cow<'static, str>> {
    let escaped = match byte {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        b'\n' => "\\n",
        b'\r' => "\\r",
        b'\t' => "\\t",
        0..0x20 => return Some(format!("\\u{byte:04x}").into()),
        _ => return None,
    };
    Some(escaped.into())
}
