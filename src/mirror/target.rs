//! From a reader's path to an address of the origin, and from the origin's `Location` back. Pure.
//!
//! Invariant: an address that comes out has the origin's scheme, host and port, and a path that
//! starts with the origin's; whatever is in the reader's path stays a path.

use percent_encoding::percent_decode_str;
use url::Url;

/// Bytes of an address: what the store takes as a key, with room for a name.
const ADDRESS_BYTES_MAX: usize = 7 << 10;

/// Why a path leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadTarget {
    /// It would lead out of the mirror once decoded.
    Escapes,
    /// It is longer than can be kept.
    TooLong,
}

/// The address that `rest`, the path behind the mirror's name with its slash, and `query` stand
/// for below `origin`. Dot segments are resolved as a browser would, and never above the mirror.
pub(super) fn address(origin: &Url, rest: &str, query: Option<&str>) -> Result<Url, BadTarget> {
    let mut segments: Vec<&str> = Vec::new();
    let mut ends_in_folder = false;
    for segment in rest.strip_prefix('/').unwrap_or(rest).split('/') {
        ends_in_folder = false;
        match dots(segment) {
            1 => ends_in_folder = true,
            2 => {
                segments.pop();
                ends_in_folder = true;
            }
            _ if hides_a_step(segment) => return Err(BadTarget::Escapes),
            _ => segments.push(segment),
        }
    }
    if ends_in_folder {
        segments.push("");
    }
    // SECURITY: to a URL parser a backslash is a slash: here it is a letter.
    let path = segments.join("/").replace('\\', "%5C");
    let mut address = origin.clone();
    address.set_path(&format!("{}{path}", origin.path()));
    address.set_query(query);
    address.set_fragment(None);
    if !is_below(origin, &address) {
        return Err(BadTarget::Escapes);
    }
    match address.as_str().len() {
        0..=ADDRESS_BYTES_MAX => Ok(address),
        _ => Err(BadTarget::TooLong),
    }
}

/// What a redirect's `Location` becomes for a reader: below the origin, an address of the mirror,
/// which is at `home` (no slash at its end); elsewhere the absolute address; `None` where it is no
/// address, and is passed as it is.
pub(super) fn location(origin: &Url, home: &str, from: &Url, location: &str) -> Option<String> {
    let to = from.join(location).ok()?;
    if !is_below(origin, &to) {
        return Some(to.into());
    }
    let rest = to.path().strip_prefix(origin.path())?;
    let mut mirrored = format!("{home}/{rest}");
    if let Some(query) = to.query() {
        mirrored = mirrored + "?" + query;
    }
    if let Some(fragment) = to.fragment() {
        mirrored = mirrored + "#" + fragment;
    }
    Some(mirrored)
}

fn is_below(origin: &Url, url: &Url) -> bool {
    let bare = url.username().is_empty() && url.password().is_none();
    bare && url.origin() == origin.origin() && url.path().starts_with(origin.path())
}

/// 1 for `.`, 2 for `..`, in any spelling; 0 for anything else.
fn dots(segment: &str) -> usize {
    let plain = segment.replace("%2e", ".").replace("%2E", ".");
    match plain.as_str() {
        "." => 1,
        ".." => 2,
        _ => 0,
    }
}

