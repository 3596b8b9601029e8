//! An image's URL in its parts, in the normal form of the URL standard.
//!
//! Most URLs in feeds are written in that form already. Seeing this costs a tenth of parsing
//! them, and parsing was half of what rewriting costs.

use url::{Position, Url};

/// An absolute http or https URL; its parts lie in `whole`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ImageUrl<'a> {
    /// All of it, without a fragment.
    pub(super) whole: &'a str,
    /// `http` or `https`.
    pub(super) scheme: &'a str,
    /// The host's name or address.
    pub(super) host: &'a str,
    /// The host, and the port where it is not the scheme's own.
    pub(super) host_and_port: &'a str,
    /// Starts with a slash.
    pub(super) path: &'a str,
    /// Without its question mark.
    pub(super) query: Option<&'a str>,
}

impl<'a> ImageUrl<'a> {
    /// The parts of a parsed URL; `None` when it is neither http nor https, or has no host.
    pub(super) fn of_url(url: &'a Url) -> Option<Self> {
        let host = url.host_str().filter(|host| !host.is_empty())?;
        matches!(url.scheme(), "http" | "https").then(|| Self {
            whole: &url[..Position::AfterQuery],
            scheme: url.scheme(),
            host,
            host_and_port: &url[Position::BeforeHost..Position::AfterPort],
            path: url.path(),
            query: url.query(),
        })
    }

    /// The parts of a URL that is written in its normal form; `None` where that is not plain
    /// to see, although it may be so.
    pub(super) fn of_plain(whole: &'a str) -> Option<Self> {
        let (scheme, rest) = match whole.strip_prefix("https://") {
            Some(rest) => ("https", rest),
            None => ("http", whole.strip_prefix("http://")?),
        };
        let path_at = memchr::memchr(b'/', rest.as_bytes())?;
        let (host, after_host) = rest.split_at(path_at);
        let (path, query) = match memchr::memchr(b'?', after_host.as_bytes()) {
            Some(at) => (&after_host[..at], Some(&after_host[at + 1..])),
            None => (after_host, None),
        };
        let is_plain = is_plain_host(host)
            && is_plain_path(path.as_bytes())
            && query.is_none_or(|query| are_plain(query.as_bytes(), b'?'));
        is_plain.then_some(Self {
            whole,
            scheme,
            host,
            host_and_port: host,
            path,
            query,
        })
    }
}

/// A lower-case ASCII name that is no address in disguise (`1.2`, `0x7f`) and no punycode.
fn is_plain_host(host: &str) -> bool {
    let bytes = host.as_bytes();
    let mut label = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'.' if at > label => label = at + 1,
            b'a'..=b'z' | b'0'..=b'9' | b'-' => {}
            _ => return false,
        }
        if byte == b'-' && at == label + 3 && bytes[label..].starts_with(b"xn--") {
            return false;
        }
    }
    bytes.get(label).is_some_and(u8::is_ascii_lowercase)
}

/// A path without segments that are dots, written out or escaped.
fn is_plain_path(path: &[u8]) -> bool {
    are_plain(path, b'.')
        && memchr::memchr2_iter(b'.', b'%', path).all(|at| match path[at] {
            b'.' => path[at - 1] != b'/',
            _ => !matches!(path.get(at + 1..at + 3), Some([b'2', b'e' | b'E'])),
        })
}

/// Bytes that the URL standard leaves as they are in paths and queries.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let others = b"-._~!$&()*+,;=:@%/";
    let mut at = 0;
    while at < 256 {
        plain[at] = (at as u8).is_ascii_alphanumeric();
        at += 1;
    }
    at = 0;
    while at < others.len() {
        plain[others[at] as usize] = true;
        at += 1;
    }
    plain
};

/// Whether all of the bytes are plain or `other`, seen without a branch for each.
fn are_plain(bytes: &[u8], other: u8) -> bool {
    bytes.chunks(16).all(|chunk| {
        let each = chunk
            .iter()
            .map(|&byte| PLAIN[usize::from(byte)] | (byte == other));
        each.fold(true, |all, is_plain| all & is_plain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(written: &str) {
        let url = Url::parse(written).unwrap();
        assert_eq!(
            ImageUrl::of_plain(written),
            ImageUrl::of_url(&url),
            "{written}"
        );
    }

    #[test]
    fn plain_urls_are_their_own_normal_form() {
        check("https://static.dw.com/image/57152918_303.jpg");
        check("http://a-b.example.org/x/%20y.png?w=1&h=2/?z");
        check("https://x.org/a..b/c.d.?");
    }

    #[test]
    fn others_are_left_to_the_parser() {
        for written in [
            "https://X.org/a",
            "https://x.org",
            "https://x.org:443/a",
            "https://u@x.org/a",
            "https://1.2.3.4/a",
            "https://0x7f.1/a",
            "https://x.org./a",
            "https://xn--abc.org/a",
            "https://x..org/a",
            "ftp://x.org/a",
            "https://x.org/a/../b",
            "https://x.org/./b",
            "https://x.org/%2e%2e/b",
            "https://x.org/a b",
            "https://x.org/a#b",
            "https://x.org/ä",
            "https://x.org\\a",
            "https://x.org/a'b",
            "//x.org/a",
            "/a",
        ] {
            assert_eq!(ImageUrl::of_plain(written), None, "{written}");
        }
    }

    proptest! {
        #[test]
        fn what_looks_plain_is(written in "https?://[a-z0-9.x-]{1,8}/[a-zA-Z0-9%2eE./?&=:@!$'()*+,;~_-]{0,12}") {
            if let Some(plain) = ImageUrl::of_plain(&written) {
                let url = Url::parse(&written).unwrap();
                prop_assert_eq!(Some(plain), ImageUrl::of_url(&url));
            }
        }
    }
}
