//! HTTP/2 servers that misbehave, frame by frame: over TLS, since upstreams speak HTTP/2 nowhere else.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, crypto::ring};

use super::super::{FetchOptions, Fetched, HostPort, ResolverKind, Upstream, Validators, names};
use super::UpstreamClient;

/// A certificate for 127.0.0.1 that its own key signed; made for tests.
const CERTIFICATE: &[u8] = include_bytes!("../../../tests/it/tls/loopback.der");
const KEY: &[u8] = include_bytes!("../../../tests/it/tls/loopback.key.der");

const FEED: &[u8] = b"<rss><channel><title>News</title></channel></rss>";
/// `:status: 200`, by its number in HPACK's own table.
const STATUS_200: &[u8] = &[0x88];
/// The same and `content-length: 49`, which is the feed's.
const STATUS_200_AND_LENGTH: &[u8] = &[0x88, 0x0f, 0x0d, 2, b'4', b'9'];
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

#[derive(Clone, Copy)]
enum Kind {
    Data = 0,
    Headers = 1,
    Reset = 3,
    Settings = 4,
    Ping = 6,
    GoAway = 7,
    Continuation = 9,
}
use Kind::{Continuation, Data, GoAway, Headers, Ping, Reset, Settings};

/// A frame of stream 1, or of the connection where its kind belongs to that.
fn frame(kind: Kind, flags: u8, payload: &[u8]) -> Vec<u8> {
    let stream = match kind {
        Settings | Ping | GoAway => 0,
        _ => 1,
    };
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind as u8, flags, 0, 0, 0, stream]);
    bytes.extend(payload);
    bytes
}

/// What is sent when the first request has come, and how often the last of it.
#[derive(Clone)]
struct Script(Vec<Vec<u8>>, usize);

fn whole() -> Script {
    let head = frame(Headers, END_HEADERS, STATUS_200);
    Script(vec![head, frame(Data, END_STREAM, FEED)], 1)
}

fn go_away(last: u8) -> Vec<u8> {
    frame(GoAway, 0, &[0, 0, 0, last, 0, 0, 0, 0])
}

fn reset(reason: u8) -> Vec<u8> {
    frame(Reset, 0, &[0, 0, 0, reason])
}

/// A server whose connections play these scripts in order, and the last one again and again.
fn serve(scripts: Vec<Script>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(CERTIFICATE)],
            PrivateKeyDer::try_from(KEY).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let config = Arc::new(config);
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let number = counted.fetch_add(1, Ordering::SeqCst);
            let script = scripts[number.min(scripts.len() - 1)].clone();
            let config = Arc::clone(&config);
            // A client that goes away is what is tested.
            std::thread::spawn(move || play(stream, config, script).ok());
        }
    });
    (address, count)
}

fn play(
    mut stream: std::net::TcpStream,
    config: Arc<ServerConfig>,
    Script(frames, times): Script,
) -> io::Result<()> {
    let patience = Some(Duration::from_secs(10));
    stream.set_write_timeout(patience)?;
    stream.set_read_timeout(patience)?;
    let mut connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut tls = rustls::Stream::new(&mut connection, &mut stream);
    tls.write_all(&frame(Settings, 0, &[]))?;
    let mut preface = [0; 24];
    tls.read_exact(&mut preface)?;
    loop {
        let mut head = [0; 9];
        tls.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        tls.read_exact(&mut payload)?;
        if head[3] == Headers as u8 {
            break;
        }
    }
    let (last, first) = frames.split_last().unwrap();
    tls.write_all(&first.concat())?;
    // Many frames of nine bytes are many records of TLS, if each is written alone.
    let many = last.repeat(1_000);
    for _ in 0..times / 1_000 {
        tls.write_all(&many)?;
    }
    tls.write_all(&last.repeat(times % 1_000))?;
    tls.flush()?;
    io::copy(&mut tls, &mut io::sink())?;
    Ok(())
}

/// A client that trusts the certificate above and waits for a second.
fn client() -> UpstreamClient {
    let second = Duration::from_secs(1);
    let options = FetchOptions {
        first_byte_timeout: second,
        idle_timeout: second,
        total_timeout: 4 * second,
        ..FetchOptions::default()
    };
    let mut client = UpstreamClient::new(options, names(ResolverKind::Dns)).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(CERTIFICATE)).unwrap();
    let provider = Arc::new(ring::default_provider());
    client.tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    client
}

