//! Request fields that a mirror never passes on by `request_headers = ["*"]`. Pure.
//!
//! SECURITY: they route a request, override what it is, or say whose it is, by word of the reader
//! alone. An origin that believes them answers for another host, another path or another person, or
//! lets the reader past its own guards. Whoever needs one lists it by its name.

/// What such names start with.
const PREFIXES: [&str; 58] = [
    "akamai-",
    "cdn-",
    "cf-",
    "client-",
    "envoy-",
    "fastly-",
    "fly-",
    "forwarded",
    "next-",
    "proxy",
    "remote-",
    "ssl-",
    "surrogate-",
    "tls-",
    "true-client-",
    "x-accel-",
    "x-akamai-",
    "x-amz-",
    "x-amzn-",
    "x-appengine-",
    "x-arr-",
    "x-auth-",
    "x-authenticated-",
    "x-azure-",
    "x-b3-",
    "x-backend-",
    "x-cdn-",
    "x-cf-",
    "x-client-",
    "x-cloud-",
    "x-cluster-",
    "x-envoy-",
    "x-fastly-",
    "x-forward",
    "x-gateway-",
    "x-goog-",
    "x-host",
    "x-http-",
    "x-internal-",
    "x-invoke-",
    "x-lighttpd-",
    "x-matched-",
    "x-middleware-",
    "x-ms-",
    "x-nextjs-",
    "x-now-",
    "x-nginx-",
    "x-origin",
    "x-override-",
    "x-proxy",
    "x-real-",
    "x-remote-",
    "x-rewrite-",
    "x-sendfile",
    "x-ssl-",
    "x-user",
    "x-vercel-",
    "x-webauth-",
];

/// Such names that start with nothing they share.
const NAMES: [&str; 37] = [
    "baggage",
    "base-url",
    "destination",
    "early-data",
    "front-end-https",
    "host",
    "http-host",
    "http-url",
    "max-forwards",
    "method",
    "path-info",
    "query-string",
    "request-uri",
    "rsc",
    "script-name",
    "server-name",
    "traceparent",
    "tracestate",
    "uri",
    "x-correlation-id",
    "x-custom-ip-authorization",
    "x-esi",
    "x-from-ip",
    "x-method",
    "x-method-override",
    "x-path",
    "x-port",
    "x-prerender-token",
    "x-protocol",
    "x-request-id",
    "x-request-uri",
    "x-scheme",
    "x-server-name",
    "x-true-client-ip",
    "x-uri",
    "x-url",
    "x-url-scheme",
];

/// Whether a field of this name, in lower case, is left out.
pub(super) fn is_withheld(name: &str) -> bool {
    // Servers that hand fields on as variables take `x_real_ip` and `x.real.ip` for `x-real-ip`.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !name.bytes().all(is_plain)
        || NAMES.contains(&name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_routes_overrides_or_identifies_is_withheld() {
        for name in [
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-anything",
            "x-forwarded",
            "x-original-url",
            "x-originating-ip",
            "x-original-host",
            "x-rewrite-url",
            "x-http-method",
            "x-http-method-override",
            "x-method-override",
            "x-http-host-override",
            "x-host",
            "x-real-ip",
            "x_real_ip",
            "x.real.ip",
            "x-client-ip",
            "client-ip",
            "true-client-ip",
            "x-cluster-client-ip",
            "cf-connecting-ip",
            "fastly-client-ip",
            "x-envoy-original-path",
            "x-amz-cf-id",
            "x-vercel-ip-country",
            "x-middleware-subrequest",
            "x-nextjs-data",
            "x-now-route-matches",
            "next-action",
            "rsc",
            "proxy",
            "proxy-host",
            "max-forwards",
            "x-accel-internal",
            "x-auth-user",
            "remote-user",
            "x-remote-user",
            "cdn-loop",
            "surrogate-capability",
            "x-request-id",
            "traceparent",
        ] {
            assert!(is_withheld(name), "{name}");
        }
        for name in [
            "accept",
            "accept-language",
            "user-agent",
            "origin",
            "referer",
            "x-requested-with",
            "x-theme",
            "x-api-key",
            "sec-fetch-site",
            "dnt",
            "if-none-match",
            "range",
        ] {
            assert!(!is_withheld(name), "{name}");
        }
    }
}
