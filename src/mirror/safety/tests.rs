//! Fields and types, those that the issue of a browser or a web server names and their kin.

use super::*;
use crate::config;

fn settings(keys: &str) -> MirrorSettings {
    let toml = format!("[[mirror]]\nname = \"m\"\norigin = \"https://a.example/\"\n{keys}");
    let settings = config::parse("test.toml", &toml, []);
    settings.unwrap().mirrors.remove(0)
}

fn map(lines: &[(&str, &str)]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in lines {
        fields.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    fields
}

#[test]
fn fields_that_act_on_our_host_or_the_server_in_front_are_gone() {
    for name in [
        "X-Accel-Redirect",
        "X-Accel-Expires",
        "X-Accel-Limit-Rate",
        "X-Accel-Buffering",
        "X-Accel-Charset",
        "X-Sendfile",
        "X-Sendfile2",
        "X-Sendfile-Temporary",
        "X-Lighttpd-Send-File",
        "X-LIGHTTPD-send-tempfile",
        "X-LiteSpeed-Location",
        "X-LiteSpeed-Cache-Control",
        "X-Reproxy-URL",
        "X-Reproxy-File",
        "X-AppEngine-BlobKey",
        "X-Envoy-Immediate-Health-Check-Fail",
        "Surrogate-Control",
        "Surrogate-Key",
        "Edge-Control",
        "fly-replay",
        "Service-Worker-Allowed",
        "Clear-Site-Data",
        "NEL",
        "Report-To",
        "Reporting-Endpoints",
        "Origin-Agent-Cluster",
        "Refresh",
        "Accept-CH",
        "Accept-CH-Lifetime",
        "Critical-CH",
        "Public-Key-Pins",
        "Public-Key-Pins-Report-Only",
        "Expect-CT",
        "Alt-Svc",
        "Strict-Transport-Security",
        "Set-Login",
        "Sec-Session-Registration",
        "Use-As-Dictionary",
        "Attribution-Reporting-Register-Source",
        "Speculation-Rules",
        "Onion-Location",
    ] {
        for keys in ["", "trusted = true", "cookies = true\nauthorization = true"] {
            let mut fields = map(&[(name, "a"), (name, "b"), ("etag", "\"1\"")]);
            confine(&mut fields, &settings(keys));
            assert!(!fields.contains_key(name), "{name} with {keys:?}");
            assert!(fields.contains_key("etag"));
        }
    }
}

#[test]
fn fields_that_are_about_the_answer_alone_stay() {
    for name in [
        "Cache-Control",
        "CDN-Cache-Control",
        "Content-Disposition",
        "Content-Location",
        "Content-Security-Policy-Report-Only",
        "Cross-Origin-Opener-Policy",
        "Cross-Origin-Resource-Policy",
        "Access-Control-Allow-Origin",
        "Last-Modified",
        "Link",
        "No-Vary-Search",
        "Permissions-Policy",
        "Retry-After",
        "Server-Timing",
        "SourceMap",
        "Vary",
        "X-Frame-Options",
        "X-Robots-Tag",
        "X-Anything-Else",
    ] {
        let mut fields = map(&[(name, "a"), (name, "b")]);
        confine(&mut fields, &settings(""));
        assert_eq!(fields.get_all(name).iter().count(), 2, "{name}");
    }
}

#[test]
fn what_asks_for_secrets_goes_with_their_switches() {
    let came = map(&[
        ("set-cookie", "a=b"),
        ("set-cookie2", "a=b"),
        ("www-authenticate", "Basic realm=x"),
    ]);
    for (keys, expected) in [
        ("", &[][..]),
        ("cookies = true", &["set-cookie", "set-cookie2"]),
        ("authorization = true", &["www-authenticate"]),
    ] {
        let mut fields = came.clone();
        strip(&mut fields, &settings(keys));
        let names: Vec<_> = fields.keys().map(HeaderName::as_str).collect();
        assert_eq!(names, expected, "{keys}");
    }
}

#[test]
fn what_may_be_a_document_is_sandboxed_and_the_rest_not_sniffed() {
    let both = "image/png, text/html";
    for (kinds, is_document) in [
        (&[][..], true),
        (&[""], true),
        (&["text/html"], true),
        (&["TEXT/HTML;charset=utf-8"], true),
        (&[" text/html"], true),
        (&["text/html;"], true),
        (&["application/xhtml+xml"], true),
        (&["image/svg+xml"], true),
        (&["image/SVG+XML; charset=utf-8"], true),
        (&["text/xml"], true),
        (&["application/xml"], true),
        (&["application/rss+xml"], true),
        (&["application/mathml+xml"], true),
        (&["application/xml-external-parsed-entity"], true),
        (&["text/xsl"], true),
        (&["multipart/x-mixed-replace; boundary=a"], true),
        (&["message/rfc822"], true),
        (&["multipart/related"], true),
        (&["application/octet-stream"], true),
        (&["application/unknown"], true),
        (&["unknown/unknown"], true),
        (&["*/*"], true),
        (&["text/unknown"], true),
        (&["text/vtt"], true),
        (&["application/json"], true),
        (&["application/x-shockwave-flash"], true),
        (&["image/"], true),
        (&["image"], true),
        (&["image/\u{1}"][..0], true),
        (&["image/png<x>"], true),
        (&[both], true),
        (&["image/png", "text/html"], true),
        (&["text/html", "image/png"], true),
        (&["image/png"], false),
        (&["Image/PNG ;x=y"], false),
        (&["image/vnd.microsoft.icon"], false),
        (&["audio/mpeg"], false),
        (&["video/mp4"], false),
        (&["font/woff2"], false),
        (&["text/css"], false),
        (&["text/javascript; charset=utf-8"], false),
        (&["application/pdf"], false),
        (&["text/plain"], false),
        (&["image/png", "image/png"], false),
    ] {
        let lines: Vec<_> = kinds.iter().map(|kind| ("content-type", *kind)).collect();
        let mut fields = map(&lines);
        confine(&mut fields, &settings(""));
        let policies: Vec<_> = fields.get_all("content-security-policy").iter().collect();
        let expected: &[&str] = if is_document { &["sandbox"] } else { &[] };
        assert_eq!(policies, expected, "{kinds:?}");
        let is_sniffed = !fields.contains_key("x-content-type-options");
        assert_eq!(is_sniffed, is_document, "{kinds:?}");
        let mut fields = map(&lines);
        confine(&mut fields, &settings("trusted = true"));
        assert_eq!(fields.len(), lines.len(), "{kinds:?}");
    }
}

#[test]
fn the_origins_own_policy_stays_beside_ours() {
    let mut fields = map(&[
        ("content-type", "text/html"),
        ("content-security-policy", "default-src 'self'"),
        ("content-security-policy", "sandbox allow-scripts"),
    ]);
    confine(&mut fields, &settings(""));
    let policies: Vec<_> = fields.get_all("content-security-policy").iter().collect();
    assert_eq!(
        policies,
        ["default-src 'self'", "sandbox allow-scripts", "sandbox"]
    );
}