/// The body, or one word for what was wrong with it.
async fn fetch(client: &UpstreamClient, server: SocketAddr) -> Result<Vec<u8>, &'static str> {
    let upstream = Upstream {
        url: format!("https://{server}/").parse().unwrap(),
        user_agent: None,
        headers: Vec::new(),
        cookies: None,
        proxy: None,
        allow_private: vec![HostPort::parse(&server.to_string()).unwrap()],
    };
    let fetched = client.fetch(&upstream, &Validators::default()).await;
    let Fetched::Found(mut found) = fetched.map_err(|error| error.reason())? else {
        panic!("a 304 was not expected");
    };
    let mut body = Vec::new();
    while let Some(piece) = found.body.chunk().await.map_err(|error| error.reason())? {
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

#[tokio::test(flavor = "multi_thread")]
async fn u19_http_2_that_goes_away_is_asked_again_where_it_did_nothing_yet() {
    let head = frame(Headers, END_HEADERS, STATUS_200);
    let half = frame(Data, 0, &FEED[..20]);
    let rest = frame(Data, END_STREAM, &FEED[20..]);
    let again = |bytes: Vec<u8>| vec![Script(vec![bytes], 1), whole()];
    let mid = |bytes: Vec<u8>| vec![Script(vec![head.clone(), half.clone(), bytes], 1)];
    for (what, scripts, connections) in [
        ("nothing wrong", vec![whole()], 1),
        ("gone before it did anything", again(go_away(0)), 2),
        (
            "a stream that is refused",
            again([reset(7), go_away(1)].concat()),
            2,
        ),
        (
            "gone after this one",
            mid([go_away(1), rest.clone()].concat()),
            1,
        ),
    ] {
        let (server, count) = serve(scripts);
        let body = fetch(&client(), server).await;
        assert_eq!(body, Ok(FEED.to_vec()), "{what}");
        assert!(count.load(Ordering::SeqCst) <= connections, "{what}");
    }
}

/// What is played, and what it may come to.
type Case = (&'static str, Script, &'static [&'static str]);

fn ends_and_stalls() -> Vec<Case> {
    let head = frame(Headers, END_HEADERS, STATUS_200_AND_LENGTH);
    let half = frame(Data, 0, &FEED[..20]);
    let end = frame(Data, END_STREAM, &[]);
    let mid = |bytes: Vec<u8>| Script(vec![head.clone(), half.clone(), bytes], 1);
    let ping = frame(Ping, 0, &[0; 8]);
    let cut = &["cut", "protocol"][..];
    vec![
        ("reset", Script(vec![reset(2)], 1), cut),
        ("reset in the middle", mid(reset(2)), cut),
        ("reset in the middle, for no reason", mid(reset(0)), cut),
        ("cancelled in the middle", mid(reset(8)), cut),
        (
            "gone in the middle",
            mid(go_away(0)),
            &["cut", "protocol", "timeout"],
        ),
        ("ended in the middle", mid(end), cut),
        ("no answer", Script(vec![ping.clone()], 1), &["timeout"]),
        ("a stall", mid(ping), &["timeout"]),
        (
            "a frame of no stream",
            Script(vec![frame(Continuation, 0, &[])], 1),
            cut,
        ),
    ]
}

fn floods() -> Vec<Case> {
    let head = frame(Headers, END_HEADERS, STATUS_200);
    let open = frame(Headers, 0, STATUS_200);
    let of = |frames: Vec<Vec<u8>>| Script(frames, 200_000);
    let ends = &["timeout", "protocol", "cut"][..];
    vec![
        ("settings", of(vec![frame(Settings, 0, &[])]), ends),
        ("pings", of(vec![frame(Ping, 0, &[0; 8])]), ends),
        ("empty data", of(vec![head, frame(Data, 0, &[])]), ends),
        (
            "a head without an end",
            of(vec![open, frame(Continuation, 0, STATUS_200)]),
            ends,
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn u19_http_2_that_breaks_off_stalls_or_floods_ends_in_an_error() {
    let cases = ends_and_stalls().into_iter().chain(floods());
    for (what, script, reasons) in cases {
        let (server, _) = serve(vec![script]);
        let client = client();
        let begun = Instant::now();
        let outcome = fetch(&client, server).await;
        let took = begun.elapsed();
        let reason = outcome.expect_err(what);
        assert!(reasons.contains(&reason), "{what}: {reason}");
        assert!(took < Duration::from_secs(20), "{what}: {took:?}");
        let (other, _) = serve(vec![whole()]);
        assert_eq!(fetch(&client, other).await, Ok(FEED.to_vec()), "{what}");
    }
}
