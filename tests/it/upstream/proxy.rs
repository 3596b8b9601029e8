//! Outbound proxies: the configured one is used, those of the environment never are.

use super::{client, get, names, reason, upstream};
use crate::origin::{Origin, Reply, field};
use feedwright::upstream::{FetchOptions, Upstream, UpstreamClient};
use url::Url;

fn through(proxy: &str, url: &str) -> Upstream {
    let mut upstream = upstream(url, &[]);
    upstream.proxy = Some(Url::parse(proxy).unwrap());
    upstream
}

#[tokio::test]
async fn an_outbound_proxy_is_asked_for_the_whole_address() {
    let proxy = Origin::script(vec![Reply::ok("<rss/>")]).await;
    let (lookup, asked) = names(&["10.0.0.1"]);
    let client = UpstreamClient::new(FetchOptions::default(), lookup).unwrap();
    let feed = through(
        &proxy.url("").replace("http://", "http://u:p@"),
        "http://a.example/feed",
    );
    let (_, body) = get(&client, &feed).await.unwrap();
    assert_eq!(body, b"<rss/>");
    let head = &proxy.seen()[0];
    assert!(
        head.starts_with("GET http://a.example/feed HTTP/1.1\r\n"),
        "{head}"
    );
    assert_eq!(field(head, "proxy-authorization"), Some("Basic dTpw"));
    assert!(asked.lock().unwrap().is_empty(), "the proxy resolves names");
}

#[tokio::test]
async fn the_policy_holds_before_an_outbound_proxy() {
    let proxy = Origin::script(vec![Reply::redirect(302, "http://169.254.169.254/")]).await;
    let client = client(FetchOptions::default());
    for url in [
        "http://10.0.0.1/",
        "http://localhost/",
        "http://nas.lan/",
        "http://[::1]/",
    ] {
        assert_eq!(
            reason(&client, &through(&proxy.url(""), url)).await,
            "refused",
            "{url}"
        );
    }
    assert_eq!(proxy.accepts(), 0);
    let redirected = through(&proxy.url(""), "http://a.example/");
    assert_eq!(reason(&client, &redirected).await, "refused");
    assert_eq!(proxy.accepts(), 1);
}

#[tokio::test]
async fn a_socks_proxy_that_leaves_names_to_us_gets_public_addresses_only() {
    let proxy = Origin::script(vec![Reply::default().close()]).await;
    let url = proxy.url("").replace("http://", "socks5://");
    let feed = through(&url, "http://rebound.example/");
    // Every name is 127.0.0.1 here.
    assert_eq!(
        reason(&client(FetchOptions::default()), &feed).await,
        "refused"
    );
    assert_eq!(proxy.accepts(), 0);
}

#[tokio::test]
async fn a_proxys_own_name_may_be_private() {
    let proxy = Origin::script(vec![Reply::ok("<rss/>")]).await;
    let url = proxy.url("").replace("127.0.0.1", "squid.lan");
    let (_, body) = get(
        &client(FetchOptions::default()),
        &through(&url, "http://a.example/"),
    )
    .await
    .unwrap();
    assert_eq!(body, b"<rss/>");
}

/// The address of the origin that a child process is to fetch.
const CHILD_URL: &str = "FEEDWRIGHT_TEST_CHILD_URL";

/// The environment of a process cannot be changed safely from within: the fetch happens in a child.
#[tokio::test]
async fn proxies_of_the_environment_are_ignored() {
    let origin = Origin::script(vec![Reply::ok("<rss/>")]).await;
    let proxy = Origin::script(vec![Reply::status(502, &[], "")]).await;
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "upstream::proxy::child_of_the_test_above"]);
    child.env(CHILD_URL, origin.url("/"));
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ] {
        child.env(name, proxy.url(""));
    }
    child.env_remove("no_proxy").env_remove("NO_PROXY");
    let output = child.output().await.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!(origin.accepts(), 1);
    assert_eq!(proxy.accepts(), 0);
}

#[tokio::test]
async fn child_of_the_test_above() {
    let Some(url) = std::env::var_os(CHILD_URL) else {
        return;
    };
    let url = Url::parse(url.to_str().unwrap()).unwrap();
    let allow = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let feed = upstream(url.as_str(), &[allow]);
    get(&client(FetchOptions::default()), &feed).await.unwrap();
}
