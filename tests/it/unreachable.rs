//! Upstreams that can't be reached: names, handshakes, silence.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use feedwright::store::Store;
use feedwright::upstream::Lookup;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

use crate::origin::{Origin, Reply};
use crate::reader::get;
use crate::service::{Service, feed_of};
use crate::simulation::Simulation;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
/// A copy is fresh for a second and up to a fifth of one.
const PAST_FRESH: Duration = Duration::from_millis(1_250);
const QUICK: &str = "[fetch]\nconnect_timeout = \"300ms\"\nfirst_byte_timeout = \"300ms\"\nidle_timeout = \"300ms\"\ntotal_timeout = \"2s\"\n";
const SHORT: &str = "refresh = \"1s\"\nretry_after_error = \"1s\"\nserve_stale_after = \"5s\"\nactive_for = \"0s\"\n";

/// A key and certificates that it signed itself, made for these tests: for 127.0.0.1, for it but
/// expired, and for another host.
const KEY: &[u8] = include_bytes!("tls/loopback.key.der");
const CERTIFICATE: &[u8] = include_bytes!("tls/loopback.der");
const OTHER_CERTIFICATES: [(&str, &str); 2] = [
    (
        "expired",
        "MIIBSzCB8qADAgECAhRA6QhTGmrK6DXEVO+yVV2WInvADTAKBggqhkjOPQQDAjAMMQowCAYDVQQDDAF0MB4XDTIwMDEwMTAwMDAwMFoXDTIwMDIwMTAwMDAwMFowDDEKMAgGA1UEAwwBdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIHGevxDZvsKIlc8HROwPma09xLqUBCOdecUHN/kADNsQSSjm/G3qWbmHD/1O4L1a+eZ7ded1UF9aK9hN+0PON6jMjAwMA8GA1UdEQQIMAaHBH8AAAEwHQYDVR0OBBYEFHReIA3E9/gAfTvkSwiqkv8EuzImMAoGCCqGSM49BAMCA0gAMEUCIQDpAdVYV0oinC/MndqBWxkz+XfHxJ0v/yE1k6DWqnyXrwIgX7w+S/t1QNCWTDEPrm/mHV3IlwFPmZCH6mldN2fZfn8=",
    ),
    (
        "another host's",
        "MIIBVjCB/aADAgECAhR8z8v18MhiYmNGsTwVVLIocI8sazAKBggqhkjOPQQDAjAMMQowCAYDVQQDDAF0MCAXDTI1MDEwMTAwMDAwMFoYDzIwNzUwMTAxMDAwMDAwWjAMMQowCAYDVQQDDAF0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgcZ6/ENm+woiVzwdE7A+ZrT3EupQEI515xQc3+QAM2xBJKOb8bepZuYcP/U7gvVr55nt153VQX1or2E37Q843qM7MDkwGAYDVR0RBBEwD4INb3RoZXIuZXhhbXBsZTAdBgNVHQ4EFgQUdF4gDcT3+AB9O+RLCKqS/wS7MiYwCgYIKoZIzj0EAwIDSAAwRQIgE9W6mKrlYhq7UZt6q55TxQ1ar6lUAfNabAWlznfb/o0CIQDxMO4ToeEvkFFDVsgHKSvp2IIZ5HaV4xp67GAksdMd6A==",
    ),
];

/// A server on a thread of its own that does this with each connection. It ends with the process.
fn serve(talk: impl Fn(std::net::TcpStream) -> io::Result<()> + Send + 'static) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away is what is tested.
            let _ = talk(stream);
        }
    });
    address
}

/// A server that would give a feed to whoever accepts its certificate.
fn tls_server(certificate: Vec<u8>) -> SocketAddr {
    let chain = vec![CertificateDer::from(certificate)];
    let key = PrivateKeyDer::try_from(KEY).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    serve(move |mut stream| {
        let mut connection =
            ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        let mut tls = rustls::Stream::new(&mut connection, &mut stream);
        tls.read_exact(&mut [0])?;
        let feed = "<rss><channel><title>T</title></channel></rss>";
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", feed.len());
        tls.write_all((head + feed).as_bytes())
    })
}

