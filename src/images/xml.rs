//! What stands before the first element of an XML document: its encoding, comments, its DOCTYPE.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Bytes within which an XML declaration ends.
const DECLARATION_BYTES_MAX: usize = 256;

/// The text of a document, in the encoding that its byte order mark shows, its first characters, or
/// its declaration; UTF-8 otherwise (XML 1.0, Appendix F). What can't be decoded is U+FFFD.
#[must_use]
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let (encoding, mark_bytes) = Encoding::for_bom(bytes).unwrap_or((encoding(bytes), 0));
    encoding.decode_without_bom_handling(&bytes[mark_bytes..]).0
}

fn encoding(bytes: &[u8]) -> &'static Encoding {
    match bytes {
        [b'<', 0, ..] => return UTF_16LE,
        [0, b'<', ..] => return UTF_16BE,
        _ => {}
    }
    let start = &bytes[..bytes.len().min(DECLARATION_BYTES_MAX)];
    let declared = start.strip_prefix(b"<?xml").and_then(|rest| {
        let end = memchr::memmem::find(rest, b"?>")?;
        let at = memchr::memmem::find(&rest[..end], b"encoding")?;
        let value = rest[at + 8..end].trim_ascii_start().strip_prefix(b"=")?;
        let (quote, value) = value.trim_ascii_start().split_first()?;
        let end = memchr::memchr(*quote, value)?;
        Encoding::for_label(&value[..end])
    });
    match declared {
        // It says so in bytes of eight bits.
        Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => UTF_8,
        Some(encoding) => encoding,
        None => UTF_8,
    }
}

/// A DOCTYPE declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doctype<'a> {
    /// The name of the root element.
    pub name: &'a str,
    /// What stands between its brackets.
    pub subset: &'a str,
}

/// What comes next in a prologue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next<'a> {
    /// White space, the declaration, a comment.
    Nothing,
    /// A DOCTYPE.
    Doctype(Doctype<'a>),
    /// The start of an element, with its name.
    Element(&'a str),
    /// No part of a document.
    Other,
    /// It ends before that can be told.
    Unfinished,
}

/// What a text starts with, and what follows that.
#[must_use]
pub fn next(text: &str) -> (Next<'_>, &str) {
    let rest = text.trim_start();
    let cut = |next, end: Option<usize>| match end {
        Some(end) => (next, &rest[end..]),
        None => (Next::Unfinished, rest),
    };
    let after = |mark: &str| rest.find(mark).map(|at| at + mark.len());
    if rest.len() < text.len() && !rest.is_empty() {
        return (Next::Nothing, rest);
    }
    if rest.starts_with("<?xml") {
        return cut(Next::Nothing, after("?>"));
    }
    if let Some(comment) = rest.strip_prefix("<!--") {
        return cut(Next::Nothing, comment.find("-->").map(|at| at + 7));
    }
    if let Some(declared) = rest.strip_prefix("<!DOCTYPE") {
        let Some((doctype, behind)) = doctype(declared) else {
            return (Next::Unfinished, rest);
        };
        return (Next::Doctype(doctype), behind);
    }
    // Any of these may still come of so short a start.
    if ["<?xml", "<!--", "<!DOCTYPE"]
        .iter()
        .any(|mark| mark.starts_with(rest))
    {
        return (Next::Unfinished, rest);
    }
    let Some(name) = rest.strip_prefix('<') else {
        return (Next::Other, rest);
    };
    let end = name.find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/'));
    cut(
        Next::Element(&name[..end.unwrap_or(0)]),
        end.map(|end| end + 1),
    )
}

/// What stands behind `<!DOCTYPE`, and what is behind that.
fn doctype(declared: &str) -> Option<(Doctype<'_>, &str)> {
    let rest = declared.trim_start();
    let name_end = rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '[' | '>'))?;
    let (name, mut rest) = rest.split_at(name_end);
    let mut subset = "";
    loop {
        let at = rest.find(['"', '\'', '[', '>'])?;
        let (mark, behind) = (rest.as_bytes()[at], &rest[at + 1..]);
        match mark {
            b'>' => return Some((Doctype { name, subset }, behind)),
            b'[' => {
                let end = subset_bytes(behind)?;
                subset = &behind[..end];
                rest = &behind[end + 1..];
            }
            quote => rest = &behind[behind.find(char::from(quote))? + 1..],
        }
    }
}