/// SECURITY: `%2e%2e%2f` and `..%5c` are one segment here and two steps to a server that decodes
/// before it looks.
fn hides_a_step(segment: &str) -> bool {
    if !segment.contains(['%', '\\']) {
        return false;
    }
    let decoded: Vec<u8> = percent_decode_str(segment).collect();
    let is_step = |part: &[u8]| part == b".." || part == b".";
    let mut parts = decoded.split(|byte| matches!(byte, b'/' | b'\\'));
    let hides = decoded.contains(&b'/') || decoded.contains(&b'\\');
    decoded.contains(&0) || (hides && parts.any(is_step))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Url {
        Url::parse("https://static.example/blog/").unwrap()
    }

    #[test]
    fn paths_stay_below_the_origin() {
        let check = |rest: &str, expected: &str| {
            let found = address(&origin(), rest, None).map(String::from);
            assert_eq!(found.as_deref(), Ok(expected), "{rest}");
        };
        check("", "https://static.example/blog/");
        check("/", "https://static.example/blog/");
        check("/a/b.html", "https://static.example/blog/a/b.html");
        check("/a//b/", "https://static.example/blog/a//b/");
        check("/a/./b/../c", "https://static.example/blog/a/c");
        check("/a/b/..", "https://static.example/blog/a/");
        check("/a/.", "https://static.example/blog/a/");
        check(
            "/../../etc/passwd",
            "https://static.example/blog/etc/passwd",
        );
        check("/%2e%2e/%2E./x", "https://static.example/blog/x");
        check("/.%2e/x", "https://static.example/blog/x");
        check(
            "//evil.example/x",
            "https://static.example/blog//evil.example/x",
        );
        check(
            "/@evil.example/",
            "https://static.example/blog/@evil.example/",
        );
        check(
            "/http://evil.example/",
            "https://static.example/blog/http://evil.example/",
        );
        check("/:80/", "https://static.example/blog/:80/");
        check("/a\\b", "https://static.example/blog/a%5Cb");
        check("/a%2Fb", "https://static.example/blog/a%2Fb");
        check("/%252e%252e/x", "https://static.example/blog/%252e%252e/x");
        check("/...", "https://static.example/blog/...");
        check("/a?b#c", "https://static.example/blog/a%3Fb%23c");
        check("/caf\u{e9}", "https://static.example/blog/caf%C3%A9");
    }

    #[test]
    fn steps_that_hide_are_refused() {
        for rest in [
            "/%2e%2e%2fsecret",
            "/..%2fsecret",
            "/..\\secret",
            "/..%5csecret",
            "/a%2f..%2f..%2fsecret",
            "/a%00b",
        ] {
            let found = address(&origin(), rest, None);
            assert_eq!(found, Err(BadTarget::Escapes), "{rest}");
        }
        let long = format!("/{}", "a".repeat(ADDRESS_BYTES_MAX));
        assert_eq!(address(&origin(), &long, None), Err(BadTarget::TooLong));
    }

    #[test]
    fn queries_are_passed() {
        for (query, expected) in [
            (None, "https://static.example/blog/a"),
            (Some(""), "https://static.example/blog/a?"),
            (Some("x=1&y=%20"), "https://static.example/blog/a?x=1&y=%20"),
            (
                Some("u=//evil/../x?"),
                "https://static.example/blog/a?u=//evil/../x?",
            ),
        ] {
            let found = address(&origin(), "/a", query).unwrap();
            assert_eq!(found.as_str(), expected);
        }
    }

    #[test]
    fn redirects_stay_in_the_mirror_where_they_can() {
        let from = Url::parse("https://static.example/blog/a/b?q").unwrap();
        let home = "https://feeds.example/mirror/static";
        let check = |to: &str, expected: Option<&str>| {
            let found = location(&origin(), home, &from, to);
            assert_eq!(found.as_deref(), expected, "{to}");
        };
        check("c", Some("https://feeds.example/mirror/static/a/c"));
        check(
            "/blog/x?y#z",
            Some("https://feeds.example/mirror/static/x?y#z"),
        );
        check(
            "https://static.example/blog/",
            Some("https://feeds.example/mirror/static/"),
        );
        check("/other", Some("https://static.example/other"));
        check("/blog", Some("https://static.example/blog"));
        check(
            "http://static.example/blog/x",
            Some("http://static.example/blog/x"),
        );
        check("//evil.example/", Some("https://evil.example/"));
        check(
            "https://u@static.example/blog/",
            Some("https://u@static.example/blog/"),
        );
        check("http://[", None);
    }
}
