//! The XML declaration: where it names the charset, and which one a name means.

use std::ops::Range;

use encoding_rs::{Encoding, GB18030, GBK, UTF_8, UTF_16BE, UTF_16LE, X_USER_DEFINED};
use memchr::memmem;

use super::pages::{self, Page};

/// A declaration that is not over by then is none.
const DECLARATION_BYTES_MAX: usize = 1024;

/// The byte order mark in UTF-8.
pub(super) const UTF_8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Names that other decoders know. Each is lower case, with `-` for `_`.
const ALIASES: &[(&str, &[&str])] = &[
    ("windows-1250", &["windows-1250", "ms-ee"]),
    ("windows-1251", &["windows-1251", "ms-cyrl"]),
    ("windows-1252", &["windows-1252", "ms-ansi"]),
    ("windows-1253", &["windows-1253", "ms-greek"]),
    ("windows-1254", &["windows-1254", "ms-turk"]),
    ("windows-1255", &["windows-1255", "ms-hebr"]),
    ("windows-1256", &["windows-1256", "ms-arab"]),
    ("windows-1257", &["windows-1257", "winbaltrim"]),
    ("windows-1258", &["windows-1258"]),
    ("macintosh", &["mac-roman", "macroman"]),
    ("x-mac-cyrillic", &["mac-cyrillic", "maccyrillic"]),
];

/// What the start of a document says about its charset.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Declaration {
    /// Where the charset's name stands.
    Label(Range<usize>),
    /// No declaration, or none that names a charset.
    Absent,
    /// More bytes are needed.
    Unclear,
}

/// Reads the declaration at the start of `bytes`, behind a byte order mark and whitespace.
pub(super) fn read(bytes: &[u8]) -> Declaration {
    let is_whole = bytes.len() >= DECLARATION_BYTES_MAX;
    let bytes = &bytes[..bytes.len().min(DECLARATION_BYTES_MAX)];
    let mark = if bytes.starts_with(UTF_8_MARK) {
        UTF_8_MARK.len()
    } else {
        0
    };
    let blanks = bytes[mark..]
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace());
    let start = mark + blanks.count();
    let rest = &bytes[start..];
    let unclear = if is_whole {
        Declaration::Absent
    } else {
        Declaration::Unclear
    };
    if !rest.starts_with(b"<?xml") {
        return if b"<?xml".starts_with(rest) {
            unclear
        } else {
            Declaration::Absent
        };
    }
    match rest.get(b"<?xml".len()) {
        None => return unclear,
        Some(byte) if byte.is_ascii_whitespace() || *byte == b'?' => {}
        // Another instruction, such as `<?xml-stylesheet`.
        Some(_) => return Declaration::Absent,
    }
    let Some(end) = memmem::find(rest, b"?>") else {
        return unclear;
    };
    match find_label(&rest[..end]) {
        Some(label) => Declaration::Label(start + label.start..start + label.end),
        None => Declaration::Absent,
    }
}

fn find_label(declaration: &[u8]) -> Option<Range<usize>> {
    let skip_blanks = |at: usize| {
        let rest = &declaration[at..];
        let blanks = rest.iter().take_while(|byte| byte.is_ascii_whitespace());
        at + blanks.count()
    };
    let name = b"encoding";
    let equals = skip_blanks(memmem::find(declaration, name)? + name.len());
    if declaration.get(equals) != Some(&b'=') {
        return None;
    }
    let open = skip_blanks(equals + 1);
    let quote = *declaration
        .get(open)
        .filter(|byte| matches!(byte, b'"' | b'\''))?;
    let length = memchr::memchr(quote, &declaration[open + 1..])?;
    Some(open + 1..open + 1 + length)
}

/// A charset that is not UTF-16 or UTF-32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    Standard(&'static Encoding),
    Page(&'static Page),
    /// One that is known by name only.
    Unsupported(&'static str),
}

impl Charset {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Standard(encoding) => encoding.name(),
            Self::Page(page) => page.name,
            Self::Unsupported(name) => name,
        }
    }

    pub(super) fn is_supported(self) -> bool {
        !matches!(self, Self::Unsupported(_))
    }
}

/// The charset that `label` means; `None` for one that is unknown or must not be believed.
pub(super) fn encoding(label: &[u8]) -> Option<Charset> {
    standard(label)
        .map(Charset::Standard)
        .or_else(|| pages::find(label).map(Charset::Page))
        .or_else(|| pages::find_unsupported(label).map(Charset::Unsupported))
}

fn standard(label: &[u8]) -> Option<&'static Encoding> {
    if is_ascii_label(label) {
        return None;
    }
    // SECURITY: UTF-7 and what decodes to nothing ("replacement") are unknown to this function;
    // x-user-defined would hide markup in private characters.
    let encoding = Encoding::for_label_no_replacement(label)
        .or_else(|| Encoding::for_label_no_replacement(alias(label)?.as_bytes()))?;
    // UTF-16 would have been seen in the bytes. GB18030 is GBK and more.
    match encoding {
        _ if encoding == X_USER_DEFINED => None,
        _ if encoding == UTF_16LE || encoding == UTF_16BE => None,
        _ if encoding == GBK => Some(GB18030),
        _ => Some(encoding),
    }
}

/// The standard's name for a charset under a name that the standard does not know.
fn alias(label: &[u8]) -> Option<&'static str> {
    let label = String::from_utf8_lossy(label.trim_ascii())
        .to_ascii_lowercase()
        .replace('_', "-");
    let found = ALIASES.iter().find(|(_, known)| known.contains(&&*label));
    found.map(|(name, _)| *name)
}

/// Whether `label` would be wrong for a text in UTF-8 that is not ASCII.
pub(super) fn is_other(label: &[u8]) -> bool {
    !label.is_empty() && Encoding::for_label(label) != Some(UTF_8)
}

/// Whether `label` is another name for UTF-8, which XML parsers may not know.
pub(super) fn is_alias(label: &[u8]) -> bool {
    !label.is_empty() && !label.eq_ignore_ascii_case(b"utf-8")
}

/// ASCII as a label of its own: the standard would read it as windows-1252.
pub(super) fn is_ascii_label(label: &[u8]) -> bool {
    let label = label.trim_ascii();
    label.eq_ignore_ascii_case(b"us-ascii") || label.eq_ignore_ascii_case(b"ascii")
}
