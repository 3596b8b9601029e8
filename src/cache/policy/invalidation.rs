//! What an unsafe request makes unusable (RFC 9111 §4.4).

use http::header::{CONTENT_LOCATION, HeaderMap, LOCATION};
use http::{Method, StatusCode};
use url::Url;

use super::list::text;

/// Whether a method is known to change nothing (RFC 9110 §9.2.1).
#[must_use]
pub fn is_safe(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(method)
}

/// The addresses whose stored responses are to be dropped: the request's own, and those of the
/// same origin that `Location` and `Content-Location` name. None when the answer was an error.
#[must_use]
pub fn invalidated(
    method: &Method,
    target: &Url,
    status: StatusCode,
    headers: &HeaderMap,
) -> Vec<Url> {
    if is_safe(method) || !(status.is_success() || status.is_redirection()) {
        return Vec::new();
    }
    let named = [LOCATION, CONTENT_LOCATION].into_iter().filter_map(|name| {
        let mut url = target.join(&text(headers.get(name)?)).ok()?;
        url.set_fragment(None);
        // SECURITY: a server may drop what is its own, nothing else.
        (url.origin() == target.origin() && url != *target).then_some(url)
    });
    std::iter::once(target.clone()).chain(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_9111_4_4_unsafe_methods_invalidate() {
        let check = |method: &str, status: u16, lines: &[(&str, &str)], expected: &[&str]| {
            let method: Method = method.parse().unwrap();
            let target = Url::parse("http://a.example/dir/x?q").unwrap();
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                let name: http::HeaderName = name.parse().unwrap();
                headers.insert(name, value.parse().unwrap());
            }
            let status = StatusCode::from_u16(status).unwrap();
            let found = invalidated(&method, &target, status, &headers);
            let found: Vec<&str> = found.iter().map(Url::as_str).collect();
            assert_eq!(found, expected, "{method} {status} {lines:?}");
        };
        let own = "http://a.example/dir/x?q";
        check("GET", 200, &[], &[]);
        check("HEAD", 200, &[], &[]);
        check("OPTIONS", 200, &[], &[]);
        check("POST", 200, &[], &[own]);
        check("PUT", 204, &[], &[own]);
        check("DELETE", 303, &[], &[own]);
        check("M-SEARCH", 200, &[], &[own]);
        check("POST", 404, &[], &[]);
        check("POST", 500, &[], &[]);
        check(
            "POST",
            201,
            &[("location", "y")],
            &[own, "http://a.example/dir/y"],
        );
        check(
            "POST",
            200,
            &[
                ("location", "/y#z"),
                ("content-location", "http://a.example/z"),
            ],
            &[own, "http://a.example/y", "http://a.example/z"],
        );
        check("POST", 201, &[("location", "http://b.example/y")], &[own]);
        check("POST", 201, &[("location", "https://a.example/y")], &[own]);
        check("POST", 201, &[("location", "http://[")], &[own]);
    }
}
