//! What becomes of image URLs, and why others stay.

use super::rule::ImageRule;
use super::*;
use crate::images::options::UrlOptions;
use crate::images::signed_url::SigningKeys;
use crate::rewrite::pattern::check_path;
use crate::rewrite::target::Images;
use crate::secret::Secret;

fn options() -> RuleOptions {
    RuleOptions {
        images: Some("https://Proxy.example?url={url_enc}".into()),
        skip_hosts: vec![
            "skip.org".into(),
            "*.Starred.org".into(),
            "2001:db8::1".into(),
            String::new(),
        ],
        public_url: "https://feeds.example.org".into(),
        ..RuleOptions::default()
    }
}

fn rules() -> ImageUrlRules {
    ImageUrlRules::new(&options()).unwrap().unwrap()
}

fn rewrite(urls: &ImageUrlRules, written: &str) -> Result<String, KeepReason> {
    let base = Url::parse("https://x.org/blog/item").unwrap();
    urls.decide(written, Some(&base), 0).map(|sent| sent.url)
}

#[test]
fn rewritten_to_one_string() {
    let expected = "https://Proxy.example?url=https%3A%2F%2Fx.org%2Fa%2520b.png%3Fq%3D1";
    for written in [
        "https://x.org/a b.png?q=1",
        " \thttps://X.ORG:443/a%20b.png?q=1\n",
        "https://x.o\nrg/a%20b.png?q=1#part",
        "//x.org/a b.png?q=1",
        "/a b.png?q=1",
        "../a b.png?q=1",
        "HTTPS:/a b.png?q=1",
    ] {
        let actual = rewrite(&rules(), written);
        assert_eq!(actual.as_deref(), Ok(expected), "{written}");
    }
    let without_base = rules().decide("//x.org/a b.png?q=1", None, 0);
    assert_eq!(without_base.unwrap().url, expected);
    let idn = "https://Proxy.example?url=https%3A%2F%2Fxn--bcher-kva.example%2F%25C3%25A4.png";
    for written in [
        "https://b\u{fc}cher.example/\u{e4}.png",
        "//B\u{dc}CHER.example/%C3%A4.png",
    ] {
        assert_eq!(rewrite(&rules(), written).as_deref(), Ok(idn), "{written}");
    }
}

#[test]
fn kept_and_why() {
    for (written, expected) in [
        ("", KeepReason::NotHttp),
        ("  ", KeepReason::NotHttp),
        ("#icon", KeepReason::NotHttp),
        (
            "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
            KeepReason::NotHttp,
        ),
        ("blob:https://x.org/1", KeepReason::NotHttp),
        ("cid:1", KeepReason::NotHttp),
        ("about:blank", KeepReason::NotHttp),
        ("javascript:void(0)", KeepReason::NotHttp),
        ("ftp://x.org/a.png", KeepReason::NotHttp),
        ("https://", KeepReason::NoUrl),
        ("http://[bad/a.png", KeepReason::NoUrl),
        (
            "https://proxy.example/?url=https%3A%2F%2Fx.org%2Fa.png",
            KeepReason::Own,
        ),
        (
            "https://Proxy.example?url=https%3A%2F%2Fx.org%2Fa.png",
            KeepReason::Own,
        ),
        (
            "https://feeds.example.org/image/sig/opts/abc",
            KeepReason::Own,
        ),
        (
            "https://feeds.example.org/image?url=x.org/a.png",
            KeepReason::Own,
        ),
        (
            "https://feeds.example.org/mirror/static/a.png",
            KeepReason::Own,
        ),
        (
            "https://images.weserv.nl/?url=x.org/a.png",
            KeepReason::Proxied,
        ),
        ("//wsrv.nl/?url=x.org/a.png", KeepReason::Proxied),
        ("http://i0.wp.com/x.org/a.png?ssl=1", KeepReason::Proxied),
        ("https://i3.wp.com/x.org/a.png?ssl=1", KeepReason::Proxied),
        (
            "https://external-content.duckduckgo.com/iu/?u=x",
            KeepReason::Proxied,
        ),
        (
            "https://camo.githubusercontent.com/abc/def",
            KeepReason::Proxied,
        ),
        ("https://camo.example.net/abc/def", KeepReason::Proxied),
        (
            "https://www.inoreader.com/camo/sig,b64/abc",
            KeepReason::Proxied,
        ),
        ("https://skip.org/a.png", KeepReason::SkippedHost),
        ("https://img.skip.org/a.png", KeepReason::SkippedHost),
        ("https://img.starred.org/a.png", KeepReason::SkippedHost),
        ("http://[2001:db8::1]:8080/a.png", KeepReason::SkippedHost),
    ] {
        assert_eq!(rewrite(&rules(), written), Err(expected), "{written}");
    }
    let relative = rules().decide("a.png", None, 0);
    assert_eq!(relative, Err(KeepReason::NoUrl));
    let marked = rules().decide("https://x.org/a.png", None, SKIPPED);
    assert_eq!(marked, Err(KeepReason::SkippedSelector));
}

#[test]
fn long_ones_stay() {
    let long = "a".repeat(URL_BYTES_MAX);
    let path = rewrite(&rules(), &format!("/{long}"));
    assert_eq!(path, Err(KeepReason::TooLong));
    let inline = rewrite(&rules(), &format!("data:image/png;base64,{long}"));
    assert_eq!(inline, Err(KeepReason::NotHttp));
}

