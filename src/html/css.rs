//! Images in CSS: the URLs in `url(…)`, and the bare strings of `image-set(…)`, in a style
//! attribute or a style sheet.
//!
//! Other strings and comments are passed over, and so are `@import`, `@namespace` and `@font-face`,
//! whose URLs are no images'.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memmem};

use super::Edit;

/// Edits that send every image URL in `css` through `rewrite`.
pub(crate) fn edits(css: &str, rewrite: &mut dyn FnMut(&str) -> Option<String>) -> Vec<Edit> {
    if !may_hold_url(css.as_bytes()) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut scan = Scan {
        css,
        at: 0,
        depth: 0,
        set_depth: None,
    };
    while let Some(range) = scan.next_url() {
        if let Some(new) = rewrite(&unescape(&css[range.clone()])) {
            let text = escape(&new);
            found.push(Edit { range, text });
        }
    }
    found
}

/// Whether there is a function in `css` that holds a URL, or a name with escapes that may be
/// one's; cheap.
#[must_use]
pub(crate) fn may_hold_url(css: &[u8]) -> bool {
    let ends_with = |before: &[u8], name: &[u8]| {
        before.len() >= name.len() && before[before.len() - name.len()..].eq_ignore_ascii_case(name)
    };
    let mut is_escaped = None;
    memchr::memchr_iter(b'(', css).any(|at| {
        let before = &css[..at];
        ends_with(before, b"url")
            || ends_with(before, b"image-set")
            || *is_escaped.get_or_insert_with(|| memchr(b'\\', css).is_some())
    })
}

struct Scan<'a> {
    css: &'a str,
    at: usize,
    /// How many parentheses are open.
    depth: usize,
    /// How many are open inside the `image-set(…)` that is being read.
    set_depth: Option<usize>,
}

impl Scan<'_> {
    /// The span of the next URL, without parentheses and quotes, still escaped.
    fn next_url(&mut self) -> Option<Range<usize>> {
        let bytes = self.css.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            let rest = &bytes[self.at..];
            match byte {
                b'"' | b'\'' => {
                    let string = self.at + 1..string_end(bytes, self.at + 1, byte);
                    self.at = string.end + 1;
                    if self.set_depth == Some(self.depth) {
                        return Some(string);
                    }
                }
                b'/' if rest.starts_with(b"/*") => {
                    let close = memmem::find(&rest[2..], b"*/");
                    self.at = close.map_or(bytes.len(), |close| self.at + 2 + close + 2);
                }
                b'@' => self.pass_at_rule(),
                b'#' => self.at = name_end(bytes, self.at + 1),
                b'(' => self.open(),
                b')' => self.close(),
                _ if is_name(byte) => {
                    let name = self.at..name_end(bytes, self.at).max(self.at + 1);
                    self.at = name.end;
                    if bytes.get(self.at) == Some(&b'(') && !byte.is_ascii_digit() {
                        match Function::of(&unescape(&self.css[name])) {
                            Function::Url => {
                                self.at += 1;
                                return Some(self.url_argument());
                            }
                            Function::ImageSet => {
                                self.open();
                                self.set_depth.get_or_insert(self.depth);
                            }
                            Function::Other => {}
                        }
                    }
                }
                _ => self.at += 1,
            }
        }
        None
    }

    fn open(&mut self) {
        self.depth += 1;
        self.at += 1;
    }

    fn close(&mut self) {
        if self.set_depth == Some(self.depth) {
            self.set_depth = None;
        }
        self.depth = self.depth.saturating_sub(1);
        self.at += 1;
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

    /// Steps over the `@` or, where its URLs are no images, over the whole rule.
    fn pass_at_rule(&mut self) {
        let bytes = self.css.as_bytes();
        let name = &bytes[self.at + 1..];
        let starts_with = |keyword: &[u8]| {
            name.get(..keyword.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(keyword))
        };
        let names_no_image = [&b"import"[..], b"namespace", b"font-face"];
        if !names_no_image.iter().any(|keyword| starts_with(keyword)) {
            self.at += 1;
            return;
        }
        // It ends with its block, with a `;` before one, or with the block that it is in.
        let mut has_block = false;
        while let Some(&byte) = bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'"' | b'\'' => self.at = string_end(bytes, self.at, byte) + 1,
                // The `;` of a data: URL ends no rule.
                b'(' => self.at = bare_end(bytes, self.at),
                b'{' => has_block = true,
                b'}' => return,
                b';' if !has_block => return,
                _ => {}
            }
        }
    }
}