/// A server that answers the first bytes with these.
fn blunt_server(answer: &'static [u8]) -> SocketAddr {
    serve(move |mut stream| {
        stream.read_exact(&mut [0])?;
        stream.write_all(answer)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn u18_without_a_secure_connection_there_is_no_feed() {
    let own = [("self-signed", CERTIFICATE.to_vec())];
    let other = OTHER_CERTIFICATES.map(|(what, text)| (what, STANDARD.decode(text).unwrap()));
    let certified = own.into_iter().chain(other);
    let certified = certified.map(|(what, certificate)| (what, tls_server(certificate), "tls"));
    let silent = Origin::start(|_| Reply::default()).await;
    // An alert: this protocol version is not supported.
    let old = blunt_server(b"\x15\x03\x01\x00\x02\x02\x46");
    let plain = blunt_server(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let others = [
        ("only TLS 1.0", old, "tls"),
        ("no TLS", plain, "tls"),
        ("nothing", silent.address(), "timeout"),
    ];
    for (what, server, reason) in certified.chain(others) {
        let location = format!("https://{server}/feed.xml");
        let good = Reply::ok(feed_of(3, 100));
        let publisher = Origin::script(vec![good, Reply::redirect(302, &location)]).await;
        let toml = format!(
            "{QUICK}[defaults]\n{SHORT}allow_private = [\"PUBLISHER\", \"{server}\"]\n\
             [[feed]]\nname = \"stale\"\nurl = \"http://PUBLISHER/\"\n\
             [[feed]]\nname = \"cold\"\nurl = \"{location}\"\n"
        );
        let service = Service::start(&toml, publisher.address()).await;
        let before = get(service.addr, "/feeds/stale", &[]).await;
        assert_eq!(before.status, 200);
        tokio::time::sleep(PAST_FRESH).await;
        let stale = get(service.addr, "/feeds/stale", &[]).await;
        assert_eq!((stale.status, stale.body), (200, before.body), "{what}");
        let cold = get(service.addr, "/feeds/cold", &[]).await;
        let expected = if reason == "timeout" { 504 } else { 502 };
        assert_eq!(cold.status, expected, "{what}");
        for headers in [stale.headers, cold.headers] {
            let status = headers["cache-status"].to_str().unwrap();
            assert!(
                status.ends_with(&format!("detail={reason}")),
                "{what}: {status}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u20_slow_upstreams_end_and_keep_nobody_who_can_have_a_copy() {
    let feed = feed_of(10, 1_000);
    let most = &feed[..feed.len() * 9 / 10];
    let length = feed.len().to_string();
    let pause = Duration::from_millis(200);
    let drip = Reply::head(200, &[], Some(&length)).drip(feed.as_bytes(), 1, pause);
    for (what, slow, patience) in [
        ("no head", Reply::default().hang(), "5s"),
        ("no head", Reply::default().hang(), "50ms"),
        ("a byte now and then", drip, "50ms"),
        (
            "a stall near the end",
            Reply::head(200, &[], Some(&length)).send(most).hang(),
            "5s",
        ),
    ] {
        let publisher = Origin::script(vec![Reply::ok(&feed), slow.clone()]).await;
        let keys = SHORT.replace("5s", patience);
        let toml = format!(
            "{QUICK}[defaults]\n{keys}allow_private = [\"PUBLISHER\"]\n[[feed]]\nname = \"news\"\nurl = \"http://PUBLISHER/\"\n"
        );
        let service = Service::start(&toml, publisher.address()).await;
        let before = get(service.addr, "/feeds/news", &[]).await;
        tokio::time::sleep(PAST_FRESH).await;
        let answer = get(service.addr, "/feeds/news", &[]).await;
        assert_eq!((answer.status, &answer.body), (200, &before.body), "{what}");
        let expected = if patience == "5s" {
            "detail=timeout"
        } else {
            "detail=slow"
        };
        assert!(
            answer.header("cache-status").ends_with(expected),
            "{what}: {}",
            answer.header("cache-status")
        );

        let publisher = Origin::script(vec![slow]).await;
        let service = Service::start(&toml, publisher.address()).await;
        let cold = get(service.addr, "/feeds/news", &[]).await;
        let is_honest = cold.status == 504 || (cold.status == 200 && !cold.whole);
        assert!(is_honest, "{what}: {} {}", cold.status, cold.whole);
    }
}

/// What a name leads to, and how often it was looked up.
#[derive(Clone)]
struct Names {
    answer: Arc<Mutex<Option<Vec<IpAddr>>>>,
    asked: Arc<AtomicUsize>,
}

impl Names {
    fn lookup(&self) -> Lookup {
        let names = self.clone();
        Arc::new(move |_| {
            names.asked.fetch_add(1, Ordering::SeqCst);
            let answer = names.answer.lock().unwrap().clone();
            Box::pin(async move { answer.ok_or_else(|| io::Error::other("no such name")) })
        })
    }

    fn lead_to(&self, answer: Option<Vec<IpAddr>>) {
        *self.answer.lock().unwrap() = answer;
    }
}

#[tokio::test(start_paused = true)]
async fn n1_names_that_lead_nowhere() {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let publisher = Origin::start(|_| Reply::ok(feed_of(3, 100))).await;
    let port = publisher.address().port();
    let toml = format!(
        "[[feed]]\nname = \"news\"\nurl = \"http://news.test:{port}/\"\nallow_private = [\"news.test:{port}\"]\nactive_for = \"0s\"\n\
         [[feed]]\nname = \"cold\"\nurl = \"http://cold.test:{port}/\"\nallow_private = [\"cold.test:{port}\"]\nactive_for = \"0s\"\n"
    );
    for broken in [None, Some(Vec::new())] {
        let names = Names {
            answer: Arc::default(),
            asked: Arc::default(),
        };
        names.lead_to(Some(vec![loopback]));
        let mut service =
            Simulation::with(&toml, publisher.address(), Store::memory(), names.lookup()).await;
        let before = service.read("/feeds/news", &[]).await;
        assert_eq!(before.status, 200);
        service.pass_in(60 * SECOND, 2 * HOUR).await;
        names.lead_to(broken);
        let stale = service.read("/feeds/news", &[]).await;
        assert_eq!((stale.status, &stale.body), (200, &before.body));
        assert!(stale.header("cache-status").ends_with("detail=dns"));
        let cold = service.read("/feeds/cold", &[]).await;
        assert_eq!(
            (cold.status, cold.header("cache-status")),
            (502, "Feedwright; fwd=uri-miss; detail=dns")
        );
        // For half a minute nobody looks the name up again.
        let asked = names.asked.load(Ordering::SeqCst);
        service.pass(25 * SECOND).await;
        assert_eq!(service.read("/feeds/cold", &[]).await.status, 502);
        assert_eq!(names.asked.load(Ordering::SeqCst), asked);
        names.lead_to(Some(vec![loopback; 100]));
        service.pass(6 * SECOND).await;
        assert_eq!(service.read("/feeds/cold", &[]).await.status, 200);
        assert_eq!(service.read("/feeds/news", &[]).await.status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn n1_a_name_that_comes_to_lead_inside_is_refused_and_the_copy_stands_in() {
    let publisher = Origin::start(|_| Reply::ok(feed_of(3, 100))).await;
    let names = Names {
        answer: Arc::default(),
        asked: Arc::default(),
    };
    names.lead_to(Some(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]));
    let toml = format!(
        "[[feed]]\nname = \"news\"\nurl = \"http://news.example.org:{}/\"\n",
        publisher.address().port()
    );
    let mut service =
        Simulation::with(&toml, publisher.address(), Store::memory(), names.lookup()).await;
    let answer = service.read("/feeds/news", &[]).await;
    assert_eq!(answer.status, 502);
    assert!(answer.header("cache-status").ends_with("detail=refused"));
    assert_eq!(publisher.settled_accepts().await, 0);
}