#[test]
fn labels_and_prefixes_end_where_they_end() {
    for written in [
        "https://noskip.org/a.png",
        "https://skip.org.evil.net/a.png",
        "https://notwp.com/a.png",
        "https://s0.wp.com/latex.php",
        "https://camouflage.example/a.png",
        "https://feeds.example.org.evil.net/image/a.png",
        "https://feeds.example.org/blog/a.png",
        "https://www.inoreader.com/logo.png",
        "https://proxy.example/logo.png",
    ] {
        let once = rewrite(&rules(), written).unwrap();
        assert_eq!(rewrite(&rules(), &once), Err(KeepReason::Own), "{written}");
    }
}

#[test]
fn the_first_rule_that_fits_counts() {
    let rule = |host: &str, path: &str, selector: &str, images: Option<&str>| {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        ImageRule {
            host: some(host),
            path: some(path),
            selector: some(selector),
            images: images.map(Into::into),
        }
    };
    let urls = ImageUrlRules::new(&RuleOptions {
        image_rules: vec![
            rule("", "*.gif", "", None),
            rule("", "", ".wide", Some("https://wide.example/{url_hex}")),
            rule(
                "xn--bcher-kva.example",
                "",
                "",
                Some("https://b.example/{path}"),
            ),
            rule(
                "x.org",
                "/media/*",
                "",
                Some("https://media.example/m{path}"),
            ),
            rule("x.org", "", "", None),
        ],
        ..options()
    });
    let urls = urls.unwrap().unwrap();
    let check =
        |written: &str, marks: Marks, expected: Result<(&str, Option<usize>), KeepReason>| {
            let sent = urls.decide(written, None, marks);
            let sent = sent.map(|sent| (sent.url, sent.rule));
            let expected = expected.map(|(url, rule)| (url.to_owned(), rule));
            assert_eq!(sent, expected, "{written}");
        };
    check("https://x.org/a/b.gif?c", 1 << 1, Err(KeepReason::Rule(0)));
    check(
        "https://x.org/",
        1 << 1,
        Ok(("https://wide.example/68747470733a2f2f782e6f72672f", Some(1))),
    );
    check(
        "https://i.x.org/media/a/b.png",
        0,
        Ok(("https://media.example/m/media/a/b.png", Some(3))),
    );
    check(
        "https://b\u{fc}cher.example/a",
        0,
        Ok(("https://b.example//a", Some(2))),
    );
    check("https://x.org/b.png", 1 << 3, Err(KeepReason::Rule(4)));
    check(
        "https://y.org/b",
        0,
        Ok(("https://Proxy.example?url=https%3A%2F%2Fy.org%2Fb", None)),
    );
    for own in [
        "https://wide.example/68",
        "https://media.example/m/x",
        "https://feeds.example.org/image/x",
    ] {
        check(own, 1 << 1, Err(KeepReason::Own));
    }
}

#[test]
fn rules_without_a_proxy_of_the_feeds_own() {
    let rule = ImageRule {
        host: Some("x.org".into()),
        images: Some("https://p.example/{url}".into()),
        ..ImageRule::default()
    };
    let only = |images| RuleOptions {
        image_rules: vec![ImageRule {
            images,
            ..rule.clone()
        }],
        ..RuleOptions::default()
    };
    let urls = ImageUrlRules::new(&only(rule.images.clone()))
        .unwrap()
        .unwrap();
    assert!(rewrite(&urls, "/a.png").is_ok());
    assert_eq!(rewrite(&urls, "https://y.org/"), Err(KeepReason::NoRule));
    assert!(ImageUrlRules::new(&only(None)).unwrap().is_none());
}

#[test]
fn our_own_proxy_signs() {
    let keys = |text: &str| SigningKeys::new(vec![Secret::parse(text).unwrap()]).unwrap();
    let own = |image_keys| RuleOptions {
        images: Some(Images::Builtin(UrlOptions::parse("w=800").unwrap())),
        image_keys,
        ..options()
    };
    let first = keys("0123456789abcdef");
    let urls = ImageUrlRules::new(&own(first.clone())).unwrap().unwrap();
    let written = rewrite(&urls, "a b.png").unwrap();
    let behind = written
        .strip_prefix("https://feeds.example.org/image/")
        .unwrap();
    let signed = first.verify(behind).unwrap();
    assert_eq!(signed.url.as_str(), "https://x.org/blog/a%20b.png");
    assert_eq!(signed.options.as_str(), "w-800");
    assert_eq!(rewrite(&urls, &written), Err(KeepReason::Own));
    // What another key signed is left, too: it was ours before the keys changed.
    let other = ImageUrlRules::new(&own(keys("fedcba9876543210")))
        .unwrap()
        .unwrap();
    assert_eq!(rewrite(&other, &written), Err(KeepReason::Own));
    let unsigned = ImageUrlRules::new(&own(SigningKeys::default()));
    assert_eq!(unsigned.unwrap_err(), TargetError::NoSigningKey);
}

#[test]
fn none_without_a_target() {
    assert!(
        ImageUrlRules::new(&RuleOptions::default())
            .unwrap()
            .is_none()
    );
}

#[test]
fn globs() {
    assert!(check_path("/{a,b}/*.[gG]if").is_ok());
    for glob in ["[", "{a", "a[z-a]"] {
        assert!(check_path(glob).is_err(), "{glob}");
    }
}
