//! What templates write, and which are refused.

mod vectors;

use super::*;

fn check(template: &str, url: &str, expected: &str) {
    let target = Target::parse(template).unwrap();
    let url = Url::parse(url).unwrap();
    let actual = target.apply(&ImageUrl::of_url(&url).unwrap()).unwrap();
    assert_eq!(actual, expected, "{template} on {url}");
    assert!(actual.starts_with(target.prefix()));
}

#[test]
fn placeholders() {
    let dw = "https://static.dw.com/image/57152918_303.jpg";
    let odd = "http://x.org:8080/a%20b/c'd(1).PNG?w=1&h=2+3#top";
    for (template, url, expected) in [
        (
            "https://images.weserv.nl/?url={host_path}",
            dw,
            "https://images.weserv.nl/?url=static.dw.com/image/57152918_303.jpg",
        ),
        (
            "https://images.weserv.nl?url={url_enc}",
            "https://mock.com/DIYgod/RSSHub.jpg",
            "https://images.weserv.nl?url=https%3A%2F%2Fmock.com%2FDIYgod%2FRSSHub.jpg",
        ),
        (
            "https://i3.wp.com/{host}{path}",
            "https://mock.com/DIYgod/RSSHub.jpg",
            "https://i3.wp.com/mock.com/DIYgod/RSSHub.jpg",
        ),
        (
            "https://img.example/unsafe/rs:fit:800:0/{url_b64}.webp",
            dw,
            "https://img.example/unsafe/rs:fit:800:0/aHR0cHM6Ly9zdGF0aWMuZHcuY29tL2ltYWdlLzU3MTUyOTE4XzMwMy5qcGc.webp",
        ),
        (
            "https://camo/x/{url_hex}",
            "http://golang.org/doc/gopher/frontpage.png",
            "https://camo/x/687474703a2f2f676f6c616e672e6f72672f646f632f676f706865722f66726f6e74706167652e706e67",
        ),
        (
            "https://p/{url}",
            odd,
            "https://p/http://x.org:8080/a%20b/c%27d(1).PNG?w=1&h=2+3",
        ),
        (
            "https://p/?u={url_enc}&f=1",
            odd,
            "https://p/?u=http%3A%2F%2Fx.org%3A8080%2Fa%2520b%2Fc%27d(1).PNG%3Fw%3D1%26h%3D2%2B3&f=1",
        ),
        (
            "https://p/?u={host_path}",
            odd,
            "https://p/?u=x.org:8080/a%2520b/c%27d%281%29.PNG%3Fw%3D1%26h%3D2%2B3",
        ),
        (
            "https://p/{scheme}/{host}/{ext}{path}?{query}&{{x}}",
            odd,
            "https://p/http/x.org:8080/png/a%20b/c%27d(1).PNG?w=1&h=2+3&{x}",
        ),
        ("https://p/{ext}/", "https://x.org/a.tar/b", "https://p//"),
        (
            "https://p/{url}",
            "https://x.org/a,",
            "https://p/https://x.org/a%2C",
        ),
    ] {
        check(template, url, expected);
    }
}

#[test]
fn variables_as_rsshub_has_them() {
    let url = "https://x.org:8443/a/b.jpg?w=1&h=2";
    for (template, expected) in [
        (
            "https://i3.wp.com/${host}${pathname}",
            "https://i3.wp.com/x.org:8443/a/b.jpg",
        ),
        (
            "https://images.weserv.nl?url=${href_ue}",
            "https://images.weserv.nl?url=https%3A%2F%2Fx.org%3A8443%2Fa%2Fb.jpg%3Fw%3D1%26h%3D2",
        ),
        (
            "https://p/?u=${href_ue}",
            "https://p/?u=https%3A%2F%2Fx.org%3A8443%2Fa%2Fb.jpg%3Fw%3D1%26h%3D2",
        ),
        (
            "https://p/${protocol}|${hostname}|${port}|${origin_ue}|${search}|${searchParams}|${hash}",
            "https://p/https:|x.org|8443|https%3A%2F%2Fx.org%3A8443|?w=1&h=2|w=1&h=2|",
        ),
    ] {
        check(template, url, expected);
    }
    // RSSHub's own.
    let mock = "https://mock.com/DIYgod/RSSHub.jpg";
    check(
        "https://i3.wp.com/${host}${pathname}",
        mock,
        "https://i3.wp.com/mock.com/DIYgod/RSSHub.jpg",
    );
    check(
        "https://images.weserv.nl?url=${href_ue}",
        mock,
        "https://images.weserv.nl?url=https%3A%2F%2Fmock.com%2FDIYgod%2FRSSHub.jpg",
    );
    let unknown = TargetError::UnknownVariable("hrefs".into());
    assert_eq!(Target::parse("https://p/${hrefs}").unwrap_err(), unknown);
}

#[test]
fn refused() {
    for (template, expected) in [
        (
            "https://p/{uri}",
            TargetError::UnknownPlaceholder("uri".into()),
        ),
        (
            "https://p/{}",
            TargetError::UnknownPlaceholder(String::new()),
        ),
        ("https://p/{url", TargetError::LoneBrace('{')),
        ("https://p/url}", TargetError::LoneBrace('}')),
        ("https://p/{{url}}", TargetError::NoPlaceholder),
        ("", TargetError::NoPlaceholder),
        ("/image/{url}", TargetError::NotAbsolute),
        ("{url}", TargetError::NotAbsolute),
        ("ftp://p/{url}", TargetError::NotAbsolute),
        ("https://{host}/x", TargetError::NotAbsolute),
        ("https://p.example{path}", TargetError::NotAbsolute),
        ("https://p/a b/{url}", TargetError::Unclean(' ')),
        ("https://p/{url}?a=\"b", TargetError::Unclean('"')),
        ("https://p/{url}\u{e4}", TargetError::Unclean('\u{e4}')),
    ] {
        assert_eq!(Target::parse(template).unwrap_err(), expected, "{template}");
    }
    let message = TargetError::UnknownPlaceholder("uri".into()).to_string();
    assert!(
        message.contains("`{uri}`") && message.contains("`{host_path}`"),
        "{message}"
    );
}