/// A function by what its arguments are.
enum Function {
    /// One URL.
    Url,
    /// Images, by functions or by strings that are URLs.
    ImageSet,
    Other,
}

impl Function {
    fn of(name: &str) -> Self {
        match name {
            name if name.eq_ignore_ascii_case("url") => Self::Url,
            name if name.eq_ignore_ascii_case("image-set") => Self::ImageSet,
            name if name.eq_ignore_ascii_case("-webkit-image-set") => Self::ImageSet,
            _ => Self::Other,
        }
    }
}

/// Where the name ends that starts at `at`, its escapes included.
fn name_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = bytes.get(at) {
        at = match byte {
            b'\\' if bytes.get(at + 1).is_none_or(|&next| next == b'\n') => return at,
            b'\\' => at + 1 + escape_length(&bytes[at + 1..]),
            _ if is_name(byte) => at + 1,
            _ => return at,
        };
    }
    at.min(bytes.len())
}

/// How long an escape is behind its backslash: hexadecimal digits and a blank that ends them, or one
/// character, of which the first byte is counted.
/// <https://drafts.csswg.org/css-syntax/#consume-escaped-code-point>
fn escape_length(after: &[u8]) -> usize {
    const HEX_DIGITS_MAX: usize = 6;
    let window = after.iter().take(HEX_DIGITS_MAX);
    match window.take_while(|byte| byte.is_ascii_hexdigit()).count() {
        0 => 1,
        digits => match &after[digits..] {
            [b'\r', b'\n', ..] => digits + 2,
            [b' ' | b'\t' | b'\n' | b'\r' | b'\x0C', ..] => digits + 1,
            _ => digits,
        },
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

/// Where an unquoted URL ends that starts at `at`.
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

fn unescape(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        if after.starts_with(|first: char| first.is_ascii_hexdigit()) {
            let (escape, behind) = after.split_at(escape_length(after.as_bytes()));
            let code = u32::from_str_radix(escape.trim_ascii_end(), 16).unwrap_or(0);
            let character = char::from_u32(code).filter(|&character| character != '\0');
            out.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
            rest = behind;
        } else {
            let mut characters = after.chars();
            out.extend(characters.next().filter(|&character| character != '\n'));
            rest = characters.as_str();
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// `url` so written that it can be in `url(…)` with any quotes or none.
fn escape(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for character in url.chars() {
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
        edits(css, &mut |url| {
            seen.push(url.to_owned());
            None
        });
        assert_eq!(seen, expected, "{css}");
    }

    #[test]
    fn urls() {
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
        check(
            r"background:u\72l(a.png), U\000052 L(b.png), \75\72\6c(c.png)",
            &["a.png", "b.png", "c.png"],
        );
        check("background:u\\72\r\nl(a.png)", &["a.png"]);
        check(r"background:ur\6d(a.png)", &[]);
        check("width:2url(a.png);color:#url(b.png)", &[]);
        check(
            "background:image-set('a.png' 1x, \"b.png\" type(\"image/png\") 2x, url(c.png) 3x), url(d.png)",
            &["a.png", "b.png", "c.png", "d.png"],
        );
        check(
            "background:-WEBKIT-image-set('a.png' 1x);quotes:'x' 'y';src:local('z')",
            &["a.png"],
        );
        check(
            "background:image-set('a.png' calc((1))x, 'b.png'",
            &["a.png", "b.png"],
        );
        check("background:my-image-set('a.png')", &[]);
        check(r"background:im\61ge-set('a.png')", &["a.png"]);
        check("background:url()", &[""]);
        check("url(", &[""]);
        check("\\", &[]);
        check("(((\\", &[]);
        check("é(\\é", &[]);
    }

    #[test]
    fn written_back_escaped() {
        let found = edits("b:url(a)", &mut |_| Some("x'(1)".into()));
        assert_eq!(found[0].range, 6..7);
        assert_eq!(found[0].text, r"x\'\(1\)");
    }
}
