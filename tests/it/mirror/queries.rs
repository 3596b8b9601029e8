//! What of a query goes to the origin, and how many different ones one client may ask for.

use std::net::IpAddr;

use super::{lines, mirror_of};
use crate::origin::{Origin, Reply};
use crate::reader::{Answer, get};
use crate::service::Service;

async fn origin() -> Origin {
    let fresh = [("cache-control", "max-age=600")];
    Origin::start(move |_| Reply::status(200, &fresh, "here")).await
}

fn asked(paths: &[&str]) -> Vec<String> {
    paths
        .iter()
        .map(|path| format!("GET /base{path} HTTP/1.1"))
        .collect()
}

#[tokio::test]
async fn a_rule_says_what_of_a_query_is_part_of_an_address() {
    for (keys, paths, expected) in [
        (
            "",
            &["/a", "/a?", "/a?x=1", "/a?x=1&%79=2&x=1"][..],
            &["/a", "/a?", "/a?x=1", "/a?x=1&%79=2&x=1"][..],
        ),
        (
            "query = 'ignore'",
            &["/a", "/a?", "/a?x=1", "/b?x"],
            &["/a", "/b"],
        ),
        (
            "query = ['page', 'id']",
            &[
                "/a?utm=1&page=2&id=%41&page=3",
                "/a?page=2&id=%41&page=3&utm=2",
                "/a?utm=1",
                "/a?",
                "/a?id=%41&page=2",
            ],
            &["/a?page=2&id=%41&page=3", "/a", "/a?id=%41&page=2"],
        ),
        ("query = 'refuse'", &["/a", "/a?"], &["/a"]),
    ] {
        let origin = origin().await;
        let service = mirror_of(&origin, keys).await;
        for path in paths {
            let answer = get(service.addr, &format!("/mirror/m{path}"), &[]).await;
            assert_eq!(answer.status, 200, "{keys} {path}");
        }
        assert_eq!(lines(&origin), asked(expected), "{keys}");
    }
    let origin = origin().await;
    let service = mirror_of(
        &origin,
        "query = 'refuse'\nmethods = ['GET', 'HEAD', 'POST']",
    )
    .await;
    for path in ["/mirror/m/a?x=1", "/mirror/m/a?x", "/mirror/m/a?&"] {
        let answer = get(service.addr, path, &[]).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(
            answer.text().contains("takes no query"),
            "{}",
            answer.text()
        );
        assert!(answer.header("cache-status").contains("detail=query"));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    assert!(lines(&origin).is_empty());
}

/// A mirror whose readers come through a proxy that says who they are.
async fn behind_a_proxy(origin: &Origin, keys: &str) -> Service {
    let toml = format!(
        "[server]\ntrusted_proxies = ['127.0.0.1']\n[[mirror]]\nname = \"m\"\norigin = \"http://PUBLISHER/base/\"\n\
         allow_private = [\"PUBLISHER\"]\n{keys}\n"
    );
    Service::start(&toml, origin.address()).await
}

async fn ask(service: &Service, client: &str, path: &str) -> Answer {
    let client: IpAddr = client.parse().unwrap();
    let client = client.to_string();
    get(
        service.addr,
        &format!("/mirror/m{path}"),
        &[("x-forwarded-for", &client)],
    )
    .await
}

#[tokio::test]
async fn one_client_may_ask_for_so_many_different_queries() {
    let origin = origin().await;
    let service = behind_a_proxy(&origin, "queries_max = 3").await;
    for query in 0..3 {
        let answer = ask(&service, "192.0.2.1", &format!("/a?{query}")).await;
        assert_eq!(answer.status, 200);
    }
    let refused = ask(&service, "192.0.2.1", "/a?3").await;
    assert_eq!(refused.status, 429);
    assert!(
        refused.header("cache-status").contains("detail=queries"),
        "{}",
        refused.header("cache-status")
    );
    assert!(!refused.headers.contains_key("retry-after"));
    assert_eq!(lines(&origin).len(), 3);
    // What is kept is free, and so is what has no query, or one that was asked for in this minute.
    for path in ["/a?0", "/a?2", "/a", "/b", "/c", "/d?1"] {
        assert_eq!(ask(&service, "192.0.2.1", path).await.status, 200, "{path}");
    }
    // Others are not held by it, and what they brought is kept for all.
    assert_eq!(ask(&service, "192.0.2.2", "/a?3").await.status, 200);
    assert_eq!(ask(&service, "192.0.2.1", "/a?3").await.status, 200);
    // The addresses of one subscriber are one client.
    for (address, query, expected) in [
        ("2001:db8::1", "4", 200),
        ("2001:db8::2", "5", 200),
        ("2001:db8::ffff:1", "6", 200),
        ("2001:db8::3", "7", 429),
        ("2001:db8:0:1::1", "7", 200),
    ] {
        let answer = ask(&service, address, &format!("/a?{query}")).await;
        assert_eq!(answer.status, expected, "{address}");
    }
    // A proxy that is not listed is nobody's client.
    let direct = mirror_of(&origin, "queries_max = 1").await;
    for query in 0..5 {
        let answer = get(direct.addr, &format!("/mirror/m/x?{query}"), &[]).await;
        assert_eq!(answer.status, 200);
    }
}

#[tokio::test]
async fn beyond_it_what_is_stale_is_served_and_parameters_that_are_dropped_dont_count() {
    let stale = [("cache-control", "max-age=0")];
    let origin = Origin::start(move |_| Reply::status(200, &stale, "here")).await;
    let service = behind_a_proxy(&origin, "queries_max = 2\nquery = ['q']").await;
    for path in ["/a?q=1", "/a?q=2&x=1", "/a?q=2&x=2"] {
        assert_eq!(ask(&service, "192.0.2.1", path).await.status, 200, "{path}");
    }
    assert_eq!(ask(&service, "192.0.2.1", "/a?q=3").await.status, 429);
    assert_eq!(ask(&service, "192.0.2.2", "/a?q=3").await.status, 200);
    let answer = ask(&service, "192.0.2.1", "/a?q=3").await;
    assert_eq!((answer.status, answer.text()), (200, "here"));
    assert!(
        answer.header("cache-status").contains("detail=queries"),
        "{}",
        answer.header("cache-status")
    );
    // That one client may not ask is no failure of the origin to another.
    let other = ask(&service, "192.0.2.2", "/a?q=3").await;
    assert!(
        other.header("cache-status").contains("fwd=stale"),
        "{}",
        other.header("cache-status")
    );
}
