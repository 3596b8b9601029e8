//! SOCKS proxies: what they are told, and that no proxy is a target.

use std::sync::{Arc, Mutex};

use feedwright::upstream::{FetchOptions, ProxyUser, Upstream, UpstreamClient};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

use super::{client, get, names, reason, upstream};
use crate::origin::{Origin, Reply};

/// A SOCKS 5 proxy that plays the server behind it as well.
struct Socks {
    url: Url,
    told: Arc<Mutex<Vec<String>>>,
    _task: JoinSet<()>,
}

impl Socks {
    async fn start(scheme: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&told);
        let mut task = JoinSet::new();
        task.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that goes away is what some tests are about.
                let _ = serve(stream, &log).await;
            }
        });
        Self {
            url: url.parse().unwrap(),
            told,
            _task: task,
        }
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, told: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).await?;
    stream.read_exact(&mut vec![0; head[1].into()]).await?;
    stream.write_all(&[5, 0]).await?;
    let mut request = [0; 4];
    stream.read_exact(&mut request).await?;
    let target = match request[3] {
        1 => {
            let mut address = [0; 4];
            stream.read_exact(&mut address).await?;
            format!("IPv4 {}", std::net::Ipv4Addr::from(address))
        }
        4 => {
            let mut address = [0; 16];
            stream.read_exact(&mut address).await?;
            format!("IPv6 {}", std::net::Ipv6Addr::from(address))
        }
        _ => {
            let length = stream.read_u8().await?;
            let mut name = vec![0; length.into()];
            stream.read_exact(&mut name).await?;
            format!("name {}", String::from_utf8_lossy(&name))
        }
    };
    let port = stream.read_u16().await?;
    told.lock().unwrap().push(format!("{target} {port}"));
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await?);
    }
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<rss/>";
    stream.write_all(answer).await
}

fn through(proxy: &Socks, url: &str, allow: &[String]) -> Upstream {
    let mut upstream = upstream(url, allow);
    upstream.proxy = Some(proxy.url.clone());
    upstream
}

#[tokio::test]
async fn a_socks_proxy_gets_an_address_that_was_judged() {
    for (answers, url, expected) in [
        (
            &["93.184.216.34"][..],
            "http://a.example/",
            "IPv4 93.184.216.34 80",
        ),
        (
            &["10.0.0.1", "2606:4700::1", "93.184.216.34"],
            "http://a.example:8080/",
            "IPv4 93.184.216.34 8080",
        ),
        (&["10.0.0.1"], "http://1.1.1.1/", "IPv4 1.1.1.1 80"),
    ] {
        let proxy = Socks::start("socks5").await;
        let client = UpstreamClient::new(FetchOptions::default(), names(answers).0).unwrap();
        let (_, body) = get(&client, &through(&proxy, url, &[])).await.unwrap();
        assert_eq!(body, b"<rss/>");
        assert_eq!(proxy.told(), [expected], "{url}");
    }
    for (answers, url, expected) in [
        (&["10.0.0.1", "::1"][..], "http://a.example/", "refused"),
        // The client would write it as a name.
        (&["2606:4700::1"], "http://a.example/", "dns"),
        (&["1.1.1.1"], "http://127.0.0.1/", "refused"),
    ] {
        let proxy = Socks::start("socks5").await;
        let client = UpstreamClient::new(FetchOptions::default(), names(answers).0).unwrap();
        assert_eq!(
            reason(&client, &through(&proxy, url, &[])).await,
            expected,
            "{url}"
        );
        assert_eq!(proxy.told(), [""; 0], "{url}");
    }
}

#[tokio::test]
async fn one_that_resolves_gets_the_name() {
    let proxy = Socks::start("socks5h").await;
    let (lookup, asked) = names(&["10.0.0.1"]);
    let client = UpstreamClient::new(FetchOptions::default(), lookup).unwrap();
    let feed = through(&proxy, "http://a.example/", &[]);
    get(&client, &feed).await.unwrap();
    assert_eq!(proxy.told(), ["name a.example 80"]);
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn no_proxy_is_a_target() {
    // One's own, by its name, which nobody judges the addresses of.
    let proxy = Socks::start("socks5").await;
    let mut feed = through(&proxy, "http://proxy.example.org/", &[]);
    feed.proxy = Some("socks5://proxy.example.org:1080".parse().unwrap());
    assert_eq!(
        reason(&client(FetchOptions::default()), &feed).await,
        "refused"
    );

    // Another's, straight and by a redirect, though the upstream may reach it.
    let other = Origin::script(vec![Reply::ok("<rss/>")]).await;
    let options = FetchOptions::default();
    let urls = [Url::parse(&other.url("")).unwrap()];
    options.proxies.set(ProxyUser::Settings, urls.iter());
    let client = client(options);
    let allow = [other.address().to_string()];
    let straight = upstream(&other.url("/"), &allow);
    assert_eq!(reason(&client, &straight).await, "refused");
    let publisher = Origin::script(vec![Reply::redirect(302, &other.url("/"))]).await;
    let allow = [allow[0].clone(), publisher.address().to_string()];
    let redirected = upstream(&publisher.url("/"), &allow);
    assert_eq!(reason(&client, &redirected).await, "refused");
    assert_eq!(other.accepts(), 0);
}
