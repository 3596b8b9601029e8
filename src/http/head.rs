//! The limits of a request's head, and the heads that are refused. Pure.

use http::header::{
    ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE, HOST, HeaderName, TRANSFER_ENCODING,
    VIA,
};
use http::request::Parts;
use http::{HeaderMap, Version};

use super::failure::Failure;

/// Header fields of one request.
pub(super) const HEADERS_MAX: usize = 100;
/// Fields that are read as lists, handed on, or are part of a key, and the bytes that all lines of
/// one may have.
const LISTS: [(HeaderName, usize); 5] = [
    (ACCEPT, 2 << 10),
    (ACCEPT_CHARSET, 1 << 10),
    (ACCEPT_ENCODING, 1 << 10),
    (ACCEPT_LANGUAGE, 1 << 10),
    (VIA, 2 << 10),
];

/// The limits that are configured.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeadLimits {
    /// Bytes of path and query.
    pub(super) url_bytes_max: usize,
}

/// Why a request is refused for its head alone.
pub(super) fn refusal(head: &Parts, limits: &HeadLimits) -> Option<Failure> {
    let url_bytes = head
        .uri
        .path_and_query()
        .map_or(0, |url| url.as_str().len());
    if has_odd_body(head) {
        Some(Failure::TransferCoding)
    } else if !names_its_host(head) {
        Some(Failure::NoHost)
    } else if url_bytes > limits.url_bytes_max {
        Some(Failure::UrlTooLong)
    } else if head.headers.len() > HEADERS_MAX || has_long_list(&head.headers) {
        Some(Failure::FieldsTooLarge)
    } else {
        None
    }
}

/// RFC 9112 §3.2: HTTP/1.1 names the host, once.
fn names_its_host(head: &Parts) -> bool {
    head.version != Version::HTTP_11 || head.headers.get_all(HOST).iter().count() == 1
}

/// SECURITY: request smuggling. A proxy in front and we may see different ends of a body whose transfer
/// coding is not exactly `chunked`. hyper refuses one that doesn't end in `chunked`, but takes
/// `gzip, chunked` for chunked.
pub(super) fn has_odd_body(head: &Parts) -> bool {
    let mut lines = head.headers.get_all(TRANSFER_ENCODING).iter();
    let Some(line) = lines.next() else {
        return false;
    };
    let is_chunked = line
        .as_bytes()
        .trim_ascii()
        .eq_ignore_ascii_case(b"chunked");
    !is_chunked || lines.next().is_some()
}

fn has_long_list(headers: &HeaderMap) -> bool {
    LISTS.iter().any(|(name, bytes_max)| {
        let bytes = headers.get_all(name).iter().map(|line| line.len() + 1);
        bytes.sum::<usize>() > *bytes_max
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(version: Version, url: &str, lines: &[(&str, &str)]) -> Option<u16> {
        let mut request = http::Request::builder().version(version).uri(url);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let limits = HeadLimits { url_bytes_max: 100 };
        let failure = refusal(&head, &limits)?;
        Some(failure.into_reply().status().as_u16())
    }

    #[test]
    fn bodies_have_one_coding() {
        for (lines, expected) in [
            (&["chunked"][..], None),
            (&["Chunked"], None),
            (&[" chunked\t"], None),
            (&["gzip, chunked"], Some(400)),
            (&["chunked, chunked"], Some(400)),
            (&["identity"], Some(400)),
            (&["identity, chunked"], Some(400)),
            (&["chunked;a=b"], Some(400)),
            (&[",chunked"], Some(400)),
            (&["chunked,"], Some(400)),
            (&[""], Some(400)),
            (&["xchunked"], Some(400)),
            (&["\"chunked\""], Some(400)),
            (&["chunked", "chunked"], Some(400)),
            (&["gzip", "chunked"], Some(400)),
            (&["chunked", "identity"], Some(400)),
        ] {
            let mut all = vec![("host", "x")];
            all.extend(lines.iter().map(|line| ("transfer-encoding", *line)));
            assert_eq!(refused(Version::HTTP_11, "/", &all), expected, "{lines:?}");
        }
    }

    #[test]
    fn heads_have_limits() {
        let host = ("host", "x");
        let url = |bytes: usize| format!("/{}", "a".repeat(bytes - 1));
        assert_eq!(refused(Version::HTTP_11, &url(100), &[host]), None);
        assert_eq!(refused(Version::HTTP_11, &url(101), &[host]), Some(414));
        assert_eq!(refused(Version::HTTP_11, "/", &[]), Some(400));
        assert_eq!(refused(Version::HTTP_11, "/", &[host, host]), Some(400));
        assert_eq!(refused(Version::HTTP_10, "/", &[]), None);
        for (name, bytes_max) in LISTS {
            let half = "a".repeat(bytes_max / 2 - 1);
            let lines =
                |count| [&[host][..], &vec![(name.as_str(), half.as_str()); count]].concat();
            assert_eq!(refused(Version::HTTP_11, "/", &lines(2)), None, "{name}");
            assert_eq!(
                refused(Version::HTTP_11, "/", &lines(3)),
                Some(431),
                "{name}"
            );
        }
        let many = vec![("x", "y"); HEADERS_MAX];
        assert_eq!(refused(Version::HTTP_2, "/", &many), None);
        assert_eq!(
            refused(Version::HTTP_2, "/", &[&many[..], &[host]].concat()),
            Some(431)
        );
    }
}
