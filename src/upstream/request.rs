//! The header fields of a request.
//!
//! Invariant: the upstream's own header fields, cookies and credentials go to the origin (scheme,
//! host and port) that the configuration names, and to no other.

use super::{FetchError, FetchOptions, Upstream, Validators};
use base64::Engine;
use http::{HeaderMap, HeaderValue, header};
use percent_encoding::percent_decode_str;
use url::Url;

/// What we read, best first.
pub(super) const ACCEPT: HeaderValue = HeaderValue::from_static(
    "application/atom+xml, application/rss+xml, application/feed+json, \
     application/rdf+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, \
     */*;q=0.5",
);

/// The codings that [`super::coding`] undoes.
pub(super) const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("gzip, br, zstd, deflate");

/// The address that goes over the wire, and the credentials that were written into the configured
/// one: kept apart, or a relative redirect would inherit them.
pub(super) fn split_credentials(url: &Url) -> (Url, Option<HeaderValue>) {
    let mut bare = url.clone();
    // Both fail only for URLs without a host, which the guard refuses.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare.set_fragment(None);
    if url.username().is_empty() && url.password().is_none() {
        return (bare, None);
    }
    let mut pair: Vec<u8> = percent_decode_str(url.username()).collect();
    pair.push(b':');
    pair.extend(percent_decode_str(url.password().unwrap_or_default()));
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    let mut value = HeaderValue::from_str(&format!("Basic {encoded}")).ok();
    if let Some(value) = &mut value {
        value.set_sensitive(true);
    }
    (bare, value)
}

/// The header fields of one hop; `credentials` is `None` on every hop to another origin.
pub(super) fn headers(
    options: &FetchOptions,
    upstream: &Upstream,
    validators: &Validators,
    origin: Origin<'_>,
) -> Result<HeaderMap, FetchError> {
    let user_agent = upstream.user_agent.as_ref().unwrap_or(&options.user_agent);
    let user_agent =
        HeaderValue::from_str(user_agent).map_err(|error| FetchError::Settings(Box::new(error)))?;
    let mut headers = HeaderMap::new();
    headers.insert(header::USER_AGENT, user_agent);
    let request_options = &options.request;
    headers.insert(header::ACCEPT, request_options.accept.clone());
    headers.insert(
        header::ACCEPT_ENCODING,
        request_options.accept_encoding.clone(),
    );
    if let Some(via) = &request_options.via {
        headers.insert(header::VIA, via.clone());
    }
    if let Some(etag) = &validators.etag {
        headers.insert(header::IF_NONE_MATCH, etag.clone());
    }
    if let Some(last_modified) = &validators.last_modified {
        headers.insert(header::IF_MODIFIED_SINCE, last_modified.clone());
    }
    // SECURITY: a publisher that redirects elsewhere must not carry secrets there.
    let Origin::Configured { credentials } = origin else {
        return Ok(headers);
    };
    if let Some(credentials) = credentials {
        headers.insert(header::AUTHORIZATION, credentials.clone());
    }
    if let Some(cookies) = &upstream.cookies {
        headers.insert(header::COOKIE, cookies.clone());
    }
    for (name, _) in &upstream.headers {
        headers.remove(name);
    }
    for (name, value) in &upstream.headers {
        headers.append(name, value.clone());
    }
    Ok(headers)
}

/// Whose server a hop goes to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origin<'a> {
    /// The configured one.
    Configured {
        /// `Authorization` from the URL's userinfo.
        credentials: Option<&'a HeaderValue>,
    },
    /// Another one, after a redirect.
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_leave_the_url() {
        for (url, bare, credentials) in [
            ("https://example.com/#top", "https://example.com/", None),
            (
                "https://u:p@example.com/a",
                "https://example.com/a",
                Some("Basic dTpw"),
            ),
            (
                "https://u@example.com/",
                "https://example.com/",
                Some("Basic dTo="),
            ),
            (
                "https://a%40b:%3A@example.com/",
                "https://example.com/",
                Some("Basic YUBiOjo="),
            ),
        ] {
            let (left, value) = split_credentials(&Url::parse(url).unwrap());
            assert_eq!(left.as_str(), bare);
            assert_eq!(value.as_ref().map(|v| v.to_str().unwrap()), credentials);
        }
    }
}
