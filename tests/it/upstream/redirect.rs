//! Redirects: which are followed, how far, and what goes along.

use super::{at, client, get};
use crate::origin::{Origin, Reply, field};
use feedwright::upstream::{FetchError, FetchOptions, HostPort};

#[tokio::test]
async fn redirects_are_followed_in_every_form_up_to_the_limit() {
    for (path, expected, hops, moved) in [
        ("/301/8", "ok", 2, true),
        ("/308/8", "ok", 2, true),
        ("/302/8", "ok", 2, false),
        ("/303/8", "ok", 2, false),
        ("/307/8", "ok", 2, false),
        ("/301/5", "ok", 5, true),
        ("/301/4", "ok", 6, true),
        ("/301/3", "redirect: there were 5 before it", 6, false),
        ("/mixed", "ok", 3, false),
        ("/space", "ok", 2, true),
        ("/relative", "ok", 2, true),
        ("/fragment", "ok", 2, true),
        ("/there", "redirect: it leads in a circle", 2, false),
        ("/self", "redirect: it leads to itself", 1, false),
        ("/none", "redirect: it names no location", 1, false),
        ("/blank", "redirect: its location is no URL", 1, false),
        ("/bad", "redirect: its location is no URL", 1, false),
    ] {
        let origin = Origin::start(|head| {
            let path = head.split(' ').nth(1).unwrap();
            let chain = |status: u16, step: usize| match step {
                9 => Reply::ok("<rss/>"),
                _ => Reply::redirect(status, &format!("/{status}/{}", step + 1)),
            };
            match path.trim_start_matches('/').split_once('/') {
                Some(("feeds", _)) => Reply::ok("<rss/>"),
                Some((status, step)) => chain(status.parse().unwrap(), step.parse().unwrap()),
                None => match path {
                    "/mixed" => Reply::redirect(302, "/301/8"),
                    "/space" => Reply::redirect(301, "   /feeds/\u{e4}x "),
                    "/relative" => Reply::redirect(301, "feeds/x"),
                    "/fragment" => Reply::redirect(301, "/feeds/x#top"),
                    "/there" => Reply::redirect(301, "/back"),
                    "/back" => Reply::redirect(301, "/there"),
                    "/self" => Reply::redirect(301, &format!("{path}#again")),
                    "/none" => Reply::status(301, &[], ""),
                    "/blank" => Reply::redirect(301, ""),
                    _ => Reply::redirect(301, "http://[::1/"),
                },
            }
        })
        .await;
        let client = client(FetchOptions::default());
        let at = at(&origin, path);
        match get(&client, &at).await {
            Ok((found, _)) => {
                assert_eq!("ok", expected, "{path}");
                assert_eq!(found.moved_to.is_some(), moved, "{path}");
                assert_eq!(found.url.fragment(), None);
            }
            Err(FetchError::Redirect { problem }) => {
                assert_eq!(format!("redirect: {problem}"), expected, "{path}");
            }
            Err(error) => panic!("{path}: {error:?}"),
        }
        assert_eq!(origin.seen().len(), hops, "{path}");
    }
}

#[tokio::test]
async fn secrets_stay_with_the_configured_origin() {
    let other = Origin::script(vec![Reply::ok("<rss/>")]).await;
    let there = other.url("/there");
    let origin = Origin::start(move |head| match head.split(' ').nth(1) {
        Some("/a") => Reply::redirect(301, "/b"),
        _ => Reply::redirect(301, &there),
    })
    .await;
    let mut configured = at(&origin, "/a");
    configured
        .allow_private
        .push(HostPort::parse(&other.address().to_string()).unwrap());
    configured.url.set_username("me").unwrap();
    configured.url.set_password(Some("secret")).unwrap();
    configured.cookies = Some("session=1".parse().unwrap());
    configured.headers = vec![
        (
            http::HeaderName::from_static("x-key"),
            "k1".parse().unwrap(),
        ),
        (
            http::HeaderName::from_static("x-key"),
            "k2".parse().unwrap(),
        ),
        (http::header::ACCEPT, "text/plain".parse().unwrap()),
    ];
    configured.user_agent = Some("Own/1".into());
    let (found, _) = get(&client(FetchOptions::default()), &configured)
        .await
        .unwrap();
    assert_eq!(found.url.as_str(), other.url("/there"));
    assert_eq!(origin.seen().len(), 2);
    for head in origin.seen() {
        assert_eq!(field(&head, "authorization"), Some("Basic bWU6c2VjcmV0"));
        assert_eq!(field(&head, "cookie"), Some("session=1"));
        assert_eq!(field(&head, "accept"), Some("text/plain"));
        assert_eq!(head.matches("x-key: k").count(), 2);
        assert_eq!(field(&head, "user-agent"), Some("Own/1"));
    }
    let head = &other.seen()[0];
    for absent in ["authorization", "cookie", "x-key", "referer"] {
        assert_eq!(field(head, absent), None, "{absent} leaked");
    }
}
