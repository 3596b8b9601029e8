//! List-based fields (RFC 9110 §5.6.1): members of all lines, commas in quoted strings apart.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};

/// A field line as text; bytes that are no UTF-8 become replacement characters, so that what
/// stands beside them is still read.
pub(super) fn text(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

/// The members of a list, trimmed, empty ones left out.
pub(super) fn members(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(list);
    std::iter::from_fn(move || {
        let now = rest?;
        let end = end_of_member(now);
        rest = now.get(end + 1..);
        Some(now[..end].trim_matches([' ', '\t']))
    })
    .filter(|member| !member.is_empty())
}

/// The members of every line of a field, in order, each with its line's order kept.
pub(super) fn all_members(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let lines = headers.get_all(name).iter().map(text);
    let owned = lines.map(|line| members(&line).map(str::to_owned).collect::<Vec<_>>());
    owned.flatten().collect()
}

/// Where the first comma outside a quoted string stands, or the end.
fn end_of_member(text: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

/// The content of a quoted string (RFC 9110 §5.6.4); `None` where the text is none.
pub(super) fn unquote(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut content = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => content.push(characters.next()?),
            '"' => return None,
            other => content.push(other),
        }
    }
    Some(content)
}

/// Whether the text is a token (RFC 9110 §5.6.2).
pub(super) fn is_token(text: &str) -> bool {
    let special = b"!#$%&'*+-.^_`|~";
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || special.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_outside_quotes() {
        for (list, expected) in [
            ("", &[][..]),
            (" , ,", &[]),
            ("a", &["a"]),
            ("a, b ,\tc", &["a", "b", "c"]),
            (r#"a="1, 2", b"#, &[r#"a="1, 2""#, "b"]),
            (r#"a="\", x", b"#, &[r#"a="\", x""#, "b"]),
            (r#"a="open, b"#, &[r#"a="open, b"#]),
        ] {
            assert_eq!(members(list).collect::<Vec<_>>(), expected, "{list}");
        }
    }

    #[test]
    fn quoted_strings_are_opened() {
        for (text, expected) in [
            (r#""a, b""#, Some("a, b")),
            (r#""a\"b""#, Some("a\"b")),
            (r#""""#, Some("")),
            (r#""a"b""#, None),
            (r#""a\""#, None),
            (r#"a"#, None),
            (r#"""#, None),
        ] {
            assert_eq!(unquote(text).as_deref(), expected, "{text}");
        }
    }
}
