//! HTML that was escaped once too often: what a reader would show as tags is read as HTML.
//!
//! A field is taken for such when, decoded as its format says, it holds no tag, but at least one
//! escaped tag of an element that HTML knows (`&lt;p&gt;`, `&lt;/div&gt;`, `&lt;img …&gt;`). Then
//! every reference to `<`, `>`, `&`, `"` and `'` is undone, once; other references (`&nbsp;`,
//! `&#8217;`) say the same in HTML and stay.

use memchr::memchr_iter;

use crate::html::Edit;

/// The longest reference that is undone: `&#x0003C;` and the like are none.
const REFERENCE_BYTES_MAX: usize = 8;

/// The elements of HTML, with those that feeds still hold.
const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "address",
    "article",
    "aside",
    "audio",
    "b",
    "big",
    "blockquote",
    "body",
    "br",
    "button",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "details",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "embed",
    "fieldset",
    "figcaption",
    "figure",
    "font",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "i",
    "iframe",
    "img",
    "input",
    "ins",
    "kbd",
    "label",
    "li",
    "link",
    "main",
    "mark",
    "meta",
    "nav",
    "noscript",
    "object",
    "ol",
    "p",
    "picture",
    "pre",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "script",
    "section",
    "small",
    "source",
    "span",
    "strike",
    "strong",
    "style",
    "sub",
    "summary",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "time",
    "title",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "video",
    "wbr",
];
/// No name above is longer.
const NAME_BYTES_MAX: usize = 10;

/// Edits that undo the second escaping, if there is one.
pub(in crate::rewrite) fn edits(html: &str) -> Vec<Edit> {
    if !is_double_escaped(html) {
        return Vec::new();
    }
    references(html)
        .map(|(at, letter, length)| Edit {
            range: at..at + length,
            text: letter.to_string(),
        })
        .collect()
}

/// Whether a field holds no tag, and an escaped one.
pub(in crate::rewrite) fn is_double_escaped(html: &str) -> bool {
    !holds_a_tag(html)
        && references(html)
            .any(|(at, letter, length)| letter == '<' && starts_a_tag(&html[at + length..]))
        && (html.contains('>') || references(html).any(|(_, letter, _)| letter == '>'))
}

/// Whether there is a start or end tag, of whatever element.
fn holds_a_tag(html: &str) -> bool {
    let bytes = html.as_bytes();
    memchr_iter(b'<', bytes).any(|at| {
        let name = at + 1 + usize::from(bytes.get(at + 1) == Some(&b'/'));
        bytes.get(name).is_some_and(u8::is_ascii_alphabetic)
    })
}

/// Whether a known element's name stands here, and ends as a name in a tag does.
fn starts_a_tag(text: &str) -> bool {
    let text = text.strip_prefix('/').unwrap_or(text);
    let name_bytes = text
        .bytes()
        .take(NAME_BYTES_MAX + 1)
        .take_while(u8::is_ascii_alphanumeric)
        .count();
    let (name, behind) = text.split_at(name_bytes);
    let ends = match behind.as_bytes().first() {
        Some(b'&') => references(behind)
            .next()
            .is_some_and(|(at, letter, _)| at == 0 && letter == '>'),
        Some(byte) => byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'),
        None => false,
    };
    ends && ELEMENTS
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// Where the references to XML's special characters stand, what they are, and how long.
fn references(html: &str) -> impl Iterator<Item = (usize, char, usize)> {
    memchr_iter(b'&', html.as_bytes()).filter_map(|at| {
        let window = &html.as_bytes()[at + 1..];
        let window = &window[..window.len().min(REFERENCE_BYTES_MAX)];
        let end = memchr::memchr(b';', window)?;
        let letter = match &window[..end] {
            b"lt" | b"LT" | b"#60" | b"#x3c" | b"#x3C" | b"#X3c" | b"#X3C" => '<',
            b"gt" | b"GT" | b"#62" | b"#x3e" | b"#x3E" | b"#X3e" | b"#X3E" => '>',
            b"amp" | b"AMP" | b"#38" | b"#x26" | b"#X26" => '&',
            b"quot" | b"QUOT" | b"#34" | b"#x22" | b"#X22" => '"',
            b"apos" | b"#39" | b"#x27" | b"#X27" => '\'',
            _ => return None,
        };
        Some((at, letter, end + 2))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::apply;

    #[track_caller]
    fn check(html: &str, expected: &str) {
        let once = apply(html, &edits(html));
        assert_eq!(once, expected, "{html}");
        assert_eq!(apply(&once, &edits(&once)), once, "a second time");
    }

    #[test]
    fn one_escaping_too_many_is_undone() {
        check("&lt;p&gt;a&lt;/p&gt;", "<p>a</p>");
        check(
            "&lt;p class=&quot;x&quot;&gt;Tom &amp;amp; Jerry&amp;nbsp;&#8217;&nbsp;",
            "<p class=\"x\">Tom &amp; Jerry&nbsp;&#8217;&nbsp;",
        );
        check("a &lt;BR/&gt; b", "a <BR/> b");
        check("&#60;br&#62;&#x3C;hr&#x3e;", "<br><hr>");
        check(
            "&lt;img src='a.png' /&gt; a < b",
            "<img src='a.png' /> a < b",
        );
        check("a&lt;/p&gt;", "a</p>");
        check("<!-- x -->&lt;p&gt;", "<!-- x --><p>");
        check("&lt;p>a&lt;/p>", "<p>a</p>");
        // Markup that is shown as such stays escaped, once.
        check(
            "&lt;p&gt;Write &amp;lt;b&amp;gt;.&lt;/p&gt;",
            "<p>Write &lt;b&gt;.</p>",
        );
    }

    #[test]
    fn all_else_stays() {
        for html in [
            "",
            "a",
            "a &lt; b &amp;&amp; c &gt; d",
            "<p>Write &lt;b&gt; for bold.</p>",
            "<x-y>&lt;p&gt;",
            "</p>&lt;p&gt;",
            "Vec&lt;String&gt; and i&lt;n&gt;",
            "&lt;p a",
            "&lt;paragraph&gt;",
            "&lt;!-- p --&gt;",
            "&amp;lt;p&amp;gt;",
            "&lt p&gt;",
            "a &lt;p",
        ] {
            check(html, html);
        }
    }

    #[test]
    fn hostile_text_takes_linear_time() {
        for piece in ["&lt;", "&", "&lt;p", "&amp;lt;p&gt;", "<", "&lt;/"] {
            let _ = edits(&piece.repeat(200_000));
        }
    }
}
