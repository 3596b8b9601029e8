//! Pictures in CSS: the addresses in `url(…)`, in a style attribute or a style sheet.
//!
//! Strings and comments are passed over, and so are `@import`, `@namespace` and `@font-face`,
//! whose addresses are no pictures.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memmem};

use crate::feed::text::Edit;

/// Edits that send every picture's address in `css` through `address`.
pub(super) fn edits(css: &str, address: &mut dyn FnMut(&str) -> Option<String>) -> Vec<Edit> {
    if !may_hold_address(css.as_bytes()) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut scan = Scan { css, at: 0 };
    while let Some(range) = scan.next_address() {
        if let Some(new) = address(&unescape(&css[range.clone()])) {
            let text = escape(&new);
            found.push(Edit { range, text });
        }
    }
    found
}

/// Whether there is a `url(` in `css`; cheap.
#[must_use]
pub(super) fn may_hold_address(css: &[u8]) -> bool {
    memchr::memchr_iter(b'(', css).any(|at| {
        at.checked_sub(3)
            .is_some_and(|start| css[start..at].eq_ignore_ascii_case(b"url"))
    })
}

struct Scan<'a> {
    css: &'a str,
    at: usize,
}

impl Scan<'_> {
    /// The span of the next address inside its `url(…)`, without quotes, still escaped.
    fn next_address(&mut self) -> Option<Range<usize>> {
        let bytes = self.css.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            let rest = &bytes[self.at..];
            match byte {
                b'"' | b'\'' => self.at = string_end(bytes, self.at + 1, byte) + 1,
                b'/' if rest.starts_with(b"/*") => {
                    let close = memmem::find(&rest[2..], b"*/");
                    self.at = close.map_or(bytes.len(), |close| self.at + 2 + close + 2);
                }
                b'\\' => self.at += 2,
                b'@' => self.pass_at_rule(),
                b'u' | b'U' if self.is_url_function() => {
                    self.at += 4;
                    return Some(self.url_argument());
                }
                _ => self.at += 1,
            }
        }
        None
    }

    fn is_url_function(&self) -> bool {
        let bytes = self.css.as_bytes();
        let is_named_so = bytes
            .get(self.at..self.at + 4)
            .is_some_and(|name| name.eq_ignore_ascii_case(b"url("));
        is_named_so
            && !self
                .at
                .checked_sub(1)
                .is_some_and(|before| is_name(bytes[before]))
    }

    /// Reads what follows `url(`, and leaves the position behind its `)`.
    fn url_argument(&mut self) -> Range<usize> {
        let bytes = self.css.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        let range = match bytes.get(self.at) {
            Some(&quote @ (b'"' | b'\'')) => {
                let start = self.at + 1;
                start..string_end(bytes, start, quote)
            }
            _ => self.at..bare_end(bytes, self.at),
        };
        self.at = memchr(b')', &bytes[range.end..]).map_or(bytes.len(), |at| range.end + at + 1);
        range
    }

    /// Steps over the `@` or, where its addresses are no pictures, over the whole rule.
    fn pass_at_rule(&mut self) {
        let bytes = self.css.as_bytes();
        let name = &bytes[self.at + 1..];
        let starts_with = |keyword: &[u8]| {
            name.get(..keyword.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(keyword))
        };
        let names_no_picture = [&b"import"[..], b"namespace", b"font-face"];
        if !names_no_picture.iter().any(|keyword| starts_with(keyword)) {
            self.at += 1;
            return;
        }
        // It ends with its block, with a `;` before one, or with the block that it stands in.
        let mut has_block = false;
        while let Some(&byte) = bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'"' | b'\'' => self.at = string_end(bytes, self.at, byte) + 1,
                // The `;` of a data: address ends no rule.
                b'(' => self.at = bare_end(bytes, self.at),
                b'{' => has_block = true,
                b'}' => return,
                b';' if !has_block => return,
                _ => {}
            }
        }
    }
}

/// Where the string ends that starts at `at`: at its quote, a raw newline or the end.
fn string_end(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\n' => break,
            _ if byte == quote => break,
            _ => {}
        }
        at += 1;
    }
    at.min(bytes.len())
}

/// Where an unquoted address ends that starts at `at`.
fn bare_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b')' | b'"' | b'\'' => break,
            _ if byte.is_ascii_whitespace() => break,
            _ => {}
        }
        at += 1;
    }
    at.min(bytes.len())
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'\\') || !byte.is_ascii()
}

/// <https://drafts.csswg.org/css-syntax/#consume-escaped-code-point>
fn unescape(raw: &str) -> Cow<'_, str> {
    const HEX_DIGITS_MAX: usize = 6;
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let digits = after
            .bytes()
            .take(HEX_DIGITS_MAX)
            .take_while(u8::is_ascii_hexdigit)
            .count();
        if digits > 0 {
            let code = u32::from_str_radix(&after[..digits], 16).unwrap_or(0);
            let character = char::from_u32(code).filter(|&character| character != '\0');
            out.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
            rest = &after[digits..];
            rest = rest
                .strip_prefix([' ', '\t', '\n', '\r', '\x0C'])
                .unwrap_or(rest);
        } else {
            let mut characters = after.chars();
            out.extend(characters.next().filter(|&character| character != '\n'));
            rest = characters.as_str();
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// `address` such that it stands in `url(…)` with any quotes or none.
fn escape(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    for character in address.chars() {
        if matches!(character, '"' | '\'' | '(' | ')' | '\\' | ' ') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(css: &str, expected: &[&str]) {
        let mut seen = Vec::new();
        edits(css, &mut |address| {
            seen.push(address.to_owned());
            None
        });
        assert_eq!(seen, expected, "{css}");
    }

    #[test]
    fn addresses() {
        check("color: red", &[]);
        check("background:url(a.png)", &["a.png"]);
        check(
            "background: URL( 'a b.png' ) no-repeat, url(\"c.png\")",
            &["a b.png", "c.png"],
        );
        check(
            "background:url(a\\(1\\).png);cursor:url( b.cur )",
            &["a(1).png", "b.cur"],
        );
        check(
            r"background:url('\68 ttps://x.org/\000061.png')",
            &["https://x.org/a.png"],
        );
        check(
            "background-image:-webkit-image-set(url(a.png) 1x, url(b.png) 2x)",
            &["a.png", "b.png"],
        );
        check("background:url(a.png", &["a.png"]);
        check("background:url('a.png", &["a.png"]);
        check(
            "a{content:'url(a.png)'}/* url(b.png) */b{background:url(c.png)}",
            &["c.png"],
        );
        check("background:myurl(a.png)", &[]);
        check("@import url(a.css); b{background:url(b.png)}", &["b.png"]);
        check("@import 'a;b.css'; b{background:url(b.png)}", &["b.png"]);
        check(
            "@font-face{font-family:x;src:url(a.woff) format('woff')} b{background:url(b.png)}",
            &["b.png"],
        );
        check(
            "@font-face{src:url(data:font/woff;base64,AA=})}b{background:url(b.png)}",
            &["b.png"],
        );
        check("@media print{b{background:url(b.png)}}", &["b.png"]);
        check("background:url()", &[""]);
        check("url(", &[""]);
        check("\\", &[]);
    }

    #[test]
    fn written_back_escaped() {
        let found = edits("b:url(a)", &mut |_| Some("x'(1)".into()));
        assert_eq!(found[0].range, 6..7);
        assert_eq!(found[0].text, r"x\'\(1\)");
    }
}