/// Where the bracket is that closes an internal subset: not within its comments, instructions and
/// quoted texts.
fn subset_bytes(subset: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = &subset[at..];
        let found = rest.find(['"', '\'', '<', ']'])?;
        let rest = &rest[found..];
        at += found;
        let past = |from: usize, mark: &str| Some(from + rest[from..].find(mark)? + mark.len());
        at += match rest.as_bytes()[0] {
            b']' => return Some(at),
            b'<' if rest.starts_with("<!--") => past(4, "-->")?,
            b'<' if rest.starts_with("<?") => past(2, "?>")?,
            b'<' => 1,
            quote => past(1, char::from(quote).encode_utf8(&mut [0; 4]))?,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings() {
        let utf16 = |text: &str, to: fn(u16) -> [u8; 2]| {
            text.encode_utf16().flat_map(to).collect::<Vec<u8>>()
        };
        let latin = b"<?xml version='1.0' encoding=\"ISO-8859-1\"?><a>caf\xe9</a>";
        let russian = b"<?xml version=\"1.0\" encoding = 'windows-1251' ?><a>\xe4\xe0</a>";
        let wrong = "<?xml version='1.0' encoding='UTF-16'?><a>é</a>";
        for (bytes, expected) in [
            ("<a>é</a>".as_bytes().to_vec(), "<a>é</a>"),
            ("\u{feff}<a>é</a>".as_bytes().to_vec(), "<a>é</a>"),
            (utf16("\u{feff}<a>é</a>", u16::to_le_bytes), "<a>é</a>"),
            (utf16("\u{feff}<a>é</a>", u16::to_be_bytes), "<a>é</a>"),
            (utf16("<a>é</a>", u16::to_le_bytes), "<a>é</a>"),
            (utf16("<a>é</a>", u16::to_be_bytes), "<a>é</a>"),
            (
                latin.to_vec(),
                "<?xml version='1.0' encoding=\"ISO-8859-1\"?><a>café</a>",
            ),
            (
                russian.to_vec(),
                "<?xml version=\"1.0\" encoding = 'windows-1251' ?><a>да</a>",
            ),
            (wrong.as_bytes().to_vec(), wrong),
            (b"<a>caf\xe9</a>".to_vec(), "<a>caf\u{fffd}</a>"),
            (
                b"<?xml encoding='nonsense'?><a/>".to_vec(),
                "<?xml encoding='nonsense'?><a/>",
            ),
        ] {
            assert_eq!(decode(&bytes), expected);
        }
    }

    #[test]
    fn doctypes() {
        let check = |text: &str, name: &str, subset: &str, rest: &str| {
            let expected = Next::Doctype(Doctype { name, subset });
            assert_eq!(next(text), (expected, rest), "{text}");
        };
        check("<!DOCTYPE svg>x", "svg", "", "x");
        check("<!DOCTYPE svg PUBLIC '-//>' \"a[b]\">x", "svg", "", "x");
        check(
            "<!DOCTYPE svg[<!ENTITY a ']>'>]>x",
            "svg",
            "<!ENTITY a ']>'>",
            "x",
        );
        check(
            "<!DOCTYPE s:svg SYSTEM 'u' [ <!-- it's ]> --> <?p ]> ?> %x; ] >x",
            "s:svg",
            " <!-- it's ]> --> <?p ]> ?> %x; ",
            "x",
        );
        for text in [
            "<!DOCTYPE",
            "<!DOCTYPE svg",
            "<!DOCTYPE svg [",
            "<!DOCTYPE svg [ ']>",
        ] {
            assert_eq!(next(text).0, Next::Unfinished, "{text}");
        }
    }
}
